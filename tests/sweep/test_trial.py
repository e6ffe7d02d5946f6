import dataclasses
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sweep.data import DATASETS
from sweep.errors import SweepError
from sweep.identity import ALWAYS
from sweep.trial import ARRANGEMENT, FACTORS, ArrangementError, Trial, not_configuration

laws = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
UNUSUAL = {
    "study": "lesion-2",
    "dataset": "cifar10",
    "train_samples": 1000,
    "image_size": 14,
    "validation": "held-out",
    "architecture": "mixed",
    "depth": 12,
    "stages": 3,
    "optimizer": "sgd",
    "learning_rate": 0.1 + 0.2,
    "weight_decay": 5e-324,
    "momentum": 0.9,
    "epochs": 3,
    "precision": "bf16",
    "seed": 2**31 - 1,
}
CROSSED = {"draws": "crossed"}
PINNED = [
    ({"study": "grid", **CROSSED}, "e950a08c82910e27d7cf", "c1109a55017e76fb8d81"),
    ({**UNUSUAL, **CROSSED}, "c00588faa26048011eb4", "f26a7967ac109b06b5f8"),
    ({"study": "grid"}, "8a44f2aa883b9789d59b", "813f8f64c5fc399a5440"),
    (UNUSUAL, "d2551dccff12b47d25a4", "65fe50c3ca1fcec53928"),
]

BASE = {"study": "s", "architecture": "mixed", "depth": 12, "stages": 3, "optimizer": "sgd", "train_samples": 100}
OTHER = {
    "study": "t",
    "dataset": "cifar10",
    "train_samples": 101,
    "image_size": 8,
    "normalisation": "none",
    "validation": "held-out",
    "val_samples": 100,
    "architecture": "parallel",
    "depth": 24,
    "stages": 4,
    "filters": 9,
    "kernel_size": 5,
    "activation": "tanh",
    "initialisation": "glorot",
    "optimizer": "adamw",
    "learning_rate": np.nextafter(1e-3, 1),
    "weight_decay": 0,
    "momentum": 0.9,
    "schedule": "cosine",
    "batch_size": 257,
    "epochs": 101,
    "precision": "bf16",
    "seed": 1,
    "draws": "crossed",
    "network": "linear",
    "block": "bottleneck",
    "shortcut": "projection",
    "reduction": 8,
    "cardinality": 2,
    "widening": 2,
    "augmentation": "crop-flip",
    "label_smoothing": 0.1,
    "method": "residual-droppath",
    "drop_rate": 0.3,
    "drop_rates": "constant",
    "drop_per": "sample",
    "rescale": "evaluation",
    "retrain_steps": 2,
    "kept_blocks": 5,
    "transitions": "kept",
    "pretrain_epochs": 3,
    "measure": "paths",
    "lesion_draws": 7,
    "most_deleted": 3,
    "finetune_epochs": 1,
    "path_draws": 9,
    "measure_every": 2,
    "subnetwork_draws": 3,
    "subnetwork_sizes": 4,
    "gradient_images": 5,
    "projection_rate": 0.5,
}
RESNET = {"study": "s", "dataset": "cifar10", "network": "resnet", "depth": 20}
DROPPED = {**BASE, "method": "droppath", "drop_rate": 0.5}
RETRAINED = {**BASE, "method": "residual-droppath", "drop_rate": 0.5, "retrain_steps": 1}
CHOSEN = {**RESNET, "method": "effective-paths", "kept_blocks": 4}
LESIONED = {**BASE, "measure": "lesions"}
WHERE = {
    "block": RESNET,
    "shortcut": RESNET,
    "reduction": {**RESNET, "network": "se-resnet"},
    "cardinality": {**RESNET, "network": "sk-resnet"},
    "widening": {**RESNET, "network": "wide-resnet", "depth": 22},
    "method": {**RETRAINED, "method": "plain", "drop_rate": 0.0, "retrain_steps": 0},
    "drop_rate": DROPPED,
    "drop_rates": DROPPED,
    "drop_per": DROPPED,
    "rescale": DROPPED,
    "retrain_steps": RETRAINED,
    "kept_blocks": CHOSEN,
    "transitions": CHOSEN,
    "lesion_draws": LESIONED,
    "most_deleted": LESIONED,
    "finetune_epochs": {**BASE, "measure": "truncation"},
    "path_draws": {**BASE, "measure": "paths"},
    "measure_every": LESIONED,
    "subnetwork_draws": {**BASE, "measure": "subnetworks"},
    "subnetwork_sizes": {**BASE, "measure": "subnetworks"},
    "gradient_images": {**BASE, "measure": "gradient-norms"},
    "projection_rate": {**BASE, "method": "procrustes", "projection_rate": 0.25},
}
"""Trials in which a field that not all trials take means something."""
IMPLIED = {"architecture": {"stages": 0}, "method": {"drop_rate": 0.5, "retrain_steps": 1}, "network": {}}


@st.composite
def trials(draw: st.DrawFn) -> Trial:
    values = {
        name: draw(
            st.sampled_from(factor.names)
            if factor.names
            else st.integers(int(factor.low), int(min(factor.high, 8)))
            if factor.kind is int
            else st.floats(factor.low, factor.high)
        )
        for name, factor in FACTORS.items()
        if name in ALWAYS and name not in ("study", "stages", "architecture", "momentum")
    }
    values["architecture"] = draw(st.sampled_from(["sequential", "parallel"]))
    least = {"sgd": 0.0, "nesterov": 0.1}.get(str(values["optimizer"]))
    values["momentum"] = 0 if least is None else draw(st.floats(least, 0.9999))
    values |= draw(
        st.sampled_from(
            [
                {},
                {"augmentation": "crop-flip", "label_smoothing": 0.1, "pretrain_epochs": 2},
                {"method": "droppath", "drop_rate": 0.25, "drop_per": "sample"},
                {"measure": "lesions+paths", "lesion_draws": 3},
            ]
        )
    )
    return Trial.from_dict({"study": draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,9}", fullmatch=True)), **values})


@laws
@given(trials(), st.randoms())
def test_the_order_of_the_fields_does_not_matter(trial: Trial, random: "np.random.Generator") -> None:
    items = list(trial.as_dict().items())
    random.shuffle(items)
    again = Trial.from_dict(dict(items))
    assert (again, again.trial_id, again.pair_id) == (trial, trial.trial_id, trial.pair_id)


@laws
@given(trials())
def test_a_trial_survives_json(trial: Trial) -> None:
    assert Trial.from_dict(json.loads(json.dumps(trial.as_dict()))).trial_id == trial.trial_id


@laws
@given(trials(), trials())
def test_identities_are_equal_exactly_for_equal_trials(one: Trial, other: Trial) -> None:
    assert (one.trial_id == other.trial_id) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"depth": 1}, {"depth": 1.0}),
        ({"depth": 4}, {"depth": np.int64(4)}),
        ({"learning_rate": 1}, {"learning_rate": 1.0}),
        ({"learning_rate": 1e-3}, {"learning_rate": 0.001}),
        ({"learning_rate": 1e-3}, {"learning_rate": np.float64("1e-3")}),
        ({"learning_rate": 0.5}, {"learning_rate": np.float32(0.5)}),
        ({"weight_decay": 0}, {"weight_decay": -0.0}),
        ({"dataset": "mnist"}, {"dataset": np.str_("mnist")}),
        ({}, {"train_samples": 60_000}),
        ({}, {"val_samples": 10_000}),
        ({}, {"image_size": 28}),
        ({"dataset": "cifar10"}, {"dataset": "cifar10", "train_samples": 50_000, "image_size": 32}),
        ({"validation": "held-out"}, {"validation": "held-out", "train_samples": 54_000, "val_samples": 6000}),
        ({"depth": 8}, {"depth": 8, "stages": 8}),
        ({"depth": 8, "architecture": "parallel"}, {"depth": 8, "architecture": "parallel", "stages": 1}),
    ],
)
def test_two_spellings_of_one_trial_are_one_trial(one: dict, other: dict) -> None:
    a, b = Trial("s", **one), Trial("s", **other)
    assert a == b
    assert a.trial_id == b.trial_id
    assert [type(value) for value in a.as_dict().values()] == [type(value) for value in b.as_dict().values()]


@pytest.mark.parametrize("name", FACTORS)
def test_any_changed_field_changes_the_identity(name: str) -> None:
    values = WHERE.get(name, BASE)
    base, changed = Trial(**values), Trial(**{**values, name: OTHER[name], **IMPLIED.get(name, {})})
    assert changed.trial_id != base.trial_id
    assert (changed.pair_id == base.pair_id) == (name in ARRANGEMENT)


def test_a_pair_is_all_arrangements_of_one_setting() -> None:
    arrangements = [("sequential", 0), ("parallel", 0), ("mixed", 2), ("mixed", 3), ("mixed", 4)]
    several = [Trial("s", depth=12, architecture=name, stages=stages) for name, stages in arrangements]
    assert len({trial.trial_id for trial in several}) == 5
    assert len({trial.pair_id for trial in several}) == 1


def test_the_two_sides_are_different_trials_even_at_depth_one() -> None:
    sequential, parallel = Trial("s", depth=1), Trial("s", depth=1, architecture="parallel")
    assert sequential.stages == parallel.stages == 1
    assert sequential.trial_id != parallel.trial_id
    assert sequential.pair_id == parallel.pair_id


@pytest.mark.parametrize(("values", "trial_id", "pair_id"), PINNED)
def test_identities_are_the_published_ones(values: dict, trial_id: str, pair_id: str) -> None:
    trial = Trial.from_dict(values)
    assert (trial.trial_id, trial.pair_id) == (trial_id, pair_id)


def test_identities_are_the_same_in_another_process() -> None:
    code = (
        "import json, sys; from sweep.trial import Trial\n"
        "for v in json.load(sys.stdin): t = Trial.from_dict(v); print(t.trial_id, t.pair_id)"
    )
    values = json.dumps([values for values, *_ in PINNED])
    for hash_seed in ("random", "1"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "LC_ALL": "C"}
        command = [sys.executable, "-c", code]
        printed = subprocess.run(command, input=values, capture_output=True, text=True, env=environment, check=True)
        assert printed.stdout.split() == [digest for _, *digests in PINNED for digest in digests]


def test_a_trial_is_frozen_and_fully_specified() -> None:
    trial = Trial("s", validation="held-out")
    with pytest.raises(dataclasses.FrozenInstanceError):
        trial.depth = 2  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(dataclasses.FrozenInstanceError):
        trial.kernel_size = 5
    with pytest.raises(dataclasses.FrozenInstanceError):
        del trial.kernel_size
    assert hash(trial) == hash(Trial("s", validation="held-out"))
    assert (trial.train_samples, trial.val_samples, trial.image_size, trial.stages) == (54_000, 6000, 28, 1)
    assert list(trial.as_dict()) == list(FACTORS)


def test_defaults_are_the_authors_habits() -> None:
    trial = Trial("s")
    assert (trial.optimizer, trial.learning_rate, trial.weight_decay) == ("adamw", 1e-3, 1e-4)
    assert (trial.batch_size, trial.epochs, trial.precision, trial.schedule) == (256, 100, "fp32", "constant")


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("name", ["train_samples", "val_samples", "image_size"])
def test_no_more_than_the_data_set_has(dataset: str, name: str) -> None:
    most = getattr(Trial("s", dataset=dataset), name)
    assert getattr(Trial("s", dataset=dataset, **{name: most}), name) == most
    with pytest.raises(SweepError, match=rf"^{name} is {most + 1}, but {dataset} has {most}$"):
        Trial("s", dataset=dataset, **{name: most + 1})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"depth": 4, "stages": 2}, "stages is 2, but a sequential stack of depth 4 has 4"),
        ({"depth": 4, "stages": 4, "architecture": "parallel"}, "stages is 4, but a parallel stack of depth 4 has 1"),
        ({"depth": 4, "architecture": "mixed"}, "stages is 0, but a mixed stack of depth 4 takes a divisor"),
        ({"depth": 4, "stages": 1, "architecture": "mixed"}, "stages is 1, but a mixed stack of depth 4 takes"),
        ({"depth": 4, "stages": 4, "architecture": "mixed"}, "stages is 4, but a mixed stack of depth 4 takes"),
        ({"depth": 4, "stages": 3, "architecture": "mixed"}, "stages is 3, but a mixed stack of depth 4 takes"),
        (
            {"depth": 12, "architecture": "mixed"},
            ".* mixed stack of depth 12 takes a divisor of 12: 2 or 3 or 4 or 6",
        ),
        (
            {"depth": 2, "architecture": "mixed"},
            ".* mixed stack of depth 2 does not exist: 2 cannot be divided",
        ),
        ({"depth": 7, "stages": 7, "architecture": "mixed"}, ".* mixed stack of depth 7 does not exist: 7 cannot"),
    ],
)
def test_stages_go_with_the_architecture(values: dict, message: str) -> None:
    with pytest.raises(ArrangementError, match=f"^{message}"):
        Trial("s", **values)


def test_momentum_belongs_to_sgd() -> None:
    assert Trial("s", optimizer="sgd", momentum=0.9).momentum == 0.9
    with pytest.raises(SweepError, match=r"^momentum is 0\.9, but belongs to sgd; leave it at 0 with adamw$"):
        Trial("s", momentum=0.9)


def test_an_unknown_field_is_refused_with_the_nearest() -> None:
    with pytest.raises(SweepError, match=r"^factor 'dephts' is not known; did you mean 'depth'\?$"):
        Trial.from_dict({"study": "s", "dephts": 1})


def test_but_changes_some_fields_and_what_they_imply() -> None:
    trial = Trial("s", depth=4)
    assert trial.but(architecture="parallel").stages == 1
    assert trial.but(depth=8).stages == 8
    assert trial.but(architecture="mixed", stages=2).stages == 2
    assert trial.but(seed=3) == Trial("s", depth=4, seed=3)


def test_the_network_follows_from_the_trial() -> None:
    trial = Trial("s", dataset="cifar10", depth=2, filters=4, kernel_size=3, train_samples=1000, image_size=16)
    parameters = 4 * (3 * 9 + 1) + 2 * 4 * (4 * 9 + 1) + 10 * (4 * 16 * 16 + 1)
    assert trial.shape.parameters == parameters
    assert trial.determination_ratio == 1000 * 10 / parameters
    assert trial.shape.input_shape == (3, 16, 16)


@pytest.mark.parametrize("name", [name for name in FACTORS if name != "draws"])
def test_draws_are_shared_by_all_that_is_compared_within_a_configuration(name: str) -> None:
    values = WHERE.get(name, BASE)
    base, changed = Trial(**values), Trial(**{**values, name: OTHER[name], **IMPLIED.get(name, {})})
    shared = name in not_configuration() and name != "seed"
    assert (base.draw_seed == changed.draw_seed) is shared
    crossed = [trial.but(draws="crossed").draw_seed for trial in (base, changed)]
    assert crossed == [base.seed, changed.seed]


def test_a_retraining_draws_as_the_training_that_it_starts_from() -> None:
    trial = Trial("s", network="resnet", depth=20, method="droppath", drop_rate=0.5, pretrain_epochs=3)
    assert trial.base is not None
    assert trial.draw_seed == trial.base.draw_seed == trial.plain.draw_seed
