"""What the statistics of `analysis.equivalence` do where the truth is known: errors, power and coverage.

Log ratios of configurations x seeds are drawn with a variance between configurations and one of seeds, over and over.
Errors are counted with the truth at the edge of each null hypothesis. Exit status 1 if an error rate is above its
nominal one by more than three Monte-Carlo standard errors where the method claims to hold it; LIMITS names where it
does not. About three minutes on two cores.

    python -m benchmarks.simulation [--json FILE] [--draws 4000] [--processes 2]
"""

import argparse
import json
import math
import multiprocessing
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from analysis import equivalence as eq

Sampler = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]

BETWEEN, SEED, SHARED, LEVEL = 0.05, 0.04, 0.3, 0.3
"""SDs of log ratios between configurations and of one training over seeds, the share of the latter's variance that
the arms have in common, and the SD of log losses between configurations."""
WIDE, NARROW = math.log(1.05), math.log(1.02)
SIZES = (12, 48, 192)
POWER_SIZES = (12, 24, 48, 96, 192, 480)
ALPHA = 0.05
SKEW = 0.75


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal."""
    return rng.normal(size=shape)


def heavy(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Student's t on three degrees of freedom, of variance 1."""
    return rng.standard_t(3, shape) / math.sqrt(3)


def skewed(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Lognormal with SD 0.75 of the logarithm, of mean 0 and variance 1: skewness 3.3."""
    square = SKEW**2
    return (rng.lognormal(0, SKEW, shape) - math.exp(square / 2)) / math.sqrt(math.expm1(square) * math.exp(square))


@dataclass(frozen=True)
class Scenario:
    """How log losses are drawn: configurations cycle through `seeds` and through the factors of their SDs."""

    sampler: Sampler
    seeds: tuple[int, ...] = (3,)
    scales: tuple[float, ...] = (1.0,)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Log losses, sequential and parallel, of the pairs of `n` configurations of equal means, and their labels."""
        label = np.repeat(np.arange(n), np.resize(self.seeds, n))
        scale = np.resize(self.scales, n)
        level = LEVEL * rng.normal(size=n)
        shift = BETWEEN * scale * self.sampler(rng, (n,))
        both, *arms = SEED * scale[label] * self.sampler(rng, (3, len(label)))
        sequential, parallel = (math.sqrt(SHARED) * both + math.sqrt(1 - SHARED) * arm for arm in arms)
        return level[label] + sequential, (level + shift)[label] + parallel, label


SCENARIOS = {
    "normal": Scenario(normal),
    "unbalanced": Scenario(normal, seeds=(1, 2, 3, 4, 5)),
    "heavy tails": Scenario(heavy),
    "skewed": Scenario(skewed),
    "heteroscedastic": Scenario(normal, scales=(math.sqrt(0.2), math.sqrt(1.8))),
}

# Where a method does not claim its level: (method, scenario) -> configurations from which on it does.
NEVER = 10**9
_SKEW_OF_MEAN = "t statistics of skewed values are skewed; the error shrinks as 1 / sqrt(n)"
_ASYMMETRY = "signed ranks assume symmetry"
_FEW = "few values a level or cell"
_FEW_CLUSTERS = "a normal approximation over few discordant configurations"
_MARGIN = "the margin is taken for known"
_INDEPENDENT = "pairs are taken for independent"
LIMITS: dict[tuple[str, str], tuple[int, str]] = {
    ("TOST", "skewed"): (NEVER, _SKEW_OF_MEAN),
    ("noninferiority", "skewed"): (NEVER, _SKEW_OF_MEAN),
    ("scaled TOST", "skewed"): (NEVER, _SKEW_OF_MEAN),
    # Of two sides, one errs more often and the other less, which leaves an error of the order of 1 / n.
    ("difference", "skewed"): (192, _SKEW_OF_MEAN),
    ("rank TOST", "skewed"): (NEVER, _ASYMMETRY),
    ("Wilcoxon", "skewed"): (NEVER, _ASYMMETRY),
    ("HC3 interaction", ""): (48, _FEW),
    ("Welch factor", ""): (48, _FEW),
    ("plug-in TOST", ""): (NEVER, _MARGIN),
    ("plain McNemar, exact", "rare, clustered"): (NEVER, _INDEPENDENT),
    ("plain McNemar, mid-p", "rare, clustered"): (NEVER, _INDEPENDENT),
    ("plain McNemar, exact", "common, clustered"): (NEVER, _INDEPENDENT),
    ("plain McNemar, mid-p", "common, clustered"): (NEVER, _INDEPENDENT),
    ("clustered McNemar", ""): (48, _FEW_CLUSTERS),
}


def concordance_truth(scenario: Scenario) -> float:
    """The coefficient of configuration means whose sides differ by 0.02, from the variances that are drawn with."""
    scale = float(np.mean(np.square(scenario.scales)))
    seeds = SEED**2 * scale * float(np.mean(1 / np.array(scenario.seeds)))
    return 2 * (LEVEL**2 + SHARED * seeds) / (2 * (LEVEL**2 + seeds) + BETWEEN**2 * scale + 0.02**2)


@cache
def truths(name: str) -> dict[str, float]:
    """What the estimates of a scenario are of; without a formula, from a million configurations."""
    rng = np.random.default_rng(2024)
    x, y, label = SCENARIOS[name].draw(1_000_000, rng)
    means = eq.configuration_means(y - x, label)
    averages = (means + rng.permutation(means)) / 2
    better = eq.configuration_means((y - x - 0.03 < 0).astype(float), label)
    return {
        "pseudo-median": float(np.median(averages)) if name == "skewed" else 0.0,
        "probability": float(better.mean()),
        "concordance": concordance_truth(SCENARIOS[name]),
    }


def covers(interval: eq.Interval, truth: float) -> bool:
    """Whether the interval holds the truth."""
    return interval.low <= truth <= interval.high


def errors_and_coverage(name: str, n: int, draws: int, seed: int) -> dict[str, float]:
    """Rates of rejection at the edge of the null, and of intervals that hold the truth, at n configurations."""
    rng, known = np.random.default_rng([seed, n]), truths(name)
    counts: dict[str, int] = {}
    index = np.arange(n)
    for _ in range(draws):
        x, y, label = SCENARIOS[name].draw(n, rng)
        pairs = y - x
        values = eq.configuration_means(pairs, label)
        middle = values - known["pseudo-median"]
        noise = eq.seed_noise(np.r_[x, y], np.r_[label, label], np.repeat([0, 1], len(label)))
        interval = eq.tost(values, 1).interval
        boot = eq.cluster_bootstrap(values, 1000, rng)
        ranks = eq.signed_rank(middle)
        better = eq.probability_better(pairs - 0.03, label).interval
        a, b = eq.configuration_means(x, label), eq.configuration_means(y, label) + 0.02
        agreement = eq.concordance(a, b)
        outcomes = {
            "error: TOST": eq.tost(values + WIDE, WIDE).p < ALPHA,
            "error: TOST, other edge": eq.tost(values - WIDE, WIDE).p < ALPHA,
            "error: noninferiority": eq.noninferiority(values + WIDE, WIDE).p < ALPHA,
            "error: difference": eq.difference_test(values).p < ALPHA,
            "error: scaled TOST": eq.scaled_tost(values + SEED, noise).p < ALPHA,
            "error: plug-in TOST": eq.tost(values + SEED, noise.sd).p < ALPHA,
            "error: rank TOST": eq.rank_tost(middle + WIDE, WIDE).p < ALPHA,
            "error: Wilcoxon": ranks.p < ALPHA,
            "error: Welch factor": eq.factor_test(values, index % 4).p < ALPHA,
            "error: HC3 interaction": eq.interaction_test(values, index % 2, index // 2 % 3).p < ALPHA,
            "coverage 90 %: t": covers(interval, 0),
            "coverage 90 %: percentile": covers(boot.percentile, 0),
            "coverage 90 %: BCa": covers(boot.bca, 0),
            "coverage 90 %: Hodges-Lehmann": covers(ranks.interval, 0),
            "coverage 90 %: probability better": covers(better, known["probability"]),
            "coverage 95 %: concordance": covers(agreement.interval, known["concordance"]),
            "coverage 95 %: concordance, jackknife": covers(agreement.jackknife, known["concordance"]),
        }
        for method, hit in outcomes.items():
            counts[method] = counts.get(method, 0) + bool(hit)
    return {method: count / draws for method, count in counts.items()}


def power(name: str, n: int, draws: int, seed: int) -> dict[str, float]:
    """Rates at which equivalence within log 1.02, or half the seed noise of about that size, is shown at truth 0."""
    rng, known = np.random.default_rng([seed, n]), truths(name)
    hits = np.zeros(3)
    for _ in range(draws):
        x, y, label = SCENARIOS[name].draw(n, rng)
        values = eq.configuration_means(y - x, label)
        noise = eq.seed_noise(np.r_[x, y], np.r_[label, label], np.repeat([0, 1], len(label)))
        ps = (
            eq.tost(values, NARROW).p,
            eq.scaled_tost(values, noise, 0.5).p,
            eq.rank_tost(values - known["pseudo-median"], NARROW).p,
        )
        hits += np.array(ps) < ALPHA
    names = ("power: TOST", "power: scaled TOST", "power: rank TOST")
    return dict(zip(names, (hits / draws).tolist(), strict=True))


# Mean rate of divergence, and the two parameters of the beta distribution of its configurations' rates.
DIVERGENCE = {
    "rare, clustered": (0.05, 0.1, 1.9),
    "common, clustered": (0.3, 0.3, 0.7),
    "common, independent": (0.3, 0, 0),
}


def divergence(name: str, n: int, draws: int, seed: int) -> dict[str, float]:
    """Errors of the tests of divergence with both sides' rates from one distribution, three seeds a configuration."""
    rate, a, b = DIVERGENCE[name]
    rng, label = np.random.default_rng([seed, n]), np.repeat(np.arange(n), 3)
    hits = np.zeros(4)
    for _ in range(draws):
        rates = rng.beta(a, b, (2, n)) if a else np.full((2, n), rate)
        sequential, parallel = rng.uniform(size=(2, 3 * n)) < rates[:, label]
        clustered = eq.clustered_mcnemar(sequential, parallel, label)
        plain = eq.mcnemar(clustered.sequential_only, clustered.parallel_only)
        hits += np.array([clustered.p_chi2, clustered.p_exact, plain.p_exact, plain.p_mid]) < ALPHA
    names = ("clustered McNemar", "clustered McNemar, exact", "plain McNemar, exact", "plain McNemar, mid-p")
    return {f"error: {method}": rate for method, rate in zip(names, (hits / draws).tolist(), strict=True)}


@dataclass(frozen=True)
class Cell:
    """One simulation: what it counts, its scenario, its configurations, and its stream of random numbers."""

    run: Callable[[str, int, int, int], dict[str, float]]
    scenario: str
    n: int
    draws: int
    seed: int

    def __call__(self) -> list[dict]:
        """A row a method: its rate, its Monte-Carlo standard error, and whether it keeps what it claims."""
        rates = self.run(self.scenario, self.n, self.draws, self.seed)
        return [self._row(label, rate) for label, rate in rates.items()]

    def _row(self, label: str, rate: float) -> dict:
        kind, method = label.split(": ")
        error = math.sqrt(max(rate * (1 - rate), 1e-9) / self.draws)
        row = {"measure": kind, "method": method, "scenario": self.scenario, "configurations": self.n}
        row |= {"rate": rate, "standard_error": round(error, 5)}
        if kind == "error":
            start, reason = LIMITS.get((method, self.scenario)) or LIMITS.get((method, "")) or (0, "")
            nominal = ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / self.draws)
            row |= {"claimed": self.n >= start, "exceeds": rate > nominal}
            row |= {"limit": reason} if self.n < start else {}
        elif kind.startswith("coverage"):
            nominal = int(kind.split()[1]) / 100
            row["short"] = rate < nominal - 3 * math.sqrt(nominal * (1 - nominal) / self.draws)
        return row


def cells(draws: int) -> list[Cell]:
    """All simulations, the longest first."""
    plan = [(errors_and_coverage, name, n) for n in reversed(SIZES) for name in SCENARIOS]
    plan += [(power, name, n) for n in reversed(POWER_SIZES) for name in ("normal", "heavy tails")]
    plan += [(divergence, name, n) for n in reversed(SIZES) for name in DIVERGENCE]
    return [Cell(*each, draws, seed) for seed, each in enumerate(plan)]


def show(rows: list[dict]) -> None:
    """Print a table of each measure: methods down, scenarios and sizes across."""
    for kind in dict.fromkeys(row["measure"] for row in rows):
        some = [row for row in rows if row["measure"] == kind]
        for scenario in dict.fromkeys(row["scenario"] for row in some):
            here = [row for row in some if row["scenario"] == scenario]
            sizes = sorted({row["configurations"] for row in here})
            print(f"\n{kind}, {scenario}".ljust(45), *(f"{f'n = {n}':>9}" for n in sizes))
            for method in dict.fromkeys(row["method"] for row in here):
                by_size = {row["configurations"]: row for row in here if row["method"] == method}
                print(f"  {method:<42}", *(f"{by_size[n]['rate']:>8.3f}{mark(by_size[n])}" for n in sizes))
    print("\n! above the nominal rate where the method claims it; * above it at a known limit; - covers too little")


def mark(row: dict) -> str:
    """One character: what is wrong with a rate."""
    if row.get("exceeds"):
        return "!" if row["claimed"] else "*"
    return "-" if row.get("short") else " "


def main() -> None:
    """Run all cells, print their tables, and exit with 1 if a claim is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--draws", type=int, default=4000, help="draws a cell (4000)")
    parser.add_argument("--processes", type=int, default=2, help="processes (2)")
    options = parser.parse_args()
    began = time.perf_counter()
    with multiprocessing.Pool(options.processes) as pool:
        results = pool.imap(Cell.__call__, cells(options.draws), chunksize=1)
        rows = [row for result in results for row in result]
    show(rows)
    broken = [row for row in rows if row.get("exceeds") and row["claimed"]]
    worst = math.sqrt(ALPHA * (1 - ALPHA) / options.draws)
    seconds = time.perf_counter() - began
    print(f"{options.draws} draws a cell: standard error {worst:.4f} at 0.05. {seconds:.0f} s. {len(broken)} broken.")
    if options.json:
        settings = {"draws": options.draws, "seconds": round(seconds), "standard error at 0.05": round(worst, 5)}
        options.json.write_text(json.dumps({**settings, "broken": broken, "rows": rows}, indent=1) + "\n")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
