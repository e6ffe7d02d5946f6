"""How results and figures look in a notebook."""

import html
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from analysis.figures.style import render


def show_figures() -> None:
    """Have the notebook that runs, if any, show Matplotlib figures that were made without pyplot."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None:
        shell.display_formatter.formatters["image/png"].for_type(Figure, lambda figure: render(figure).png)


def html_table(caption: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of the same keys as an HTML table; all text is escaped."""
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in (rows[0] if rows else ()))
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(value))}</td>" for value in row.values()) + "</tr>" for row in rows
    )
    title = html.escape(caption)
    return f"<table><caption>{title}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
