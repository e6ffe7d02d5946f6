"""Whether an experiment could have shown a difference: what both sides learn, whether depth helps, what diverges."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pytest

import analysis
from analysis.equivalence.verdict import Verdict
from analysis.questions.equivalence.assessment import Answer
from analysis.questions.equivalence.declared import Question
from sweep.errors import SweepError
from sweep.result import TrialResult
from sweep.trial import Trial

CHANCE = math.log(10)
SEEDS, FILTERS, DEPTHS = range(9), (1, 2, 4), (2, 4)
Loss = Callable[[Trial, float], float | str]


def every(depths: tuple[int, ...] = (1, *DEPTHS)) -> Iterator[Trial]:
    for depth in depths:
        for filters in FILTERS:
            for seed in SEEDS:
                for side in ("sequential", "parallel"):
                    same = {"dataset": "digits", "depth": depth, "filters": filters, "seed": seed}
                    yield Trial("test", **same, architecture=side)


@pytest.fixture
def judge(make_pairs, end) -> Callable[..., Answer]:
    """The answer on validation losses: a function of the trial and of a draw of its own, or ``diverged``."""

    def judge(loss: Loss, depths: tuple[int, ...] = (1, *DEPTHS)) -> Answer:
        results: list[TrialResult] = []
        for trial in every(depths):
            name = trial.pair_id if trial.depth == 1 else trial.trial_id
            found = loss(trial, float(np.random.default_rng(int(name[:12], 16)).normal()))
            results.append(end(trial, status="diverged") if isinstance(found, str) else end(trial, found))
        return analysis.assess(Question("val_loss").attach(make_pairs(results)))

    return judge


def helps(trial: Trial, draw: float) -> float:
    """Both arrangements alike, deeper ones better."""
    return math.exp(-0.2 * math.log2(trial.depth) + 0.01 * draw)


def test_where_depth_helps_a_verdict_of_equivalence_is_plain(judge):
    found = judge(helps)
    assert (found.verdict, found.plain) == (Verdict.EQUIVALENT, True)
    assay = found.by_dataset["digits"].assay
    assert assay.compared == len(FILTERS) * len(DEPTHS)
    assert assay.depth.estimate == pytest.approx(-0.3, abs=0.01)


def test_where_depth_does_not_help_it_is_not(judge):
    found = judge(lambda trial, draw: math.exp(0.01 * draw))
    assert (found.verdict, found.plain) == (Verdict.EQUIVALENT, False)
    (caveat,) = found.by_dataset["digits"].caveats
    assert caveat.startswith("depth does not help here")


def test_without_networks_of_one_block_it_is_not(judge):
    found = judge(helps, DEPTHS)
    assert (found.verdict, found.plain) == (Verdict.EQUIVALENT, False)
    assert found.by_dataset["digits"].caveats[0].startswith("whether depth helps here is not known")


def test_networks_that_hardly_learn_are_not_equivalent_by_their_loss_alone(judge):
    """Losses 2 % apart, of which one side has learned six times as much as the other."""

    def loss(trial: Trial, draw: float) -> float:
        level = CHANCE - (0.048 if trial.architecture == "sequential" or trial.depth == 1 else 0.008)
        return level + 0.001 * draw

    found = judge(loss).by_dataset["digits"]
    assert found.grid.p_inside(-found.margin, found.margin) < 0.001
    assert found.verdict is not Verdict.EQUIVALENT
    assert not found.is_equivalent


@pytest.mark.parametrize("ratio", [1.0, 0.92])
def test_networks_that_learned_nothing_have_no_verdict(judge, ratio):
    """Never trained, their losses are the scale of their first outputs."""

    def loss(trial: Trial, draw: float) -> float:
        deep = trial.architecture == "parallel" and trial.depth > 1
        return 3.0 * (ratio if deep else 1.0) * math.exp(0.01 * draw)

    found = judge(loss).by_dataset["digits"]
    assert found.verdict is Verdict.UNDECIDED
    assert any("not shown to learn anything" in reason for reason in found.withheld)


@pytest.mark.parametrize("share", [0.05, 0.08, 0.40, 1.0])
def test_parallel_networks_that_diverge_are_never_plainly_equivalent(judge, share):
    def loss(trial: Trial, draw: float) -> float | str:
        lost = trial.architecture == "parallel" and trial.depth > 1
        return "diverged" if lost and trial.seed % round(1 / share) == 0 else helps(trial, draw)

    found = judge(loss)
    assert not found.plain
    if share == 1.0:
        assert found.verdict is Verdict.SECOND_BETTER


def varied(trial: Trial) -> float:
    """Depth helps, and deeper parallel networks are a little off."""
    off = 0.1 if trial.architecture == "parallel" and trial.depth > 1 else 0.0
    return helps(trial, off + trial.seed)


def test_a_configuration_of_one_seed_bars_a_verdict(judge, make_pairs, end):
    results = [end(trial, varied(trial)) for trial in every() if trial.filters < 4 or not trial.seed]
    table: pa.Table = make_pairs(results)
    extra = [
        end(
            Trial("test", dataset="digits", depth=8, filters=filters, seed=seed, architecture=side),
            0.5 + seed / 99 + (side == "parallel") * seed / 1e4,
        )
        for filters in FILTERS[:2]
        for seed in range(12)
        for side in ("sequential", "parallel")
    ]
    table = pa.concat_tables([table, make_pairs(extra)])
    found = analysis.assess(Question("val_loss").attach(table)).by_dataset["digits"]
    assert found.withheld == ("some configurations have a single seed, so their noise is not known",)


def test_a_table_that_does_not_say_what_it_compares_is_refused(make_pairs, end):
    with pytest.raises(SweepError, match=r"take pairs from Results\.pairs"):
        analysis.assess(make_pairs([end(trial, 1.0) for trial in every((2,))]).replace_schema_metadata(None))
