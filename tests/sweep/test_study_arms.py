"""Spaces that are the union of several products."""

from pathlib import Path

import pytest

from sweep.errors import SweepError
from sweep.planning import make_plan
from sweep.study import Study, parse_override
from sweep.studyfile import find_study

STUDY = Study(
    "s",
    {"dataset": ["cifar10"], "seed": [0, 1], "epochs": [5]},
    arms={
        "resnet": {"network": ["resnet"], "depth": [20], "filters": [16]},
        "vgg": {"network": ["vgg"], "depth": [15], "filters": [64], "epochs": [7]},
    },
)
FILE = """
study: mine
factors:
  dataset: cifar10
  seed: [0, 1]
  epochs: 5
arms:
  resnet: {network: resnet, depth: 20, filters: 16}
  vgg:
    network: vgg
    depth: [15]
    filters: 64
    epochs: 7
"""


def levels(study: Study, *names: str) -> list[tuple]:
    return [tuple(getattr(trial, name) for name in names) for trial in study.trials()]


def test_a_space_is_its_arms_one_after_another() -> None:
    expected = [("resnet", 20, 5, 0), ("resnet", 20, 5, 1), ("vgg", 15, 7, 0), ("vgg", 15, 7, 1)]
    assert levels(STUDY, "network", "depth", "epochs", "seed") == expected


def test_constraints_hold_in_every_arm() -> None:
    study = Study(STUDY.name, STUDY.factors, ["seed == 1", "epochs < 6"], arms=STUDY.arms)
    assert levels(study, "network", "seed") == [("resnet", 1)]


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ({"seed": [3]}, [("resnet", 5, 3), ("vgg", 7, 3)]),
        ({"epochs": [9], "seed": [0]}, [("resnet", 9, 0), ("vgg", 9, 0)]),
        ({"vgg.epochs": [9], "seed": [0]}, [("resnet", 5, 0), ("vgg", 9, 0)]),
        ({"epochs": [2], "vgg.epochs": [9], "seed": [0]}, [("resnet", 2, 0), ("vgg", 9, 0)]),
        ({"resnet.seed": [4]}, [("resnet", 5, 4), ("vgg", 7, 0), ("vgg", 7, 1)]),
    ],
)
def test_an_override_is_for_all_arms_or_for_one(override: dict, expected: list) -> None:
    assert levels(STUDY.override(override), "network", "epochs", "seed") == expected
    assert levels(STUDY, "epochs")[0] == (5,)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"vvg.depth": [15]}, r"^arm 'vvg' is not known; did you mean 'vgg'\?$"),
        ({"vgg.dpeth": [15]}, r"^factor 'dpeth' is not known; did you mean 'depth'\?$"),
        ({"vgg.depth": []}, "has no level"),
    ],
)
def test_an_override_of_what_is_not_there_is_refused(override: dict, message: str) -> None:
    with pytest.raises(SweepError, match=message):
        STUDY.override(override)


def test_a_combination_that_is_no_trial_is_refused_with_its_arm() -> None:
    with pytest.raises(SweepError, match=r"^in arm vgg, kernel_size is 5, but belongs to network stack; leave it at 3"):
        list(STUDY.override({"vgg.kernel_size": [5]}).trials())


def test_an_override_of_one_arm_needs_arms() -> None:
    with pytest.raises(SweepError, match=r"^'s' has no arms$"):
        Study("s", {"depth": [1]}).override({"vgg.depth": [15]})


def test_an_override_of_one_arm_is_read() -> None:
    assert parse_override("vgg.depth=15,18") == ("vgg.depth", [15, 18])
    with pytest.raises(SweepError, match=r"^vgg\.depth is '1\.5', but takes an integer"):
        parse_override("vgg.depth=1.5")
    plan = make_plan(STUDY, overrides=["vgg.depth=18", "seed=0"])
    assert [trial.depth for trial in plan.trials] == [20, 18]


def test_a_study_file_may_have_arms(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(FILE)
    study = find_study(str(path))
    assert study.arms == STUDY.arms
    assert levels(study, "network", "depth", "epochs", "seed") == levels(STUDY, "network", "depth", "epochs", "seed")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("arms:\n", "arms: 3\nother:\n", r"line \d+: key 'other' is not known"),
        ("depth: 20", "dpeth: 20", "factor 'dpeth' is not known; did you mean 'depth'"),
        ("    depth: [15]", "    depth: [x]", r"line 11: depth is 'x', but takes an integer"),
        ("  resnet: {network: resnet, depth: 20, filters: 16}", "  resnet: 3", "arm resnet is 3, but takes levels by"),
        ("  vgg:", "  v g g:", "arm is 'v g g', but takes a name"),
    ],
)
def test_a_fault_of_an_arm_is_one_sentence(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    assert old in FILE
    path.write_text(FILE.replace(old, new))
    with pytest.raises(SweepError, match=message):
        find_study(str(path))
