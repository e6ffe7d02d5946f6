"""Engines that train nothing and fail in the ways that real ones do, chosen by a trial's seed."""

import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

from sweep.engine import OutOfMemory, Progress, Setting, TrialResult
from sweep.engine import null as null_engine
from sweep.trial import Trial

RAISES, HUNGRY, KILLS, KILLS_ONCE = 101, 102, 103, 104


def train(trials: Sequence[Trial], setting: Setting) -> Iterator[Progress | list[TrialResult]]:
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
