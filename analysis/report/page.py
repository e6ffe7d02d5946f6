"""A report as one HTML file that opens anywhere: nothing is fetched, and nothing runs."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

import jinja2
from markupsafe import Markup

from analysis.report.content import Badge, Part, Picture, Table

if TYPE_CHECKING:
    from analysis.report.assemble import Report

_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#0072B2"/>'
    '<path d="M4 4v8M8 4v8M12 4v8" stroke="#fff" stroke-width="2"/></svg>'
)
TEMPLATES: jinja2.BaseLoader = jinja2.ChoiceLoader(
    [jinja2.PackageLoader("analysis.report"), jinja2.PackageLoader("analysis", "questions")]
)
"""Where templates are: those of pages, and those of questions."""
_ID = re.compile(r"[a-z][a-z0-9-]*")
_TAKEN = re.compile(r"answer|main|(figure|table)-\d+.*")
_CODE = re.compile(r"`([^`\n]+)`")
_EMPHASIS = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*]*[^\s*])\*(?![\w*])")


class Contents:
    """What the page holds so far: its sections by id, how many figures and tables, and those of the next part."""

    def __init__(self) -> None:
        self.sections: dict[str, str] = {}
        self._counts = Counter[str]()
        self._held: dict[tuple[str, str], Picture | Table] = {}
        self._shown: set[tuple[str, str]] = set()

    def add(self, section: str, title: str) -> str:
        """Take a section in. Raises ValueError for an id that cannot be linked to, or that two sections have."""
        if not _ID.fullmatch(section) or _TAKEN.fullmatch(section):
            raise ValueError(f"a section's id is {section!r}, but must be lower-case letters, digits and hyphens")
        if section in self.sections:
            raise ValueError(f"two sections have the id {section!r}")
        self.sections[section] = title
        return ""

    def next(self, kind: str) -> int:
        """The number of the next figure or table."""
        self._counts[kind] += 1
        return self._counts[kind]

    def hold(self, pictures: Sequence[Picture], tables: Sequence[Table]) -> None:
        """Make pictures and tables known by name."""
        self._held = {("picture", each.name): each for each in pictures} | {
            ("table", each.name): each for each in tables
        }
        self._shown = set()

    def get(self, kind: str, name: str) -> Picture | Table | None:
        """A picture or table, None where the part has none. Raises ValueError for a picture's second time: its ids."""
        place = kind, name
        if kind == "picture" and place in self._shown & self._held.keys():
            raise ValueError(f"the picture {name} is shown twice")
        self._shown.add(place)
        return self._held.get(place)

    def require_shown(self) -> None:
        """Raise ValueError for a picture, or a table with heads, that no template has shown."""
        seen = {place for place, each in self._held.items() if isinstance(each, Picture) or each.heads}
        if hidden := seen - self._shown:
            names = " and the ".join(f"{kind} {name}" for kind, name in sorted(hidden))
            raise ValueError(f"no template shows the {names}")


def page_html(report: "Report") -> str:
    """The page. Raises ValueError where a template leaves out a table or a picture of its part."""
    contents = Contents()
    environment = _environment(contents)
    bodies = [_part(environment, contents, part, not place) for place, part in enumerate(report.parts)]
    if report.provenance:
        contents.hold((), report.provenance)
        words = {"trials": report.done, "study": report.study}
        bodies.append((Markup(), _rendered(environment, "provenance.html", words)))
        contents.require_shown()
    first = report.parts[0]
    lead, *others = [text for pair in bodies for text in pair if text]
    words = {
        "title": first.title,
        "subtitle": f"{first.subtitle or 'Deep residual networks'}, study {report.study}",
        "badges": _badges(report),
        "lead": lead,
        "sections": contents.sections,
        "body": Markup("\n").join(others),
        "stores": report.stores,
        "icon": _ICON,
    }
    return environment.get_template("page.html").render(words)


def marked(text: str) -> Markup:
    """Escape a text, and turn `*emphasis*` and `` `code` `` into elements. What is in code is left alone."""
    parts = _CODE.split(text)
    return Markup(
        "".join(
            f"<code>{escape(part)}</code>" if index % 2 else _EMPHASIS.sub(r"<em>\1</em>", escape(part))
            for index, part in enumerate(parts)
        )
    )


def _environment(contents: Contents) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=TEMPLATES, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["contents"] = contents
    environment.filters |= {"marked": marked, "drawing": _drawing}
    return environment


def _drawing(picture: Picture) -> Markup:
    """The SVG element, which is our own and is not escaped."""
    return Markup(f'<svg role="img" aria-label="{escape(picture.alt)}" {picture.drawn.svg[5:]}')


def _part(environment: jinja2.Environment, contents: Contents, part: Part, leads: bool) -> tuple[Markup, Markup]:
    """The answer, and the sections."""
    contents.hold(part.pictures, part.tables)
    answer = _rendered(environment, "part.html", {"part": part, "leads": leads})
    sections = (
        _rendered(environment, part.template, {"part": part, "claims": part.claims, **part.words})
        if part.template
        else Markup()
    )
    contents.require_shown()
    return answer, sections


def _rendered(environment: jinja2.Environment, template: str, words: Mapping[str, object]) -> Markup:
    return Markup(environment.get_template(template).render(words))


def _badges(report: "Report") -> list[Badge]:
    states = report.states
    badges = [Badge(f"study {report.study}"), Badge(f"{report.done} of {states['planned']} trials")]
    if states["missing"]:
        badges.append(Badge("interim", "warning"))
    return [*badges, *report.parts[0].badges]
