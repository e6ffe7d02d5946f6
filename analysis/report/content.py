"""What the answer to a question is made of: a lead, tables, figures, and the template with its words.

Text is plain unless a docstring says "marked": there `*emphasis*` and `` `code` `` are understood too.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from analysis.claims import Claim, Tone
from analysis.equivalence.mean import Estimate
from analysis.plain import known

if TYPE_CHECKING:
    # It needs Matplotlib, which a terminal does not wait for.
    from analysis.figures.style import Rendered

_WIDTH = re.compile(r'viewBox="0 0 ([\d.]+) ')
# A wider figure keeps this share of its width on a small screen, and is moved sideways in its frame.
_NARROW, _LEAST_SHARE = 560, 0.75


@dataclass(frozen=True)
class Column:
    """A column: its `key` in files, its `head` on the page, and `form`, which makes the text there of a value.

    A row's value is what `of` says of it, by default its item or attribute of that key. Without a head it is in the
    files alone. Values are text, numbers, or an `Estimate`, which takes three columns of a file: ``key``, ``key_low``,
    ``key_high``.
    """

    key: str
    head: str = ""
    form: Callable[[Any], str] = str
    of: Callable[[Any], Any] | None = None

    def value(self, row: Any) -> Any:
        """What it holds of a row."""
        if self.of is not None:
            return self.of(row)
        return row[self.key] if isinstance(row, Mapping) else getattr(row, self.key)


@dataclass(frozen=True)
class Table:
    """What columns hold of rows, as a table of the page and as ``tables/NAME.parquet``.

    Without a name it has no file. `shown` are the rows of the page, if not all of them; `above` are rows of text before
    them, which no file has.
    """

    name: str
    columns: Sequence[Column]
    rows: Sequence[Any]
    caption: str = ""
    shown: Sequence[Any] | None = None
    above: Sequence[Sequence[str]] = ()
    bulk: pa.Table | None = None
    """The rows of a table for Parquet alone: too many for a page and for JSON."""

    @property
    def _page(self) -> tuple[list[Column], list[list[Any]]]:
        """The columns of the page, and their values row by row."""
        seen = [column for column in self.columns if column.head]
        rows = self.rows if self.shown is None else self.shown
        return seen, [[column.value(row) for column in seen] for row in rows]

    @property
    def heads(self) -> list[tuple[str, str]]:
        """Heads of the page, each with the side that its column keeps to: numbers to the right."""
        seen, rows = self._page
        left = [not place or any(isinstance(row[place], str) for row in rows) for place in range(len(seen))]
        return [(column.head, "left" if text else "right") for column, text in zip(seen, left, strict=True)]

    @property
    def cells(self) -> list[list[str]]:
        """The texts of the page, row by row. Raises ValueError for a row above that has not a text per head."""
        seen, rows = self._page
        if wrong := [len(row) for row in self.above if len(row) != len(seen)]:
            raise ValueError(f"a row of {wrong[0]} texts is above a table of {len(seen)} heads")
        texts = ([column.form(value) for column, value in zip(seen, row, strict=True)] for row in rows)
        return [*map(list, self.above), *texts]

    @property
    def records(self) -> list[dict[str, Any]]:
        """The rows as files hold them: flat, and null for what is not a number."""
        return [
            {name: value for column in self.columns for name, value in _flat(column.key, column.value(row))}
            for row in self.rows
        ]

    @property
    def arrow(self) -> pa.Table:
        """The rows as Arrow; a column without any value is of floats."""
        if self.bulk is not None:
            return self.bulk
        records = self.records
        names = list(records[0]) if records else [column.key for column in self.columns]
        columns = {name: pa.array([record[name] for record in records]) for name in names}
        empty = {name: pa.array([None] * len(records), pa.float64()) for name in names}
        return pa.table({name: empty[name] if pa.types.is_null(each.type) else each for name, each in columns.items()})


def _flat(key: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Estimate):
        return [(f"{key}{suffix}", known(each)) for suffix, each in zip(("", "_low", "_high"), value, strict=True)]
    return [(key, known(value))]


@dataclass(frozen=True)
class Picture:
    """A drawn figure, named for its files. `alt` says in words what it shows; marked: the caption."""

    name: str
    drawn: "Rendered"
    alt: str
    caption: str = ""

    @property
    def width(self) -> int:
        """CSS pixels. Raises ValueError where the drawing is no SVG element."""
        found = _WIDTH.search(self.drawn.svg)
        if not self.drawn.svg.startswith("<svg ") or found is None:
            raise ValueError("a figure's svg must be an <svg> element with a viewBox")
        return round(float(found[1]) * 4 / 3)

    @property
    def least(self) -> int:
        """The width that it keeps on a small screen."""
        return round(_LEAST_SHARE * self.width) if self.width > _NARROW else 0


@dataclass(frozen=True)
class Bar:
    """A ratio with its interval, above zero; an estimate of NaN is said to be missing."""

    label: str
    ratio: Estimate

    @property
    def words(self) -> str:
        """The numbers."""
        value, low, high = self.ratio
        if not (math.isfinite(value) and value > 0):
            return "no estimate"
        return f"{value:.2f}" if math.isnan(low) or math.isnan(high) else f"{value:.2f} [{low:.2f}, {high:.2f}]"


@dataclass(frozen=True)
class Intervals:
    """Bars on one logarithmic scale around 1 against a margin, 1 / (1 + margin) to 1 + margin; marked: the caption."""

    bars: Sequence[Bar]
    margin: float
    caption: str = ""
    below: str = "parallel better"
    above: str = "sequential better"

    def place(self, ratio: float) -> float:
        """Where a ratio stands on the scale, in per cent of its width."""
        ends = [abs(math.log(end)) for bar in self.bars for end in bar.ratio if math.isfinite(end) and end > 0]
        reach = max(1.6 * math.log1p(self.margin), 1.1 * max(ends, default=0.0))
        return 0.0 if ratio <= 0 else 50 + 50 * min(max(math.log(ratio) / reach, -1.0), 1.0)


@dataclass(frozen=True)
class Lead:
    """What the first screen shows: the answer in a sentence, a marked sentence or two, and what shows it.

    `figure` names one of the pictures; `keys` are label, value and detail of a few numbers.
    """

    verdict: str
    detail: str
    tone: Tone
    intervals: Intervals | None = None
    figure: str = ""
    keys: Sequence[tuple[str, str, str]] = ()


@dataclass(frozen=True)
class Badge:
    """A short word on the results' standing, such as "reconstruction"."""

    text: str
    tone: Tone = "info"


@dataclass(frozen=True)
class Part:
    """What one question has found in the results of a study.

    The first part of a report gives the page its title and its lead; the sections of all parts follow.
    """

    name: str
    """For files and for the keys of the numbers: lower-case letters and hyphens."""
    title: str
    lead: Lead
    verdict: str
    """The answer in a few words, for the command line."""
    template: str = ""
    """The page's words: a template of `analysis.questions`, which shows every table and picture."""
    words: Mapping[str, Any] = field(default_factory=dict)
    """What the template knows beside `part` and `claims`."""
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = ()
    claims: Sequence[Claim] = ()
    """What becomes of a paper's claims: for the template and for JSON."""
    numbers: Mapping[str, Any] = field(default_factory=dict)
    """For JSON, beside claims and tables: mappings, sequences, dataclasses, enumerations, arrays, numbers."""
    headline: Mapping[str, float] = field(default_factory=dict)
    """The few numbers that stand for it; those that are not finite are left out."""
    badges: Sequence[Badge] = ()
    trials: int = 0
    """How many trials it speaks of: the part that speaks of most leads the page."""
    trusted: bool = True
    """False where a control fails."""
    subtitle: str = ""
    """What was looked at, for the line under the title."""
