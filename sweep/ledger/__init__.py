"""The ledger: results as Arrow tables in a local or object store, published whole, each trial once."""

from sweep.ledger.ledger import Contents, Ledger
from sweep.ledger.schema import SCHEMAS, STORE_SCHEMA, Tables, to_tables

__all__ = ["SCHEMAS", "STORE_SCHEMA", "Contents", "Ledger", "Tables", "to_tables"]
