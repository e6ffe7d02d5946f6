import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sweep.errors import SweepError
from sweep.margins import Margins
from sweep.pack import group_by_network
from sweep.planning import Plan, make_plan
from sweep.study import Study
from sweep.trial import Trial

laws = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
STUDY = Study(
    "s",
    {
        "depth": [1, 2, 4],
        "filters": [1, 4],
        "activation": ["relu", "tanh"],
        "seed": [0, 1],
        "architecture": ["sequential", "parallel"],
    },
)
ALL = tuple(STUDY.trials())
EXPRESSIONS = st.sampled_from(
    ["depth == 1", "depth > 1", "filters * depth < 8", "seed == 0", "activation == 'tanh' or depth == 4", "depth > 99"]
)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    return Plan.of("s", draw(st.lists(st.sampled_from(ALL), max_size=40)))


def is_subsequence(part: Plan, whole: Plan) -> bool:
    rest = iter(whole.trials)
    return all(trial in rest for trial in part.trials)


@laws
@given(st.lists(st.sampled_from(ALL)))
def test_each_trial_once_at_its_first_place(trials: list[Trial]) -> None:
    plan = Plan.of("s", trials)
    assert list(plan.trials) == sorted(set(trials), key=trials.index)
    assert Plan.of("s", plan.trials) == plan


@laws
@given(plans(), st.integers(1, 9))
def test_shards_are_disjoint_and_cover_the_plan_in_order(plan: Plan, count: int) -> None:
    parts = [plan.shard(index, count) for index in range(1, count + 1)]
    assert sum(len(part) for part in parts) == len(plan)
    assert {trial for part in parts for trial in part.trials} == set(plan.trials)
    assert all(is_subsequence(part, plan) for part in parts)
    assert parts == [plan.shard(index, count) for index in range(1, count + 1)]


@laws
@given(plans(), st.integers(1, 9))
def test_trials_that_can_share_a_pack_stay_in_one_shard(plan: Plan, count: int) -> None:
    shard_of = {trial: index for index in range(1, count + 1) for trial in plan.shard(index, count).trials}
    for group in group_by_network(plan.trials):
        assert len({shard_of[trial] for trial in group}) == 1


@laws
@given(st.permutations(ALL), st.integers(1, 5))
def test_shards_do_not_depend_on_the_order(trials: list[Trial], count: int) -> None:
    plan, reordered = Plan.of("s", ALL), Plan.of("s", trials)
    for index in range(1, count + 1):
        assert set(plan.shard(index, count).trials) == set(reordered.shard(index, count).trials)


def test_shards_are_of_about_equal_cost() -> None:
    plan = make_plan(Study("s", {"depth": [1, 2, 4, 8], "filters": [1, 2, 4, 8], "kernel_size": [1, 3, 5]}))
    costs = [sum(pack.cost for pack in plan.shard(index, 4).packs(1)) for index in range(1, 5)]
    assert max(costs) < 1.2 * min(costs)


def test_more_shards_than_trials_leave_some_empty_at_once() -> None:
    plan = Plan.of("s", ALL[:2])
    assert len(plan.shard(1, 10**12)) == 2
    assert len(plan.shard(10**12, 10**12)) == 0


@laws
@given(plans(), EXPRESSIONS, EXPRESSIONS)
def test_where_keeps_what_holds(plan: Plan, one: str, other: str) -> None:
    kept = plan.where(one)
    assert kept.trials == tuple(trial for trial in plan.trials if eval(one, {}, trial.as_dict()))
    assert kept.where(one) == kept
    assert kept.where(other) == plan.where(other).where(one) == plan.where(f"({one}) and ({other})")
    assert {*kept.trials, *plan.where(f"not ({one})").trials} == set(plan.trials)


@laws
@given(plans(), st.integers(1, 50), st.integers(1, 50))
def test_limit_keeps_the_first(plan: Plan, one: int, other: int) -> None:
    assert plan.limit(one).trials == plan.trials[:one]
    assert plan.limit(one).limit(other) == plan.limit(min(one, other))


@laws
@given(plans(), plans())
def test_without_leaves_the_rest_in_order(plan: Plan, done: Plan) -> None:
    ids = {trial.trial_id for trial in done.trials}
    rest = plan.without(ids)
    assert rest.trials == tuple(trial for trial in plan.trials if trial.trial_id not in ids)
    assert rest.without(ids) == rest
    assert plan.without(()) == plan


@laws
@given(plans(), st.randoms())
def test_the_identity_of_a_sweep_is_that_of_its_set(plan: Plan, random) -> None:
    trials = list(plan.trials)
    random.shuffle(trials)
    assert Plan.of("s", trials).sweep_id == plan.sweep_id
    if trials:
        assert Plan.of("s", trials[1:]).sweep_id != plan.sweep_id


@laws
@given(plans(), st.integers(1, 30))
def test_packs_hold_every_trial_once(plan: Plan, size: int) -> None:
    packs = plan.packs(size)
    assert sorted(trial.trial_id for pack in packs for trial in pack.trials) == sorted(t.trial_id for t in plan.trials)
    assert all(1 <= len(pack) <= size for pack in packs)
    assert [pack.cost for pack in packs] == sorted((pack.cost for pack in packs), reverse=True)


def test_options_apply_in_order_overrides_where_limit_shard() -> None:
    plan = make_plan(STUDY, where="depth > 1", overrides=["seed=5", "depth=1,2,8"], limit=12, shard="1/2")
    whole = make_plan(STUDY, where="depth > 1", overrides=["seed=5", "depth=1,2,8"])
    assert {(trial.depth, trial.seed) for trial in whole.trials} == {(2, 5), (8, 5)}
    assert plan == whole.limit(12).shard(1, 2)
    assert make_plan(STUDY).trials == ALL


@pytest.mark.parametrize("shard", ["1/1", " 2 / 8 ", "8/8"])
def test_a_shard_is_read(shard: str) -> None:
    index, count = map(int, shard.split("/"))
    assert make_plan(STUDY, shard=shard) == make_plan(STUDY).shard(index, count)


@pytest.mark.parametrize("shard", ["", "1", "/", "1/", "/2", "a/b", "1/2/3", "-1/2", "1.0/2", "²/3", "٣/٤", "1_0/20"])
def test_what_is_no_shard_is_refused(shard: str) -> None:
    with pytest.raises(SweepError, match=f"^shard is {re.escape(repr(shard))}, but takes I/N such as 2/8$"):
        make_plan(STUDY, shard=shard)


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1/0", "0/0"])
def test_a_shard_is_within_its_count(shard: str) -> None:
    with pytest.raises(SweepError, match=f"^shard is {shard}, but takes I/N with I from 1 to N$"):
        make_plan(STUDY, shard=shard)


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_is_positive(limit: int) -> None:
    with pytest.raises(SweepError, match=f"^limit is {limit}, but takes an integer of at least 1$"):
        make_plan(STUDY, limit=limit)


def test_bad_overrides_and_conditions_are_refused() -> None:
    with pytest.raises(SweepError, match="did you mean 'depth'"):
        make_plan(STUDY, overrides=["dephts=1"])
    with pytest.raises(SweepError, match="has a level twice"):
        make_plan(STUDY, overrides=["depth=1,1"])
    with pytest.raises(SweepError, match="did you mean 'depth'"):
        make_plan(STUDY, where="dephts == 1")


def test_a_plan_without_a_trial_is_refused() -> None:
    with pytest.raises(SweepError, match=r"^no trial of 's' meets the conditions; loosen them$"):
        make_plan(STUDY, where="depth > 99")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["depth=1", "seed=0", "depth=2"], "^depth is set twice; give all its levels at once, as in depth=1,2,4$"),
        (["pretrain_epochs=1", "base_epochs=2"], "^pretrain_epochs is set twice"),
        (["a.depth=1", " a . depth = 2"], r"^arm|^a\.depth is set twice|^factor"),
    ],
)
def test_a_factor_is_set_once(overrides: list[str], message: str) -> None:
    with pytest.raises(SweepError, match=message):
        make_plan(STUDY, overrides=overrides)


def test_a_margin_is_given_once() -> None:
    with pytest.raises(SweepError, match=r"^margin ratio is given twice; give it once$"):
        make_plan(STUDY, margins=["ratio=1", " ratio = 1"])


LEVELS = {"seed": range(1000), "epochs": range(1, 101), "depth": [1, 2], "filters": range(1, 501)}
HUGE = Study("huge", LEVELS)


def test_a_limit_makes_no_more_trials_than_it_keeps() -> None:
    assert HUGE.combinations == 10**8
    plan = make_plan(HUGE, where="depth == 2", limit=10)
    assert [(trial.depth, trial.filters) for trial in plan.trials] == [(2, filters) for filters in range(1, 11)]


@pytest.mark.parametrize(
    "study",
    [HUGE, Study("huge", {"seed": [0]}, arms={"one": {"depth": [1]}, "other": LEVELS})],
    ids=["product", "arms"],
)
def test_more_combinations_than_a_plan_looks_at_are_refused_before_any_is_made(study: Study) -> None:
    with pytest.raises(
        SweepError, match=r"has 100,000,00[01] combinations of levels, and a plan looks at 200,000; take"
    ):
        make_plan(study)


def test_a_limit_that_no_trial_fills_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweep.planning.MOST_COMBINATIONS", 50)
    with pytest.raises(SweepError, match=r"take fewer levels, or a limit that the first of them fill$"):
        make_plan(HUGE, where="depth == 3", limit=1)
    assert len(make_plan(HUGE, limit=50)) == 50


def test_margins_go_with_the_plan_and_do_not_change_what_it_is() -> None:
    study = Study("s", STUDY.factors, margins=Margins(ratio=0.05))
    plan = make_plan(study)
    assert plan.margins == Margins(ratio=0.05)
    assert make_plan(STUDY).margins == Margins()
    other = make_plan(study, margins=["ratio=0.2"])
    assert other.margins == Margins(ratio=0.2)
    assert other.sweep_id == plan.sweep_id
    parts = [other.where("depth > 1"), other.limit(3), other.shard(1, 2), other.without({other.trials[0].trial_id})]
    assert all(part.margins == other.margins for part in parts)
    assert make_plan(study, where="depth > 1", overrides=["seed=5"], limit=4, shard="1/1").margins == plan.margins


@pytest.mark.parametrize(
    ("margin", "message"),
    [
        ("ratio", "a margin is NAME=NUMBER such as ratio=0.05, not 'ratio'"),
        ("ration=1", "margin 'ration' is not known; did you mean 'ratio'?"),
        ("=1", "margin '' is not known; known are ratio"),
        ("ratio=0", "margin ratio is 0.0, but takes a number above 0, up to 10"),
        ("ratio=nan", "margin ratio is nan, but takes a number above 0, up to 10"),
        ("ratio=1e3", "margin ratio is 1000.0, but takes a number above 0, up to 10"),
        ("ratio=1_0", "a margin is NAME=NUMBER such as ratio=0.05, not 'ratio=1_0'"),
        ("ratio=٣", "a margin is NAME=NUMBER such as ratio=0.05, not 'ratio=٣'"),
        ("seed_noise=1", "margin seed_noise judges nothing any more; leave it out"),
    ],
)
def test_bad_margins_are_refused(margin: str, message: str) -> None:
    with pytest.raises(SweepError, match=f"^{re.escape(message)}$"):
        make_plan(STUDY, margins=["ratio=0.2", margin])
