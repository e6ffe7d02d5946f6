"""Brings tables of any form that a store may hold into this program's form; no other module knows other forms.

Other versions of the program have other columns. Columns that an older one did not write are filled in; columns from a
newer one, or from a user's own part, are kept as they are.
"""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from sweep.errors import SweepError
from sweep.identity import current
from sweep.ledger.schema import network_columns
from sweep.parts import FACTORS, NETWORKS
from sweep.trial import Trial

_SHAPING = ("dataset", "image_size", "network", "architecture", "depth", "stages", "filters")
"""The factors that give a network its layers, besides those of its kind."""

_NETWORK = ("classes", "blocks", "layers_per_block")


def in_form(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with the columns of a schema, followed by those that the schema does not know.

    A missing factor is filled with the value that such results have, a missing column of the network is computed where
    the kind is known, and all else is null. Raises SweepError for a column whose type does not fit.
    """
    table = table.rename_columns([current(name) for name in table.schema.names])
    if table.schema.equals(schema):
        return table
    columns = {}
    missing = set(schema.names) - set(table.schema.names)
    networks = _networks(table) if missing & set(_NETWORK) else []
    for field in schema:
        if field.name not in missing:
            columns[field.name] = _cast(table[field.name], field)
            continue
        if field.name in _NETWORK:
            values = [network.get(field.name) for network in networks]
        else:
            values = [FACTORS[field.name].before if field.name in FACTORS else None] * table.num_rows
        columns[field.name] = pa.chunked_array([pa.array(values, field.type)])
    further = [field for field in table.schema if field.name not in columns]
    wanted = pa.schema([*schema, *(field.with_nullable(True) for field in further)])
    return pa.table({**columns, **{field.name: table[field.name] for field in further}}, wanted)


def unified(schemas: list[pa.Schema]) -> pa.Schema:
    """One schema with the columns of all. Raises SweepError where two give a column different types."""
    try:
        return pa.unify_schemas(schemas)
    except pa.ArrowException as error:
        raise _misfit(error) from None


def together(tables: Sequence[pa.Table]) -> pa.Table:
    """One table with the rows and the columns of all. Raises SweepError where two give a column different types."""
    try:
        return pa.concat_tables(tables, promote_options="default")
    except pa.ArrowException as error:
        raise _misfit(error) from None


def _misfit(error: pa.ArrowException) -> SweepError:
    return SweepError(
        f"tables do not fit together: {str(error).splitlines()[0]}; a factor of your own keeps its type, so give the "
        "changed one another name, and keep stores with different types apart"
    )


def _cast(column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    try:
        cast = column.cast(field.type)
    except pa.ArrowException:
        raise SweepError(f"its column {field.name!r} holds {column.type} where {field.type} is expected") from None
    # Rows that a program without the factor has merged with others that have it.
    return cast.fill_null(FACTORS[field.name].before) if field.name in FACTORS and cast.null_count else cast


def _networks(table: pa.Table) -> list[dict[str, int]]:
    """The columns of each row's network; none where its kind is not known here."""
    factors = [name for name in (*_SHAPING, *NETWORKS.own_factors()) if name in table.schema.names]
    rows = list(zip(*(table[name].to_pylist() for name in factors), strict=True))
    # Thousands of trials share a few hundred networks.
    networks = {row: _network(dict(zip(factors, row, strict=True))) for row in dict.fromkeys(rows)}
    return [networks[row] for row in rows]


def _network(factors: dict[str, Any]) -> dict[str, int]:
    try:
        return network_columns(Trial("any", **factors))
    except SweepError:
        return {}
