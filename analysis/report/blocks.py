"""Blocks of a page as HTML. Every text that comes in is escaped."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from analysis.report.document import (
    Block,
    Callout,
    Details,
    FigureBlock,
    Intervals,
    KeyFigures,
    Prose,
    Table,
)
from analysis.report.intervals import intervals_html

_WORDS = {"good": "Good", "warning": "Warning", "bad": "Problem", "info": "Note"}
_SIGNS = {"good": "✓", "warning": "!", "bad": "✕", "info": "i"}
_CODE = re.compile(r"`([^`\n]+)`")
_EMPHASIS = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*]*[^\s*])\*(?![\w*])")
_WIDTH = re.compile(r'viewBox="0 0 ([\d.]+) ')
# A wider figure keeps this share of its width on a small screen, and is moved sideways in its frame.
_NARROW, _LEAST_SHARE = 560, 0.75


@dataclass
class Numbers:
    """The numbers that figures and tables have been given so far."""

    figures: int = 0
    tables: int = 0


def block_html(block: Block, numbers: Numbers) -> str:
    """Any block; figures and tables are numbered on."""
    match block:
        case Prose():
            return _prose(block)
        case Table():
            return _table(block, numbers)
        case FigureBlock():
            return figure_html(block, numbers)
        case Callout():
            return _callout(block)
        case KeyFigures():
            return key_figures_html(block)
        case Intervals():
            return intervals_html(block, inline(block.caption))
        case Details():
            inner = "\n".join(block_html(each, numbers) for each in block.blocks)
            return f"<details><summary>{escape(block.summary)}</summary>\n{inner}\n</details>"


def inline(text: str) -> str:
    """Escape a text, and turn `*emphasis*` and `` `code` `` into elements. What is in code is left alone."""
    parts = _CODE.split(text)
    return "".join(
        f"<code>{escape(part)}</code>" if index % 2 else _EMPHASIS.sub(r"<em>\1</em>", escape(part))
        for index, part in enumerate(parts)
    )


def sign_html(kind: str) -> str:
    """A sign for a tone that needs no colour, with a word for who cannot see it."""
    return f'<span class="sign" aria-hidden="true">{_SIGNS[kind]}</span><span class="unseen">{_WORDS[kind]}: </span>'


def _prose(block: Prose) -> str:
    parts: list[str] = []
    for paragraph in re.split(r"\n\s*\n", block.text.strip()):
        lines = [line.strip() for line in paragraph.splitlines()]
        if lines and all(line.startswith("- ") for line in lines):
            items = "".join(f"<li>{inline(line[2:])}</li>" for line in lines)
            parts.append(f"<ul>{items}</ul>")
        elif paragraph:
            parts.append(f"<p>{inline(' '.join(lines))}</p>")
    return "\n".join(parts)


def _callout(block: Callout) -> str:
    return f'<div class="callout {block.kind}" role="note">{sign_html(block.kind)}<p>{inline(block.text)}</p></div>'


def key_figures_html(block: KeyFigures) -> str:
    """A list of numbers with their names."""
    items = "".join(
        f"<div><dt>{escape(label)}</dt><dd><b>{escape(value)}</b>"
        + (f"<span>{escape(detail)}</span>" if detail else "")
        + "</dd></div>"
        for label, value, detail in block.figures
    )
    return f'<dl class="key">{items}</dl>'


def figure_html(block: FigureBlock, numbers: Numbers) -> str:
    """A figure on a white card. Raises ValueError where `svg` is no SVG element."""
    found = _WIDTH.search(block.svg)
    if not block.svg.startswith("<svg ") or found is None:
        raise ValueError("a figure's svg must be an <svg> element with a viewBox")
    numbers.figures += 1
    width = round(float(found[1]) * 4 / 3)
    least = round(_LEAST_SHARE * width) if width > _NARROW else 0
    svg = f'<svg role="img" aria-label="{escape(block.alt)}" {block.svg[5:]}'
    # Quoted, a colon cannot make a scheme of what should be a path.
    link = f' <a href="{escape(quote(block.png))}">PNG</a>' if block.png else ""
    name = f"Figure {numbers.figures}"
    return (
        f'<figure class="figure" id="figure-{numbers.figures}" style="--width:{width}px;--least:{least}px">\n'
        f'<div class="card scroll" tabindex="0" role="group" aria-label="{name}">{svg}</div>\n'
        f"<figcaption><b>{name}.</b> {inline(block.caption)}{link}</figcaption>\n</figure>"
    )


def _table(block: Table, numbers: Numbers) -> str:
    """Raises ValueError where a row has not a cell for every column."""
    if any(len(row) != len(block.columns) for row in block.rows):
        raise ValueError(f"each row of the table {block.caption!r} must have {len(block.columns)} cells")
    numbers.tables += 1
    name = f"Table {numbers.tables}"
    heads = "".join(f'<th scope="col" class="{column.align}">{escape(column.head)}</th>' for column in block.columns)
    rows = "\n".join(_row(block, row) for row in block.rows)
    if not block.rows:
        rows = f'<tr><td class="none" colspan="{len(block.columns)}">none</td></tr>'
    note = f'<p class="note">{inline(block.note)}</p>' if block.note else ""
    return (
        f'<figure class="table" id="table-{numbers.tables}">\n'
        f'<figcaption id="table-{numbers.tables}-name"><b>{name}.</b> {escape(block.caption)}</figcaption>\n'
        f'<div class="scroll" tabindex="0" role="group" aria-label="{name}">'
        f'<table aria-labelledby="table-{numbers.tables}-name">\n'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table></div>{note}\n</figure>"
    )


def _row(block: Table, row: Sequence[str]) -> str:
    cells = [
        f'<td class="{column.align}">{escape(cell)}</td>'
        for column, cell in zip(block.columns[1:], row[1:], strict=True)
    ]
    head = f'<th scope="row" class="{block.columns[0].align}">{escape(row[0])}</th>' if row else ""
    return f"<tr>{head}{''.join(cells)}</tr>"
