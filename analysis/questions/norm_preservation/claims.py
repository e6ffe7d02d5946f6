"""What P4 claims of gradients' norms, and what these results say of it; and our own questions beside it."""

from collections.abc import Sequence

from analysis.claims import Claim, signs
from analysis.equivalence.mean import Estimate
from analysis.formats import level_name, number, p_is
from analysis.questions.norm_preservation.depths import LEAST_DEPTHS, Depths
from analysis.questions.norm_preservation.findings import Findings
from analysis.questions.norm_preservation.projection import Comparison
from analysis.questions.norm_preservation.rates import Dispute, enough
from analysis.questions.norm_preservation.stacks import LEAST_CONFIGURATIONS, Correlation, Twins, over_configurations
from analysis.report.words import plain, points, ratio, signed
from analysis.seeds import CONFIDENCE, LEAST_SEEDS, LEVEL

_MOST_NAMED = 6
_NO_DEPTHS = "no sequential networks with skip connections that differ in depth alone were measured"


def judge(found: Findings) -> dict[str, list[Claim]]:
    """The claims on depths, projections, rates and twins; none where the study has nothing for it, but on depths."""
    return {
        "depths": [judge_depths(found.depths)],
        "projections": [judge_projections(found.compared)] if found.compared else [],
        "rates": [judge_rates(found.disputes)] if found.disputes else [],
        "twins": [judge_twins(found.twins)] if found.twins else [],
    }


def judge_depths(sets: Sequence[Depths]) -> Claim:
    """Whether the spread falls with depth."""
    found = [-sign for sign in signs([each.change for each in sets])]
    because = [f"{each.label}: spread {_times(each)}, {_slope(each)}" for each in sets]
    return Claim.judged("More blocks keep the norm better.", found, _named(because), "" if sets else _NO_DEPTHS)


def _times(of: Depths) -> str:
    return f"{ratio(2)(of.change.interval(CONFIDENCE))} times"


def _slope(of: Depths) -> str:
    found: Estimate = of.slope.interval(CONFIDENCE)
    if len(of.networks) < LEAST_DEPTHS:
        return "slope not shown, as there are two depths"
    return f"slope {plain(2)(found)} on the bound's, whose shape is 1"


def judge_projections(compared: Sequence[Comparison]) -> Claim:
    """Whether projected transitions lower the error; a comparison with seeds that did not end decides nothing."""
    whole = [each for each in compared if not each.lacking]
    found = [-sign for sign in signs([each.error for each in whole])] + [0] * (len(compared) - len(whole))
    because = [
        f"{each.projected.label} against {each.plain.label}: {points(2)(each.error.interval(CONFIDENCE))} points"
        f"{f', {each.lacking} seeds without a result' if each.lacking else ''}"
        for each in compared
    ]
    return Claim.judged("Norm-preserving transitions lower the error.", found, _named(because))


def judge_rates(found: Sequence[Dispute]) -> Claim:
    """Whether projected networks train at higher rates: at those where some seeds train and some do not."""
    asked = [each for each in found if enough(each)]
    because = [
        f"{each.projected.label} against {each.plain.label}: at {', '.join(map(level_name, each.rates))} "
        f"{p_is(each.test.exact)}"
        for each in asked
    ]
    few = f"rates in dispute have fewer than {LEAST_SEEDS} seeds a side, or seeds without a result"
    undisputed = "at every rate all seeds train, or none does" if not any(each.rates for each in found) else few
    claim = "Networks with norm-preserving transitions train at higher learning rates (our question)."
    return Claim.judged(claim, signs([each.test for each in asked]), _named(because), "" if asked else undisputed)


def judge_twins(twins: Sequence[Twins]) -> Claim:
    """Whether parallel and mixed networks keep the norm better from the first state to the last."""
    means = over_configurations(twins)
    found = [-sign for sign in signs([mean for _, mean in means.values()])]
    because = [
        f"{name} against sequential: absolute log ratio {signed(2)(mean.interval(CONFIDENCE))} in the mean of {count} "
        f"configuration{'s' if count != 1 else ''}"
        for name, (count, mean) in means.items()
    ]
    crossed = any(each.first.trial["draws"] == "crossed" for each in twins)
    return Claim.judged(
        "Parallel and mixed networks keep the norm better than their sequential twins (our question).",
        found,
        because,
        "seeds draw alike in all configurations, which are not independent then" if crossed else "",
    )


def loss_words(name: str, found: Correlation) -> str:
    """Whether losses go with norms, in a sentence; `name` is the arrangement of the first networks."""
    if found.n < 3:
        return f"Fewer than three configurations of {name} networks do not show whether losses go with norms."
    said = (
        f"Spearman's rank correlation of the differences in norm and in loss, {name} against sequential, is "
        f"{number(found.rho, 2)} over {found.n} configurations"
    )
    if found.n < LEAST_CONFIGURATIONS:
        return f"{said}: descriptive alone, as they are fewer than {LEAST_CONFIGURATIONS}."
    if not found.p < LEVEL:
        return f"{said} ({p_is(found.p)}): no relation is shown."
    lower = "lower" if found.rho > 0 else "higher"
    return (
        f"{said} ({p_is(found.p)}): the better the norm is kept, the {lower} the loss. This is no evidence of a cause."
    )


def _named(because: Sequence[str]) -> list[str]:
    """The first of the reasons, and how many more there are."""
    more = [f"{len(because) - _MOST_NAMED} more in the table"] if len(because) > _MOST_NAMED else []
    return [*because[:_MOST_NAMED], *more]
