"""How trials are dealt into packs, and what they are taken to cost."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.stack_shape import StackShape
from sweep.cost import CostModel, features
from sweep.pack import FREE_WITHIN_PACK, PACK_SIZE, Pack, group_by_network, make_packs, trials_digest
from sweep.studyfile import find_study
from sweep.trial import Trial

LEVELS = {
    "depth": [1, 2, 4],
    "filters": [1, 8],
    "activation": ["relu", "tanh"],
    "learning_rate": [1e-3, 1e-2],
    "epochs": [1, 10],
    "seed": [0, 1, 2],
    "architecture": ["sequential", "parallel"],
}
PLAN = [Trial("test", **dict(zip(LEVELS, values, strict=True))) for values in itertools.product(*LEVELS.values())]

plans = st.lists(st.sampled_from(PLAN), unique=True, max_size=60)
sizes = st.integers(1, 30)
steady = settings(deadline=None, derandomize=True)


def network(trial: Trial) -> dict[str, object]:
    return {
        name: value
        for name, value in trial.as_dict().items()
        if name not in (*FREE_WITHIN_PACK, *trial.kind.fused_over)
    }


@steady
@given(plans, sizes)
def test_packs_are_a_partition_of_the_plan(trials: list[Trial], size: int) -> None:
    packs = make_packs(trials, size)
    dealt = [trial.trial_id for pack in packs for trial in pack.trials]
    assert sorted(dealt) == sorted(trial.trial_id for trial in trials)
    assert all(1 <= len(pack) <= size for pack in packs)


@steady
@given(plans, sizes)
def test_a_pack_has_one_network_and_one_budget(trials: list[Trial], size: int) -> None:
    for pack in make_packs(trials, size):
        assert len({StackShape.of(trial.shape) for trial in pack.trials}) == 1
        assert all(network(trial) == network(pack.trials[0]) for trial in pack.trials)


@steady
@given(plans, sizes)
def test_the_longest_pack_comes_first(trials: list[Trial], size: int) -> None:
    costs = [pack.cost for pack in make_packs(trials, size)]
    assert costs == sorted(costs, reverse=True)


@steady
@given(plans)
def test_no_more_packs_than_needed(trials: list[Trial]) -> None:
    groups = group_by_network(trials)
    assert len(make_packs(trials)) == sum(-(-len(group) // PACK_SIZE) for group in groups)


def test_twins_of_depth_one_are_neighbours_in_one_pack() -> None:
    twins = 0
    for pack in make_packs(PLAN):
        if pack.trials[0].depth == 1:
            for first, second in zip(pack.trials[::2], pack.trials[1::2], strict=True):
                assert first.pair_id == second.pair_id
                assert {first.architecture, second.architecture} == {"sequential", "parallel"}
                twins += 1
    assert twins == sum(trial.depth == 1 for trial in PLAN) / 2


@pytest.mark.parametrize("length", [2, 3, 8, 24])
def test_halves(length: int) -> None:
    pack = Pack(tuple(PLAN[:length]))
    first, second = pack.halves()
    assert first.trials + second.trials == pack.trials
    assert 0 <= len(first) - len(second) <= 1


LARGE = [
    trial.but(filters=32, kernel_size=7, epochs=10_000) if trial.filters == 8 else trial
    for trial in PLAN
    if trial.epochs == 10
]


@steady
@given(st.lists(st.sampled_from(LARGE), unique=True, min_size=1, max_size=72), sizes)
def test_only_what_must_stay_together_takes_more_than_a_300th_of_the_plan(trials: list[Trial], size: int) -> None:
    packs = make_packs(trials, size)
    assert sorted(i.trial_id for pack in packs for i in pack.trials) == sorted(i.trial_id for i in trials)
    total = sum(pack.cost for pack in packs)
    for pack in packs:
        is_pair = len(pack) == 2 and len({trial.pair_id for trial in pack.trials}) == 1
        assert len(pack) == 1 or is_pair or pack.cost <= max(300, total / 300)
    if size > 1:
        together = {trial.trial_id: pack.pack_id for pack in packs for trial in pack.trials}
        for trial in trials:
            twin = trial.but(architecture="parallel").trial_id
            assert trial.depth > 1 or twin not in together or together[twin] == together[trial.trial_id]


def test_a_large_plan_is_cut_so_that_many_workers_end_together() -> None:
    packs = make_packs(find_study("grid").trials())
    total = sum(pack.cost for pack in packs)
    assert packs[0].cost < total / 200
    assert 600 < len(packs) < 1000


def test_a_pack_is_the_set_of_its_trials() -> None:
    first, second = Pack(tuple(PLAN[:4])), Pack(tuple(reversed(PLAN[:4])))
    assert first.pack_id == second.pack_id == trials_digest(PLAN[:4])
    assert first.pack_id != Pack(tuple(PLAN[:5])).pack_id


grown = st.sampled_from(["epochs", "train_samples", "val_samples", "depth", "filters", "kernel_size", "image_size"])


@steady
@given(st.sampled_from(PLAN), grown)
def test_more_work_costs_more(trial: Trial, name: str) -> None:
    small = trial.but(train_samples=1000, val_samples=1000, image_size=14, kernel_size=3)
    large = small.but(**{name: 2 * getattr(small, name)})
    assert all(0 < less <= more for less, more in zip(features([small])[:3], features([large])[:3], strict=True))
    assert features([large])[3:] == (0, 0)
    assert CostModel().seconds([small]) < CostModel().seconds([large])


@steady
@given(st.lists(st.sampled_from(PLAN), max_size=8, unique=True))
def test_trials_cost_what_they_cost_one_by_one(trials: list[Trial]) -> None:
    model = CostModel()
    assert model.seconds(trials) == pytest.approx(sum(model.seconds([trial]) for trial in trials))
    assert Pack(tuple(trials)).cost == model.seconds(trials)


def test_steps_are_counted_as_they_are_taken() -> None:
    trial = Trial("test", train_samples=100, batch_size=32, epochs=3)
    assert features([trial])[2] == 12
    assert features([trial.but(batch_size=100)])[2] == 3
    # A network that trains alone takes its steps layer by layer.
    alone = trial.but(network="resnet", depth=20, filters=4)
    assert features([alone])[1:3] == (0, 0)
    assert features([alone])[4] == 12 * alone.shape.layers > 12 * 20
