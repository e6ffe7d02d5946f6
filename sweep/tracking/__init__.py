"""Writes one MLflow run per trial from the ledger, and can write them all anew at any time."""

from sweep.tracking import environment as environment
from sweep.tracking.location import check_address, sqlite_path, tracking_uri
from sweep.tracking.mirror import check_database, log_report, rebuild, tables
from sweep.tracking.note import is_complete
from sweep.tracking.tracker import Tracker

__all__ = [
    "Tracker",
    "check_address",
    "check_database",
    "is_complete",
    "log_report",
    "rebuild",
    "sqlite_path",
    "tables",
    "tracking_uri",
]
