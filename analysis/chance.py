"""The loss of guessing, which is all that a network has learned that diverged."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from analysis.arrays import Array

LEAST, MOST = 1e-12, 1e12
"""Losses beyond are taken to be these: nothing there can be told apart."""
_FROM = ("determination_ratio", "parameters", "train_samples")


def guessing(rows: pa.Table) -> Array:
    """The loss of guessing of each row of trials or pairs: the natural logarithm of the number of classes."""
    return _guessing(*(rows[name].to_numpy() for name in _FROM))


def outcomes(values: Any, status: Any, chance: Any) -> Array:
    """Losses, where a network that diverged has the loss of guessing; NaN where none is known.

    Takes arrays of one shape, or numbers.
    """
    return np.where(status == "diverged", chance, np.clip(values, LEAST, MOST))


def outcome(trial: Mapping[str, Any]) -> float:
    """A trial's validation loss, or the loss of guessing if it diverged; NaN if it has none."""
    loss = np.nan if trial.get("val_loss") is None else trial["val_loss"]
    return float(outcomes(loss, trial["status"], _guessing(*(trial[name] for name in _FROM))))


def _guessing(ratio: Any, parameters: Any, samples: Any) -> Any:
    # The determination ratio is training samples times classes over parameters. Older stores have no classes.
    return np.log(np.maximum(np.round(ratio * parameters / samples), 2))
