"""A submitted job gets the same options that the user gave."""

from dataclasses import fields

import pytest
from cyclopts import App
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.cli import main
from sweep.cli.plan_options import ALL_TRIALS, AS_USUAL, PlanOptions, RunFlags, arguments
from sweep.errors import SweepError

_words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1)
_plans = st.builds(
    PlanOptions,
    where=st.none() | _words,
    set=st.lists(_words, max_size=3).map(tuple),
    limit=st.none() | st.integers(1, 10**6),
    shard=st.none() | st.just("2/8"),
    margin=st.lists(_words, max_size=2).map(tuple),
)
_flags = st.builds(
    RunFlags,
    store=_words,
    tracking=st.none() | _words,
    track=st.booleans(),
    device=st.none() | st.sampled_from(["cpu", "cuda"]),
    pack_size=st.integers(1, 100),
    retry_failed=st.booleans(),
    save_seconds=st.floats(0, 1e6),
    gpus_per_pack=st.floats(0.001, 1),
    report=st.booleans(),
    engine=st.just("torch") | _words,
)


@settings(deadline=None, derandomize=True)
@given(_plans, _flags)
def test_written_options_read_back_as_the_same(plan: PlanOptions, flags: RunFlags) -> None:
    app = App(result_action="return_value")

    @app.default
    def receive(*, options: PlanOptions = ALL_TRIALS, flags: RunFlags = AS_USUAL) -> tuple[PlanOptions, RunFlags]:
        return options, flags

    assert app([*arguments(plan), *arguments(flags)]) == (plan, flags)


@pytest.mark.parametrize("text", ["1_0", "2.7", "0x10", "٣", "1e1", "", "ten", "1" * 5000])
@pytest.mark.parametrize("option", ["--limit", "--workers", "--pack-size"])
def test_an_integer_is_written_in_ascii_digits(option: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["run", "quick", f"{option}={text}"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(f"sweep: Invalid value for {option}: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("text", ["1_0", "0x1", "٣", "", "half"])
def test_a_number_is_written_in_ascii_digits(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["run", "quick", f"--gpus-per-pack={text}"])
    assert ended.value.code == 2
    assert (
        capsys.readouterr().err == f"sweep: Invalid value for --gpus-per-pack: {text!r} is not a number, such as 0.5\n"
    )


def test_defaults_are_not_written() -> None:
    assert arguments(ALL_TRIALS) == arguments(AS_USUAL) == []


def test_every_option_is_tried() -> None:
    # A batch itself sends the files that `imports` names.
    tried = {"where", "set", "limit", "shard", "margin", "imports"} | set(RunFlags.__dataclass_fields__)
    assert {field.name for kind in (PlanOptions, RunFlags) for field in fields(kind)} == tried


@pytest.mark.parametrize(
    "wrong",
    [
        {"device": "tpu"},
        {"device": "cpu:1"},
        {"save_seconds": -1.0},
        *({"gpus_per_pack": share} for share in (0.0, -0.5, 1.5, 2.0, float("nan"))),
    ],
)
def test_wrong_values_are_refused(wrong: dict) -> None:
    with pytest.raises(SweepError, match="but takes"):
        RunFlags(**wrong)
