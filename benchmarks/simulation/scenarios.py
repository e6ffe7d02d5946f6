"""The ways in which losses are drawn, and where an error rate may exceed its nominal one."""

import math
from dataclasses import dataclass

from benchmarks.simulation.generator import CHANCE, Scenario, heavy, skewed

_UNEQUAL = (math.sqrt(0.2), math.sqrt(1.8))
_UNSTABLE = (1.0,) * 7 + (6.0,)
_UNBALANCED = (5, 3, 2, 4, 3)
_MOST_AT_FEWEST = (0.7, 0.7, 1.8, 0.7, 0.7)
_BARE = {"arms": (0.0, 0.0), "common": 0.04, "joint": 0.06}
"""The log ratio's own noise alone, so that its shape is that noise's."""
_CROSSED = {"crossed": True, "shift_of_seed": 0.02}
_NEAR_CHANCE = {"level": math.log(1.9), "levels": 0.02, "one_block": 0.05, "arms": (0.02, 0.02), "spread": 0.005}

SCENARIOS: dict[str, Scenario] = {
    "normal": Scenario(),
    "heavy tails": Scenario(noise=heavy),
    "skewed arms": Scenario(noise=skewed, arms=(0.02, 0.06)),
    "skewed ratio": Scenario(**_BARE),
    "unequal spread": Scenario(scales=_UNEQUAL),
    "unequal arms": Scenario(arms=(0.02, 0.06)),
    "a few unstable": Scenario(scales=_UNSTABLE),
    "a few unstable, skewed ratio": Scenario(**_BARE, scales=_UNSTABLE),
    "hidden pattern": Scenario(effect="hidden", spread=math.log(1.3)),
    "hidden pattern, skewed ratio": Scenario(**_BARE, effect="hidden", spread=math.log(1.3)),
    "unbalanced": Scenario(seeds=_UNBALANCED),
    "unbalanced, skewed ratio": Scenario(**_BARE, seeds=_UNBALANCED),
    "unbalanced, fewest where noise is most": Scenario(seeds=_UNBALANCED, scales=_MOST_AT_FEWEST),
    "unbalanced, one seed there": Scenario(seeds=(5, 3, 1, 4, 3), scales=_MOST_AT_FEWEST),
    "2 % of networks failed": Scenario(failed=0.02),
    "all of it": Scenario(
        noise=skewed, arms=(0.02, 0.06), scales=_UNEQUAL, effect="hidden", spread=math.log(1.3), seeds=_UNBALANCED
    ),
    "crossed": Scenario(**_CROSSED),
    "crossed, heavy tails": Scenario(**_CROSSED, noise=heavy, seed_noise=heavy),
    "crossed, skewed seeds": Scenario(**_CROSSED, seed_noise=skewed),
    "crossed, judged as nested": Scenario(**_CROSSED, nested_instead=True),
    "1 % diverge": Scenario(diverged=0.01),
    "2 % diverge": Scenario(diverged=0.02),
    "5 % diverge": Scenario(diverged=0.05),
    "8 % diverge": Scenario(diverged=0.08),
    "8 % diverge, in every sixth configuration": Scenario(diverged=0.08, unstable_every=6),
    "every twelfth configuration diverges": Scenario(diverged=1 / 12, unstable_every=12),
    "40 % diverge": Scenario(diverged=0.40),
    "all diverge": Scenario(diverged=1.0),
    "near chance": Scenario(**_NEAR_CHANCE),
    "near chance, heavy tails": Scenario(**_NEAR_CHANCE, noise=heavy),
    "near chance, unequal spread": Scenario(**_NEAR_CHANCE, scales=_UNEQUAL),
    "near chance, skewed ratio": Scenario(**{**_NEAR_CHANCE, "arms": (0.0, 0.0), "common": 0.02, "joint": 0.03}),
    "at chance": Scenario(level=math.log(CHANCE) - 0.0008, levels=0.0, effect="none", one_block=0.0),
    "depth does not help": Scenario(one_block=0.0),
    "random effects": Scenario(effect="random", spread=0.05),
    "random effects, heavy tails": Scenario(effect="random", spread=0.05, effect_noise=heavy, noise=heavy),
    "random effects, skewed": Scenario(effect="random", spread=0.05, effect_noise=skewed, noise=skewed),
    "random effects, crossed": Scenario(**_CROSSED, effect="random", spread=0.05),
    "random effects, wide": Scenario(effect="random", spread=0.10),
    "random effects off the middle": Scenario(effect="random", spread=0.05, centre=0.06),
}


@dataclass(frozen=True)
class Limit:
    """Up to how many configurations a rate may be off, in which measures, all if none are named, and why."""

    most: int
    reason: str
    measures: tuple[str, ...] = ()


_TO_THE_LEFT = ("equivalent at the upper edge", "parallel ahead at truth 0")
_SKEW = "the correction for skew takes the skewness from the same few values"
_SHARED = "a handful of crossed seeds does not tell their skewness, however many configurations share them"
_UNSEEN = "what befalls fewer than three in so many networks is often not seen at all"
_SINGLE = "the noise of a configuration of one seed is not known; there is no verdict either"
_FREEDOM = "where three crossed seeds are nearly all of the variance, Satterthwaite's degrees of freedom are too many"

LIMITS: dict[str, tuple[Limit, ...]] = {
    "skewed arms": (Limit(24, _SKEW, _TO_THE_LEFT),),
    "hidden pattern, skewed ratio": (Limit(24, _SKEW, _TO_THE_LEFT),),
    "a few unstable, skewed ratio": (Limit(192, _SKEW),),
    "all of it": (Limit(24, _SKEW, _TO_THE_LEFT),),
    "unbalanced, one seed there": (Limit(192, _SINGLE, ("coverage of this grid",)),),
    "crossed, skewed seeds": (Limit(192, _SHARED),),
    "1 % diverge": (Limit(48, _UNSEEN),),
    "2 % diverge": (Limit(48, _UNSEEN),),
    "5 % diverge": (Limit(24, _UNSEEN, _TO_THE_LEFT),),
    "random effects, crossed": (Limit(192, _FREEDOM, ("coverage of other networks",)),),
}
"""Where error rates are known to exceed their nominal ones. Each was declared after it was seen in this simulation."""


def limit(scenario: str, configurations: int, measure: str) -> str | None:
    """Why a rate may be off, or None where it may not."""
    for each in LIMITS.get(scenario, ()):
        if configurations <= each.most and (not each.measures or measure in each.measures):
            return each.reason
    return None
