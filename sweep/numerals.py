"""How numbers are written in options and study files: ASCII digits with a sign, a point and an exponent at most."""

import re

from sweep.shown import shown

INTEGER = r"[-+]?[0-9]+"
NUMBER = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"


class NumeralError(ValueError):
    """A text spells no number."""


_NUMBER = re.compile(rf"{NUMBER}|[-+]?(inf|nan)")


def read_whole(text: str) -> int:
    """The whole number that a text spells, without a sign. Raises NumeralError for any other text."""
    text = text.strip()
    if not re.fullmatch(r"[0-9]+", text):
        raise NumeralError(f"{shown(text)} is not a whole number")
    return int(text)


def read_number(text: str) -> int | float:
    """The number that a text spells, exactly if it is an integer. Raises NumeralError for any other text.

    Python's own `int` and `float` also take `1_0` and the digits of other scripts.
    """
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        raise NumeralError(f"{shown(text)} is not a number, such as 0.5")
    return int(text) if re.fullmatch(INTEGER, text) else float(text)


_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?\s*(?:s|min|m|h|d)\s*)+", re.ASCII)


def read_seconds(text: str) -> float:
    """The seconds that a text such as ``90s``, ``30m`` or ``1h30m`` spells, more than none.

    Raises NumeralError for any other text.
    """
    parts = re.findall(r"([0-9.]+)\s*(s|min|m|h|d)", text) if _DURATION.fullmatch(text.strip()) else []
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if not 0 < seconds < 1e9:
        raise NumeralError(f"{shown(text)} is not a time, such as 30m or 1h30m")
    return seconds
