"""The trial: one fully specified, immutable training run, with the same identity on every machine."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import FrozenInstanceError
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from models.kind import NetworkKind
from models.layout import Layout
from models.streams import stream_seed
from sweep.data import DATASETS
from sweep.errors import SweepError, unknown_name
from sweep.factors import Value, declared
from sweep.identity import by_current_name, digest, entering
from sweep.measures.base import Measure
from sweep.methods.base import Method
from sweep.parts import (
    BUDGET,
    FACTORS,
    MEASURES,
    METHODS,
    NETWORKS,
    NO_MEASURE,
    REGISTRIES,
    Common,
    always_entering,
    load_parts,
)
from sweep.registry import Registry

HELD_OUT_SHARE = 0.1
"""Share of the training split that ``validation = "held-out"`` validates on."""

ARRANGEMENT = ("architecture", "stages")
"""The factors in which the two sides of a matched pair differ."""

# Not a dataclass at run time: `dataclasses.replace` would reset the factors of the parts.
_Factors = Common if TYPE_CHECKING else object
_OF_TRAINING = ("method", "pretrain_epochs")
_Part = TypeVar("_Part")


class ArrangementError(SweepError):
    """The number of stages does not fit the architecture and the depth."""


class Trial(_Factors):
    """One fully specified, immutable training run: the factors common to all trials, and those of its parts.

    Its parts are the kind of network, the training method and the measures; each is a frozen dataclass of its own
    factors. A trial is flat, as in ``Trial("s", kernel_size=5).kernel_size``, with defaults for the factors of parts
    that it does not have. A zero in `train_samples`, `val_samples`, `image_size` or `stages` becomes the number it
    stands for. Raises SweepError for an unknown factor or a value that is not allowed.
    """

    study: str
    kind: NetworkKind
    trained_by: Method
    measured_by: tuple[Measure, ...]

    def __init__(self, study: str, **factors: Value) -> None:
        given = {"study": study, **by_current_name(factors)}
        load_parts({name: (value,) for name, value in given.items()})
        for name in given:
            if name not in FACTORS:
                raise unknown_name("factor", name, FACTORS)
        values = {name: each.default for name, each in FACTORS.items()}
        self._set(**values | {name: FACTORS[name].coerce(name, value) for name, value in given.items()})
        self._resolve_samples()
        self._set(kind=self._part("network", NETWORKS[self.network]))
        self._resolve_stages()
        for registry in REGISTRIES.values():
            self._check_owners(registry, given)
        self._set(measured_by=tuple(self._measure(name) for name in self.measures))
        if self.measure_every and not self.measures:
            raise SweepError(f"measure_every is {self.measure_every}, but nothing is measured; set measure")
        self._set(trained_by=self._part("method", METHODS[self.method]))
        self._check_training()
        self._try_parts()

    def _set(self, **values: Any) -> None:
        self.__dict__.update(values)

    def _part(self, sort: str, part: type[_Part]) -> _Part:
        return self._asked(sort, object, lambda: part(**{name: self.__dict__[name] for name in declared(part)}))

    def _resolve_samples(self) -> None:
        data = DATASETS[self.dataset]
        held_out = round(HELD_OUT_SHARE * data.train_size) if self.validation == "held-out" else 0
        for name, most in (
            ("train_samples", data.train_size - held_out),
            ("val_samples", held_out or data.test_size),
            ("image_size", data.shape[1]),
        ):
            value = getattr(self, name) or most
            if value > most:
                raise SweepError(f"{name} is {value}, but {self.dataset} has {most}")
            self._set(**{name: value})

    def _resolve_stages(self) -> None:
        arranged = self._asked("network", int, lambda: self.kind.arranged(self.depth))
        if arranged < 1:
            raise SweepError(f"a {self.network} of depth {self.depth} has {arranged} blocks, but needs at least 1")
        if self.architecture != "sequential" and not (self.kind.skips and self.kind.arranges):
            why = "whose blocks all differ in shape" if self.kind.skips else "which has no skip connections"
            raise ArrangementError(f"architecture must be sequential for {self.network}, {why}")
        implied = {"sequential": arranged, "parallel": 1}.get(self.architecture)
        named = f"stages is {self.stages}, but a {self.architecture} {self.network} of depth {self.depth}"
        if implied is not None and self.stages not in (0, implied):
            raise ArrangementError(f"{named} has {implied}; leave it at 0 or set architecture to mixed")
        if implied is None and (not 1 < self.stages < arranged or arranged % self.stages):
            divisors = [str(number) for number in range(2, arranged) if arranged % number == 0]
            if not divisors:
                raise ArrangementError(f"{named} does not exist: {arranged} cannot be divided; take another depth")
            raise ArrangementError(f"{named} takes a divisor of {arranged}: {' or '.join(divisors)}")
        self._set(stages=implied or self.stages)
        self._asked("network", int, lambda: self.shape.forward_flops + self.shape.activation_elements)
        self._check_batches()

    def _check_batches(self) -> None:
        least = self._asked("network", int, lambda: self.shape.least_batch)
        for name, value in (("batch_size", self.batch_size), ("train_samples", self.train_samples)):
            if value < least:
                raise SweepError(
                    f"{name} is {value}, but the batch norms of {self.network} at image_size {self.image_size} need at "
                    f"least {least} images at once"
                )

    def _try_parts(self) -> None:
        """Call now what would otherwise first be called after hours of training."""
        self._asked("network", int, lambda: hash(self.kind.fusion_key))
        self._asked("network", str, lambda: self.kind.describe(self.depth))
        sizes = self.architecture, self.depth, self.filters
        self._asked("network", str, lambda: self.kind.brief(self.network, *sizes))
        self._asked("method", str, lambda: self.trained_by.describe(self.__dict__))
        for measure in self.measured_by:
            self._asked("measure", (int, float), lambda measure=measure: measure.passes(self))

    def _asked(self, sort: str, expected: type | tuple[type, ...], answer: Callable[[], Any]) -> Any:
        """A part's answer. Raises SweepError if the part refuses, and for any fault of its own."""
        part = f"{sort} {getattr(self, sort)!r}"
        try:
            answered = answer()
        except SweepError:
            raise
        except ValueError as error:
            raise SweepError(str(error)) from None
        except Exception as error:  # a user's part can raise anything
            raise SweepError(f"{part} has a fault: {type(error).__name__}: {error}") from error
        if not isinstance(answered, expected):
            names = " or ".join(each.__name__ for each in (expected if isinstance(expected, tuple) else (expected,)))
            raise SweepError(f"{part} has a fault: it returns {answered!r} where {names} is expected")
        return answered

    def _measure(self, name: str) -> Measure:
        measure = MEASURES[name]
        if measure.needs_skips and not self.kind.skips:
            raise SweepError(f"measure {name} needs skip connections, which {self.network} does not have; leave it out")
        for factor in declared(measure):
            default, stands_for = FACTORS[factor].default, FACTORS[factor].stands_for
            if stands_for and getattr(self, factor) == default:
                self._set(**{factor: stands_for})
        return self._part("measure", measure)

    def _check_owners(self, registry: Registry[Any], given: Collection[str]) -> None:
        """Raise SweepError for a factor that is set but belongs to another part."""
        chosen = getattr(self, registry.sort)
        for factor in registry.own_factors():
            if factor not in given:
                continue
            value, default = getattr(self, factor), FACTORS[factor].default
            if value != default and not set(owners := registry.owners(factor)) & set(chosen.split("+")):
                raise SweepError(
                    f"{factor} is {value!r}, but belongs to {registry.sort} {' or '.join(sorted(owners))}; "
                    f"leave it at {default!r} with {registry.sort} {chosen}"
                )

    def _check_training(self) -> None:
        for factor in self.trained_by.above_zero:
            if not getattr(self, factor):
                raise SweepError(f"{factor} is 0, but method {self.method} takes a number above 0")
        if self.trained_by.needs_skips and not self.kind.skips:
            raise SweepError(
                f"method {self.method} drops blocks, but {self.network} has no skip connections to replace them"
            )
        self._asked("method", object, lambda: self.trained_by.check(self.shape))
        if self.optimizer == "adamw" and self.momentum:
            raise SweepError(f"momentum is {self.momentum:g}, but belongs to sgd; leave it at 0 with adamw")
        if self.optimizer == "nesterov" and not self.momentum:
            raise SweepError("momentum is 0, but optimizer nesterov takes a number above 0, such as 0.9")

    def __getattr__(self, name: str) -> Any:
        """A factor registered after this trial was made is at its default."""
        if name in FACTORS:
            return FACTORS[name].default
        raise AttributeError(f"a trial has no {name!r}")

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"a trial does not change; trial.but({name}=...) is another one")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"a trial does not change, so its {name} stays")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trial) and self.identity() == other.identity()

    def __hash__(self) -> int:
        return hash(self.trial_id)

    def __repr__(self) -> str:
        return f"Trial({', '.join(f'{name}={value!r}' for name, value in self.identity().items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process may know no parts but this trial's.
        return Trial.from_dict, (self.identity(),)

    @cached_property
    def trial_id(self) -> str:
        """The trial's identity: 20 hexadecimal digits."""
        return digest(self.identity())

    @cached_property
    def pair_id(self) -> str:
        """Identity of everything but the arrangement of the blocks; the sides of a matched pair share it."""
        return digest(self._entering(but=ARRANGEMENT))

    @cached_property
    def training_id(self) -> str:
        """Identity of the training, without its study and what is measured on the trained network.

        A training that is measured on its way is one with these measures, as its network passes each epoch only once.
        """
        return digest(self._entering(but=("study",) if self.measure_every else not_training()))

    @cached_property
    def draw_seed(self) -> int:
        """The seed of all that is drawn for the trial: weights, subset, order, augmentation, what a method drops.

        The sides of a matched pair, and trainings of one configuration by several methods or at several budgets, share
        it. Nested draws of two configurations are independent, so statistics may take them so; crossed ones are not.
        """
        if self.draws == "crossed":
            return self.seed
        return stream_seed(self.seed, digest(self._entering(but=not_configuration())))

    @property
    def base(self) -> "Trial | None":
        """The plain training that this one starts from; None if it starts from fresh weights."""
        return self.plain.but(epochs=self.pretrain_epochs) if self.pretrain_epochs else None

    @property
    def plain(self) -> "Trial":
        """The same trial trained plainly from fresh weights, with nothing measured."""
        reset = (*not_training()[1:], *METHODS.own_factors(), *_OF_TRAINING)
        return self.but(**{name: FACTORS[name].default for name in reset})  # pyright: ignore[reportArgumentType]

    @property
    def alone(self) -> bool:
        """Whether its network trains on its own: only a plainly trained network of a fusing kind does not."""
        recipe = ("augmentation", "label_smoothing", *_OF_TRAINING)
        return not self.kind.fuses or any(getattr(self, name) != FACTORS[name].default for name in recipe)

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of its measures."""
        return () if self.measure == NO_MEASURE else tuple(self.measure.split("+"))

    @property
    def measured_epochs(self) -> range:
        """How many epochs the network has been trained for at each measurement before the end."""
        return range(0, self.epochs, self.measure_every) if self.measure_every else range(0)

    @cached_property
    def shape(self) -> Layout:
        """The layout of the trial's network."""
        data = DATASETS[self.dataset]
        inputs = (data.shape[0], self.image_size, self.image_size)
        branches = self.kind.arranged(self.depth) // self.stages
        return self.kind.layout(self.depth, self.filters, branches, inputs, data.classes)

    @property
    def determination_ratio(self) -> float:
        """Q of P1: training samples times outputs over parameters; below 1 the data cannot determine the parameters."""
        return self.train_samples * self.shape.classes / self.shape.parameters

    def identity(self) -> dict[str, Value]:
        """The factors that enter `trial_id`, by name."""
        return self._entering()

    def _entering(self, but: Collection[str] = ()) -> dict[str, Value]:
        return entering(self.as_dict(), FACTORS, always_entering(self.__dict__), but)

    def as_dict(self) -> dict[str, Value]:
        """Every factor by name."""
        values = self.__dict__
        return {name: values[name] for name in FACTORS}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Trial":
        """The trial with the given factors. Raises SweepError for an unknown name or a value that is not allowed."""
        return cls(**values)

    def but(self, **changes: Value) -> "Trial":
        """The same trial with some factors changed; a new architecture or depth implies its own stages."""
        if {"architecture", "depth"} & changes.keys():
            changes.setdefault("stages", 0)
        return Trial(**{**self.as_dict(), **changes})  # pyright: ignore[reportArgumentType]


def not_training() -> tuple[str, ...]:
    """Factors that do not change how a network is trained."""
    return ("study", "measure", "measure_every", *MEASURES.own_factors())


def not_configuration() -> tuple[str, ...]:
    """Factors that do not tell configurations apart: what is compared within one, budgets, and what is drawn."""
    compared = (*ARRANGEMENT, *METHODS.own_factors(), *_OF_TRAINING)
    return (*not_training(), *compared, *BUDGET, "seed", "draws")
