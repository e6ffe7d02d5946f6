"""Values as files of JSON and Parquet hold them."""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

import numpy as np


def known(value: Any) -> Any:
    """A value as files hold it: null for what is not finite, the value of an enumeration, a number of Python's."""
    if isinstance(value, Enum):
        return value.value
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, Decimal):
        # Sums of integers are decimals in SQL.
        value = int(value) if value.as_tuple().exponent == 0 else float(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def plain(value: Any) -> Any:
    """What has named fields as a mapping, arrays as lists, bytes as digits, what JSON cannot hold as null; deeply."""
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    return plain(value.tolist()) if isinstance(value, np.ndarray) else known(value)
