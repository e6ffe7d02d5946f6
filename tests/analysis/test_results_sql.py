"""SQL over the tables of a store."""

import itertools
import signal
import threading
import time
from pathlib import Path

import pytest

import analysis
from sweep.errors import SweepError
from sweep.ledger.scan import scan
from sweep.trial import Trial


@pytest.fixture
def store(make_store, end) -> Path:
    """Eight trials of two epochs in four commits."""
    trials = [
        Trial("test", dataset="digits", epochs=2, depth=depth, seed=seed, architecture=side)
        for depth, seed, side in itertools.product((1, 2), (0, 1), ("sequential", "parallel"))
    ]
    losses = [
        1.0 + each.depth / 4 + each.seed / 8 + (each.architecture == "parallel" and each.depth > 1) / 16
        for each in trials
    ]
    return make_store([end(each, loss, loss / 2, epochs=2) for each, loss in zip(trials, losses, strict=True)], pack=2)


def one_sentence(error: pytest.ExceptionInfo[SweepError], *parts: str) -> None:
    text = str(error.value)
    assert "\n" not in text
    assert all(part in text for part in parts), text


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("select 42 as answer", [{"answer": 42}]),
        ("with a as (select 1 as b) select b from a", [{"b": 1}]),
        ("values (1, 'x')", [{"col0": 1, "col1": "x"}]),
        ("SELECT COUNT(*) AS n FROM TRIALS", [{"n": 8}]),
        ("from curves select count(*) as n, max(epoch) as last", [{"n": 16, "last": 2}]),
        ("select count(*) as n from measurements", [{"n": 0}]),
        ("select count(*) as n from plan", [{"n": 0}]),
        ("select count(*) as n, count(val_loss) as losses from known", [{"n": 8, "losses": 8}]),
        ("select depth, avg(difference) as d from pairs group by depth order by depth", [(1, 0.0), (2, 0.0625)]),
        ('select max(ratio) as r from "Pairs_Train_Loss"', [{"r": (1.5625 / 2) / (1.5 / 2)}]),
        ("select count(*) as n from pairs join trials on sequential_id = trial_id", [{"n": 4}]),
        ("select depth from trials where depth > 99", []),
    ],
)
def test_sql_answers_over_the_tables_that_a_query_names(store, query, rows):
    found = analysis.open(store).sql(query).to_pylist()
    assert found == [dict(zip(("depth", "d"), row, strict=True)) if isinstance(row, tuple) else row for row in rows]


@pytest.mark.parametrize("held", [False, True])
def test_pairs_look_at_the_files_of_the_trials_once_and_not_at_all_once_they_are_held(store, monkeypatch, held):
    results, looked = analysis.open(store), list[str]()
    if held:
        assert results.trials.num_rows == 8
    monkeypatch.setattr("analysis.results.scan", lambda ledger, table: looked.append(table) or scan(ledger, table))
    assert results.sql("select * from pairs").num_rows == 4
    assert looked == ([] if held else ["trials"])


@pytest.mark.parametrize(
    "query",
    [
        "insert into trials select * from trials",
        "delete from trials",
        "update trials set val_loss = 0",
        "drop table trials",
        "create table x (a int)",
        "create view x as select 1",
        "copy trials to '{folder}/x.csv'",
        "attach '{folder}/x.db'",
        "export database '{folder}/x'",
        "set threads = 1",
        "pragma version",
        "install httpfs",
        "select 1; select 2",
        "select 1; drop table trials",
        "",
        ";",
    ],
)
def test_what_is_not_one_select_is_refused_and_does_nothing(store, tmp_path, query):
    results = analysis.open(store)
    before = sorted(store.rglob("*"))
    with pytest.raises(SweepError) as error:
        results.sql(query.format(folder=tmp_path))
    one_sentence(error, "one select statement")
    assert not list(tmp_path.iterdir())
    assert sorted(store.rglob("*")) == before
    assert results.sql("select count(*) as n from trials").to_pylist() == [{"n": 8}]


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("selec 1", "selec"),
        ("select no_such from trials", "no_such"),
        ("select * from no_such", "no_such"),
        ("select * from pairs_no_such", "pairs_no_such"),
        ("select cast('x' as int)", "x"),
        ("select error('a\nb')", "a b"),
    ],
)
def test_a_wrong_query_is_one_sentence(store, query, word):
    with pytest.raises(SweepError) as error:
        analysis.open(store).sql(query)
    one_sentence(error, "the query cannot be answered", word)


def test_sql_sees_no_python_variable(store):
    results = analysis.open(store)
    secret = results.trials
    assert secret.num_rows
    with pytest.raises(SweepError, match="secret"):
        results.sql("select * from secret")


@pytest.mark.parametrize(
    "source",
    [
        "read_csv('{file}')",
        "read_text('{file}')",
        "read_parquet('{file}')",
        "'{file}'",
        "glob('{file}*')",
        "read_csv('https://example.invalid/x.csv')",
        "read_csv('s3://bucket/x.csv')",
        "sqlite_scan('{file}', 'runs')",
    ],
)
def test_a_query_sees_the_store_alone(store, tmp_path, source):
    file = tmp_path / "secret.csv"
    file.write_text("word\nsesame\n")
    with pytest.raises(SweepError) as error:
        analysis.open(store).sql(f"select * from {source.format(file=file)}")
    one_sentence(error, "a query sees results alone unless it may see more")
    assert error.value.parameters == ("outside",)


def test_a_query_that_may_sees_other_files(store, tmp_path):
    (tmp_path / "words.csv").write_text("seed,word\n0,sesame\n")
    query = f"select distinct word from trials join read_csv('{tmp_path}/words.csv') using (seed)"
    assert analysis.open(store).sql(query, outside=True).to_pylist() == [{"word": "sesame"}]


def test_an_interrupt_ends_a_query(store):
    results = analysis.open(store)
    main = threading.main_thread().ident
    assert main is not None
    # Tests in the background ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Timer(0.5, signal.pthread_kill, (main, signal.SIGINT)).start()
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            results.sql("select count(*) from range(10000000) a, range(10000000) b where a.range * b.range % 7 = 3")
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - began < 20
    assert results.sql("select count(*) as n from trials").to_pylist() == [{"n": 8}]
