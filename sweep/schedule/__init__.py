"""Scheduling: which pack runs where and when, and what follows its result or failure."""

from sweep.schedule.book import PackBook
from sweep.schedule.executor import EXECUTORS, ExecutorOptions
from sweep.schedule.sweep import Display, Outcome, RunOptions, missing_trials, outcome, run_sweep

__all__ = [
    "EXECUTORS",
    "Display",
    "ExecutorOptions",
    "Outcome",
    "PackBook",
    "RunOptions",
    "missing_trials",
    "outcome",
    "run_sweep",
]
