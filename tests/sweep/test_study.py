from collections import Counter

import pytest

from sweep.errors import SweepError
from sweep.margins import Margins
from sweep.planning import Plan
from sweep.study import Study, parse_override
from sweep.trial import Trial


def values(study: Study, *names: str) -> list[tuple]:
    return [tuple(getattr(trial, name) for name in names) for trial in study.trials()]


def test_all_combinations_the_last_factor_fastest() -> None:
    study = Study("s", {"depth": [1, 2], "seed": [0, 1]})
    assert values(study, "depth", "seed") == [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert all(trial.study == "s" for trial in study.trials())


def test_architecture_varies_fastest_wherever_it_stands() -> None:
    study = Study("s", {"architecture": ["sequential", "parallel"], "depth": [1, 2], "seed": [0, 1]})
    pairs = [trial.pair_id for trial in study.trials()]
    assert pairs[::2] == pairs[1::2]
    assert len(set(pairs)) == 4
    assert [trial.architecture for trial in study.trials()] == ["sequential", "parallel"] * 4
    again = study.override({"architecture": ["parallel", "sequential"], "kernel_size": [1, 3]})
    pairs = [trial.pair_id for trial in again.trials()]
    assert pairs[::2] == pairs[1::2]


def test_a_space_without_factors_is_one_trial_of_defaults() -> None:
    assert list(Study("s", {}).trials()) == [Trial("s")]


def test_constraints_all_hold() -> None:
    study = Study("s", {"depth": [1, 2, 4], "filters": [1, 2, 4]}, ["depth * filters <= 4", "depth != 1"])
    assert values(study, "depth", "filters") == [(2, 1), (2, 2), (4, 1)]


def test_constraints_see_resolved_values() -> None:
    study = Study("s", {"dataset": ["mnist", "cifar10"], "depth": [4]}, ["train_samples == 50000", "stages == 4"])
    assert values(study, "dataset") == [("cifar10",)]


def test_stages_that_an_architecture_lacks_are_left_out_where_stages_vary() -> None:
    study = Study("s", {"depth": [8], "architecture": ["sequential", "mixed", "parallel"], "stages": [0, 2, 4]})
    assert Counter(values(study, "architecture", "stages")) == Counter(
        {("sequential", 8): 1, ("mixed", 2): 1, ("mixed", 4): 1, ("parallel", 1): 1}
    )
    assert len({trial.pair_id for trial in study.trials()}) == 1


def test_every_depth_gets_the_stages_that_divide_it() -> None:
    study = Study(
        "s", {"depth": [1, 4, 6, 8], "architecture": ["sequential", "mixed", "parallel"], "stages": [0, 2, 3, 4]}
    )
    mixed = [(trial.depth, trial.stages) for trial in study.trials() if trial.architecture == "mixed"]
    assert mixed == [(4, 2), (6, 2), (6, 3), (8, 2), (8, 4)]
    plan = Plan.of("s", study.trials())
    assert Counter(trial.architecture for trial in plan.trials) == {"sequential": 4, "parallel": 4, "mixed": 5}


def test_stages_may_be_spelt_out_instead_of_implied() -> None:
    study = Study("s", {"depth": [8], "architecture": ["sequential", "mixed", "parallel"], "stages": [1, 2, 4, 8]})
    assert sorted(values(study, "stages", "architecture")) == [
        (1, "parallel"),
        (2, "mixed"),
        (4, "mixed"),
        (8, "sequential"),
    ]


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ({"architecture": ["mixed"]}, "stages is 0"),
        ({"architecture": ["sequential", "mixed"], "depth": [8], "stages": [2]}, "stages is 2, but a sequential stack"),
        ({"depth": [8], "stages": [2]}, "stages is 2, but a sequential stack"),
        ({"depth": [8], "stages": [0, 2], "train_samples": [60_001]}, "train_samples is 60001, but mnist has 60000"),
        ({"dataset": ["mnist", "cifar10"], "image_size": [32]}, "image_size is 32, but mnist has 28"),
        ({"optimizer": ["adamw", "sgd"], "momentum": [0.9]}, "momentum is 0.9"),
    ],
)
def test_every_other_combination_that_is_no_trial_is_refused(factors: dict, message: str) -> None:
    with pytest.raises(SweepError, match=f"^{message}"):
        list(Study("s", factors).trials())


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ({"dephts": [1]}, r"factor 'dephts' is not known; did you mean 'depth'\?"),
        ({"study": ["a"]}, "factor 'study' is not known; known are dataset, "),
        ({"depth": []}, "factor 'depth' has no level; give it at least one"),
        ({"depth": [0]}, "depth is 0, but takes an integer from 1 to 4096"),
        ({"depth": [1, 2, 1]}, r"factor 'depth' has a level twice in \[1, 2, 1\]"),
        ({"depth": [1, 1.0]}, r"factor 'depth' has a level twice in \[1, 1\]"),
        ({"learning_rate": [1e-3, 0.001]}, "factor 'learning_rate' has a level twice"),
    ],
)
def test_a_bad_factor_is_refused_at_once(factors: dict, message: str) -> None:
    with pytest.raises(SweepError, match=f"^{message}"):
        Study("s", factors)


def test_a_bad_constraint_or_name_is_refused_at_once() -> None:
    with pytest.raises(SweepError, match="'dept' is not known"):
        Study("s", {}, ["depth == 1", "dept == 1"])
    with pytest.raises(SweepError, match="cannot be read"):
        Study("s", {}, ["depth =="])
    with pytest.raises(SweepError, match=r"^study is 'a b', but takes a name"):
        Study("a b", {})


def test_override_replaces_levels_in_place_and_adds_new_ones() -> None:
    study = Study("s", {"depth": [1, 2], "seed": [0, 1]})
    changed = study.override({"depth": [4], "filters": [1, 2]})
    assert dict(changed.factors) == {"depth": (4,), "seed": (0, 1), "filters": (1, 2)}
    assert dict(study.factors) == {"depth": (1, 2), "seed": (0, 1)}


def test_margins_stay_with_a_space() -> None:
    study = Study("s", {"depth": [1]}, margins=Margins(ratio=0.05))
    assert study.override({"depth": [4]}).margins == Margins(ratio=0.05)
    assert Study("s", {"depth": [1]}).margins == Margins()
    assert Study("s", {"depth": [1]}) != study


@pytest.mark.parametrize(
    ("text", "name", "levels"),
    [
        ("depth=1", "depth", [1]),
        ("depth=1,2,4", "depth", [1, 2, 4]),
        (" depth = 1 , 2 ", "depth", [1, 2]),
        ("learning_rate=1e-3,.0003", "learning_rate", [1e-3, 3e-4]),
        ("dataset=mnist,cifar10", "dataset", ["mnist", "cifar10"]),
        ("seed=0..3,9", "seed", [0, 1, 2, 3, 9]),
    ],
)
def test_an_override_is_read(text: str, name: str, levels: list) -> None:
    assert parse_override(text) == (name, levels)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("depth", "an override is FACTOR=VALUE or FACTOR=VALUE,VALUE, not 'depth'"),
        ("depth=", "an override is FACTOR=VALUE"),
        ("", "an override is FACTOR=VALUE"),
        ("=1", "factor '' is not known"),
        ("dept=1", r"factor 'dept' is not known; did you mean 'depth'\?"),
        ("study=x", "factor 'study' is not known; known are dataset, "),
        ("depth=one", "depth is 'one', but takes an integer from 1 to 4096"),
        ("depth=1,,2", "depth is '', but takes an integer from 1 to 4096"),
        ("depth=0..4", "depth is 0, but takes an integer from 1 to 4096"),
        ("depth=4..2", "depth is '4..2', but a range such as 0..29 goes up"),
        ("depth=0", "depth is '0', but takes an integer from 1 to 4096"),
        ("depth=1.5", "depth is '1.5', but takes an integer from 1 to 4096"),
        ("depth=[1,2]", r"an override has no brackets or quotes, as in depth=1,2,4, unlike 'depth=\[1,2\]'"),
        ("depth=(1,2)", "an override has no brackets or quotes"),
        ('dataset="mnist"', "an override has no brackets or quotes"),
        ("seed=1_0", "seed is '1_0', but takes an integer from 0"),
        ("dataset=minst", "dataset is 'minst', but takes one of mnist, cifar10"),
    ],
)
def test_an_override_that_is_none_is_refused(text: str, message: str) -> None:
    with pytest.raises(SweepError, match=f"^{message}"):
        parse_override(text)
