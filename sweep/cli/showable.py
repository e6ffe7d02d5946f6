"""What a plan could show, in `sweep plan`: power, the detectable difference, and what more of either would buy."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sweep.errors import SweepError
from sweep.ledger import Ledger
from sweep.planning import Plan
from sweep.trial import not_configuration

ASSUMED = 0.05
"""Standard deviation of log ratios among seeds, where nothing is known: that of small networks trained briefly."""


@dataclass(frozen=True)
class Pairs:
    """The matched pairs deeper than one block that a plan has on a data set."""

    configurations: int
    seeds: int
    """The fewest that any configuration has."""
    crossed: bool = False
    """Whether seeds draw alike in all configurations."""


def planned_pairs(plan: Plan) -> dict[str, Pairs]:
    """The pairs of a plan by data set; none for data sets without pairs."""
    sides: dict[str, dict[str, Any]] = {"sequential": {}, "parallel": {}}
    for trial in plan.trials:
        if trial.architecture in sides and trial.depth > 1:
            sides[trial.architecture][trial.pair_id] = trial
    left_out = set(not_configuration())
    seeds: dict[str, dict[tuple[Any, ...], set[int]]] = {}
    crossed: set[str] = set()
    for pair_id in sides["sequential"].keys() & sides["parallel"].keys():
        trial = sides["sequential"][pair_id]
        key = tuple(value for name, value in trial.as_dict().items() if name not in left_out)
        seeds.setdefault(trial.dataset, {}).setdefault(key, set()).add(trial.seed)
        if trial.draws == "crossed":
            crossed.add(trial.dataset)
    return {
        name: Pairs(len(found), min(map(len, found.values())), name in crossed) for name, found in sorted(seeds.items())
    }


def showable(plan: Plan, store: str, noise: float | None) -> dict[str, dict[str, Any]]:
    """By data set: power to show equivalence at the margin, and the difference detected, now and with more.

    The noise is the one given, or that of the results in the store, or an assumption.
    """
    from analysis.equivalence.power import power
    from analysis.equivalence.verdict import ALPHA, alpha_of_look
    from analysis.questions.equivalence.assessment import log_margin

    if noise is not None and not 0 < noise < 10:
        raise SweepError(f"--noise is {noise:g}, but takes a standard deviation of log ratios above 0, such as 0.05")
    pairs = planned_pairs(plan)
    seen = {} if noise is not None or not pairs else _noise_of(store)
    found: dict[str, dict[str, Any]] = {}
    for name, each in pairs.items():
        own = noise or seen.get(name) or ASSUMED
        source = "given" if noise else "the store's" if name in seen else "assumed"
        sizes = {
            "planned": (each.configurations, each.seeds),
            "one_more_seed": (each.configurations, each.seeds + 1),
            "twice_the_configurations": (2 * each.configurations, each.seeds),
        }
        margin, alpha = log_margin(plan.margins), alpha_of_look(1, ALPHA)
        found[name] = {"noise": own, "noise_is": source} | {
            size: vars(power(*counts, own, margin, alpha, each.crossed)) for size, counts in sizes.items()
        }
    return found


HEADS = ("data set", "noise", "power", "detects", "+1 seed", "2x networks")


def showable_rows(found: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    """The same as rows under `HEADS`: power to show equivalence, and the difference that would be detected."""
    from analysis.formats import dataset_name, typed

    for name, each in found.items():
        now, *more = (each[size] for size in ("planned", "one_more_seed", "twice_the_configurations"))
        further = (f"{_power(size)}, {_percent(size['detectable'])}" for size in more)
        noise = f"{_percent(each['noise'])} ({each['noise_is']})"
        yield typed(dataset_name(name)), noise, _power(now), _percent(now["detectable"]), *further


def _power(size: Mapping[str, Any]) -> str:
    """The chance to show equivalence, or that there are too few pairs for any verdict."""
    return _chance(size["equivalence"]) if size["enough"] else "too few pairs"


def _chance(value: float) -> str:
    return "none" if math.isnan(value) else f"{100 * value:.0f} %"


def _percent(log_ratio: float) -> str:
    return "nothing" if math.isnan(log_ratio) else f"{100 * math.expm1(log_ratio):.2g} %"


def _noise_of(store: str) -> dict[str, float]:
    """The standard deviation of log ratios among seeds in a store's results, by data set."""
    if Ledger(store).files.read("store.json") is None:
        return {}
    import analysis
    from analysis.equivalence.components import components
    from analysis.questions.equivalence.sample import by_dataset, make_sample

    if not Ledger.open(store).contents.status:
        return {}
    sample = make_sample(analysis.open(store).pairs("val_loss"), "val_loss")
    found: dict[str, float] = {}
    for name, part in by_dataset(sample).items():
        of = part.contrasts(part.contrast("ratio"))
        within = components(of.values, of.configuration).within
        if within > 0:
            found[name] = math.sqrt(within)
    return found
