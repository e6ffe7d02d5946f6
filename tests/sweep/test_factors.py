import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sweep.errors import SweepError, unknown_name
from sweep.factors import Factor
from sweep.trial import FACTORS

laws = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
NUMERIC = [name for name, factor in FACTORS.items() if factor.kind is not str]
CHOICES = [name for name, factor in FACTORS.items() if factor.names]
WHOLE = [name for name, factor in FACTORS.items() if factor.kind is int]


NOT_ASCII = ["größe", "研究", "a²", "٣"]


def refusal(name: str, value: object) -> str:
    with pytest.raises(SweepError) as error:
        FACTORS[name].coerce(name, value)
    return str(error.value)


@pytest.mark.parametrize("name", FACTORS)
@pytest.mark.parametrize("value", [None, True, b"1", [1], {"a": 1}, 1j, np.bool_(True), math.nan, math.inf, -math.inf])
def test_no_factor_takes_what_is_no_value(name: str, value: object) -> None:
    assert refusal(name, value) == f"{name} is {value!r}, but takes {FACTORS[name].allowed}"


@pytest.mark.parametrize("name", NUMERIC)
def test_numbers_are_taken_up_to_their_bounds_and_no_further(name: str) -> None:
    factor = FACTORS[name]
    for bound, outward in ((factor.low, -1), (factor.high, 1)):
        if math.isfinite(bound):
            taken = factor.coerce(name, bound)
            assert taken == bound
            assert type(taken) is factor.kind
            assert f"{bound:.12g}" in refusal(name, bound + outward)
    assert "1" in refusal(name, "1")


@pytest.mark.parametrize("name", WHOLE)
def test_integers_have_no_fraction(name: str) -> None:
    assert refusal(name, 1.5) == f"{name} is 1.5, but takes {FACTORS[name].allowed}"


@pytest.mark.parametrize("name", CHOICES)
def test_choices_are_exact_and_listed_in_the_refusal(name: str) -> None:
    factor = FACTORS[name]
    assert [factor.coerce(name, choice) for choice in factor.names] == list(factor.names)
    for value in ("", factor.names[0].upper(), factor.names[0] + " ", 0):
        several = ", or several joined by +" if factor.several else ""
        several += ", or module:NAME of your own" if factor.load else ""
        said = f"{name} is {value!r}, but takes one of {', '.join(factor.names)}{several}"
        assert refusal(name, value).partition("; did you mean")[0] == said


@pytest.mark.parametrize("value", ["", "-", "_-", "a b", "a/b", "../a", "a.b", "a\n", *NOT_ASCII, "-rf", "a" * 101])
def test_a_study_is_a_name_that_is_safe_in_a_path(value: str) -> None:
    assert "a name of letters, digits, '-' and '_'" in refusal("study", value)


@pytest.mark.parametrize("value", ["a", "a-b_2", "2", "_a", "a-", "a" * 100, np.str_("a")])
def test_a_name_comes_out_as_plain_text(value: str) -> None:
    taken = FACTORS["study"].coerce("study", value)
    assert taken == value
    assert type(taken) is str


@pytest.mark.parametrize("kind", [int, float, np.int8, np.uint16, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("name", ["depth", "weight_decay"])
def test_every_spelling_of_one_is_one(name: str, kind: type) -> None:
    taken = FACTORS[name].coerce(name, kind(1))
    assert (taken, type(taken)) == (1, FACTORS[name].kind)


def test_zero_has_no_sign() -> None:
    assert math.copysign(1, float(FACTORS["momentum"].coerce("momentum", -0.0))) == 1


@laws
@given(st.integers(min_value=10**300, max_value=10**400))
def test_an_integer_too_large_for_a_float_is_refused_or_kept_exactly(value: int) -> None:
    assert FACTORS["train_samples"].coerce("train_samples", value) == value
    assert str(value) in refusal("depth", value)
    assert str(value) in refusal("learning_rate", value)


def test_integers_are_read_exactly() -> None:
    assert FACTORS["train_samples"].parse("train_samples", "9007199254740993") == 2**53 + 1
    with pytest.raises(SweepError, match="but takes a number"):
        Factor(float).coerce("x", 10**400)


@laws
@given(st.sampled_from(["learning_rate", "weight_decay"]), st.floats(0, 1))
def test_a_number_survives_being_printed_and_read(name: str, value: float) -> None:
    assert FACTORS[name].parse(name, repr(value)) == FACTORS[name].coerce(name, value) == value


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("depth", "4", 4),
        ("depth", " 4 ", 4),
        ("depth", "4.0", 4),
        ("depth", "1e2", 100),
        ("learning_rate", "1e-3", 0.001),
        ("learning_rate", ".001", 0.001),
        ("dataset", "mnist", "mnist"),
    ],
)
def test_parse(name: str, text: str, value: object) -> None:
    assert FACTORS[name].parse(name, text) == value


@pytest.mark.parametrize("text", ["", "x", "1 2", "1,2", "0x1", "nan", "inf", "1e999", "--1", "-1", "1_0", "²", "٣"])
@pytest.mark.parametrize("name", NUMERIC)
def test_parse_refuses_with_the_allowed_values(name: str, text: str) -> None:
    with pytest.raises(SweepError, match=rf"^{name} is {text!r}, but takes {FACTORS[name].allowed}$"):
        FACTORS[name].parse(name, text)


@pytest.mark.parametrize(
    ("factor", "allowed"),
    [
        (Factor(str, ("a", "b")), "one of a, b"),
        (Factor(int), "an integer"),
        (Factor(float), "a number"),
        (Factor(int, low=0), "an integer of at least 0"),
        (Factor(int, low=0, high=2**31 - 1), "an integer from 0 to 2147483647"),
        (Factor(float, low=0, high=0.9999), "a number from 0 to 0.9999"),
    ],
)
def test_allowed_in_words(factor: Factor, allowed: str) -> None:
    assert factor.allowed == allowed


def test_every_factor_says_what_it_means() -> None:
    assert all(factor.meaning for factor in FACTORS.values())


def test_an_unknown_name_is_answered_with_the_nearest_or_with_all() -> None:
    assert str(unknown_name("factor", "dept", FACTORS)) == "factor 'dept' is not known; did you mean 'depth'?"
    assert str(unknown_name("study", "zzz", ["grid", "quick"])) == "study 'zzz' is not known; known are grid, quick"


@pytest.mark.parametrize(
    ("value", "levels"),
    [
        ("0..3", [0, 1, 2, 3]),
        (" 7..7 ", [7]),
        ("3", ["3"]),
        ("0..x", ["0..x"]),
        ("-1..2", ["-1..2"]),
        (4, [4]),
    ],
)
def test_a_range_of_integers_stands_for_its_numbers(value: object, levels: list[object]) -> None:
    assert FACTORS["seed"].levels("seed", value) == levels


@pytest.mark.parametrize("value", ["3..2", "0..100000", "0..999999999"])
def test_a_range_that_is_empty_or_endless_is_refused(value: str) -> None:
    with pytest.raises(
        SweepError, match=f"^seed is '{value}', but a range such as 0..29 goes up, by at most 100,000 n"
    ):
        FACTORS["seed"].levels("seed", value)


def test_only_integers_have_ranges() -> None:
    assert FACTORS["learning_rate"].levels("learning_rate", "0..3") == ["0..3"]
