"""Scheduling: what runs where and when, and what becomes of results and failures."""

from sweep.schedule.executor import EXECUTORS, ExecutorOptions
from sweep.schedule.progress import SweepProgress
from sweep.schedule.sweep import Display, Outcome, RunOptions, missing_trials, outcome, run_sweep

__all__ = [
    "EXECUTORS",
    "Display",
    "ExecutorOptions",
    "Outcome",
    "RunOptions",
    "SweepProgress",
    "missing_trials",
    "outcome",
    "run_sweep",
]
