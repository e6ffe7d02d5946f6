"""What is counted of experiments of one scenario and size."""

import math
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analysis.equivalence.mean import Estimate
from analysis.equivalence.verdict import Verdict, alpha_of_look
from analysis.questions.equivalence.assessment import Assessment
from benchmarks.simulation.generator import (
    Array,
    Draw,
    Layout,
    Scenario,
    draw,
    layout,
    shift_for_learned,
    shift_for_mean,
)
from benchmarks.simulation.judge import Judge
from benchmarks.simulation.scenarios import SCENARIOS, limit

SEED = 2027
ALPHA = 0.05
FIRST_LOOK = alpha_of_look(1, ALPHA)
EDGE = math.log(1.1)
LOOKS = (3, 4, 5, 6, 7)
"""Seeds at each look."""
CHECKED = 5
"""Experiments a cell that are judged both ways."""


@dataclass(frozen=True)
class Cell:
    """Many experiments of one scenario, with so many configurations and seeds."""

    kind: str
    scenario: str
    configurations: int
    seeds: int
    draws: int

    @property
    def of(self) -> Scenario:
        """The scenario."""
        return SCENARIOS[self.scenario]

    @property
    def counts(self) -> tuple[int, ...]:
        """Seeds that configurations cycle through."""
        return self.of.seeds or (self.seeds,)

    @property
    def layout(self) -> Layout:
        """The pairs of every experiment."""
        return layout(self.configurations, self.counts)

    def judge(self, margin: float = 0.10, fully: bool = False, ends: bool = False) -> Judge:
        """The rules for these pairs."""
        return Judge(self.layout, self.of.crossed and not self.of.nested_instead, margin, fully, ends)

    def experiments(self, judge: Judge, shifts: tuple[float, ...] = (0.0,)) -> list[Draw]:
        """All experiments; the first few are judged both ways."""
        name = f"{self.kind} {self.scenario} {self.configurations} {self.seeds}"
        rng = np.random.default_rng([SEED, zlib.crc32(name.encode())])
        every = [draw(self.of, self.layout, rng) for _ in range(self.draws)]
        for number, each in enumerate(every[:CHECKED]):
            judge.check(each, shifts[number % len(shifts)])
        return every

    def __call__(self) -> list[dict]:
        """A row for each rate."""
        return [self._row(measure, *rate) for measure, rate in KINDS[self.kind](self).items()]

    def _row(self, measure: str, hits: float, nominal: float | None) -> dict:
        row = {"kind": self.kind, "scenario": self.scenario, "configurations": self.configurations}
        row |= {"seeds": list(self.counts) if self.of.seeds else self.seeds, "measure": measure}
        rate = hits / self.draws
        error = math.sqrt(max(rate * (1 - rate), 1 / self.draws) / self.draws)
        row |= {"rate": round(rate, 5), "draws": self.draws, "standard_error": round(error, 5)}
        if nominal is None:
            return row
        slack = 3 * math.sqrt(nominal * (1 - nominal) / self.draws)
        below = measure.startswith("coverage")
        row |= {"nominal": nominal, "off": rate < nominal - slack if below else rate > nominal + slack}
        reason = limit(self.scenario, self.configurations, measure)
        return row | ({"limit": reason} if reason and row["off"] else {})


Rates = dict[str, tuple[float, float | None]]
"""Measure to how often it was seen, and how often it may be."""


def errors(cell: Cell) -> Rates:
    """At either edge of the margin and at truth 0."""
    shifts = tuple(shift_for_mean(cell.of, cell.layout.grid, mean) for mean in (EDGE, -EDGE, 0.0))
    judge, seen = cell.judge(), Counter[str]()
    every = cell.experiments(judge, shifts)
    claimed = not cell.of.nested_instead
    with judge.fast():
        for each in every:
            upper, lower, middle = (judge(each, shift) for shift in shifts)
            ahead = _direction(middle)
            seen["equivalent at the upper edge"] += upper.is_equivalent
            seen["equivalent at the lower edge"] += lower.is_equivalent
            seen["parallel ahead at truth 0"] += ahead < 0
            seen["sequential ahead at truth 0"] += ahead > 0
            seen["either ahead at truth 0"] += ahead != 0
            seen["coverage of this grid"] += _covers(middle.interval, 0.0)
            seen["equivalent at truth 0"] += middle.is_equivalent
    nominal = {
        "equivalent at the upper edge": FIRST_LOOK,
        "equivalent at the lower edge": FIRST_LOOK,
        "parallel ahead at truth 0": FIRST_LOOK / 2,
        "sequential ahead at truth 0": FIRST_LOOK / 2,
        "either ahead at truth 0": FIRST_LOOK,
        "coverage of this grid": 1 - 2 * FIRST_LOOK,
        "equivalent at truth 0": None,
    }
    return {measure: (seen[measure], rate if claimed else None) for measure, rate in nominal.items()}


def learned(cell: Cell) -> Rates:
    """At either edge of what is learned, with the ratio of losses well inside the margin."""
    shifts = tuple(shift_for_learned(cell.of, cell.configurations, share) for share in (0.1, -0.1))
    judge, seen = cell.judge(), Counter[str]()
    every = cell.experiments(judge, shifts)
    with judge.fast():
        for each in every:
            seen["upper"] += judge(each, shifts[0]).is_equivalent
            seen["lower"] += judge(each, shifts[1]).is_equivalent
    return {f"equivalent at the {edge} edge": (seen[edge], FIRST_LOOK) for edge in ("upper", "lower")}


def learned_interval(cell: Cell) -> Rates:
    """Coverage of the interval of the share of what is learned."""
    shift = shift_for_learned(cell.of, cell.configurations, 0.05)
    judge, hits = cell.judge(ends=True), 0
    every = cell.experiments(judge, (shift,))
    with judge.fast():
        for each in every:
            found = judge(each, shift).learned
            hits += found is not None and _covers(found.share, 0.05)
    return {"coverage of the share learned": (hits, 0.90)}


def networks(cell: Cell) -> Rates:
    """Coverage of the mean over other configurations."""
    judge, hits, grid = cell.judge(), 0, 0
    every = cell.experiments(judge)
    with judge.fast():
        for each in every:
            found = judge(each)
            hits += _covers(found.networks.interval(1 - 2 * found.alpha), cell.of.centre)
            grid += _covers(found.interval, float(each.effect.mean()))
    nominal = 1 - 2 * FIRST_LOOK
    return {"coverage of other networks": (hits, nominal), "coverage of this grid": (grid, nominal)}


def shares(cell: Cell) -> Rates:
    """Coverage of the share of configurations inside, and how often a verdict of equivalence is plain."""
    judge, seen = cell.judge(fully=True), Counter[str]()
    share, estimated = 0.0, 0.0
    every = cell.experiments(judge)
    with judge.fast():
        for each in every:
            found = judge(each)
            true = float((np.abs(each.effect) < EDGE).mean())
            share, estimated = share + true, estimated + found.inside.share.value
            seen["coverage of the share inside"] += _covers(found.inside.share, true)
            seen["plain"] += found.plain
            seen["equivalent"] += found.is_equivalent
            seen["plain though below nine in ten are inside"] += found.plain and true < 0.9
    rates: Rates = {
        "coverage of the share inside": (seen["coverage of the share inside"], 0.90),
        "true share inside": (share, None),
        "estimated share inside": (estimated, None),
        "equivalent": (seen["equivalent"], None),
        "plain": (seen["plain"], ALPHA if cell.of.effect == "hidden" else None),
        "plain though below nine in ten are inside": (seen["plain though below nine in ten are inside"], None),
    }
    return rates


def divergence(cell: Cell) -> Rates:
    """Which verdicts appear where some parallel networks diverge and the others are alike."""
    seen = _verdicts(cell)
    verdicts = [verdict.words("parallel", "sequential") for verdict in Verdict]
    return {**{each: (seen[each], None) for each in verdicts}, "plain": (seen["plain"], ALPHA)}


def assays(cell: Cell) -> Rates:
    """Verdicts of networks that learn nothing, and plain ones where depth does not help."""
    seen = _verdicts(cell)
    any_verdict = seen.total() - seen["plain"] - seen[Verdict.UNDECIDED.value]
    nothing = cell.scenario == "at chance"
    return {"any verdict": (any_verdict, ALPHA if nothing else None), "plain": (seen["plain"], ALPHA)}


def _verdicts(cell: Cell) -> Counter[str]:
    """How often each verdict appears, in words, and how often it is plain."""
    judge, seen = cell.judge(fully=True), Counter[str]()
    every = cell.experiments(judge)
    with judge.fast():
        for each in every:
            found = judge(each)
            seen[found.words] += 1
            seen["plain"] += found.plain
    return seen


def looks(cell: Cell) -> Rates:
    """One question asked again as seeds are added: errors at any look, and what they would be uncorrected."""
    every = cell.experiments(cell.judge())
    judges = [Judge(layout(cell.configurations, (seeds,)), cell.of.crossed) for seeds in LOOKS]
    edges = (("upper edge", EDGE), ("lower edge", -EDGE), ("truth 0", 0.0))
    seen = Counter[str]()
    with judges[0].fast():
        for each in every:
            parts = [_first_seeds(each, cell.layout, seeds) for seeds in LOOKS]
            for name, shift in edges:
                found = [
                    judge(part, shift, look) for look, (judge, part) in enumerate(zip(judges, parts, strict=True), 1)
                ]
                wrong = [_direction(one) != 0 if shift == 0 else one.is_equivalent for one in found]
                seen[f"{name}, any look"] += any(wrong)
                seen[f"{name}, first look"] += wrong[0]
                seen[f"{name}, any look, uncorrected"] += any(
                    not one.withheld and (one.p_difference if shift == 0 else one.p_equivalence) < ALPHA
                    for one in found
                )
    what = {"upper edge": "equivalent at the", "lower edge": "equivalent at the", "truth 0": "either ahead at"}
    rates: Rates = {}
    for name, _ in edges:
        said = f"{what[name]} {name}"
        rates[f"{said}, any look"] = seen[f"{name}, any look"], ALPHA
        rates[f"{said}, first look"] = seen[f"{name}, first look"], FIRST_LOOK
        rates[f"{said}, any look, uncorrected"] = seen[f"{name}, any look, uncorrected"], None
    return rates


def power(cell: Cell) -> Rates:
    """How often equivalence is found at truth 0, by margin."""
    every = cell.experiments(cell.judge())
    rates: Rates = {}
    for margin in (0.02, 0.05, 0.10):
        judge = cell.judge(margin)
        with judge.fast():
            hits = sum(judge(each).is_equivalent for each in every)
        rates[f"equivalent within {100 * margin:g} %"] = hits, None
    return rates


KINDS: dict[str, Callable[[Cell], Rates]] = {
    "errors": errors,
    "looks": looks,
    "learned": learned,
    "learned interval": learned_interval,
    "networks": networks,
    "shares": shares,
    "divergence": divergence,
    "assay": assays,
    "power": power,
}
"""What is counted, by kind of cell."""


def _direction(of: Assessment) -> int:
    """-1 where the verdict says that parallel is ahead, inside the margin or not, 1 where sequential, else 0."""
    match of.verdict:
        case Verdict.FIRST_BETTER:
            return -1
        case Verdict.SECOND_BETTER:
            return 1
        case Verdict.DIFFERENT_INSIDE:
            return -1 if of.grid.estimate < 0 else 1
    return 0


def _covers(interval: Estimate, truth: float) -> bool:
    return interval.low <= truth <= interval.high


def _first_seeds(of: Draw, at: Layout, seeds: int) -> Draw:
    """The same experiment before further seeds were trained."""

    def early(values: Array) -> Array:
        return values[at.seed < seeds]

    return Draw(
        early(of.sequential),
        early(of.parallel),
        of.effect,
        early(of.diverged),
        early(of.failed),
        of.one_block[at.family_seed < seeds],
    )
