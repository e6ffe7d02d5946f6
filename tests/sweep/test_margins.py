import math
import re

import pytest

from sweep.errors import SweepError
from sweep.margins import Margins, parse_margin


def test_the_margins_of_a_study_that_declares_none() -> None:
    assert Margins().as_dict() == {"ratio": 0.1}
    assert str(Margins()) == "10 % of the loss, and of what is learned"


@pytest.mark.parametrize("value", [1e-12, 0.25, 1, 10])
def test_a_number_above_zero_is_a_margin(value: float) -> None:
    margins = Margins(ratio=value)
    assert margins == Margins().override({"ratio": value})
    assert margins.as_dict() == {"ratio": value}
    assert all(type(number) is float for number in margins.as_dict().values())
    assert Margins(**margins.as_dict()) == Margins.kept(margins.as_dict()) == margins


@pytest.mark.parametrize("value", [0, -0.1, math.nan, math.inf, -math.inf, 11, True, None, "0.1", [0.1], 1j])
def test_what_is_no_margin_is_refused(value: object) -> None:
    message = f"margin ratio is {value!r}, but takes a number above 0, up to 10"
    makes = (
        lambda: Margins(ratio=value),  # type: ignore[arg-type]
        lambda: Margins().override({"ratio": value}),
        lambda: Margins.kept({"ratio": value}),
    )
    for make in makes:
        with pytest.raises(SweepError, match=f"^{re.escape(message)}$"):
            make()


def test_an_unknown_margin_is_refused() -> None:
    for given, message in (
        ({"ration": 1}, r"margin 'ration' is not known; did you mean 'ratio'\?"),
        ({"loss": 1}, "margin 'loss' is not known; known are ratio"),
        ({7: 1}, "margin '7' is not known; known are ratio"),
    ):
        with pytest.raises(SweepError, match=f"^{message}$"):
            Margins().override(given)


def test_a_store_may_hold_the_margin_of_an_earlier_version_and_nothing_new_declares_it() -> None:
    assert Margins.kept({"ratio": 0.05, "seed_noise": 2.0}) == Margins(0.05)
    assert Margins.kept({"seed_noise": math.nan}) == Margins.kept({}) == Margins()
    with pytest.raises(SweepError, match="margin seed_noise judges nothing any more; leave it out"):
        Margins().override({"seed_noise": 2})
    with pytest.raises(SweepError, match=r"is not known; known are ratio$"):
        Margins.kept({"novel": 1.0})


def test_an_override_takes_the_place_of_what_was_declared() -> None:
    margins = Margins(0.05).override({"ratio": 0.2})
    assert margins == Margins(0.2)
    assert margins.override({}) == margins


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [("ratio=0.05", "ratio", 0.05), (" novel = 2 ", "novel", 2), ("ratio=1e-3", "ratio", 0.001)],
)
def test_an_option_is_read(text: str, name: str, value: float) -> None:
    assert parse_margin(text) == {name: value}


@pytest.mark.parametrize("text", ["", "ratio", "ratio=", "=", "ratio=ten", "ratio=1,2", "0.1", "ratio=0.1=0.2"])
def test_an_option_that_is_none_is_refused(text: str) -> None:
    message = f"a margin is NAME=NUMBER such as ratio=0.05, not {text!r}"
    with pytest.raises(SweepError, match=f"^{re.escape(message)}$"):
        parse_margin(text)
