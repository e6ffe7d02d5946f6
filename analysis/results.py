"""The results of one store or several, as Arrow tables and SQL."""

import datetime as dt
import os
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from analysis.arrays import combinations
from analysis.database import connect, interruptible
from analysis.pairs import METRICS, STATUSES, known_sql, pairs_sql
from sweep.errors import SweepError, unknown_name
from sweep.ledger import SCHEMAS, Ledger, PlannedSweep, plan_schema, training_factors
from sweep.ledger.forms import together
from sweep.ledger.scan import name_damage, scan, union

if TYPE_CHECKING:
    from analysis.plots import Plots

_SHOW = re.compile(r"\s*show\s+tables\s*;?\s*", re.IGNORECASE)
_UNKNOWN = re.compile(r"Table with name (\S+) does not exist")
TABLES = {
    "trials": "a row per trial: its factors, status, final figures, size and cost",
    "curves": "a row per trial and epoch",
    "measurements": "a row per trial and thing measured on its network",
    "plan": "a row per planned trial, done or not, with its factors",
    "known": "a row per trial that is planned or done, with status missing where it is only planned",
    "pairs": "a row per matched pair, with the validation losses of both sides",
    **{f"pairs_{metric}": f"the same with {metric}" for metric in METRICS},
}
"""What a query can ask, and what it holds."""
TableName = Literal["trials", "curves", "measurements"]


class Results:
    """What stores hold at the moment of opening, each trial once.

    A trial that several stores have is read from one of them: a result before a failure, then the first store given.
    With `readable_plans_only`, plans that cannot be read count as not there; otherwise using plans raises SweepError.
    """

    def __init__(self, ledgers: Sequence[Ledger], readable_plans_only: bool = False) -> None:
        for ledger in ledgers:
            ledger.require_whole()
        self._ledgers = ledgers
        self._readable_plans_only = readable_plans_only
        self._owner = _owners(ledgers)
        if not self._owner:
            names = " and ".join(self.uris)
            raise SweepError(f"there are no results in {names} yet; `sweep run STUDY --store URI` makes some")

    @property
    def uris(self) -> tuple[str, ...]:
        """The stores, without the keys that an address may hold."""
        return tuple(ledger.uri for ledger in self._ledgers)

    @cached_property
    def trials(self) -> pa.Table:
        """One row per trial: its identity, every factor, status, final figures, size and cost."""
        return self.table("trials")

    @cached_property
    def curves(self) -> pa.Table:
        """One row per trial and epoch."""
        return self.table("curves")

    @cached_property
    def measurements(self) -> pa.Table:
        """One row per trial and thing measured on its network."""
        return self.table("measurements")

    @cached_property
    def plan(self) -> pa.Table:
        """One row per planned trial, done or not, with every factor."""
        every = [sweep.trials for sweep in self.sweeps.values()]
        planned = together([plan_schema().empty_table(), *every])
        first: dict[str, int] = {}
        for place, trial_id in enumerate(planned["trial_id"].to_pylist()):
            first.setdefault(trial_id, place)
        return planned if len(first) == planned.num_rows else planned.take(list(first.values()))

    @property
    def plot(self) -> "Plots":
        """Figures of the results, as the report draws them: ``results.plot.losses()`` and the like."""
        # Matplotlib takes a while to import.
        from analysis.plots import Plots

        return Plots(self)

    def __repr__(self) -> str:
        return f"Results of {' and '.join(self.uris)}: {', '.join(map(_row_said, self._states()))}"

    def _repr_html_(self) -> str:
        from analysis.notebook import html_table

        return html_table(f"Results of {' and '.join(self.uris)}", self._states())

    def _states(self) -> list[dict[str, Any]]:
        """How many trials of each study are in which state."""
        counts = ", ".join(f"count(*) filter (status = '{name}') as {name}" for name in STATUSES)
        return self.sql(
            f"select study, count(*) as planned, {counts} from known group by study order by study"
        ).to_pylist()

    @cached_property
    def sweeps(self) -> dict[str, PlannedSweep]:
        """Sweep identity to what it planned, and the margins declared with it."""
        sweeps: dict[str, PlannedSweep] = {}
        for ledger in reversed(self._ledgers):
            sweeps |= ledger.plans().readable if self._readable_plans_only else ledger.sweeps()
        return sweeps

    @cached_property
    def trainings(self) -> dict[str, int]:
        """Trial identity to a number of its training, of every trial that is planned or done.

        Trials that differ in nothing but their study and what is measured on them are one training.
        """
        names = list(training_factors())
        quoted = ", ".join(f'"{name}"' for name in names)
        known = self.sql(f"select trial_id, {quoted} from known")
        return dict(zip(known["trial_id"].to_pylist(), combinations(known, names).tolist(), strict=True))

    @cached_property
    def first_results(self) -> dict[int, dt.datetime]:
        """Number of a training to when its first result was there, whatever study asked for it."""
        done = self.table("trials", ["trial_id", "finished_at"], pc.field("finished_at").is_valid())
        first: dict[int, Any] = {}
        for row in done.to_pylist():
            code, time = self.trainings[row["trial_id"]], row["finished_at"]
            first[code] = min(first.get(code, time), time)
        return first

    def table(
        self, name: TableName, columns: Sequence[str] | None = None, where: pc.Expression | None = None
    ) -> pa.Table:
        """Rows and columns of a table; only those asked for are read.

        Raises SweepError for a column that the table does not have, or a file that is damaged.
        """
        dataset = self.scan(name)
        for column in columns or ():
            if column not in dataset.schema.names:
                raise SweepError(f"{name} has no column {column!r}, but {', '.join(dataset.schema.names)}")
        return self._read(name, dataset, list(columns) if columns is not None else None, where)

    def scan(self, name: TableName) -> ds.Dataset:
        """A table as an Arrow dataset, which reads when it is scanned, and only what the scan asks for."""
        return union([self._scan_store(place, name) for place in range(len(self._ledgers))])

    def sql(self, query: str, outside: bool = False) -> pa.Table:
        """The answer of DuckDB to one select over `trials`, `curves`, `measurements`, `plan` and `pairs`.

        `pairs` compares validation losses; `pairs_train_loss` and the like compare other metrics. `known` has every
        trial that is planned or done. ``show tables`` lists them all, ``describe trials`` and ``summarize trials`` say
        what is in one. Only with `outside` may the query read other files. Raises SweepError where it cannot be
        answered.
        """
        if _SHOW.fullmatch(query):
            return pa.table({"table": list(TABLES), "has": list(TABLES.values())})
        with connect(outside) as connection:
            used = self._register(connection, query.lower())
            try:
                kinds = [statement.type for statement in connection.extract_statements(query)]
                if kinds != [duckdb.StatementType.SELECT]:
                    raise SweepError("a query is one select statement; results are read, never changed")
                return interruptible(connection, lambda: connection.sql(query).to_arrow_table())
            except duckdb.Error as error:
                said = " ".join(str(error).split())
                if (unknown := _UNKNOWN.search(said)) is not None:
                    fault = unknown_name("table", unknown[1], TABLES)
                    raise SweepError(f"the query cannot be answered: {fault}") from None
                # Where DuckDB lacks an extension, it says so in an error of another kind.
                if isinstance(error, duckdb.PermissionException) or "disabled by configuration" in said:
                    raise SweepError(f"a query sees results alone unless it may see more: {said}", "outside") from None
                if isinstance(error, duckdb.InvalidInputException | duckdb.IOException):
                    self._name_damage(used)
                raise SweepError(f"the query cannot be answered: {said}") from None

    def pairs(self, metric: str = "val_loss", study: str | None = None) -> pa.Table:
        """Every sequential trial beside its parallel twin, of one study or of all: all else equal, the seed included.

        The table knows the metric and the margins that judge it, for `analysis.assess`; filters keep that.

        Columns: `pair_id`, `contrast`, the shared factors, sizes and `determination_ratio`, and for each side its
        stages, trial identity, status (finished, diverged, failed or missing) and value, then `difference` (parallel
        minus sequential) and `ratio` (parallel over sequential); null where a side has no value.

        A mixed network is beside both its ends, under the contrasts ``mixed/sequential`` and ``parallel/mixed``: the
        side with more stages is in the columns named sequential. Raises SweepError for a metric that trials do not
        have.
        """
        if metric not in METRICS:
            raise SweepError(f"metric is {metric!r}, but takes one of {', '.join(METRICS)}")
        from analysis.questions.equivalence.declared import ask

        pairs = self.sql(f"select * from pairs_{metric}")
        if study is not None:
            pairs = pairs.filter(pc.field("study") == study)
        return ask(self, pairs, metric).attach(pairs)

    def _register(self, connection: duckdb.DuckDBPyConnection, query: str) -> list[TableName]:
        """Make the tables that a query may name; which of them are files."""
        known = "pairs" in query or "known" in query
        if known or "plan" in query:
            connection.register("plan", self.plan)
        every: tuple[TableName, ...] = ("trials", "curves", "measurements")
        used: list[TableName] = [name for name in every if name in query or (known and name == "trials")]
        for name in used:
            # What has been read is not read again.
            rows = self.__dict__.get(name) or self.scan(name)
            connection.register(name, rows)
            if known and name == "trials":
                _register_pairs(connection, query, rows.schema.names)
        return used

    def _scan_store(self, place: int, name: TableName) -> ds.Dataset:
        ledger = self._ledgers[place]
        dataset = scan(ledger, name)
        foreign = [trial for trial in ledger.contents.status if self._owner[trial] != place]
        if not foreign:
            return dataset
        return ds.dataset(self._read(name, dataset, None, ~pc.field("trial_id").isin(foreign)))

    def _read(
        self, name: TableName, dataset: ds.Dataset, columns: list[str] | None, where: pc.Expression | None
    ) -> pa.Table:
        """Rows and columns of a data set; raises SweepError, which names the damaged file if it can be found."""
        try:
            return dataset.to_table(columns=columns, filter=where)
        except (pa.ArrowException, OSError) as error:
            self._name_damage([name])
            raise SweepError(f"{name} cannot be read: {str(error).splitlines()[0]}") from None

    def _name_damage(self, tables: Sequence[TableName]) -> None:
        for ledger in self._ledgers:
            for name in tables:
                name_damage(ledger, name)


def open(*stores: str | os.PathLike[str]) -> Results:
    """The results of a store: a local folder or an object store's URI, also while a sweep writes to it.

    Several stores are opened as one. Raises SweepError where there is no store, or it is empty, damaged, or newer than
    this program.
    """
    if not stores:
        raise SweepError("open takes at least one store, such as analysis.open('results')")
    return Results([Ledger.open(store) for store in stores])


def _register_pairs(connection: duckdb.DuckDBPyConnection, query: str, found: Sequence[str]) -> None:
    """Make `known`, `pairs` and those views of other metrics that a query may name; `found` are the trials' columns."""
    only_of_trials = set(SCHEMAS["trials"].names) - set(plan_schema().names)
    columns = [name for name in found if name not in only_of_trials]
    connection.execute(f"create temp view known as {known_sql(columns)}")
    connection.execute(f"create temp view pairs as {pairs_sql('val_loss', columns)}")
    for metric in METRICS:
        if f"pairs_{metric}" in query:
            connection.execute(f"create temp view pairs_{metric} as {pairs_sql(metric, columns)}")


def _owners(ledgers: Sequence[Ledger]) -> dict[str, int]:
    """Trial identity to the place of the store that it is read from."""
    owner: dict[str, int] = {}
    for place, ledger in enumerate(ledgers):
        for trial_id, status in ledger.contents.status.items():
            held = owner.get(trial_id)
            if held is None or (ledgers[held].contents.status[trial_id] == "failed" and status != "failed"):
                owner[trial_id] = place
    return owner


def _row_said(row: Mapping[str, Any]) -> str:
    said = ", ".join(f"{row[name]} {name}" for name in STATUSES if row[name])
    return f"{row['study']} ({said} of {row['planned']})"
