"""Numbers in words, the same wherever a person reads them."""

import math

DASH = "\N{EN DASH}"
NAMES = {"val_loss": "validation loss", "train_loss": "training loss", "val_accuracy": "validation accuracy"}
"""Metrics by name."""


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


def percent(value: float, digits: int = 1) -> str:
    """A share as a percentage, or a dash."""
    return f"{100 * value:.{digits}f} %" if math.isfinite(value) else DASH
