"""Checkpoints of a store: networks that are trained or in training, one file per training.

They save work but hold no results: any of them may be deleted at any time.
"""

import json
from dataclasses import dataclass

from sweep.ledger.encoding import digest
from sweep.ledger.files import StoreFiles
from sweep.ledger.names import ours
from sweep.result import Checkpoint

_FOLDER = "checkpoints"
_HEAD_BYTES = 256


@dataclass(frozen=True)
class _Head:
    """The first line of a checkpoint's file, of fixed length."""

    epoch: int
    complete: bool
    sha256: str
    """Of what follows the head."""
    training: str

    def to_bytes(self) -> bytes:
        return json.dumps({**vars(self), "seal": self._seal}).encode().ljust(_HEAD_BYTES - 1) + b"\n"

    @classmethod
    def of(cls, training_id: str, content: bytes) -> "_Head | None":
        """The head of a file's content, or None where it is damaged or that of another training."""
        try:
            held = json.loads(content[:_HEAD_BYTES])
            # Earlier versions wrote neither the training nor the seal.
            head = cls(held["epoch"], held["complete"], held["sha256"], held.get("training", training_id))
            whole = held.get("seal", head._seal) == head._seal and head.training == training_id
            return head if whole else None
        except (ValueError, TypeError, KeyError, AttributeError):
            return None

    @property
    def _seal(self) -> str:
        return digest(json.dumps(vars(self)).encode())[:16]


class Checkpoints:
    """The checkpoints under one store's files, by `training_id`."""

    def __init__(self, files: StoreFiles) -> None:
        self._files = files

    def kept(self) -> set[str]:
        """The trainings that have a checkpoint."""
        return set(ours(_FOLDER, self._files.list(_FOLDER)))

    def read(self, training_id: str) -> bytes | None:
        """The content of the latest checkpoint, or None if there is none.

        A damaged one, or one of another training, is removed, so that it does not stand in the way of others.
        """
        held = self._files.read(_path(training_id))
        if held is None:
            return None
        head, content = _Head.of(training_id, held), held[_HEAD_BYTES:]
        if head is not None and head.sha256 == digest(content):
            return content
        self._files.delete(_path(training_id))
        return None

    def write(self, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint in place of one from an earlier epoch; a later one, from another sweep, stays."""
        name = _path(checkpoint.training_id)
        held = _Head.of(checkpoint.training_id, self._files.read_range(name, 0, _HEAD_BYTES))
        # A complete one is the latest.
        if held is not None and (held.complete, held.epoch) > (checkpoint.complete, checkpoint.epoch):
            return
        head = _Head(checkpoint.epoch, checkpoint.complete, digest(checkpoint.content), checkpoint.training_id)
        self._files.write(name, head.to_bytes() + checkpoint.content)


def _path(training_id: str) -> str:
    return f"{_FOLDER}/{training_id}"
