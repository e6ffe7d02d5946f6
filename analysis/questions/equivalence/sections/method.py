"""How to read it: margins, rules, files."""

from analysis.report.document import Block, Prose, Section

from analysis.equivalence import LEAST_FREEDOM, LEAST_SEEDS
from analysis.formats import percent
from analysis.questions.equivalence.assessment import ALPHA, NEARLY_ALL
from analysis.questions.equivalence.findings import Findings
from analysis.questions.equivalence.pictures import Picture


def section(findings: Findings, pictures: dict[str, Picture]) -> Section:
    """Margins, rules, files."""
    question = findings.question
    when = "by default"
    if question.declared_at:
        when = f"on {question.declared_at}, {'before' if question.declared_before else '*after*'} the first result"
    several = (
        " Sweeps declared different margins for these trainings; the strictest is used." if question.several else ""
    )
    margin = 1 + question.margins.ratio
    blocks: list[Block] = [
        Prose(
            f"*The margin*, declared {when}: a ratio of losses between {1 / margin:.3f} and {margin:.3f}, and a "
            f"difference in loss of {100 * question.margins.ratio:g} % of what sequential networks learned.{several}"
        ),
        Prose(
            "- Data sets are judged one by one. A headline about all of them holds on each.\n"
            "- The question is about these configurations on new seeds: seeds give the interval. The second, wider "
            "interval is of other configurations like these.\n"
            "- A configuration is a network with its hyperparameters. Seeds, budgets and methods are averaged within "
            "it. Depth 1, the control, is in no estimate.\n"
            f"- Equivalence is tested by two one-sided tests, over all looks at {percent(ALPHA, 0)}, on the ratio of "
            "losses and on what was learned. Tests hold by Student's t and by Hall's correction for skewness.\n"
            "- *Equivalent*: inside the margin, no difference shown. *Different but inside the margin*: both shown. "
            "*Parallel* or *sequential better*: a difference shown, equivalence not. *Undecided*: neither.\n"
            f"- No verdict is given before all planned pairs are trained, below {LEAST_FREEDOM} pairs more than "
            f"configurations (of {LEAST_SEEDS} seeds or more), after margins declared too late, where networks learn "
            "nothing, and where a control fails.\n"
            f"- A verdict of equivalence is qualified where depth does not help, where less than "
            f"{percent(NEARLY_ALL, 0)} of configurations lie inside the margin, where a side diverges more often, and "
            "where seeds are shared.\n"
            "- Strata are corrected by Holm's method over all strata of a data set by as many factors."
        ),
    ]
    return Section("method", "How to read this", blocks)
