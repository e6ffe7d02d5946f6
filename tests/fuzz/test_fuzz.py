"""A thousand inputs, the same every time; `make fuzz` tries others."""

from pathlib import Path

import pytest

from tests.fuzz.kinds import KINDS, Place, prepare, run_case


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return prepare(tmp_path_factory.mktemp("fuzz"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_input_ends_in_an_answer_or_in_one_sentence(
    kind: str, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWEEP_DATA", str(tmp_path / "data"))
    for number in range(KINDS[kind][1]):
        run_case(kind, 0, number, place)
    assert not list(tmp_path.iterdir())


def test_there_are_a_thousand() -> None:
    assert sum(cases for _, cases in KINDS.values()) == 1000
