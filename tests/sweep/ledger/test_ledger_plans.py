"""What a store keeps of a planned sweep: factors and margins, declared before there are results."""

import datetime as dt
import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sweep.errors import SweepError
from sweep.ledger import Ledger, Margins, PlannedSweep, merge_commits, plan_schema
from sweep.ledger.planned import seal
from sweep.planning import Plan
from sweep.trial import FACTORS, Trial

TRIALS = [
    Trial("s", seed=seed, architecture=side, depth=4) for seed in (2, 0, 1) for side in ("sequential", "parallel")
]
NARROW, WIDE = Margins(ratio=0.05), Margins(ratio=0.2)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch):
    """Sets the day on which sweeps are declared."""

    def set_day(day: int) -> str:
        now = SimpleNamespace(now=lambda zone: dt.datetime(2026, 1, day, 12, tzinfo=zone))
        monkeypatch.setattr("sweep.ledger.planned.dt", SimpleNamespace(datetime=now, UTC=dt.UTC))
        return f"2026-01-{day:02}T12:00:00+00:00"

    return set_day


def path(ledger: Ledger, sweep_id: str = "abc") -> Path:
    return Path(ledger.uri, "sweeps", f"{sweep_id}.parquet")


def test_trials_are_kept_in_order_with_all_their_factors(ledger: Ledger, at) -> None:
    day = at(3)
    ledger.record_sweep("abc", "grid", TRIALS, NARROW)
    ledger.record_sweep("def", "quick", [])
    for reader in (ledger, Ledger.open(ledger.uri)):
        sweeps = reader.sweeps()
        assert list(sweeps) == ["abc", "def"]
        sweep = sweeps["abc"]
        assert (sweep.study, sweep.margins, sweep.declared_at) == ("grid", NARROW, day)
        assert sweep.trial_ids == [trial.trial_id for trial in TRIALS]
        assert sweep.trials.schema.equals(plan_schema())
        for row, trial in zip(sweep.trials.to_pylist(), TRIALS, strict=True):
            assert Trial.from_dict({name: row[name] for name in FACTORS}) == trial
            assert (row["pair_id"], row["parameters"]) == (trial.pair_id, trial.shape.parameters)
            assert row["determination_ratio"] == trial.determination_ratio
        assert (sweeps["def"].trial_ids, sweeps["def"].margins) == ([], Margins())
        assert sweeps["def"].trials.schema.equals(plan_schema())


@pytest.mark.parametrize("results_before", [False, True])
def test_the_day_of_the_declaration_stays_when_the_sweep_is_run_again(
    ledger: Ledger, results, at, results_before: bool
) -> None:
    trials = [Trial("s", seed=seed) for seed in range(3)]
    first = at(3)
    ledger.record_sweep("abc", "s", trials, NARROW)
    content = path(ledger).read_bytes()
    at(4)
    if results_before:
        ledger.publish(results([1]))
    for again in (ledger, Ledger.create(ledger.uri)):
        again.record_sweep("abc", "s", trials, Margins(ratio=0.05))
        assert again.sweeps()["abc"].declared_at == first
    assert path(ledger).read_bytes() == content


def test_margins_may_change_until_there_are_results_and_no_longer(ledger: Ledger, results, at) -> None:
    trials = [Trial("s", seed=seed) for seed in range(3)]
    at(3)
    ledger.record_sweep("abc", "s", trials)
    second = at(4)
    ledger.publish(results([7]))
    ledger.record_sweep("abc", "s", trials, NARROW)
    assert ledger.sweeps()["abc"].margins == NARROW
    assert ledger.sweeps()["abc"].declared_at == second

    at(5)
    ledger.publish(results([2]))
    merge_commits(ledger, 2)
    for reader in (ledger, Ledger.open(ledger.uri)):
        for other in (WIDE, None):
            with pytest.raises(SweepError) as error:
                reader.record_sweep("abc", "s", trials, other)
            assert str(error.value) == (
                f"this sweep's margins were declared on {second} as 5 % of the loss, and of what is learned, "
                "and it has results; run it with the same margins, or with others into another store"
            )
        reader.record_sweep("abc", "s", trials, NARROW)
        assert reader.sweeps()["abc"].margins == NARROW
        assert reader.sweeps()["abc"].declared_at == second


def test_sweeps_that_share_trials_have_margins_of_their_own(ledger: Ledger, results) -> None:
    trials = [Trial("s", seed=seed) for seed in range(3)]
    ledger.record_sweep("abc", "s", trials, NARROW)
    ledger.publish(results(range(3)))
    ledger.record_sweep("def", "s", trials[:2], WIDE)
    assert {name: sweep.margins for name, sweep in ledger.sweeps().items()} == {"abc": NARROW, "def": WIDE}


def altered(content: bytes, **facts: object) -> bytes:
    """The file of the sweep abc as it is where a program writes other metadata."""
    table = pq.read_table(pa.BufferReader(content))
    metadata = json.loads((table.schema.metadata or {})[b"sweep"]) | facts
    del metadata["sha256"]
    metadata["sha256"] = seal("abc", metadata, table)
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata({b"sweep": json.dumps(metadata)}), sink)
    return sink.getvalue().to_pybytes()


def without_column(content: bytes) -> bytes:
    table = pq.read_table(pa.BufferReader(content))
    sink = pa.BufferOutputStream()
    pq.write_table(table.drop_columns(["seed"]), sink)
    return sink.getvalue().to_pybytes()


GARBAGE = {
    "empty": lambda content: b"",
    "text": lambda content: b'{"study": "s", "trials": []}',
    "cut short": lambda content: content[:-1],
    "half": lambda content: content[: len(content) // 2],
    "another Parquet file": without_column,
    "no margins": lambda content: altered(content, margins=None),
    "a list of margins": lambda content: altered(content, margins=["ratio"]),
    "a day that is none": lambda content: altered(content, declared_at="yesterday"),
    "a day without a zone": lambda content: altered(content, declared_at="2026-01-03T12:00:00"),
}
OF_ANOTHER_VERSION = {
    "margins that are none": lambda content: altered(content, margins={"ratio": -1}),
    "an unknown margin": lambda content: altered(content, margins={"loss": 1}),
    "margins of text": lambda content: altered(content, margins={"ratio": "0.1"}),
}


@pytest.mark.parametrize(
    ("spoil", "advice"),
    [(spoil, "it is damaged; put a copy") for spoil in GARBAGE.values()]
    + [(spoil, ".*; read it with the version of this program that wrote it$") for spoil in OF_ANOTHER_VERSION.values()],
    ids=[*GARBAGE, *OF_ANOTHER_VERSION],
)
def test_a_plan_that_cannot_be_read_is_an_error_and_its_margins_stay(ledger: Ledger, results, spoil, advice) -> None:
    ledger.record_sweep("abc", "s", TRIALS, NARROW)
    ledger.record_sweep("def", "s", TRIALS[:1])
    ledger.publish(results([2]))
    path(ledger).write_bytes(spoil(path(ledger).read_bytes()))
    spoilt = path(ledger).read_bytes()
    reader = Ledger.open(ledger.uri)
    for use in (reader.sweeps, lambda: ledger.record_sweep("abc", "s", TRIALS, WIDE)):
        with pytest.raises(SweepError, match=rf"^{re.escape(str(path(ledger)))} cannot be read: {advice}") as error:
            use()
        assert "\n" not in str(error.value)
    assert path(ledger).read_bytes() == spoilt
    ledger.record_sweep("def", "s", TRIALS[:1])


@pytest.mark.parametrize("spoil", [lambda marker: marker[:9], lambda marker: marker], ids=["marker", "trials"])
def test_results_that_are_damaged_still_hold_their_margins(ledger: Ledger, results, spoil) -> None:
    trials = [Trial("s", seed=seed) for seed in range(3)]
    ledger.record_sweep("abc", "s", trials, NARROW)
    name = ledger.publish(results([2]))
    marker, rows = (Path(ledger.uri, file) for file in (f"commits/{name}.json", f"trials/{name}.parquet"))
    marker.write_bytes(spoil(marker.read_bytes()))
    rows.write_bytes(rows.read_bytes()[:-1])
    reader = Ledger.open(ledger.uri)
    assert not reader.contents.status
    with pytest.raises(SweepError, match="this sweep's margins were declared on"):
        reader.record_sweep("abc", "s", trials, WIDE)
    reader.record_sweep("abc", "s", trials, NARROW)
    assert reader.sweeps()["abc"].margins == NARROW


def test_a_factor_keeps_its_type_within_a_store(ledger: Ledger) -> None:
    ledger.record_sweep("abc", "s", TRIALS)
    planned = ledger.sweeps()["abc"]
    for name, own in (("ab", pa.array([3] * len(TRIALS))), ("ac", pa.array(["x"] * len(TRIALS)))):
        grown = replace(planned, trials=planned.trials.append_column("mine", own))
        path(ledger, name).write_bytes(grown.to_bytes(name))
    with pytest.raises(SweepError, match="a factor of your own keeps its type, so give the changed one another name"):
        ledger.record_sweep("def", "s", TRIALS)
    assert not path(ledger, "def").exists()


def test_a_plan_that_the_file_system_does_not_give_is_like_a_damaged_one(ledger: Ledger, monkeypatch) -> None:
    ledger.record_sweep("abc", "s", TRIALS, NARROW)
    ledger.record_sweep("def", "s", TRIALS[:1])
    read = ledger.files.read

    def refused(name: str) -> bytes | None:
        if name == "sweeps/abc.parquet":
            raise SweepError("Input/output error")
        return read(name)

    monkeypatch.setattr(ledger.files, "read", refused)
    plans = ledger.plans()
    assert list(plans.readable) == ["def"]
    assert str(plans.unreadable["abc"]) == f"{path(ledger)} cannot be read: Input/output error"
    ledger.record_sweep("def", "s", TRIALS[:1], WIDE)
    with pytest.raises(SweepError, match="Input/output error"):
        ledger.record_sweep("abc", "s", TRIALS, WIDE)


def test_recording_reads_each_plan_once(ledger: Ledger, monkeypatch) -> None:
    ledger.record_sweep("abc", "s", TRIALS, NARROW)
    ledger.record_sweep("def", "s", TRIALS[:1])
    read, asked = ledger.files.read, list[str]()
    monkeypatch.setattr(ledger.files, "read", lambda name: asked.append(name) or read(name))
    ledger.record_sweep("abc", "s", TRIALS, WIDE)
    assert sorted(asked) == ["sweeps/abc.parquet", "sweeps/def.parquet"]


def test_a_plan_that_was_moved_away_is_declared_anew(ledger: Ledger, results, at) -> None:
    at(3)
    ledger.record_sweep("abc", "s", TRIALS, NARROW)
    ledger.publish(results([2]))
    path(ledger).unlink()
    day = at(4)
    ledger.record_sweep("abc", "s", TRIALS, WIDE)
    assert ledger.sweeps()["abc"].declared_at == day


def without_seal(content: bytes) -> bytes:
    """The file as earlier versions wrote it."""
    table = pq.read_table(pa.BufferReader(content))
    facts = json.loads((table.schema.metadata or {})[b"sweep"])
    del facts["sha256"]
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata({b"sweep": json.dumps(facts)}), sink, write_page_checksum=True)
    return sink.getvalue().to_pybytes()


def test_no_changed_bit_of_a_plan_passes_with_other_content(ledger: Ledger) -> None:
    planned = PlannedSweep.of("s", TRIALS, NARROW, ("f" * 20, 99))
    whole = planned.to_bytes("abc")
    step = 7
    noticed = 0
    for place in range(0, len(whole), step):
        content = bytearray(whole)
        content[place] ^= 1 << place % 8
        try:
            found = PlannedSweep.from_bytes("abc", bytes(content))
        except SweepError:
            noticed += 1
        else:
            assert found == planned
    assert noticed > len(whole) / step / 2


@pytest.mark.parametrize("sealed", [True, False])
def test_a_plan_under_another_sweeps_name_is_damaged(ledger: Ledger, sealed: bool) -> None:
    first, second = Plan.of("s", TRIALS[:2]), Plan.of("s", TRIALS[2:])
    for plan in (first, second):
        ledger.record_sweep(plan.sweep_id, "s", plan.trials)
        if not sealed:
            path(ledger, plan.sweep_id).write_bytes(without_seal(path(ledger, plan.sweep_id).read_bytes()))
    assert sorted(Ledger.open(ledger.uri).sweeps()) == sorted([first.sweep_id, second.sweep_id])
    one, other = path(ledger, first.sweep_id), path(ledger, second.sweep_id)
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    assert sorted(ledger.plans().unreadable) == sorted([first.sweep_id, second.sweep_id])
    with pytest.raises(SweepError, match="it is damaged; put a copy of it back"):
        ledger.sweeps()


@pytest.mark.parametrize(
    "stray", [".DS_Store", ".nfs0001", "README.txt", "X.parquet", "abc.parquet~", "abc (1).parquet"]
)
def test_a_file_of_another_name_is_no_plan(ledger: Ledger, stray: str) -> None:
    ledger.record_sweep("abc", "s", TRIALS)
    Path(ledger.uri, "sweeps", stray).write_bytes(b"somebody else's")
    assert list(ledger.sweeps()) == ["abc"]
    assert Path(ledger.uri, "sweeps", stray).read_bytes() == b"somebody else's"


def test_a_plan_that_cannot_be_kept_is_one_sentence(ledger: Ledger) -> None:
    Path(ledger.uri, "sweeps").write_text("a file where a folder belongs")
    with pytest.raises(SweepError, match=f"^the store {re.escape(ledger.uri)} cannot be read: Not a directory; fix"):
        ledger.record_sweep("abc", "s", TRIALS)
