"""The ledger: results as Arrow tables in a local or object store, each pack published whole, each trial once."""

from sweep.ledger.commit import STORE_SCHEMA, Commit
from sweep.ledger.joining import join
from sweep.ledger.ledger import Ledger
from sweep.ledger.litter import unmarked_note
from sweep.ledger.lock import Lock
from sweep.ledger.merging import merge_commits
from sweep.ledger.plan_damage import check_plans
from sweep.ledger.planned import PlannedSweep
from sweep.ledger.schema import SCHEMAS, Tables, method_factors, plan_schema, to_tables, training_factors
from sweep.margins import Margins, declaration_time

__all__ = [
    "SCHEMAS",
    "STORE_SCHEMA",
    "Commit",
    "Ledger",
    "Lock",
    "Margins",
    "PlannedSweep",
    "Tables",
    "check_plans",
    "declaration_time",
    "join",
    "merge_commits",
    "method_factors",
    "plan_schema",
    "to_tables",
    "training_factors",
    "unmarked_note",
]
