"""Trials of networks other than the stack, methods of training, measures, and what identifies a training."""

import pytest

from models.kinds.densenet import DenseNet
from models.kinds.linear import LinearNetwork
from models.kinds.resnet import PreActivationResNet, ResNet
from models.kinds.stack import Stack
from models.kinds.vgg import grouped
from models.kinds.wide_resnet import WideResNet
from sweep.errors import SweepError
from sweep.factors import declared
from sweep.parts import MEASURES, METHODS
from sweep.trial import Trial, not_training

CIFAR = {"study": "s", "dataset": "cifar10"}
RESNET = {**CIFAR, "network": "preresnet", "depth": 20, "filters": 16}
PAST_DEFAULTS = ("network", "augmentation", "method", "pretrain_epochs", "measure", "path_draws")


@pytest.mark.parametrize(
    ("values", "shape"),
    [
        ({}, Stack().layout(1, 8, 1, (3, 32, 32), 10)),
        ({"network": "resnet", "depth": 110, "filters": 16}, ResNet().layout(110, 16, 1, (3, 32, 32), 10)),
        ({"network": "preresnet", "depth": 20, "filters": 8}, PreActivationResNet().layout(20, 8, 1, (3, 32, 32), 10)),
        (
            {"network": "resnet", "depth": 29, "filters": 16, "block": "bottleneck", "shortcut": "projection"},
            ResNet("bottleneck", "projection").layout(29, 16, 1, (3, 32, 32), 10),
        ),
        (
            {"network": "preresnet", "depth": 20, "architecture": "parallel"},
            PreActivationResNet().layout(20, 8, 3, (3, 32, 32), 10),
        ),
        (
            {"network": "resnet", "depth": 26, "architecture": "mixed", "stages": 2, "image_size": 16},
            ResNet().layout(26, 8, 2, (3, 16, 16), 10),
        ),
        ({"network": "vgg", "depth": 15, "filters": 64}, grouped((2, 2, 3, 3, 3), 64, 1, (3, 32, 32), 10)),
        ({"network": "vgg", "depth": 10, "filters": 4}, grouped((1, 1, 2, 2, 2), 4, 1, (3, 32, 32), 10)),
        ({"network": "densenet", "depth": 40, "filters": 12}, DenseNet().layout(40, 12, 1, (3, 32, 32), 10)),
        (
            {"network": "wide-resnet", "depth": 22, "filters": 16, "architecture": "parallel", "widening": 2},
            WideResNet(2).layout(22, 16, 3, (3, 32, 32), 10),
        ),
        ({"network": "linear", "depth": 32, "filters": 32}, LinearNetwork().layout(32, 32, 1, (3, 32, 32), 10)),
        (
            {"network": "linear", "depth": 32, "filters": 32, "architecture": "parallel"},
            LinearNetwork().layout(32, 32, 32, (3, 32, 32), 10),
        ),
    ],
)
def test_the_shape_follows_from_the_trial(values: dict, shape: object) -> None:
    assert Trial(**{**CIFAR, **values}).shape == shape


NORMED = {
    "resnet of single pixels": {"network": "resnet", "depth": 8, "image_size": 1},
    "resnet that ends in single pixels": {"network": "resnet", "depth": 8, "image_size": 4},
    "preresnet": {"network": "preresnet", "depth": 8, "image_size": 3},
    "vgg": {"network": "vgg", "depth": 4, "image_size": 28},
}
SINGLE = {"batch of one": {"batch_size": 1}, "one image": {"train_samples": 1}}


@pytest.mark.parametrize("single", SINGLE.values(), ids=SINGLE)
@pytest.mark.parametrize("values", NORMED.values(), ids=NORMED)
def test_batch_norms_of_single_values_need_two_images(values: dict, single: dict) -> None:
    ((name, _),) = single.items()
    network, size = values["network"], values["image_size"]
    message = f"^{name} is 1, but the batch norms of {network} at image_size {size} need at least 2 images at once$"
    with pytest.raises(SweepError, match=message):
        Trial("s", **{**values, **single})
    assert getattr(Trial("s", **{**values, name: 2}), name) == 2


@pytest.mark.parametrize("single", SINGLE.values(), ids=SINGLE)
@pytest.mark.parametrize("values", [{}, {"network": "linear"}, {"network": "resnet", "depth": 8, "image_size": 5}])
def test_other_networks_train_on_one_image(values: dict, single: dict) -> None:
    assert Trial("s", **values, **single).shape.least_batch == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"network": "resnet", "depth": 21}, "a ResNet of basic blocks has 6n [+] 2 layers, not 21"),
        ({"network": "vgg", "depth": 2}, "a VGG network has at least 3 layers"),
        ({"network": "vgg", "depth": 15, "architecture": "parallel"}, "architecture must be sequential for vgg"),
        ({"network": "vgg", "depth": 15, "method": "droppath", "drop_rate": 0.1}, "method droppath drops blocks"),
        ({"network": "resnet", "depth": 20, "kernel_size": 5}, "kernel_size is 5, but belongs to network stack; leave"),
        ({"block": "bottleneck"}, "block is 'bottleneck', but belongs to network preresnet or resnet or se-"),
        ({"network": "densenet", "depth": 41}, "a DenseNet has 3n [+] 4 layers, not 41$"),
        ({"network": "sk-resnet", "depth": 11, "filters": 6}, "a cardinality of 4 does not divide the 6 channels"),
        ({"network": "resnet", "depth": 8, "widening": 2}, "widening is 2, but belongs to network wide-resnet; leave"),
        *(
            (
                {"network": "densenet", "depth": 40, "architecture": architecture, "stages": stages},
                "architecture must be sequential for densenet, whose blocks all differ in shape$",
            )
            for architecture, stages in (("parallel", 0), ("mixed", 3))
        ),
        ({"drop_rate": 0.5}, "drop_rate is 0.5, but belongs to method droppath or residual-droppath; leave"),
        ({"method": "droppath"}, "drop_rate is 0, but method droppath takes a number above 0"),
        ({"method": "residual-droppath", "drop_rate": 0.5}, "retrain_steps is 0, but method residual-droppath takes"),
        (
            {"method": "residual-droppath", "drop_rate": 0.5, "retrain_steps": 1, "drop_per": "sample"},
            "drop_per is 'sample', but belongs to method droppath; leave it at 'batch'",
        ),
        ({"method": "effective-paths", "kept_blocks": 2}, "kept_blocks is 2, but the network has 1 blocks"),
        (
            {**RESNET, "method": "effective-paths", "kept_blocks": 2, "transitions": "kept"},
            "kept_blocks is 2, but takes more than the 2 blocks that change the shape",
        ),
        (
            {"depth": 4, "method": "effective-paths", "kept_blocks": 2, "transitions": "kept"},
            "transitions is 'kept', but no block changes the shape",
        ),
        ({"network": "vgg", "depth": 15, "measure": "lesions+paths"}, "measure paths needs skip connections"),
        ({"network": "vgg", "depth": 15, "measure": "truncation"}, "measure truncation needs skip connections"),
        ({"path_draws": 3}, "path_draws is 3, but belongs to measure paths; leave it at 0"),
        ({"measure": "paths+none"}, "measure is 'paths[+]none', but takes one of none, lesions,"),
        ({"measure": "paths+paths"}, "measure is 'paths[+]paths', but takes one of"),
        ({"measure": "lesion"}, "measure is 'lesion', but takes one of"),
        ({"optimizer": "nesterov"}, "momentum is 0, but optimizer nesterov takes a number above 0"),
    ],
)
def test_what_means_nothing_is_refused(values: dict, message: str) -> None:
    with pytest.raises(SweepError, match=f"^{message}"):
        Trial(**{**CIFAR, **values})


def test_several_measures_have_one_spelling_and_defaults() -> None:
    one, other = (Trial(**RESNET, measure=measure) for measure in ("paths+lesions", "lesions+paths"))
    assert one == other
    assert one.measures == ("lesions", "paths")
    assert (one.lesion_draws, one.most_deleted, one.path_draws, one.finetune_epochs) == (50, 20, 1000, 0)
    assert Trial(**RESNET).measures == ()


@pytest.mark.parametrize("name", sorted({*not_training()} - {"measure_every"}))
def test_studies_and_measures_share_a_training(name: str) -> None:
    values = {**RESNET, "measure": "+".join(MEASURES)}
    other = {"study": "t", "measure": "paths", "finetune_epochs": 3}.get(name, 5)
    change = {name: other} | ({"lesion_draws": 0} if name == "measure" else {})
    one, two = Trial(**values), Trial(**{**values, **change})
    assert one.training_id == two.training_id
    assert one.trial_id != two.trial_id


@pytest.mark.parametrize("change", [{"seed": 1}, {"epochs": 3}, {"val_samples": 9}, {"schedule": "multistep"}])
def test_other_trainings_are_told_apart(change: dict) -> None:
    assert Trial(**RESNET).training_id != Trial(**{**RESNET, **change}).training_id


@pytest.mark.parametrize("method", METHODS)
def test_a_retraining_starts_from_the_plain_training(method: str) -> None:
    fields = {"drop_rate": 0.3, "retrain_steps": 2, "kept_blocks": 4, "rescale": "evaluation", "projection_rate": 0.5}
    chosen = {name: value for name, value in fields.items() if name in declared(METHODS[method])}
    retrained = Trial(**RESNET, epochs=5, pretrain_epochs=20, method=method, measure="lesions", **chosen)
    base = retrained.base
    assert base is not None
    assert base.training_id == Trial(**RESNET, epochs=20).training_id
    assert base.base is None


def test_fields_at_their_default_do_not_enter_the_identity() -> None:
    assert not set(PAST_DEFAULTS) & Trial("s").identity().keys()
    assert (
        set(PAST_DEFAULTS)
        <= Trial(
            **RESNET, augmentation="crop-flip", method="droppath", drop_rate=0.1, pretrain_epochs=1, measure="paths"
        )
        .identity()
        .keys()
    )
    assert set(Trial("s").identity()) < set(Trial("s").as_dict())


@pytest.mark.parametrize(
    ("values", "alone"),
    [
        ({}, False),
        ({"measure": "lesions", "optimizer": "nesterov", "momentum": 0.9, "schedule": "onecycle"}, False),
        (RESNET, True),
        ({"augmentation": "crop-flip"}, True),
        ({"label_smoothing": 0.1}, True),
        ({"method": "droppath", "drop_rate": 0.1}, True),
        ({"pretrain_epochs": 1}, True),
    ],
)
def test_plain_stacks_alone_are_fused(values: dict, alone: bool) -> None:
    assert Trial(**{**CIFAR, **values}).alone == alone
