"""What may be registered, and the names that stay free of factors."""

from dataclasses import dataclass, make_dataclass

import pytest

from models.factor import factor
from sweep.errors import SweepError
from sweep.factors import declared
from sweep.ledger import SCHEMAS
from sweep.methods.base import Method
from sweep.methods.plain import Plain
from sweep.parts import FACTORS, MEASURES, METHODS, NETWORKS
from sweep.registry import RESERVED, Registry
from sweep.trial import Trial


def test_no_factor_may_be_called_what_trials_and_tables_have_otherwise() -> None:
    of_trials = {name for name in dir(Trial("s")) if not name.startswith("_")} - FACTORS.keys()
    columns = set(SCHEMAS["trials"].names) - FACTORS.keys()
    assert of_trials | columns <= RESERVED
    assert not RESERVED & FACTORS.keys()


@pytest.mark.parametrize("registry", [NETWORKS, METHODS, MEASURES], ids=lambda registry: registry.sort)
def test_every_factor_of_a_part_is_a_factor_of_trials(registry: Registry) -> None:
    for name, part in registry.items():
        for own, factor_of_part in declared(part).items():
            assert FACTORS[own] == factor_of_part
            assert factor_of_part.meaning
            assert name in registry.owners(own)
    assert set(registry.own_factors()) == {own for part in registry.values() for own in declared(part)}


@dataclass(frozen=True)
class Loud(Plain):
    drop_rate: float = factor(0.5, low=0, high=0.95, meaning="another default")


@dataclass(frozen=True)
class Clumsy(Plain):
    seconds: float = factor(0.5, low=0, high=1, meaning="a column's name")


def taking(name: str) -> type:
    """A method with one factor of that name."""
    field = factor(0.5, low=0, high=1, meaning="a name")
    return make_dataclass("Taking", [(name, float, field)], bases=(Plain,), frozen=True)


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        (Loud, "factor 'drop_rate' of method 'x' is declared differently by droppath and residual-droppath; give it"),
        *(
            (taking(name), f"factor {name!r} of method 'x' has a name that is taken; rename it")
            for name in ("Seed", "SECONDS", "_mine", "ratio", "base_epochs", "sequential", "check")
        ),
        (Clumsy, "factor 'seconds' of method 'x' has a name that is taken; rename it"),
        (Method, "method 'x' is not one: a method is a frozen dataclass derived from sweep.methods.base.Method"),
        ("Loud", "method 'x' is not one"),
    ],
)
def test_what_cannot_be_registered_leaves_nothing_behind(part: object, sentence: str) -> None:
    names, factors = dict(METHODS), dict(FACTORS)
    with pytest.raises(SweepError) as error:
        METHODS.register("x", part)
    assert str(error.value).startswith(sentence)
    assert (dict(METHODS), dict(FACTORS)) == (names, factors)
