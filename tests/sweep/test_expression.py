import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sweep.errors import SweepError
from sweep.expression import Expression
from sweep.trial import FACTORS, Trial

laws = settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
NAMES = {"depth": 4, "seed": 0, "learning_rate": 1e-3, "dataset": "mnist", "activation": "relu"}


def binary(part: st.SearchStrategy[str], operators: list[str]) -> st.SearchStrategy[str]:
    return st.builds("({} {} {})".format, part, st.sampled_from(operators), part)


def conditional(part: st.SearchStrategy[str], test: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds("({} if {} else {})".format, part, test, part)


def collections(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(part, min_size=1, max_size=3).map(", ".join)
    return several.flatmap(lambda items: st.sampled_from([f"({items},)", f"[{items}]", f"{{{items}}}"]))


TEXTS = st.sampled_from(["dataset", "activation", "'mnist'", "'m'", '""'])
COMPARISONS = ["==", "!=", "<", "<=", ">", ">="]


def grow(numbers: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Truths and numbers over the given ones; a truth is a number as well."""
    chain = st.builds(
        "({} {} {} {} {})".format, numbers, st.sampled_from(COMPARISONS), numbers, st.sampled_from(COMPARISONS), numbers
    )
    truths = st.one_of(
        chain,
        binary(numbers, COMPARISONS),
        binary(TEXTS, [*COMPARISONS, "in", "not in"]),
        binary(collections(numbers), ["==", "!=", "<"]),
        st.builds("({} {} {})".format, numbers, st.sampled_from(["in", "not in"]), collections(numbers)),
        st.builds("({} {} {})".format, TEXTS, st.sampled_from(["==", "in"]), collections(TEXTS)),
        binary(numbers, ["and", "or"]),
        numbers.map("(not {})".format),
    )
    arithmetic = st.one_of(
        binary(numbers, ["+", "-", "*", "/", "//", "%"]), numbers.map("(-{})".format), numbers.map("(+{})".format)
    )
    return st.one_of(truths, arithmetic, conditional(numbers, truths))


EXPRESSIONS = st.recursive(
    st.sampled_from(["depth", "seed", "learning_rate", "0", "1", "2.5", "1e-3", "True"]), grow, max_leaves=12
)


@laws
@given(EXPRESSIONS)
def test_what_can_be_computed_is_what_python_computes(text: str) -> None:
    if len(text) > 2000:
        return
    try:
        expected: Any = bool(eval(text, {"__builtins__": {}}, dict(NAMES)))
    except (TypeError, ZeroDivisionError, OverflowError):
        expected = SweepError
    expression = Expression(text, NAMES)
    if expected is SweepError:
        with pytest.raises(SweepError, match="cannot be computed"):
            expression(NAMES)
    else:
        assert expression(NAMES) is expected


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("dataset == 'mnist' and depth <= 8", True),
        ("1 < depth < 8", True),
        ("8 > depth > 4", False),
        ("1 < depth == 4 != seed", True),
        ("depth in (1, 2, 4)", True),
        ("depth not in [1, 2, 4]", False),
        ("depth in {8}", False),
        ("'nis' in dataset", True),
        ("dataset in 'mnist cifar10'", True),
        ("depth % 3 == 1", True),
        ("depth * 2 - 1 == 7", True),
        ("not seed", True),
        ("depth == 4 if seed else depth == 5", False),
        ("seed or depth", True),
        ("seed and 1 / seed", False),
        ("depth or 1 / 0", True),
        ("dataset == 4", False),
        ("  depth == 4\n", True),
        ("1e999 > depth", True),
    ],
)
def test_meaning(text: str, holds: bool) -> None:
    assert Expression(text, NAMES)(NAMES) is holds


def test_a_comparison_stops_at_the_first_that_fails() -> None:
    assert Expression("depth < seed < 1 / 0", NAMES)(NAMES) is False


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("dataset == 'minst'", "dataset is 'minst', but takes one of mnist, cifar10, digits; did you mean 'mnist'?"),
        ("'minst' != dataset", "dataset is 'minst', but takes one of mnist, cifar10, digits; did you mean 'mnist'?"),
        ("seed == 0 and dataset in ('mnist', 'cifar')", "did you mean 'cifar10'?"),
        ("dataset not in ['x']", "dataset is 'x', but takes one of mnist, cifar10, digits"),
        ("depth == '4'", "depth is '4', but takes an integer"),
        ("measure == 'paths+truncation'", "measure is 'paths+truncation'; write 'truncation+paths'"),
    ],
)
def test_a_text_that_a_factor_never_is_gets_a_suggestion(text: str, reason: str) -> None:
    with pytest.raises(SweepError) as caught:
        Expression(text, FACTORS)
    assert str(caught.value).startswith("in the expression ")
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["'nis' in dataset", "dataset in 'mnist cifar10'", "network == 'mine:Net'", "study == 'other'"],
)
def test_other_comparisons_with_text_are_left_alone(text: str) -> None:
    Expression(text, FACTORS)


OUTSIDE = {
    "call": "print(1)",
    "built-in": "__import__('os').system('touch {file}')",
    "attribute": "depth.real",
    "dunder": "().__class__.__bases__",
    "subscript": "dataset[0]",
    "slice": "dataset[:1]",
    "lambda": "(lambda: 1)",
    "list comprehension": "[depth for _ in (1,)]",
    "generator": "(depth for _ in (1,))",
    "dict": "{1: 2}",
    "f-string": 'f\'{open("{file}", "w")}\'',
    "walrus": "(depth := 1)",
    "power": "depth ** 9",
    "bit and": "depth & 1",
    "bit or": "depth | 1",
    "bit xor": "depth ^ 1",
    "shift": "1 << 999999999",
    "invert": "~depth",
    "matrix product": "depth @ depth",
    "is": "depth is 4",
    "is not": "depth is not 4",
    "starred": "[*dataset]",
    "await": "await depth",
    "None": "depth == None",
    "bytes": "b'a'",
    "complex": "1j",
    "ellipsis": "...",
}


@pytest.mark.parametrize("text", OUTSIDE.values(), ids=OUTSIDE.keys())
def test_nothing_outside_the_language_is_read_or_run(text: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    with pytest.raises(SweepError, match=r"has .* in it, but may hold only fields, literals, comparisons"):
        Expression(text.replace("{file}", str(file)), NAMES)
    assert not file.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "depth ==",
        "depth = 4",
        "depth == 4;",
        "import os",
        "(depth",
        "depth 4",
        "'a",
        "depth\n== 4",
        "yield",
        "08",
        "depth == 1and seed == 0",
        "dataset == '\\d'",
        "depth == 1_0",
        "depth == 0x10",
        "0b1",
        "depth == 1_0.5",
    ],
)
def test_what_is_no_expression_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(SweepError, match=r"^the expression .* cannot be read[^\n]*$"):
        Expression(text, NAMES)


def test_a_fault_says_where_it_is() -> None:
    with pytest.raises(
        SweepError, match=r"^the expression 'depth == 08' cannot be read at character 10: leading zeros"
    ):
        Expression("depth == 08", NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "-" * 1999 + "1",
        "not " * 499 + "1",
        "1" + "+1" * 999,
        "(" * 999 + ")" * 999,
        "[" * 150 + "]" * 150,
        "\0",
        "\ud800",
    ],
)
def test_deep_or_malformed_text_is_refused_or_computed_but_never_breaks(text: str) -> None:
    with contextlib.suppress(SweepError):
        Expression(text, NAMES)(NAMES)


def test_length_is_bounded() -> None:
    assert Expression("depth ==" + " " * 1990 + " 4", NAMES)(NAMES)
    with pytest.raises(SweepError, match="is 2001 characters long, but may have 2000"):
        Expression("1" * 2001, NAMES)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(SweepError, match=r"^factor 'dept' is not known; did you mean 'depth'\?$"):
        Expression("seed == 0 or dept == 1", FACTORS)


@pytest.mark.parametrize(
    "text",
    [
        "dataset * 999999999",
        "'a' * 10",
        "'%99999999d' % depth",
        "dataset + 'a'",
        "[1] * 999999999",
        "(1,) + (2,)",
        "-dataset",
        "dataset < 4",
        "1 in depth",
        "{[1]} == {[1]}",
        "depth / seed",
        "depth // 0",
        "depth % 0.0",
        "1" * 400 + " / 0.5",
    ],
)
def test_what_its_values_do_not_have_is_refused_on_evaluation(text: str) -> None:
    expression = Expression(text, NAMES)
    with pytest.raises(SweepError, match=r"^the expression .* cannot be computed: [^\n]*$"):
        expression(NAMES)


def test_every_factor_of_a_trial_is_a_name() -> None:
    trial = Trial("s", depth=4)
    for name, value in trial.as_dict().items():
        assert Expression(f"{name} == {value!r}", FACTORS)(trial.as_dict())
