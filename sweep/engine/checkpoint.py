"""The state of a training as bytes, and back."""

import contextlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch

from sweep.engine.build import State
from sweep.errors import SweepError
from sweep.result import Checkpoint, Epoch, Measurement, TrialResult
from sweep.trial import Trial

_FORM = 1
_KEPT = ("status", "diverged_epoch", "epochs", "seconds", "fused_with", "peak_memory_bytes", "device")
_GOING = ("optimizer", "steps", "seconds")
_EPOCH = tuple(field.name for field in fields(Epoch))
_MEASUREMENT = tuple(field.name for field in fields(Measurement))
_EPOCH_OF_SCHEMA_3 = ["epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "gradient_norm", "seconds"]


@dataclass(frozen=True)
class Trained:
    """A training that has ended: its result, and the network unless it diverged or is not kept.

    The result has what was measured during the training, but nothing of the trained network.
    """

    result: TrialResult
    state: State | None = None


def pack(trial: Trial, epoch: int, complete: bool, content: Mapping[str, Any]) -> Checkpoint:
    """A checkpoint; `content` holds tensors, numbers, text, and lists and mappings of these."""
    sink = io.BytesIO()
    torch.save({"form": _FORM, **content}, sink)
    return Checkpoint(trial.training_id, epoch, complete, sink.getvalue())


def unpack(trial: Trial, content: bytes | None) -> dict[str, Any] | None:
    """The content given to `pack`, tensors on the CPU; None without content, and where a part of it is missing.

    Raises SweepError for bytes that this program cannot read.
    """
    if content is None:
        return None
    with contextlib.suppress(Exception):  # a reader of pickles can raise anything
        # Nothing but tensors and plain values: a store may come from anyone.
        values = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        if values["form"] == _FORM:
            return values if _is_whole(values) else None
    raise SweepError(
        f"the checkpoint of training {trial.training_id} is not from this version of the program; use the version "
        f"that wrote it, or move checkpoints/{trial.training_id} out of the store to train anew"
    )


def _is_whole(values: Mapping[str, Any]) -> bool:
    """Whether a training can be taken from these values, or go on from them."""
    try:
        unpack_epochs(values["epochs"])
        unpack_measured(values)
    except (KeyError, TypeError, ValueError):
        return False
    return values.keys() >= {"state", *(_KEPT if "status" in values else _GOING)}


def pack_trained(trained: Trained) -> Checkpoint:
    """The checkpoint of a training that has ended."""
    result = trained.result
    content = {"state": trained.state, **{name: getattr(result, name) for name in (*_KEPT, "kernel")}}
    rows = {"epochs": pack_epochs(result.epochs), "measured": pack_measured(result.measurements)}
    return pack(result.trial, len(result.epochs), True, content | rows)


def unpack_trained(trial: Trial, values: Mapping[str, Any]) -> Trained | None:
    """The training of a checkpoint's values, or None where it has not ended."""
    if "status" not in values:
        return None
    kept: dict[str, Any] = {name: values[name] for name in _KEPT} | {"epochs": unpack_epochs(values["epochs"])}
    # Earlier versions trained by torch alone, and did not say so.
    kept["kernel"] = values.get("kernel", "torch")
    kept["measurements"] = tuple(unpack_measured(values))
    return Trained(TrialResult(trial, **kept), values["state"])


def pack_epochs(epochs: Iterable[Epoch]) -> list[dict[str, float]]:
    """Epochs as plain values by name."""
    return [asdict(epoch) for epoch in epochs]


def unpack_epochs(rows: list[Any]) -> tuple[Epoch, ...]:
    """The epochs of `pack_epochs`, without values that a later program has added."""
    # Stores of schema 3 hold them without names.
    named = (row if isinstance(row, dict) else dict(zip(_EPOCH_OF_SCHEMA_3, row, strict=True)) for row in rows)
    return tuple(Epoch(**{name: row[name] for name in _EPOCH if name in row}) for row in named)


def pack_measured(rows: Sequence[Measurement]) -> dict[str, list[Any]]:
    """What was measured during a training, as columns by name."""
    return {name: [getattr(row, name) for row in rows] for name in _MEASUREMENT}


def unpack_measured(values: Mapping[str, Any]) -> list[Measurement]:
    """The measurements of `pack_measured` in a checkpoint; none where an earlier version wrote it."""
    columns = values.get("measured", {name: [] for name in _MEASUREMENT})
    return [Measurement(*row) for row in zip(*(columns[name] for name in _MEASUREMENT), strict=True)]
