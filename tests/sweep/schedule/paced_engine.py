"""An engine whose speed differs between devices; it writes down where it was asked to train."""

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from sweep.engine import null as null_engine
from sweep.result import Event, OutOfMemory, Progress, Setting
from sweep.trial import Trial

SECONDS = {"cuda": 0.2, "cpu": 1.0}
HUNGRY = 102


def train(trials: Sequence[Trial], setting: Setting) -> Iterator[Event]:
    """Train nothing for a while; a pack with a hungry trial wants a whole GPU."""
    _note(trials, setting)
    if setting.gpu_share < 1 and any(trial.seed == HUNGRY for trial in trials):
        raise OutOfMemory("a part is too little")
    time.sleep(SECONDS[setting.device])
    yield from null_engine.train(trials, setting)


def train_when_released(trials: Sequence[Trial], setting: Setting) -> Iterator[Event]:
    """Train nothing, and not before there is a file named released."""
    _note(trials, setting)
    while not (_folder() / "released").exists():
        yield Progress(0.0)
        time.sleep(0.2)
    yield from null_engine.train(trials, setting)


def _note(trials: Sequence[Trial], setting: Setting) -> None:
    with (_folder() / "asked").open("a") as asked:
        asked.write(f"{setting.device} {setting.gpu_share} {len(trials)} {os.getpid()}\n")


def _folder() -> Path:
    return Path(os.environ["FAULTY_ENGINES_FOLDER"])
