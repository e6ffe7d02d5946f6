"""Numbers in words, the same wherever a person reads them."""

import math
from collections.abc import Callable, Sequence

DASH = "\N{EN DASH}"
NAMES = {"val_loss": "validation loss", "train_loss": "training loss", "val_accuracy": "validation accuracy"}
"""Metrics by name."""
DATASETS = {"mnist": "MNIST", "cifar10": "CIFAR\N{NON-BREAKING HYPHEN}10"}


def p_value(p: float) -> str:
    """A p-value to two digits; one below 0.0001 as such, NaN as a dash."""
    if not math.isfinite(p):
        return DASH
    return "< 0.0001" if p < 1e-4 else f"{p:.4f}" if p < 0.01 else f"{p:.2f}"


def p_is(p: float) -> str:
    """A p-value as part of a sentence."""
    text = p_value(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def number(value: float | None, digits: int = 3) -> str:
    """A number with that many decimals, or a dash."""
    return DASH if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def with_ends(form: Callable[[float], str], value: float, low: float, high: float) -> str:
    """A value with the ends of its interval in brackets, or alone where it has none."""
    return f"{form(value)} [{form(low)}, {form(high)}]" if math.isfinite(low) else form(value)


def percent(value: float, digits: int = 1) -> str:
    """A share as a percentage, or a dash."""
    return f"{100 * value:.{digits}f} %" if math.isfinite(value) else DASH


def dataset_name(name: str) -> str:
    """A data set's name as it is written."""
    return DATASETS.get(name, name)


def factor_name(name: str) -> str:
    """A factor's name as it is written."""
    return {"dataset": "data set"}.get(name, name.replace("_", " "))


def unbroken(label: str) -> str:
    """A label that is broken behind commas alone."""
    kept = label.replace(" ", "\N{NO-BREAK SPACE}").replace("-", "\N{NON-BREAKING HYPHEN}")
    return kept.replace(",\N{NO-BREAK SPACE}", ", ")


def typed(text: str) -> str:
    """A text for a terminal, which seldom has a hyphen that does not break."""
    return text.replace("\N{NON-BREAKING HYPHEN}", "-")


def listed(levels: Sequence[object]) -> str:
    """Levels of a factor, with commas."""
    return ", ".join(map(level_name, levels))


def level_name(level: object) -> str:
    """A level of a factor as it is written, a data set by its name."""
    return f"{level:g}" if isinstance(level, float) else dataset_name(str(level))
