"""Random histories of a store against a model of it: whatever is published, merged and deleted, rows stay the same."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from unittest import mock

import pyarrow as pa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sweep.ledger import SCHEMAS, Commit, Ledger, Tables, merge_commits
from sweep.ledger.scan import scan

laws = settings(
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
SEEDS = range(5)
WRITERS = (0, 1)
READER = 2
Step = tuple[Any, ...]
Rows = dict[str, list[dict[str, Any]]]

packs = st.tuples(
    st.sampled_from(WRITERS),
    st.sets(st.sampled_from(SEEDS), min_size=1, max_size=3).map(sorted),
    st.sampled_from(["finished", "finished", "diverged", "failed"]),
)
ledgers = st.sampled_from([*WRITERS, READER])
publish = st.tuples(st.just("publish"), packs)
blind = st.tuples(st.just("publish without a look"), packs)
limits = st.tuples(st.sampled_from([2, 3, 99]), st.sampled_from([3, 99]))
merge = st.tuples(st.just("merge"), st.sampled_from(WRITERS), limits)
refresh = st.tuples(st.just("refresh"), ledgers)
both = st.tuples(st.just("merge both at once"), limits)
day = st.just(("a day",))
late = st.tuples(st.just("publish, marker later"), packs)
reveal = st.just(("write a late marker",))


@dataclass
class History:
    """A store, its ledgers, and every pack that was ever published to it."""

    store: str
    results: Callable[..., Tables]
    clock: Any
    published: list[tuple[str, Tables]] = field(default_factory=list)
    pending: list[tuple[str, bytes, Tables]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ledgers = [Ledger.create(self.store) for _ in (*WRITERS, READER)]
        self._losses = count(1)

    def play(self, step: Step) -> None:
        match step:
            case ("publish", (who, seeds, status)):
                self._publish(self.ledgers[who], seeds, status)
            case ("publish without a look", (who, seeds, status)):
                with looking_away(self.ledgers[who]):
                    self._publish(self.ledgers[who], seeds, status)
            case ("publish, marker later", (_, seeds, status)):
                self._publish_late(seeds, status)
            case ("write a late marker",) if self.pending:
                name, marker, tables = self.pending.pop()
                self.ledgers[0].files.write(f"commits/{name}.json", marker)
                self.published.append((name, tables))
            case ("merge", who, limits):
                self._merge([who], *limits)
            case ("merge both at once", limits):
                for who in WRITERS:
                    self.ledgers[who].refresh()
                with looking_away(self.ledgers[0]), looking_away(self.ledgers[1]):
                    self._merge(WRITERS, *limits)
            case ("refresh", who):
                self.ledgers[who].refresh()
            case ("a day",):
                self.clock.now += 25 * 3600
                Ledger.create(self.store)
                for ledger in self.ledgers:
                    ledger.refresh()

    def settle(self) -> Ledger:
        """A new ledger, with which all others agree after a look."""
        new = Ledger.open(self.store)
        for ledger in self.ledgers:
            ledger.refresh()
            assert ledger.contents.commits == new.contents.commits
            assert ledger.contents.source == new.contents.source
            assert ledger.contents.status == new.contents.status
        return new

    @property
    def best(self) -> dict[str, str]:
        """Trial identity to the pack that counts: a result before a failure, then the earliest."""
        ranks: dict[str, tuple[bool, str]] = {}
        for name, tables in self.published:
            for row in tables["trials"].to_pylist():
                rank = (row["status"] == "failed", name)
                ranks[row["trial_id"]] = min(rank, ranks.get(row["trial_id"], rank))
        return {trial_id: name for trial_id, (_, name) in ranks.items()}

    def expected(self) -> Rows:
        """The rows of the packs that count."""
        best = self.best
        found: Rows = {table: [] for table in SCHEMAS}
        for name, tables in self.published:
            for table, content in tables.items():
                found[table] += [row for row in content.to_pylist() if best[row["trial_id"]] == name]
        return {table: in_order(content) for table, content in found.items()}

    def _merge(self, who: Sequence[int], small: int, large: int) -> None:
        """Merge, where a commit's size is the number of its trials."""
        reader = self.ledgers[READER]
        before = reader.read("trials"), reader.read("curves")
        with (
            mock.patch.object(Commit, "size", property(lambda commit: len(commit.statuses))),
            mock.patch("sweep.ledger.merging._SMALL", small),
            mock.patch("sweep.ledger.merging._LARGE", large),
        ):
            for each in who:
                merge_commits(self.ledgers[each], 2)
        assert (reader.read("trials"), reader.read("curves")) == before, (
            "who does not look keeps reading what was there"
        )

    def _publish(self, ledger: Ledger, seeds: Sequence[int], status: str) -> None:
        tables = self.results(seeds, status, loss=float(next(self._losses)))
        name = ledger.publish(tables)
        if name is not None:
            self.published.append((name, rows_of(tables, ledger.contents.commits[name].statuses)))

    def _publish_late(self, seeds: Sequence[int], status: str) -> None:
        """A process takes its name and writes its files, and takes its time before it writes the marker."""
        ledger = Ledger(self.store)
        write = ledger.files.write
        tables = self.results(seeds, status, loss=float(next(self._losses)))

        def without_markers(name: str, content: bytes) -> None:
            if name.startswith("commits/"):
                self.pending.append((name.removeprefix("commits/").removesuffix(".json"), content, tables))
            else:
                write(name, content)

        with mock.patch.object(ledger.files, "write", without_markers), looking_away(ledger):
            ledger.publish(tables)


@contextlib.contextmanager
def looking_away(ledger: Ledger) -> Iterator[None]:
    """Within, the ledger knows nothing that others write."""
    with mock.patch.object(ledger, "refresh", return_value=ledger.contents):
        yield


def rows_of(tables: Tables, trials: Sequence[str] | dict[str, str]) -> Tables:
    return {
        name: pa.Table.from_pylist([row for row in table.to_pylist() if row["trial_id"] in trials], table.schema)
        for name, table in tables.items()
    }


def in_order(content: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """By trial; a stable sort, so that the order within a trial counts."""
    return sorted(content, key=lambda row: row["trial_id"])


def rows(ledger: Ledger) -> Rows:
    """What a ledger reads of each table, which is what it scans."""
    read = {table: in_order(ledger.read(table).to_pylist()) for table in SCHEMAS}
    assert read == {table: in_order(scan(ledger, table).to_table().to_pylist()) for table in SCHEMAS}
    return read


def origins(ledger: Ledger) -> dict[str, str]:
    """Trial identity to the pack that it was published in, as the commits say that are read."""
    commits, source = ledger.contents.commits, ledger.contents.source
    found = {trial_id: commits[name].origin[trial_id] for trial_id, name in source.items()}
    for trial_id, name in source.items():
        assert trial_id in commits[name].parts[found[trial_id]]
    return found


@contextlib.contextmanager
def history(results: Callable[..., Tables], clock: Any) -> Iterator[History]:
    # Nothing here loses power.
    with tempfile.TemporaryDirectory() as store, mock.patch("os.fsync"):
        yield History(store, results, clock)


ANY = st.one_of(publish, blind, late, reveal, merge, both, refresh, day)
LATER_IN_A_LARGE_ONE = [
    ("publish", (0, [0], "finished")),
    ("publish", (0, [1], "finished")),
    ("publish without a look", (1, [0, 2, 3], "finished")),
]
EARLIER_BUT_LATE = [
    ("publish", (0, [0], "finished")),
    ("publish, marker later", (0, [1], "finished")),
    ("publish", (0, [1], "finished")),
    ("merge", 0, (99, 99)),
    ("write a late marker",),
]


@laws
@example([*LATER_IN_A_LARGE_ONE, ("merge", 0, (3, 99))])
@example([*LATER_IN_A_LARGE_ONE, ("merge both at once", (3, 99))])
@example([*LATER_IN_A_LARGE_ONE, ("merge both at once", (99, 99)), ("refresh", 1), ("merge", 1, (99, 99))])
@example(EARLIER_BUT_LATE)
@given(st.lists(ANY, max_size=12))
def test_every_ledger_reads_what_a_simple_model_has(results, clock, steps: list[Step]) -> None:
    with history(results, clock) as store:
        for step in steps:
            store.play(step)
        expected = store.expected()
        ledger = store.settle()
        ledger.require_whole()
        assert rows(ledger) == expected
        assert ledger.contents.status == {row["trial_id"]: row["status"] for row in expected["trials"]}
        assert origins(ledger) == store.best
