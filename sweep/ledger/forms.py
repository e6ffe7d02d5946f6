"""Tables of any form that a store may hold, in the form of this program: the one place where the two meet.

A program of another version has other columns. What an older one did not write is filled in; what a newer one, or a
part of somebody's own, has added is kept as it is.
"""

from typing import Any

import pyarrow as pa

from sweep.errors import SweepError
from sweep.identity import current
from sweep.ledger.schema import network_columns
from sweep.parts import FACTORS
from sweep.trial import Trial

_NETWORK = ("classes", "blocks", "layers_per_block")


def in_form(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with the columns of a schema, then those that the schema does not know.

    A factor that is missing is at its default, what follows from a network is worked out where its kind is known, and
    all else is null. Raises SweepError for a column of a type that does not fit.
    """
    table = table.rename_columns([current(name) for name in table.schema.names])
    if table.schema.equals(schema):
        return table
    columns = {}
    lacking = [name for name in _NETWORK if name in schema.names and name not in table.schema.names]
    worked_out = _worked_out(table) if lacking else {}
    for field in schema:
        if field.name in table.schema.names:
            columns[field.name] = _cast(table[field.name], field)
        elif field.name in worked_out:
            columns[field.name] = pa.chunked_array([worked_out[field.name]], field.type)
        else:
            default = FACTORS[field.name].default if field.name in FACTORS else None
            columns[field.name] = pa.chunked_array([pa.array([default] * table.num_rows, field.type)])
    further = [field for field in table.schema if field.name not in columns]
    wanted = pa.schema([*schema, *(field.with_nullable(True) for field in further)])
    return pa.table({**columns, **{field.name: table[field.name] for field in further}}, wanted)


def unified(schemas: list[pa.Schema]) -> pa.Schema:
    """One schema with the columns of all. Raises SweepError where two give a column different types."""
    try:
        return pa.unify_schemas(schemas)
    except pa.ArrowException as error:
        raise SweepError(
            f"tables do not fit together: {str(error).splitlines()[0]}; read the stores one by one"
        ) from None


def _cast(column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    try:
        return column.cast(field.type)
    except pa.ArrowException:
        raise SweepError(
            f"its column {field.name!r} holds {column.type}, which this program takes for {field.type}: it was written "
            "by a newer program; use that one"
        ) from None


def _worked_out(table: pa.Table) -> dict[str, list[int | None]]:
    """What follows from the network of each row, None where its kind is not known here."""
    found: dict[str, list[int | None]] = {name: [] for name in _NETWORK}
    known = [name for name in FACTORS if name in table.schema.names]
    for row in table.select(known).to_pylist():
        values = _columns_of(row)
        for name in _NETWORK:
            found[name].append(values.get(name))
    return found


def _columns_of(row: dict[str, Any]) -> dict[str, int]:
    try:
        return network_columns(Trial.from_dict(row))
    except SweepError:
        return {}
