"""An engine whose speed differs between devices; it writes down where it was asked to train."""

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from sweep.engine import Event, OutOfMemory, Setting
from sweep.engine import null as null_engine
from sweep.trial import Trial

SECONDS = {"cuda": 0.2, "cpu": 1.0}
HUNGRY = 102


def train(trials: Sequence[Trial], setting: Setting) -> Iterator[Event]:
    """Train nothing for a while; a pack with a hungry trial wants a whole GPU."""
    line = f"{setting.device} {setting.gpu_share} {len(trials)} {os.getpid()}\n"
    with (Path(os.environ["FAULTY_ENGINES_FOLDER"]) / "asked").open("a") as asked:
        asked.write(line)
    if setting.gpu_share < 1 and any(trial.seed == HUNGRY for trial in trials):
        raise OutOfMemory("a part is too little")
    time.sleep(SECONDS[setting.device])
    yield from null_engine.train(trials, setting)
