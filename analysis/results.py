"""A store's results as Arrow tables and SQL."""

import os
from functools import cached_property

import duckdb
import pyarrow as pa

from analysis.pairs import pairs_sql
from sweep.errors import SweepError
from sweep.ledger import Ledger


class Results:
    """The results that a store has at the moment of opening, each trial once."""

    def __init__(self, ledger: Ledger) -> None:
        ledger.require_whole()
        self._ledger = ledger

    @cached_property
    def trials(self) -> pa.Table:
        """One row a trial: its identity, every factor, status, final figures, size and cost."""
        return self._ledger.read("trials")

    @cached_property
    def curves(self) -> pa.Table:
        """One row a trial and epoch."""
        return self._ledger.read("curves")

    def sql(self, query: str) -> pa.Table:
        """The answer of DuckDB over the tables `trials`, `curves` and `pairs` (of ``val_loss``).

        Raises SweepError where the query cannot be answered.
        """
        # A Python variable is no table.
        with duckdb.connect(config={"python_enable_replacements": False}) as connection:
            connection.register("trials", self.trials)
            if "curves" in query.lower():
                connection.register("curves", self.curves)
            connection.execute(f"create view pairs as {pairs_sql('val_loss', self.trials.schema.names)}")
            try:
                kinds = [statement.type for statement in connection.extract_statements(query)]
                if kinds != [duckdb.StatementType.SELECT]:
                    raise SweepError("a query is one select statement; results are read, never changed")
                return connection.sql(query).to_arrow_table()
            except duckdb.Error as error:
                raise SweepError(f"the query cannot be answered: {' '.join(str(error).split())}") from None

    def pairs(self, metric: str = "val_loss") -> pa.Table:
        """Every sequential trial beside its parallel twin: all else equal, the seed included.

        Columns: `pair_id`, the shared factors, `determination_ratio`, and for each side its trial identity, status and
        value, then `difference` (parallel minus sequential) and `ratio` (parallel over sequential); null where a side
        has no value. Raises SweepError for a metric that trials do not have.
        """
        names = self.trials.schema.names
        numeric = [field.name for field in self.trials.schema if pa.types.is_floating(field.type)]
        if metric not in numeric:
            raise SweepError(f"metric is {metric!r}, but takes one of {', '.join(numeric)}")
        return self.sql(pairs_sql(metric, names))


def open(store: str | os.PathLike[str]) -> Results:
    """The results of a store: a local folder or an object store's URI, also while a sweep writes to it.

    Raises SweepError where there is no store, or it is damaged or newer than this program.
    """
    return Results(Ledger.open(store))
