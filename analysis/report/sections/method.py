"""How to read it: margins, rules, files."""

from analysis.report.document import Block, Prose, Section
from analysis.report.findings import Findings
from analysis.report.pictures import Picture


def section(findings: Findings, pictures: dict[str, Picture]) -> Section:
    """Margins, rules, files."""
    declared = findings.declared
    margins = declared.margins
    when = "by default"
    if declared.declared_at:
        when = f"on {declared.declared_at}, {'before' if declared.before else '*after*'} the first result"
    several = " Sweeps of this study declared different margins; the strictest are used." if declared.several else ""
    margin = 1 + margins.ratio
    blocks: list[Block] = [
        Prose(
            f"*Margins*, declared {when}: a ratio of losses between {1 / margin:.3f} and {margin:.3f} "
            f"({100 * margins.ratio:g} %), and {margins.seed_noise:g} times the standard deviation of the loss among "
            f"seeds of one configuration.{several}"
        ),
        Prose(
            "- The unit is the configuration: seeds are averaged within it. Depth 1, the control, is in no estimate.\n"
            "- Equivalence is tested by two one-sided t tests (TOST) at 5 % on mean log ratios: it is shown where the "
            "90 % interval lies inside the margin.\n"
            "- *Equivalent*: inside the margin, no difference shown. *Different but inside the margin*: both shown. "
            "*Parallel* or *sequential better*: a difference shown, equivalence not. *Undecided*: neither.\n"
            "- Diverged trials are counted and compared. Pairs without a contrast (a side failed, missing, or alone "
            "diverged) limit every verdict: if filling them with the largest ratio seen, and at least a factor of "
            "two, for or against parallel, leads to another verdict, it is undecided.\n"
            "- Strata are corrected by Holm's method over all strata of as many factors, tests of equivalence and of "
            "difference apart. The other verdicts are single tests at 5 %.\n"
            "- Configurations are treated as drawn from the grid: the intervals are of networks like these, on these "
            "data sets."
        ),
    ]
    return Section("method", "How to read this", blocks)
