"""What a page says, apart from how it looks.

All text is plain: it may hold anything, and is escaped. Where a docstring says "marked", `*emphasis*` and `` `code` ``
are understood too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Tone = Literal["good", "warning", "bad", "info"]
Align = Literal["left", "right", "center"]


@dataclass(frozen=True)
class Prose:
    """Paragraphs, marked, a blank line between them; one whose lines all begin with "- " is a list."""

    text: str


@dataclass(frozen=True)
class Column:
    """A table's column. Numbers go to the right."""

    head: str
    align: Align = "left"


@dataclass(frozen=True)
class Table:
    """Rows of text, as many cells each as there are columns; the first cell is the row's head. Marked: the note."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    note: str = ""


@dataclass(frozen=True)
class FigureBlock:
    """A figure drawn in the page.

    `svg` is an `<svg>` element of our own making, as `analysis.figures.render` gives; it is the one thing that is not
    escaped. `alt` says in words what it shows. `png` is a file's path beside the page, or empty. Marked: the caption.
    """

    svg: str
    alt: str
    caption: str = ""
    png: str = ""


@dataclass(frozen=True)
class Callout:
    """A remark that stands out, marked."""

    kind: Tone
    text: str


@dataclass(frozen=True)
class KeyFigures:
    """Label, value and detail of a few numbers."""

    figures: Sequence[tuple[str, str, str]]


@dataclass(frozen=True)
class IntervalBar:
    """A ratio with its interval against a margin, all above zero; an estimate of NaN is said to be missing."""

    estimate: float
    low: float
    high: float
    margin_low: float
    margin_high: float
    label: str = ""


@dataclass(frozen=True)
class Intervals:
    """Bars on one logarithmic scale, and what lies at its two ends. Marked: the caption."""

    bars: Sequence[IntervalBar]
    caption: str = ""
    below: str = "parallel better"
    above: str = "sequential better"


@dataclass(frozen=True)
class Details:
    """Blocks that a reader unfolds."""

    summary: str
    blocks: "Sequence[Block]"


Block = Prose | Table | FigureBlock | Callout | KeyFigures | Intervals | Details


@dataclass(frozen=True)
class Section:
    """A part with a heading. `id` is for links: lower-case letters, digits and hyphens, a letter first."""

    id: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Lead:
    """What the first screen shows: the answer in words, the interval against the margin, and one figure.

    `verdict` is a sentence, `detail` a marked sentence or two; `kind` colours them.
    """

    verdict: str
    detail: str
    kind: Tone
    intervals: Intervals | None = None
    figure: FigureBlock | None = None
    key_figures: KeyFigures | None = None


@dataclass(frozen=True)
class Badge:
    """A short word on the results' standing, such as "reconstruction"."""

    text: str
    kind: Tone = "info"


@dataclass(frozen=True)
class Page:
    """The whole page. Marked: the footer."""

    title: str
    subtitle: str
    badges: Sequence[Badge]
    lead: Lead
    sections: Sequence[Section]
    footer: str = ""
