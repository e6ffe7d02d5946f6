import math
import re

import pytest

from sweep.errors import SweepError
from sweep.margins import Margins, parse_margin

NAMES = ("ratio", "seed_noise")
MOST = {"ratio": 10, "seed_noise": 100}


def test_the_margins_of_a_study_that_declares_none() -> None:
    assert Margins().as_dict() == {"ratio": 0.1, "seed_noise": 1.0}
    assert str(Margins()) == "10 % of the loss, 1 times the spread among seeds"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [1e-12, 0.25, 1, 10])
def test_a_number_above_zero_is_a_margin(name: str, value: float) -> None:
    margins = Margins(**{name: value})
    assert margins == Margins().override({name: value})
    assert margins.as_dict() == Margins().as_dict() | {name: value}
    assert all(type(number) is float for number in margins.as_dict().values())
    assert Margins(**margins.as_dict()) == margins


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0, -0.1, math.nan, math.inf, -math.inf, 101, True, None, "0.1", [0.1], 1j])
def test_what_is_no_margin_is_refused(name: str, value: object) -> None:
    message = f"margin {name} is {value!r}, but takes a number above 0, up to {MOST[name]}"
    for make in (lambda: Margins(**{name: value}), lambda: Margins().override({name: value})):  # type: ignore[arg-type]
        with pytest.raises(SweepError, match=f"^{re.escape(message)}$"):
            make()


def test_an_unknown_margin_is_refused() -> None:
    for given, message in (
        ({"ration": 1}, r"margin 'ration' is not known; did you mean 'ratio'\?"),
        ({"loss": 1}, "margin 'loss' is not known; known are ratio, seed_noise"),
        ({7: 1}, "margin '7' is not known; known are ratio, seed_noise"),
    ):
        with pytest.raises(SweepError, match=f"^{message}$"):
            Margins().override(given)


def test_overrides_keep_the_others() -> None:
    margins = Margins(0.05, 2).override({"ratio": 0.2})
    assert margins == Margins(0.2, 2)
    assert margins.override({}) == margins


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [("ratio=0.05", "ratio", 0.05), (" seed_noise = 2 ", "seed_noise", 2), ("ratio=1e-3", "ratio", 0.001)],
)
def test_an_option_is_read(text: str, name: str, value: float) -> None:
    assert parse_margin(text) == {name: value}


@pytest.mark.parametrize("text", ["", "ratio", "ratio=", "=", "ratio=ten", "ratio=1,2", "0.1", "ratio=0.1=0.2"])
def test_an_option_that_is_none_is_refused(text: str) -> None:
    message = f"a margin is NAME=NUMBER such as ratio=0.05, not {text!r}"
    with pytest.raises(SweepError, match=f"^{re.escape(message)}$"):
        parse_margin(text)
