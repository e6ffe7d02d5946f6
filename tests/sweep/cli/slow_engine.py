"""An engine that is slow enough for a test to interfere with a running sweep."""

import time
from collections.abc import Iterator, Sequence

from sweep.engine import find_engine
from sweep.result import Event, Setting
from sweep.trial import Trial


def train(trials: Sequence[Trial], setting: Setting) -> Iterator[Event]:
    time.sleep(1)
    yield from find_engine("torch")(trials, setting)
