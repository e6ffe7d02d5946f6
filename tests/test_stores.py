"""Stores outlive the program: those of earlier versions open, and a newer one is read as far as it is known.

`tests/stores/schema-3` is a store as the program of that schema made it: stacks, ResNets, a method, a retraining, every
measure, checkpoints, one of them of a training that had only begun, merged and single commits. `expected.json` is what
that program read from it.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import analysis
from sweep import durable
from sweep.cli import main
from sweep.errors import SweepError
from sweep.ledger import SCHEMAS, STORE_SCHEMA, Ledger, merge_commits, plan_schema
from sweep.ledger.commit import Commit
from sweep.ledger.encoding import encode
from sweep.ledger.scan import scan
from sweep.result import Checkpoint
from sweep.trial import FACTORS, Trial
from tests import forks

OLD = Path(__file__).parent / "stores" / "schema-3"
EXPECTED: dict[str, Any] = json.loads((OLD / "expected.json").read_text())
CROSSED = ("--set", "draws=crossed")
"""As programs of schema 3 drew."""
RUN = (*CROSSED, "--executor", "local", "--workers", "1", "--device", "cpu", "--no-track", "--no-report")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return Path(shutil.copytree(OLD / "store", tmp_path / "store"))


def sweep(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, arguments)))
    assert isinstance(ended.value.code, int)
    return ended.value.code


def files(store: Path) -> dict[str, bytes]:
    return {str(path.relative_to(store)): path.read_bytes() for path in store.rglob("*") if path.is_file()}


def without_locks(store: Path) -> dict[str, bytes]:
    return {name: content for name, content in files(store).items() if not name.startswith("locks/")}


def version(store: Path) -> int:
    return json.loads((store / "store.json").read_text())["schema"]


def test_an_older_store_has_its_rows_and_identities(store: Path) -> None:
    before = files(store)
    results = analysis.open(store)
    rows = {row["trial_id"]: row for row in results.trials.to_pylist()}
    assert rows.keys() == EXPECTED["trials"].keys()
    for trial_id, expected in EXPECTED["trials"].items():
        row = rows[trial_id]
        trial = Trial.from_dict({name: row[name] for name in FACTORS})
        assert (trial.trial_id, trial.pair_id, trial.training_id) == (
            trial_id,
            row["pair_id"],
            expected["training_id"],
        )
        assert {name: row[name] for name in expected if name != "training_id"} == {
            name: value for name, value in expected.items() if name != "training_id"
        }
        assert (row["classes"], row["blocks"]) == (10, len(trial.shape.blocks))
    assert (results.curves.num_rows, results.measurements.num_rows) == (EXPECTED["curves"], EXPECTED["measurements"])
    assert sorted({row["pretrain_epochs"] for row in rows.values()}) == [0, 2]
    assert files(store) == before, "whoever reads a store changes nothing"


def test_an_older_store_has_its_pairs_plans_and_margins(store: Path) -> None:
    results = analysis.open(store)
    names = ("pair_id", "sequential_id", "parallel_id", "ratio", "difference")
    found = [{name: row[name] for name in names} for row in results.pairs("val_loss").sort_by("pair_id").to_pylist()]
    assert sorted(found, key=str) == sorted(EXPECTED["pairs"], key=str)
    sweeps = {
        name: {
            "study": each.study,
            "margins": each.margins.as_dict(),
            "declared_at": each.declared_at,
            "trials": each.trial_ids,
        }
        for name, each in results.sweeps.items()
    }
    # Judged by no longer, and kept in the plan.
    former = {
        name: each | {"margins": {"ratio": each["margins"]["ratio"]}} for name, each in EXPECTED["margins"].items()
    }
    assert sweeps == former
    assert results.plan.schema.equals(plan_schema())
    assert results.sql("select count(*) as n from known where status = 'missing'").to_pylist() == [{"n": 1}]


@pytest.mark.parametrize("table", SCHEMAS)
def test_an_older_store_is_scanned_as_it_is_read(store: Path, table: str) -> None:
    ledger = Ledger.open(store)
    dataset = scan(ledger, table)
    assert dataset.schema.equals(SCHEMAS[table])
    assert dataset.to_table().sort_by("trial_id").num_rows == ledger.read(table).num_rows


def test_a_sweep_that_an_older_program_finished_trains_nothing(store: Path) -> None:
    before = files(store)
    assert sweep("run", OLD / "kept.yaml", "--store", store, *RUN) == 0
    assert without_locks(store) == before, "nothing was written, so the older program still opens the store"
    assert sweep("run", OLD / "kept.yaml", "--store", store, *RUN, "--set", "stack.depth=2") == 0
    new = without_locks(store).items() - before.items()
    assert {name.partition("/")[0] for name, _ in new} <= {"sweeps", "store.json"}
    assert version(store) == (STORE_SCHEMA if new else 3)


def test_margins_that_an_older_program_declared_hold(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(store)
    assert sweep("run", OLD / "kept.yaml", "--store", store, *RUN, "--margin", "ratio=0.5") == 2
    assert "this sweep's margins were declared on" in capsys.readouterr().err
    assert without_locks(store) == before, "a command that is refused changes nothing"


WRITES: dict[str, Callable[[Ledger], object]] = {
    "results": lambda ledger: ledger.write({table: ledger.read(table) for table in SCHEMAS}),
    "a merge": lambda ledger: merge_commits(ledger, 2),
    "a plan": lambda ledger: ledger.record_sweep("abc", "s", [Trial("s")]),
    "a checkpoint": lambda ledger: ledger.checkpoints.write(Checkpoint("abc", 1, False, b"x")),
    "any file": lambda ledger: ledger.files.write("tracking/abc.json", b"{}"),
}


@pytest.mark.parametrize("open_store", [Ledger.create, Ledger.open])
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_an_older_store_is_marked_before_the_first_write(
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
    open_store: Callable[[Path], Ledger],
    write: Callable[[Ledger], object],
) -> None:
    ledger = open_store(store)
    with ledger.lock("abc"):
        assert version(store) == 3
    written: list[str] = []
    durably = durable.write

    def noted(path: Path, content: bytes) -> None:
        written.append(path.relative_to(store).parts[0])
        durably(path, content)

    monkeypatch.setattr(durable, "write", noted)
    write(ledger)
    assert written[0] == "store.json"
    assert written.count("store.json") == 1
    assert version(store) == STORE_SCHEMA


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_store_that_another_process_marked_meanwhile_keeps_its_mark(
    store: Path, write: Callable[[Ledger], object]
) -> None:
    first, second = Ledger.create(store), Ledger.create(store)
    (store / "store.json").write_text(json.dumps({"schema": STORE_SCHEMA + 1}))
    before = files(store)
    with pytest.raises(SweepError, match=r"newer than this program's \d+; upgrade it$"):
        write(first)
    assert files(store) == before
    mark = json.dumps({"schema": STORE_SCHEMA}).encode()
    (store / "store.json").write_bytes(mark)
    write(second)
    assert files(store)["store.json"] == mark


def test_a_training_that_an_older_program_began_is_gone_on_with(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = EXPECTED["begun"]
    assert expected["training_id"] in EXPECTED["checkpoints"]
    assert sweep("run", OLD / "begun.yaml", "--store", store, *RUN) == 0
    assert "1 of 1 trainings have a checkpoint in the store to go on from" in capsys.readouterr().err
    curve = analysis.open(store).sql(
        f"select val_loss from curves where trial_id = '{expected['trial_id']}' order by epoch"
    )
    losses = curve["val_loss"].to_pylist()
    assert losses[0] == expected["epochs"][0], "the first epoch is the checkpoint's"
    assert losses == pytest.approx(expected["epochs"], rel=1e-3)


def test_merging_writes_the_form_of_today(store: Path) -> None:
    ledger = Ledger.create(store)
    before = ledger.read("trials").sort_by("trial_id")
    assert merge_commits(ledger, 2) == 3
    (merged,) = ledger.contents.commits
    assert pq.read_schema(store / "trials" / f"{merged}.parquet").equals(SCHEMAS["trials"])
    for reader in (ledger, Ledger.open(store)):
        assert reader.read("trials").sort_by("trial_id").equals(before)


def rewritten(store: Path, change: Callable[[pa.Table], pa.Table], table: str = "trials") -> None:
    """Write every file of a table, and its mark, as a program would that has changed the table."""
    for path in sorted((store / "commits").iterdir()):
        marker = json.loads(path.read_text())
        file = store / table / f"{path.stem}.parquet"
        content, mark = encode(change(pq.read_table(file)))
        file.write_bytes(content)
        marker["files"][table] = [mark.size, mark.sha256, mark.footer_size, mark.footer_sha256, "of a later program"]
        path.write_text(json.dumps(marker))


def with_colour(table: pa.Table) -> pa.Table:
    return table.append_column("colour", pa.array([f"c{row}" for row in range(table.num_rows)]))


def test_what_a_newer_program_has_added_is_kept(store: Path) -> None:
    rewritten(store, with_colour)
    for plan in (store / "sweeps").iterdir():
        table = pq.read_table(plan)
        pq.write_table(table.append_column("colour", pa.array(["c"] * table.num_rows)), plan)
    ledger = Ledger.create(store)
    colours = dict(zip(*(ledger.read("trials")[name].to_pylist() for name in ("trial_id", "colour")), strict=True))
    assert set(colours.values()) > {"c0", "c1"}
    results = analysis.open(store)
    assert results.sql("select count(colour) as n from pairs").to_pylist() == [{"n": len(EXPECTED["pairs"])}]
    merge_commits(ledger, 2)
    again = Ledger.open(store).read("trials")
    assert dict(zip(again["trial_id"].to_pylist(), again["colour"].to_pylist(), strict=True)) == colours


def test_a_table_that_a_newer_program_has_added_is_left_alone(store: Path) -> None:
    path = sorted((store / "commits").iterdir())[-1]
    marker = json.loads(path.read_text())
    marker["files"]["weights"] = [1, "0", 1, "0"]
    path.write_text(json.dumps(marker))
    (store / "weights").mkdir()
    (store / "weights" / f"{path.stem}.parquet").write_bytes(b"x")
    ledger = Ledger.create(store)
    assert not ledger.contents.damaged
    merge_commits(ledger, 2)
    assert path.stem in ledger.contents.commits
    assert (store / "weights" / f"{path.stem}.parquet").exists()
    assert ledger.read("trials").num_rows == len(EXPECTED["trials"])


def test_a_column_of_another_type_is_a_newer_programs_and_nothing_to_delete(store: Path) -> None:
    def with_words(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index("depth")
        return table.set_column(place, "depth", pa.array(["deep"] * table.num_rows))

    rewritten(store, with_words)
    for use in (lambda ledger: ledger.read("trials"), lambda ledger: scan(ledger, "trials")):
        with pytest.raises(SweepError, match=r"was written by a newer program, .*'depth' holds string") as error:
            use(Ledger.open(store))
        assert "delete" not in str(error.value)


def test_a_newer_store_is_refused_in_one_sentence(store: Path) -> None:
    (store / "store.json").write_text(json.dumps({"schema": STORE_SCHEMA + 1}))
    before = files(store)
    for use in (Ledger.open, Ledger.create):
        with pytest.raises(SweepError, match=r"newer than this program's \d+; upgrade it$"):
            use(store)
    assert files(store) == before


def test_a_marker_says_the_version_that_older_programs_refuse(store: Path) -> None:
    (name,) = (name for name in Ledger.open(store).contents.commits if name.endswith("-merged"))
    content = (store / "commits" / f"{name}.json").read_bytes()
    commit = Commit.from_json(name, content)
    assert commit is not None
    assert json.loads(content)["schema"] == 3
    assert json.loads(commit.to_json())["schema"] == STORE_SCHEMA > 3


GROWN = """
import sys
from dataclasses import dataclass
from models.kinds.resnet import ResNet
from models.factor import factor
from sweep.measures.base import Measure
from sweep.parts import FACTORS, MEASURES, NETWORKS
from sweep.result import Measurement

@dataclass(frozen=True)
class Tinted(ResNet):
    tint: str = factor("grey", choices=("grey", "green"), meaning="of the network")

@dataclass(frozen=True)
class Counted(Measure):
    count_to: int = factor(0, low=0, high=9, stands_for=3, meaning="how far is counted")

    def passes(self, trial):
        return float(self.count_to)

    def measure(self, subject):
        yield 1.0, [Measurement("count", "number", float(n), size=n) for n in range(self.count_to)]

NETWORKS.register("tinted", Tinted)
MEASURES.register("counted", Counted)
"""

USE = """
import analysis
from sweep.cli import main
from sweep.ledger import Ledger, SCHEMAS
store, study = sys.argv[1:]
results = analysis.open(store)
assert set(results.trials["tint"].to_pylist()) == {"grey"}
assert results.trials["count_to"].to_pylist() == [0] * results.trials.num_rows
assert {"tint", "count_to"} <= set(results.plan.schema.names)
try:
    main(["run", study, "--store", store, "--executor", "local", "--workers", "1", "--device", "cpu", "--no-track",
          "--no-report"])
except SystemExit as ended:
    assert ended.code == 0, ended.code
rows = analysis.open(store).sql("select tint, count(*) as n from trials group by 1 order by 1").to_pylist()
assert rows == [{"tint": "green", "n": 1}, {"tint": "grey", "n": 15}], rows
counted = analysis.open(store).sql("select size from measurements where measurement = 'count' order by 1").to_pylist()
assert [row["size"] for row in counted] == [0, 1, 2], counted
"""

STUDY = """
study: tinted
factors: {dataset: digits, train_samples: 100, val_samples: 50, batch_size: 50, epochs: 1, network: tinted, depth: 8,
  filters: 2, tint: green, measure: counted}
"""


def python(code: str, *arguments: str | Path) -> str:
    """What a fresh interpreter prints: parts that are registered stay registered."""
    done = forks.python(code, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_store_opens_when_networks_measures_and_factors_were_added_and_again_without_them(
    store: Path, tmp_path: Path
) -> None:
    study = tmp_path / "tinted.yaml"
    study.write_text(STUDY)
    python(GROWN + USE, store, study)
    results = analysis.open(store)
    assert results.trials.num_rows == len(EXPECTED["trials"]) + 1
    assert set(results.trials["tint"].to_pylist()) == {"green", None}
    (row,) = results.sql("select trial_id, network, blocks from trials where tint = 'green'").to_pylist()
    assert (row["network"], row["blocks"]) == ("tinted", 3)
    ledger = Ledger.create(store)
    merge_commits(ledger, 2)
    assert analysis.open(store).sql(f"select tint from trials where trial_id = '{row['trial_id']}'")[
        "tint"
    ].to_pylist() == ["green"]
    python(f"{GROWN}\nimport analysis\nassert None not in analysis.open(sys.argv[1]).trials['tint'].to_pylist()", store)


def test_a_run_with_new_draws_says_how_to_go_on_with_the_old_ones(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep("run", OLD / "begun.yaml", "--store", store, *RUN[2:]) == 0
    assert "crossed draws" not in capsys.readouterr().err
    assert sweep("run", OLD / "kept.yaml", "--store", store, *RUN[2:], "--limit", "2") == 0
    assert "add --set draws=crossed to go on with those" in capsys.readouterr().err
