"""Tables and SQL over one store or several, on stores made from known figures."""

import itertools
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import analysis
from analysis.results import Results
from sweep.errors import SweepError
from sweep.ledger import SCHEMAS, Ledger, Margins, merge_commits
from sweep.result import Measurement, TrialResult
from sweep.trial import Trial


def trial(**factors) -> Trial:
    return Trial("test", **{"dataset": "digits", "epochs": 2, **factors})


def grid(depths=(1, 2), seeds=(0, 1)) -> list[Trial]:
    return [
        trial(depth=depth, seed=seed, architecture=architecture)
        for depth, seed, architecture in itertools.product(depths, seeds, ("sequential", "parallel"))
    ]


def loss(each: Trial) -> float:
    return 1.0 + each.depth / 4 + each.seed / 8 + (each.architecture == "parallel" and each.depth > 1) / 16


@pytest.fixture
def ends(end) -> Callable[..., list[TrialResult]]:
    """Finished results of the trials, two epochs each."""
    return lambda trials, plus=0.0: [end(each, loss(each) + plus, loss(each) / 2, epochs=2) for each in trials]


@pytest.fixture
def store(make_store, ends) -> Path:
    """Eight trials in four commits."""
    return make_store(ends(grid()), pack=2)


def damage(store: Path, table: str, column: str) -> str:
    """Flip one bit in the values of a column of the first file; the file's name."""
    victim = min((store / table).iterdir())
    group = pq.ParquetFile(victim).metadata.row_group(0)
    places = {group.column(place).path_in_schema: group.column(place) for place in range(group.num_columns)}
    chunk = places[column]
    start = chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset
    content = bytearray(victim.read_bytes())
    content[start + chunk.total_compressed_size - 1] ^= 4
    victim.write_bytes(bytes(content))
    return f"{table}/{victim.name}"


def one_sentence(error: pytest.ExceptionInfo[SweepError], *parts: str) -> None:
    text = str(error.value)
    assert "\n" not in text
    assert all(part in text for part in parts), text


def test_tables_have_every_row_once_with_the_columns_of_their_schemas(store):
    results = analysis.open(store)
    assert results.trials.schema.equals(SCHEMAS["trials"])
    assert sorted(results.trials["trial_id"].to_pylist()) == sorted(each.trial_id for each in grid())
    assert {row["trial_id"]: row["val_loss"] for row in results.trials.to_pylist()} == {
        each.trial_id: loss(each) for each in grid()
    }
    assert results.curves.num_rows == 2 * 8
    first = results.curves.filter(pc.field("trial_id") == grid()[0].trial_id).sort_by("epoch")
    assert first["val_loss"].to_pylist() == [2 * loss(grid()[0]), loss(grid()[0])]
    assert results.measurements.num_rows == 0
    assert results.measurements.schema.equals(SCHEMAS["measurements"])


def test_a_table_of_some_columns_and_rows(store):
    results = analysis.open(store)
    found = results.table("trials", ["seed", "val_loss"], (pc.field("depth") == 2) & (pc.field("seed") == 1))
    assert sorted(found.to_pylist(), key=lambda row: row["val_loss"]) == [
        {"seed": 1, "val_loss": 1.625},
        {"seed": 1, "val_loss": 1.6875},
    ]
    assert results.table("trials", []).num_rows == 8
    assert results.table("trials", ["seed"], pc.field("depth") == 99).num_rows == 0


def test_pandas_is_a_method_away(store):
    frame = analysis.open(store).trials.to_pandas()
    assert frame.groupby("depth").val_loss.mean().to_dict() == {1: 1.3125, 2: 1.59375}


def test_measurements_are_a_table_and_in_sql(make_store, end):
    measured = [Measurement("deletion", "val_loss", value, str(draw), 1, draw) for draw, value in ((0, 1.5), (1, None))]
    result = end(trial())
    results = analysis.open(make_store([TrialResult(**{**vars(result), "measurements": tuple(measured)})]))
    assert results.measurements.select(["subject", "size", "draw", "value"]).to_pylist() == [
        {"subject": "0", "size": 1, "draw": 0, "value": 1.5},
        {"subject": "1", "size": 1, "draw": 1, "value": None},
    ]
    query = "select depth, value from measurements join trials using (trial_id) where value is not null"
    assert results.sql(query).to_pylist() == [{"depth": 1, "value": 1.5}]


@pytest.mark.parametrize("name", ["trials", "curves", "measurements"])
def test_a_column_that_a_table_does_not_have_is_named_beside_those_it_has(store, name):
    with pytest.raises(SweepError) as error:
        analysis.open(store).table(name, ["trial_id", "no_such"])
    one_sentence(error, name, "'no_such'", SCHEMAS[name].names[-1])


@pytest.mark.parametrize("where", [pc.field("no_such") == 1, pc.field("depth") == "deep"])
def test_a_filter_that_cannot_be_is_one_sentence(store, where):
    with pytest.raises(SweepError) as error:
        analysis.open(store).table("trials", ["depth"], where)
    one_sentence(error, "trials cannot be read")


def test_only_what_is_asked_for_is_read(store):
    """A damaged column is no matter to those who do not read it, nor is a damaged table."""
    damage(store, "trials", "val_loss")
    damage(store, "curves", "train_loss")
    results = analysis.open(store)
    assert sum(results.table("trials", ["depth"])["depth"].to_pylist()) == 12
    assert results.sql("select sum(depth) as n from trials").to_pylist() == [{"n": 12}]
    assert results.sql("select max(epoch) as n from curves").to_pylist() == [{"n": 2}]
    with pytest.raises(SweepError):
        results.table("trials", ["val_loss"])


READERS: dict[str, Callable[[Results], object]] = {
    "trials": lambda results: results.trials,
    "table": lambda results: results.table("trials", ["val_loss"]),
    "filter": lambda results: results.table("trials", ["depth"], pc.field("val_loss") > 0),
    "sql": lambda results: results.sql("select avg(val_loss) from trials"),
    "known": lambda results: results.sql("select max(val_loss) from known"),
    "pairs": lambda results: results.pairs("val_loss"),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@pytest.mark.parametrize("others", [0, 1], ids=["one store", "a store that has half of the trials too"])
def test_a_flipped_bit_is_found_while_reading_and_its_file_named(make_store, ends, store, read, others):
    victim = damage(store, "trials", "val_loss")
    # The other store is read first: of the damaged one, the other trials alone.
    results = analysis.open(*[make_store(ends(grid()[2:])) for _ in range(others)], store)
    with pytest.raises(SweepError) as error:
        read(results)
    one_sentence(error, str(store), victim, "run its sweep again")


def test_a_flipped_bit_in_a_curve_is_found_too(store):
    victim = damage(store, "curves", "val_loss")
    with pytest.raises(SweepError) as error:
        analysis.open(store).sql("select epoch, avg(val_loss) from curves group by epoch")
    one_sentence(error, victim)


def test_a_damaged_store_is_refused_until_it_is_whole_again(store, make_store, ends):
    victim = next((store / "trials").iterdir())
    victim.write_bytes(victim.read_bytes()[:-1])
    with pytest.raises(SweepError) as error:
        analysis.open(store)
    one_sentence(error, str(store), victim.name, "damaged")
    make_store(ends(grid()), folder=store)
    assert analysis.open(store).trials.num_rows == 8


@pytest.mark.parametrize("planned", [[], grid()])
def test_a_store_without_a_result_is_said_to_have_none(make_store, planned):
    store = make_store([], planned)
    with pytest.raises(SweepError) as error:
        analysis.open(store)
    one_sentence(error, str(store), "no results", "sweep run")


@pytest.mark.parametrize(("schema", "word"), [(99, "newer"), (1, "older"), ("two", "not a store's")])
def test_a_store_of_another_version_is_refused(store, schema, word):
    (store / "store.json").write_text(json.dumps({"schema": schema}))
    with pytest.raises(SweepError) as error:
        analysis.open(store)
    one_sentence(error, str(store), word)


def test_no_store_is_refused(tmp_path):
    with pytest.raises(SweepError) as error:
        analysis.open()
    one_sentence(error, "at least one store")
    with pytest.raises(SweepError) as error:
        analysis.open(tmp_path / "nowhere")
    one_sentence(error, "no store at", "nowhere")


def test_results_are_those_of_the_moment_of_opening(store, ends, make_store):
    results = analysis.open(store)
    make_store(ends([trial(depth=8)]), folder=store)
    assert results.sql("select count(*) as n from trials").to_pylist() == [{"n": 8}]
    assert results.trials.num_rows == 8
    assert analysis.open(store).trials.num_rows == 9


def test_results_outlive_a_merge_of_the_commits_that_they_read(store):
    results, before = analysis.open(store), analysis.open(store).trials.sort_by("trial_id")
    assert merge_commits(Ledger.open(store), 2) == 4
    assert results.trials.sort_by("trial_id").equals(before)
    assert results.sql("select count(*) as n from curves").to_pylist() == [{"n": 16}]
    after = analysis.open(store)
    assert len(after.trials["trial_id"].unique()) == after.trials.num_rows == 8
    assert after.pairs().num_rows == 4


PUBLISHER = """
import sys
from sweep.result import Setting
from sweep.engine.null import train
from sweep.ledger import Ledger, merge_commits, to_tables
from sweep.trial import Trial
ledger = Ledger.create(sys.argv[1])
for start in range(0, 160, 4):
    trials = [Trial("other", seed=start + place) for place in range(4)]
    (results,) = train(trials, Setting())
    ledger.publish(to_tables(results))
    if start % 40 == 36:
        merge_commits(ledger, 2)
    if start == 0:
        print("began", flush=True)
"""


def test_results_are_whole_packs_while_another_process_publishes_and_merges(store):
    process = subprocess.Popen([sys.executable, "-c", PUBLISHER, str(store)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    seen: list[int] = []
    try:
        assert process.stdout.readline() == "began\n"
        while not seen or process.poll() is None:
            results = analysis.open(store)
            (row,) = results.sql("select count(*) as n, count(distinct trial_id) as trials from trials").to_pylist()
            assert row["n"] == row["trials"] == results.table("trials", ["seed"]).num_rows
            assert (row["n"] - 8) % 4 == 0
            assert results.table("curves", ["epoch"]).num_rows == 16 + row["n"] - 8
            seen.append(row["n"])
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()
    assert seen == sorted(seen)
    assert analysis.open(store).trials.num_rows == 8 + 160


def test_the_plan_has_what_is_not_done_and_known_has_both(make_store, ends):
    extra = trial(depth=16)
    store = make_store(ends([*grid()[:6], extra]), planned=grid())
    results = analysis.open(store)
    assert results.plan["trial_id"].to_pylist() == [each.trial_id for each in grid()]
    assert results.plan["depth"].to_pylist() == [each.depth for each in grid()]
    query = "select trial_id, status, val_loss from known"
    found = {row["trial_id"]: (row["status"], row["val_loss"]) for row in results.sql(query).to_pylist()}
    assert found == {
        **{each.trial_id: ("finished", loss(each)) for each in (*grid()[:6], extra)},
        **{each.trial_id: ("missing", None) for each in grid()[6:]},
    }


def test_a_trial_of_two_sweeps_is_planned_once(make_store, ends):
    store = make_store(ends(grid()), planned=grid())
    make_store([], planned=grid()[2:] + grid((4,)), folder=store)
    results = analysis.open(store)
    assert len(results.sweeps) == 2
    assert sorted(results.plan["trial_id"].to_pylist()) == sorted(each.trial_id for each in grid((1, 2, 4)))


def test_of_several_stores_a_result_beats_a_failure_and_else_the_first_is_read(make_store, ends, end):
    both, failed, here, there = grid()[:4]
    first = make_store([*ends([both, here]), end(failed, status="failed")])
    second = make_store([*ends([both, failed, there], plus=1.0)])
    for stores, plus in (((first, second), 0.0), ((second, first), 1.0)):
        results = analysis.open(*stores)
        losses = {row["trial_id"]: row["val_loss"] for row in results.trials.to_pylist()}
        assert losses == {
            both.trial_id: loss(both) + plus,
            failed.trial_id: loss(failed) + 1.0,
            here.trial_id: loss(here),
            there.trial_id: loss(there) + 1.0,
        }
        assert results.trials.num_rows == 4
        assert set(results.trials["status"].to_pylist()) == {"finished"}
        final = results.sql("select trial_id, val_loss from curves where epoch = 2").to_pylist()
        assert {row["trial_id"]: row["val_loss"] for row in final} == losses
        assert results.curves.num_rows == 8
        assert results.uris == tuple(map(str, stores))


def test_a_failure_in_both_stores_is_read_from_the_first(make_store, end):
    stores = [make_store([end(trial(), status="failed", seconds=number), end(trial(seed=number))]) for number in (1, 2)]
    query = "select count(*) as n, max(seconds) filter (status = 'failed') as seconds from trials"
    found = [analysis.open(*each).sql(query).to_pylist() for each in (stores, stores[::-1])]
    assert found == [[{"n": 3, "seconds": 1.0}], [{"n": 3, "seconds": 2.0}]]


def test_pairs_are_matched_across_stores(make_store, ends):
    halves = [
        make_store(ends([each for each in grid() if each.architecture == side])) for side in ("parallel", "sequential")
    ]
    assert [analysis.open(half).pairs().num_rows for half in halves] == [0, 0]
    pairs = analysis.open(*halves).pairs()
    assert pairs.num_rows == 4
    assert sorted(pairs["difference"].to_pylist()) == [0, 0, 0.0625, 0.0625]


def test_of_a_sweep_in_two_stores_the_first_declares_the_margins(make_store, ends):
    first = make_store(ends(grid()), grid(), Margins(0.02))
    second = make_store(ends(grid()), grid(), Margins(0.2))
    ratios = [
        [each.margins.ratio for each in analysis.open(*stores).sweeps.values()]
        for stores in ((first, second), (second, first))
    ]
    assert ratios == [[0.02], [0.2]]


def test_the_keys_of_an_address_are_not_shown(monkeypatch):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    ledger = Ledger("s3://key:secret@bucket/results?region=us-east-1")
    with pytest.raises(SweepError) as error:
        Results([ledger])
    one_sentence(error, "s3://…@bucket/results")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("metric", ["no_such", "seed", "trial_id"])
def test_a_metric_that_trials_do_not_have_is_refused(store, metric):
    with pytest.raises(SweepError) as error:
        analysis.open(store).pairs(metric)
    one_sentence(error, repr(metric), "val_loss")
