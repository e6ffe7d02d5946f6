"""Names, estimates and trainings as a reader sees them."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from analysis.equivalence.mean import Estimate
from analysis.formats import DASH, dataset_name, level_name, number, with_ends

Form = Callable[[Any], str]
"""From a number or an `Estimate` to its text."""


def sentence(text: str) -> str:
    """A clause as a sentence."""
    return f"{text[:1].upper()}{text[1:]}."


def clause(text: str) -> str:
    """A sentence as a clause."""
    return text[:1].lower() + text[1:].removesuffix(".")


def plain(digits: int = 3) -> Form:
    """A number, or an estimate with its interval."""
    return _form(lambda value: number(value, digits))


def signed(digits: int = 3) -> Form:
    """The same with a sign."""
    return _form(lambda value: _with_sign(value, digits))


def share(digits: int = 1) -> Form:
    """A share in per cent, without the sign for it."""
    return _form(lambda value: number(100 * value, digits))


def points(digits: int = 1) -> Form:
    """A difference of shares in percentage points, with its sign."""
    return _form(lambda value: _with_sign(100 * value, digits))


def ratio(digits: int = 3) -> Form:
    """A log ratio as the ratio."""
    return _form(lambda value: number(math.exp(min(value, 700)), digits))


def _with_sign(value: float, digits: int) -> str:
    """A number with its sign, but none for what rounds to nothing."""
    text = f"{value:+.{digits}f}"
    return DASH if not math.isfinite(value) else text if float(text) else text[1:]


def _form(of: Callable[[float], str]) -> Form:
    def text(found: float | Estimate) -> str:
        return with_ends(of, *found) if isinstance(found, Estimate) else of(found)

    return text


def seeds_said(seeds: Sequence[int]) -> str:
    """A sentence on how many seeds networks have, each a number, and what follows for intervals."""
    if max(seeds) == 1:
        return "Every network has one seed, so there is no interval."
    low, high = min(seeds), max(seeds)
    text = f"Means are over {low if low == high else f'{low} to {high}'} seeds, with 95 % t intervals"
    return f"{text}; a network of one seed has none." if low == 1 else f"{text}."


def budget(rows: Sequence[Mapping[str, Any]]) -> str:
    """Data and training of the trials in a sentence; where they differ, every level."""

    def of(name: str, form: str = "") -> str:
        levels = sorted({row[name] for row in rows})
        texts = [level_name(level) if isinstance(level, float) else format(level, form) for level in levels]
        return " or ".join(filter(None, (", ".join(texts[:-1]), texts[-1])))

    data = " or ".join(dataset_name(name) for name in sorted({row["dataset"] for row in rows}))
    first = f" after {of('pretrain_epochs')} of plain training" if of("pretrain_epochs") != "0" else ""
    return (
        f"Here: {data}, {of('train_samples', ',')} training images of {of('image_size')} pixels a side, "
        f"{of('val_samples', ',')} validation images, {of('epochs')} epochs{first} of {of('optimizer')}, learning rate "
        f"{of('learning_rate')} ({of('schedule')}), batches of {of('batch_size')}, augmentation {of('augmentation')}."
    )
