"""What trials were given to train with."""

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.report.words import dataset_name

Row = Mapping[str, Any]


def budget(rows: Sequence[Row]) -> str:
    """Data and training of the trials in a sentence; where they differ, every level."""
    data = " or ".join(dataset_name(name) for name in _levels(rows, "dataset"))
    parts = [
        f"{_listed(rows, 'train_samples', ',')} training images of {_listed(rows, 'image_size')} pixels a side",
        f"{_listed(rows, 'val_samples', ',')} validation images",
        f"{_listed(rows, 'epochs')} epochs{_base(rows)} of {_listed(rows, 'optimizer')}",
        f"learning rate {_listed(rows, 'learning_rate')} ({_listed(rows, 'schedule')})",
        f"batches of {_listed(rows, 'batch_size')}",
        f"augmentation {_listed(rows, 'augmentation')}",
    ]
    return f"Here: {data}, {', '.join(parts)}."


def _base(rows: Sequence[Row]) -> str:
    if _levels(rows, "pretrain_epochs") == [0]:
        return ""
    return f" after {_listed(rows, 'pretrain_epochs')} of plain training"


def _levels(rows: Sequence[Row], name: str) -> list[Any]:
    return sorted({row[name] for row in rows})


def _listed(rows: Sequence[Row], name: str, form: str = "") -> str:
    levels = [f"{level:g}" if isinstance(level, float) else format(level, form) for level in _levels(rows, name)]
    return " or ".join(filter(None, (", ".join(levels[:-1]), levels[-1])))
