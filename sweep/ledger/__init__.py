"""The ledger: results as Arrow tables in a local or object store, published whole, each trial once."""

from sweep.ledger.commit import STORE_SCHEMA, Commit, Contents
from sweep.ledger.ledger import Ledger
from sweep.ledger.lock import Lock
from sweep.ledger.merging import merge_commits
from sweep.ledger.planned import PlannedSweep
from sweep.ledger.schema import METHOD_FACTORS, PLAN_SCHEMA, SCHEMAS, TRAINING_FACTORS, Tables, to_tables
from sweep.margins import Margins

__all__ = [
    "METHOD_FACTORS",
    "PLAN_SCHEMA",
    "SCHEMAS",
    "STORE_SCHEMA",
    "TRAINING_FACTORS",
    "Commit",
    "Contents",
    "Ledger",
    "Lock",
    "Margins",
    "PlannedSweep",
    "Tables",
    "merge_commits",
    "to_tables",
]
