import numpy as np
import pytest

from sweep.shown import cut, shown


@pytest.mark.parametrize(
    "value",
    [None, True, 1, -1.5, "a'b", b"a", [], {}, (1, 2), {"a": [1, {"b": None}]}, 10**600, np.float64(2), "ü\n", {1}],
)
def test_a_short_value_is_written_as_python_does(value: object) -> None:
    assert shown(value) == repr(value)


def _bomb(empty: bool) -> list:
    value: list = [] if empty else ["lol"]
    for _ in range(60):
        value = [value] * 9
    return value


LONG = {
    "text": "x" * 10**7,
    "bytes": b"x" * 10**7,
    "list": list(range(10**6)),
    "integer": 1 << 10**6,
    "integer in a list": [1 << 10**6],
    "bomb": _bomb(empty=False),
    "empty bomb": _bomb(empty=True),
    "bomb of mappings": {"a": {"b": _bomb(empty=True)}},
    "text in a mapping": {"a": "x" * 10**7},
}


@pytest.mark.parametrize("value", LONG.values(), ids=LONG)
@pytest.mark.timeout(5)
def test_a_long_value_is_cut_whatever_it_holds(value: object) -> None:
    assert len(shown(value)) <= 121


def test_a_value_that_holds_itself_is_written_once() -> None:
    value: list = [1]
    value.append({"self": value})
    assert shown(value) == "[1, {'self': [...]}]"


def test_a_text_is_cut_to_one_line() -> None:
    assert cut("a\nb") == "a b"
    assert cut("x" * 1000) == "x" * 120 + "…"
