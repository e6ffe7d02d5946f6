"""Factors, the fields of a trial: their types, their allowed values, and the messages that refuse any other."""

import contextlib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from functools import cache

import numpy as np

from sweep.errors import SweepError
from sweep.numerals import read_number
from sweep.shown import shown

Value = str | int | float

_NUMBER = (int, float, np.integer, np.floating)

LONGEST_NAME = 100
"""A name becomes part of the names of files and jobs, which have room for 255 bytes."""
LONGEST_RANGE = 100_000
"""Half of the combinations that a plan looks at."""
_RANGE = re.compile(r"\s*([0-9]{1,9})\.\.([0-9]{1,9})\s*", re.ASCII)
# A job of Slurm takes no other letters, and a command line takes a word that begins with a dash for an option.
_NAME = re.compile(r"(?!-)(?=.*[A-Za-z0-9])[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Factor:
    """One field of a trial: its type, and either its choices or its inclusive range.

    `default` is None if every trial must give a value. With `several`, the first choice means none, and a value is one
    choice or several of the others, joined by ``+`` in the order of the choices.
    """

    kind: type[str] | type[int] | type[float]
    choices: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    meaning: str = field(default="", compare=False)
    default: Value | None = None
    stands_for: Value | None = None
    """The value that the default stands for in a trial that uses the factor, if not itself."""
    formerly: Value | None = None
    """The value of results that were made before the factor existed, if not the default."""
    several: bool = False
    known: Callable[[], Iterable[str]] | None = field(default=None, compare=False)
    """Returns the registered choices."""
    load: Callable[[str], object] | None = field(default=None, compare=False)
    """Registers a choice named ``module:NAME``; raises SweepError if there is none."""

    @property
    def before(self) -> Value | None:
        """The value of results that were made before the factor existed."""
        return self.default if self.formerly is None else self.formerly

    @property
    def names(self) -> tuple[str, ...]:
        """The choices, including those registered so far."""
        return self.choices if self.known is None else (*self.choices, *self.known())

    @property
    def allowed(self) -> str:
        """The allowed values, in words."""
        if self.names:
            several = ", or several joined by +" if self.several else ""
            return f"one of {', '.join(self.names)}{several}{', or module:NAME of your own' if self.load else ''}"
        if self.kind is str:
            return f"a name of letters, digits, '-' and '_' (ASCII, at most {LONGEST_NAME}, no '-' in front)"
        noun = "an integer" if self.kind is int else "a number"
        if math.isinf(self.high):
            return noun if math.isinf(self.low) else f"{noun} of at least {self.low:.12g}"
        return f"{noun} from {self.low:.12g} to {self.high:.12g}"

    def coerce(self, name: str, value: object) -> Value:
        """`value` in the factor's own type, so that equal trials have the same canonical form.

        Raises SweepError for a value that is not allowed.
        """
        if isinstance(value, str) and self.load is not None and ":" in value:
            for part in value.split("+") if self.several else (value,):
                if part not in self.names and ":" in part:
                    self.load(part)
        names = self.names
        if self.several and isinstance(value, str) and "+" in value:
            parts = value.split("+")
            if len(set(parts)) == len(parts) and set(parts) <= set(names[1:]):
                return "+".join(sorted(parts, key=names.index))
        elif self.kind is str and isinstance(value, str):
            if value in names if names else len(value) <= LONGEST_NAME and _NAME.fullmatch(value):
                return str(value)
        # Not math.isfinite: an integer may be too large for a float.
        elif self.kind is not str and isinstance(value, _NUMBER) and not isinstance(value, bool):
            finite = -math.inf < value < math.inf and self.low <= value <= self.high
            if finite and (self.kind is float or value % 1 == 0):
                # -0.0 equals 0.0, so it must not print differently.
                with contextlib.suppress(OverflowError):
                    return self.kind(value) or self.kind(0)
        raise self.refusal(name, value)

    def refusal(self, name: str, value: object) -> SweepError:
        """The error for a value that is not allowed; it suggests the choice that looks most like it."""
        near = get_close_matches(value, self.names, n=1) if isinstance(value, str) else []
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return SweepError(f"{name} is {shown(value)}, but takes {self.allowed}{hint}")

    def levels(self, name: str, value: object) -> list[object]:
        """The levels that a value stands for: those of a range of integers such as ``0..29``, or the value alone.

        Raises SweepError for a range that is empty or longer than any plan.
        """
        ends = _RANGE.fullmatch(value) if self.kind is int and isinstance(value, str) else None
        if ends is None:
            return [value]
        first, last = map(int, ends.groups())
        if not 0 <= last - first < LONGEST_RANGE:
            raise SweepError(
                f"{name} is {shown(value)}, but a range such as 0..29 goes up, by at most {LONGEST_RANGE:,} numbers"
            )
        return list(range(first, last + 1))

    def parse(self, name: str, text: str) -> Value:
        """The value that `text` spells. Raises SweepError if it is not allowed."""
        if self.kind is str:
            return self.coerce(name, text)
        try:
            return self.coerce(name, read_number(text))
        except (ValueError, SweepError):
            raise self.refusal(name, text) from None


@cache
def declared(part: type) -> Mapping[str, Factor]:
    """The factors that a frozen dataclass declares, by name. Raises SweepError for a field that is not one."""
    factors: dict[str, Factor] = {}
    for each in fields(part):
        if "factor" not in each.metadata:
            raise SweepError(
                f"field {each.name!r} of {part.__name__} is not a factor; declare it with models.factor.factor, as in "
                f"{each.name}: int = factor(3, low=1, high=9, meaning='...')"
            )
        options: Mapping[str, object] = each.metadata["factor"]
        default: Value = each.default  # pyright: ignore[reportAssignmentType]
        if each.type in (float, "float") and type(default) is int:
            default = float(default)
        factors[each.name] = Factor(type(default), default=default, **options)  # pyright: ignore[reportArgumentType]
    return factors
