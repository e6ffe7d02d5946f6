"""What a trial makes of a user's own parts: their factors in its identity, and their faults in one sentence."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, make_dataclass, replace
from typing import Any, ClassVar

import pytest

from models.factor import factor
from models.kind import NetworkKind
from models.layers import Activation, Convolution, Dense, Flatten, ImageShape, Layer
from models.layout import BlockLayout, Layout, in_stages, layers_of
from sweep.errors import SweepError
from sweep.measures.base import Measure, Measured, Subject
from sweep.methods.plain import Plain
from sweep.parts import FACTORS, MEASURES, METHODS, NETWORKS
from sweep.trial import Trial


@pytest.fixture(autouse=True)
def registered_here() -> Iterator[None]:
    tables: list[dict[str, Any]] = [NETWORKS, METHODS, MEASURES, FACTORS]
    kept = [(table, dict(table)) for table in tables]
    yield
    for table, before in kept:
        table.clear()
        table.update(before)


class Pick(Layer):
    """A layer without parameters that gives as many values as it is told."""

    def module(self) -> Any:
        raise NotImplementedError


@dataclass(frozen=True)
class Tiny(NetworkKind):
    """A stack of bare convolutions, whose layout a test can spoil."""

    label: ClassVar[str] = "tiny network"
    residual: ClassVar[bool] = True
    spoil: ClassVar[Callable[[Layout], Any]] = staticmethod(lambda layout: layout)

    def layout(self, depth: int, width: int, branches: int, inputs: ImageShape, classes: int) -> Layout:
        hidden = (width, *inputs[1:])
        blocks = (BlockLayout(Convolution(hidden, hidden), residual=self.residual),) * depth
        head = Flatten(hidden), Dense(Flatten(hidden).outputs, (classes,))
        stages = in_stages(blocks, branches)
        return self.spoil(Layout(inputs, classes, Convolution(inputs, hidden), blocks, head, stages))


def kind_with(**members: Any) -> type[NetworkKind]:
    unchecked: Any = inspect.unwrap(Tiny.layout)
    base = type("Spoilt", (Tiny,), {**members, "layout": lambda self, *sizes: unchecked(self, *sizes)})
    return dataclass(frozen=True)(base)


def trial_of(kind: type[NetworkKind], **factors: Any) -> Trial:
    NETWORKS.register("mine:KIND", kind)
    return Trial("s", **{"dataset": "digits", "network": "mine:KIND", "depth": 2, "filters": 2, **factors})


def with_default(base: type, value: float) -> type:
    return make_dataclass(
        "Mine", [("strength", float, factor(value, low=0, high=9, meaning="x"))], bases=(base,), frozen=True
    )


class Silent(Measure):
    """A measure of nothing."""

    def passes(self, trial: Trial) -> float:
        return 0.0

    def measure(self, subject: Subject) -> Measured:
        yield 1.0, []


@pytest.mark.parametrize(
    ("registry", "sort", "base"),
    [(NETWORKS, "network", Tiny), (METHODS, "method", Plain), (MEASURES, "measure", Silent)],
    ids=["network", "method", "measure"],
)
def test_a_changed_default_makes_other_trials(registry: Any, sort: str, base: type) -> None:
    identities = []
    for default in (1.0, 2.0):
        registry.register("mine:PART", with_default(base, default))
        trial = Trial("s", **{"dataset": "digits", sort: "mine:PART"})
        assert trial.identity()["strength"] == default
        assert Trial.from_dict(trial.identity()) == trial
        identities.append((trial.trial_id, trial.pair_id))
        del registry["mine:PART"]
        del FACTORS["strength"]
    assert len(set(identities[0]) | set(identities[1])) == 4


def test_a_factor_of_another_sort_of_part_is_taken() -> None:
    shared = make_dataclass("Shared", [("path_draws", int, factor(0, low=0))], bases=(Tiny,), frozen=True)
    with pytest.raises(SweepError, match="factor 'path_draws' of network 'mine:KIND' has a name that is taken"):
        NETWORKS.register("mine:KIND", shared)


def test_a_number_that_is_written_as_an_integer_takes_fractions() -> None:
    trial = trial_of(with_default(Tiny, 1), strength=0.5)
    assert trial.as_dict()["strength"] == 0.5


def test_a_former_name_beside_its_own_is_refused() -> None:
    with pytest.raises(SweepError, match="base_epochs is a former name of pretrain_epochs; give one of them"):
        Trial("s", base_epochs=1, pretrain_epochs=2)


def test_a_trial_is_no_dataclass_whose_parts_could_be_reset() -> None:
    with pytest.raises(TypeError):
        replace(Trial("s", kernel_size=5), depth=2)


def raising(*_: object) -> Any:
    raise RuntimeError("no")


FAULTS: Mapping[str, tuple[dict[str, Any], str]] = {
    "no layout": (
        {"spoil": staticmethod(lambda layout: None)},
        "the layout of Spoilt is not a models.layout.Layout, but None",
    ),
    "other classes": (
        {
            "spoil": staticmethod(
                lambda layout: replace(layout, classes=3, head=(Flatten((2, 8, 8)), Dense((128,), (3,))))
            )
        },
        "is for images of (1, 8, 8) and 3 classes, but (1, 8, 8) and 10 are asked for",
    ),
    "other stages": (
        {"spoil": staticmethod(lambda layout: replace(layout, stages=(2,)))},
        "has stages of [2] blocks, but 1 to a stage makes [1, 1]; give it in_stages(blocks, branches)",
    ),
    "no blocks": ({"spoil": staticmethod(lambda layout: replace(layout, blocks=(), stages=()))}, "at least one block"),
    "no skip connections": ({"residual": False}, "has blocks whose residual is not True, like the kind's skips"),
    "skip connections": ({"skips": False}, "has blocks whose residual is not False, like the kind's skips"),
    "no number of blocks": ({"arranged": lambda self, depth: None}, "it returns None where int is expected"),
    "less than a block": ({"arranged": lambda self, depth: 0}, "has 0 blocks, but needs at least 1"),
    "no description": ({"describe": lambda self, depth: None}, "it returns None where str is expected"),
    "a fault in its description": ({"describe": raising}, "network 'mine:KIND' has a fault: RuntimeError: no"),
    "a fault in its short name": ({"brief": raising}, "network 'mine:KIND' has a fault: RuntimeError: no"),
    "a fault when it is made": ({"__post_init__": raising}, "network 'mine:KIND' has a fault: RuntimeError: no"),
}


@pytest.mark.parametrize(("members", "sentence"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_of_a_kind_is_one_sentence_before_training(members: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SweepError) as error:
        trial_of(kind_with(**members))
    assert sentence in str(error.value)


def test_a_network_without_parameters_is_refused() -> None:
    class Untrained(NetworkKind):
        """Nothing but sizes."""

        def layout(self, depth: int, width: int, branches: int, inputs: ImageShape, classes: int) -> Layout:
            blocks = (BlockLayout(Activation((classes,))),) * depth
            return Layout(
                inputs, classes, Pick(inputs, (classes,)), blocks, Activation((classes,)), in_stages(blocks, branches)
            )

    with pytest.raises(SweepError, match="the layout of Untrained has no parameters to train"):
        trial_of(dataclass(frozen=True)(Untrained))


def test_lists_stand_for_tuples() -> None:
    def listed(layout: Layout) -> Layout:
        parts: Any = list(layout.blocks), list(layers_of(layout.head)), list(layout.stages)
        return Layout(layout.input_shape, layout.classes, layout.stem, *parts)

    assert trial_of(kind_with(spoil=staticmethod(listed))).shape == Tiny().layout(2, 2, 1, (1, 8, 8), 10)


@pytest.mark.parametrize("member", ["check", "describe"])
def test_a_fault_of_a_method_is_one_sentence_before_training(member: str) -> None:
    METHODS.register("mine:METHOD", dataclass(frozen=True)(type("Faulty", (Plain,), {member: raising})))
    with pytest.raises(SweepError, match="method 'mine:METHOD' has a fault: RuntimeError: no"):
        Trial("s", method="mine:METHOD")


def test_a_fault_of_a_measure_is_one_sentence_before_training() -> None:
    MEASURES.register("mine:MEASURE", dataclass(frozen=True)(type("Faulty", (Silent,), {"passes": raising})))
    with pytest.raises(SweepError, match="measure 'mine:MEASURE' has a fault: RuntimeError: no"):
        Trial("s", measure="mine:MEASURE")
