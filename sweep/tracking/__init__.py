"""MLflow runs, one a trial, made from the ledger's content and remade from it at will."""

from sweep.tracking.location import sqlite_path, tracking_uri
from sweep.tracking.mirror import log_report, rebuild
from sweep.tracking.note import is_complete
from sweep.tracking.tracker import Tracker

__all__ = ["Tracker", "is_complete", "log_report", "rebuild", "sqlite_path", "tracking_uri"]
