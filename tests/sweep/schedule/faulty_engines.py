"""Engines that fail in the ways that real ones do."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from sweep.engine import null as null_engine
from sweep.engine import training
from sweep.result import Checkpoint, Event, OutOfMemory, Setting
from sweep.trial import Trial

RAISES, HUNGRY, KILLS, KILLS_ONCE = 101, 102, 103, 104


def train(trials: Sequence[Trial], setting: Setting) -> Iterator[Event]:
    """Train nothing, and fail as a trial's seed says."""
    seeds = {trial.seed for trial in trials}
    if RAISES in seeds:
        raise ValueError("this trial\ncannot be trained")
    if HUNGRY in seeds and len(trials) > 2:
        raise OutOfMemory("three do not fit")
    if KILLS in seeds:
        os.kill(os.getpid(), signal.SIGKILL)
    if KILLS_ONCE in seeds:
        marker = Path(os.environ["FAULTY_ENGINES_FOLDER"]) / "killed-once"
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    yield from null_engine.train(trials, setting)


def train_until_saved(trials: Sequence[Trial], setting: Setting) -> Iterator[Event]:
    """Train for real, and kill the worker after the first checkpoint of a training that had none."""
    fresh = all(setting.checkpoint(trial.training_id) is None for trial in trials)
    for event in training.train(trials, replace(setting, save_seconds=0)):
        yield event
        if fresh and isinstance(event, Checkpoint):
            # The writer is another thread, and may need a moment.
            time.sleep(1)
            os.kill(os.getpid(), signal.SIGKILL)
