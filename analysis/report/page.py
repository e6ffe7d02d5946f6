"""A document as one HTML file that opens anywhere: nothing is fetched, and nothing runs."""

import re
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from urllib.parse import quote

from analysis.report.blocks import Numbers, block_html, figure_html, inline, key_figures_html, sign_html
from analysis.report.document import Lead, Page, Section
from analysis.report.intervals import intervals_html

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
# Without one, a browser asks the server for it.
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#0072B2"/>'
    '<path d="M4 4v8M8 4v8M12 4v8" stroke="#fff" stroke-width="2"/></svg>'
)
_ID = re.compile(r"[a-z][a-z0-9-]*")
_TAKEN = re.compile(r"answer|main|(figure|table)-\d+.*")


def page_html(page: Page) -> str:
    """The page. Raises ValueError for a section's id that cannot be linked to, or that two sections have."""
    _check(page.sections)
    numbers = Numbers()
    lead = _lead(page.lead, numbers)
    sections = "\n".join(_section(section, numbers) for section in page.sections)
    badges = "".join(f'<li class="badge {badge.kind}">{escape(badge.text)}</li>' for badge in page.badges)
    links = "".join(f'<li><a href="#{each.id}">{escape(each.title)}</a></li>' for each in page.sections)
    footer = f"<footer><p>{inline(page.footer)}</p></footer>" if page.footer else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(page.title)}</title>
<link rel="icon" href="data:image/svg+xml,{quote(_ICON)}">
<style>
{files("analysis.report").joinpath("page.css").read_text(encoding="utf-8")}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the answer</a>
<header>
<h1>{escape(page.title)}</h1>
<p class="subtitle">{escape(page.subtitle)}</p>
{f'<ul class="badges" aria-label="Standing of these results">{badges}</ul>' if badges else ""}
</header>
<main id="main">
{lead}
{f'<nav aria-label="Contents"><ul>{links}</ul></nav>' if links else ""}
{sections}
</main>
{footer}
</body>
</html>
"""


def _check(sections: Sequence[Section]) -> None:
    ids = [section.id for section in sections]
    for each in ids:
        if not _ID.fullmatch(each) or _TAKEN.fullmatch(each):
            raise ValueError(f"a section's id is {each!r}, but must be lower-case letters, digits and hyphens")
        if ids.count(each) > 1:
            raise ValueError(f"two sections have the id {each!r}")


def _lead(lead: Lead, numbers: Numbers) -> str:
    intervals = intervals_html(lead.intervals, inline(lead.intervals.caption)) if lead.intervals else ""
    figure = figure_html(lead.figure, numbers) if lead.figure else ""
    key = key_figures_html(lead.key_figures) if lead.key_figures else ""
    return (
        f'<section class="lead {lead.kind}{" pictured" if figure else ""}" aria-labelledby="answer">\n'
        f'<div class="verdict"><h2 id="answer">{sign_html(lead.kind)}{escape(lead.verdict)}</h2>\n'
        f"<p>{inline(lead.detail)}</p></div>\n{intervals}\n{figure}\n{key}\n</section>"
    )


def _section(section: Section, numbers: Numbers) -> str:
    blocks = "\n".join(block_html(block, numbers) for block in section.blocks)
    return (
        f'<section id="{section.id}" aria-labelledby="{section.id}-title">\n'
        f'<h2 id="{section.id}-title">{escape(section.title)}</h2>\n{blocks}\n</section>'
    )
