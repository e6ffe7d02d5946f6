"""The page: everything is escaped, nothing is fetched, and what is said is said to all."""

import math
import re
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from typing import Any

import jinja2
import pytest

from analysis.claims import Claim, Outcome
from analysis.equivalence.mean import Estimate
from analysis.figures import Rendered
from analysis.report import page as page_module
from analysis.report.assemble import Report
from analysis.report.content import Badge, Bar, Column, Intervals, Lead, Part, Picture, Table
from analysis.report.page import marked, page_html

EVIL = "<script>alert(1)</script> & \"quoted\" 'too'"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 300"><title>t</title></svg>'
BAR = Bar("", Estimate(1.02, 0.99, 1.05))
IMPORTS = '{% from "blocks.html" import section, callout, claim_list, keys, figure, table, intervals with context %}'
ALL = """
{% call section("results", text) %}
<p>{{ text }}</p>
{{ callout("warning", text) }}
{{ claim_list(claims) }}
{{ keys([(text, text, text)]) }}
{{ intervals(bars) }}
{{ figure("figure") }}
{% call table("table") %}{{ text }}{% endcall %}
{% endcall %}
"""
VOID = {"meta", "link", "br"}

Page = Callable[..., str]


class Reader(HTMLParser):
    """Elements with their attributes, and the text; fails where elements do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)

    def find(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def picture(name: str = "figure", text: str = "alt", svg: str = SVG) -> Picture:
    return Picture(name, Rendered(svg, b"png"), text, text)


def table(name: str = "table", text: str = "text", **fields: Any) -> Table:
    columns = (Column("what", text), Column("value", text, lambda value: f"{value:.2f}"))
    said = {"rows": [{"what": text, "value": 1.0}], "caption": text, "above": [(text, text)]}
    return Table(name, columns, **{**said, **fields})


def one(text: str = "Some words.", **fields: Any) -> Part:
    return Part("one", text, **{"lead": Lead("Equivalent", "Within the margin.", "good"), "verdict": text, **fields})


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Page:
    """The page of parts with templates of these texts, by the names of parts; `text` stands where a user's may."""

    def of(*parts: Part, text: str = "words", provenance: Sequence[Table] = (), **templates: str) -> str:
        files = jinja2.DictLoader({f"{name}.html": IMPORTS + template for name, template in templates.items()})
        monkeypatch.setattr(page_module, "TEMPLATES", jinja2.ChoiceLoader([files, page_module.TEMPLATES]))
        states = {"planned": 2, "missing": 1}
        return page_html(Report(text, "key", (text,), states, parts or (one(),), tuple(provenance)))

    return of


@pytest.fixture
def shown(page) -> Page:
    """The page of one part whose template is this text, with tables and pictures of the part."""

    def of(template: str, tables: Sequence[Table] = (), pictures: Sequence[Picture] = (), **words: Any) -> str:
        section = f"{{% call section('results', 'Results') %}}{template}{{% endcall %}}"
        return page(one(template="one.html", tables=tables, pictures=pictures, words=words), one=section)

    return of


@pytest.fixture
def full(page) -> Page:
    """The page with all that there is, and a text wherever a user's may stand."""

    def of(text: str) -> str:
        bars = Intervals([Bar(text, Estimate(1, 0.9, 1.1))], 0.1, text, text, text)
        lead = Lead(text, text, "good", bars, "lead", [(text, text, text)])
        words = {"text": text, "claims": [Claim(text, Outcome.MIXED, text)], "bars": bars}
        first = one(
            text,
            lead=lead,
            template="one.html",
            words=words,
            tables=[table(text=text), Table("files", [Column("x")], [{"x": 1}])],
            pictures=[picture("lead", text), picture("figure", text)],
            badges=[Badge(text)],
            subtitle=text,
        )
        follows = Part("two", text, Lead(text, text, "warning"), text)
        return page(first, follows, text=text, provenance=[table("trials_and_devices", text)], one=ALL)

    return of


def test_user_text_is_escaped_everywhere(full) -> None:
    html = full(EVIL)
    read = Reader(html)
    assert not read.find("script")
    assert "<script" not in html
    assert sum(EVIL in text for text in read.text) > 40
    assert [attributes["aria-label"] for attributes in read.find("svg")] == [EVIL] * 2
    spoken = [attributes["aria-label"] for attributes in read.find("div") if attributes.get("role") == "img"]
    assert len(spoken) == 2
    assert all(each.startswith(f"{EVIL}: 1.00") for each in spoken)
    assert not {name for _, attributes in read.elements for name in attributes if name.startswith("on")}


def test_a_link_to_an_image_leads_into_the_folder(shown) -> None:
    html = shown("{{ figure('java:<b>') }}", pictures=[picture("java:<b>")])
    assert Reader(html).find("a")[-1]["href"] == "figures/java%3A%3Cb%3E.png"


def test_nothing_is_fetched_and_nothing_runs(full) -> None:
    html = full("Some words.")
    read = Reader(html)
    assert set(re.findall(r"https?://[^\"\s]+", html)) == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in html
    assert all(link["href"].startswith("data:") for link in read.find("link"))
    assert not any("src" in attributes for _, attributes in read.elements)
    assert not re.search(r"@import|url\(", html)


def test_the_same_report_is_the_same_page(full) -> None:
    assert full("Some words.") == full("Some words.")


def test_ids_are_unique_and_links_lead_to_them(full) -> None:
    read = Reader(full("Some words."))
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    anchors = {link["href"][1:] for link in read.find("a") if link["href"].startswith("#")}
    assert anchors == {"main", "results", "two-answer", "provenance"}
    assert anchors <= set(ids)
    labels = {attributes["aria-labelledby"] for _, attributes in read.elements if "aria-labelledby" in attributes}
    assert labels <= set(ids)


def test_the_answer_comes_first(full) -> None:
    html = full("Some words.")
    marks = ('id="answer"', 'class="interval"', "<svg role=", 'class="key"', "<nav", 'id="results"', 'id="two-answer"')
    order = [html.index(mark) for mark in (*marks, 'id="provenance"')]
    assert order == sorted(order)


def test_readers_without_eyes_are_told_everything(shown) -> None:
    columns = (Column("depth", "depth"), Column("ratio", "ratio", "{:.2f}".format))
    by_depth = Table("table", columns, [{"depth": 2, "ratio": 1.02}], "By depth")
    read = Reader(
        shown(
            "{{ figure('figure') }}{{ intervals(bars) }}{{ table('table') }}{{ callout('bad', 'The control fails.') }}",
            [by_depth],
            [picture(text="Losses agree")],
            bars=Intervals([BAR], 0.1),
        )
    )
    assert {"role": "img", "aria-label": "Losses agree"}.items() <= read.find("svg")[0].items()
    spoken = [attributes.get("aria-label") for attributes in read.find("div") if attributes.get("role") == "img"]
    assert spoken == ["ratio: 1.02 [0.99, 1.05]; margin 0.91 to 1.10"]
    assert [each["scope"] for each in read.find("th")] == ["col", "col", "row"]
    assert "Problem: " in read.text
    for landmark in ("header", "main", "nav", "footer"):
        assert len(read.find(landmark)) == 1


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a *b c* d", "a <em>b c</em> d"),
        ("`a*b*` and *c*", "<code>a*b*</code> and <em>c</em>"),
        ("3 * 4 * 5", "3 * 4 * 5"),
        ("a*b*c", "a*b*c"),
        ("`<b>`", "<code>&lt;b&gt;</code>"),
        ("*<b>*", "<em>&lt;b&gt;</em>"),
        ("one ` tick", "one ` tick"),
        ("", ""),
    ],
)
def test_marks_in_text(text: str, html: str) -> None:
    assert marked(text) == html


def test_figures_and_tables_are_numbered_throughout(page) -> None:
    parts = [
        Part(
            name,
            name,
            Lead("v", "d", "info", figure=f"{name}-lead"),
            "v",
            f"{name}.html",
            tables=[table(f"{name}-table")],
            pictures=[picture(f"{name}-lead"), picture(f"{name}-more")],
        )
        for name in ("one", "two")
    ]
    templates = {
        name: f"{{% call section('{name}', '') %}}{{{{ table('{name}-table') }}}}{{{{ figure('{name}-more') }}}}"
        "{% endcall %}"
        for name in ("one", "two")
    }
    numbered = re.findall(r"<b>((?:Figure|Table) \d)\.</b>", page(*parts, **templates))
    assert numbered == ["Figure 1", "Table 1", "Figure 2", "Figure 3", "Table 2", "Figure 4"]


def test_what_a_part_does_not_have_is_left_out(shown) -> None:
    html = shown("{{ figure('other') }}{{ table('other') }}{{ figure('figure') }}", pictures=[picture()])
    assert re.findall(r"<b>((?:Figure|Table) \d)\.</b>", html) == ["Figure 1"]


def test_a_template_shows_every_picture_and_every_table_with_heads(shown) -> None:
    for_files = Table("files", [Column("x")], [{"x": 1}])
    with pytest.raises(ValueError, match=r"no template shows the picture figure and the table table$"):
        shown("", [table(), for_files], [picture()])


def test_a_picture_is_shown_once(shown) -> None:
    with pytest.raises(ValueError, match="the picture figure is shown twice"):
        shown("{{ figure('figure') }}{{ figure('figure') }}", pictures=[picture()])


def test_a_word_that_a_template_does_not_get_is_an_error(shown) -> None:
    with pytest.raises(jinja2.UndefinedError, match="'nowhere' is undefined"):
        shown("<p>{{ nowhere }}</p>")


def test_a_wide_figure_keeps_a_legible_width_and_a_narrow_one_shrinks(shown) -> None:
    drawn = "{{ figure('figure') }}"
    assert "--width:800px;--least:600px" in shown(drawn, pictures=[picture()])
    narrow = picture(svg=SVG.replace("600", "300", 1))
    assert "--width:400px;--least:0px" in shown(drawn, pictures=[narrow])


def test_intervals_share_one_scale(shown) -> None:
    bars = [Bar("", Estimate(1.0, 0.5, 2.0)), Bar("mnist", Estimate(2.0, 1.0, 4.0))]
    html = shown("{{ intervals(bars) }}", bars=Intervals(bars, 0.1))
    lefts = [float(left) for left in re.findall(r'class="point" style="left:([\d.]+)%', html)]
    assert lefts == [50.0, pytest.approx(50 + 50 / 2.2, abs=0.01)]
    ranges = re.findall(r'class="range" style="left:([\d.]+)%;width:([\d.]+)%', html)
    assert [tuple(map(float, each)) for each in ranges] == [
        (pytest.approx(27.27, abs=0.01), pytest.approx(45.45, abs=0.01)),
        (pytest.approx(50, abs=0.01), pytest.approx(45.45, abs=0.01)),
    ]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Estimate(math.nan), "no estimate"),
        (Estimate(0.0), "no estimate"),
        (Estimate(1.05), "1.05"),
        (Estimate(1.05, 0.0, math.inf), "1.05 [0.00, inf]"),
    ],
)
def test_intervals_with_gaps_are_said(shown, found: Estimate, said: str) -> None:
    html = shown("{{ intervals(bars) }}", bars=Intervals([Bar("", found)], 0.1))
    assert f'<span class="value">{said}</span>' in html
    assert all(0 <= float(place) <= 100 for place in re.findall(r"(?:left|width):(-?[\d.]+)%", html))


def test_empty_blocks_are_drawn(page, shown) -> None:
    columns = (Column("a", "a"), Column("b", "b"))
    html = shown(
        "{{ table('table') }}{{ intervals(bars) }}{{ keys([]) }}{{ claim_list([]) }}",
        [Table("table", columns, [])],
        bars=Intervals([], 0.1),
    )
    assert '<td class="none" colspan="2">none</td>' in html
    Reader(html)
    Reader(page(Part("one", "t", Lead("v", "", "info"), "v")))


@pytest.mark.parametrize("name", ["", "Results", "1st", 'a"b', "a b", "main", "answer", "figure-1", "table-1-name"])
def test_a_section_that_cannot_be_linked_to_is_refused(page, name: str) -> None:
    with pytest.raises(ValueError, match="id"):
        page(one(template="one.html", words={"name": name}), one="{% call section(name, 'title') %}{% endcall %}")


def test_two_sections_with_one_id_are_refused(page) -> None:
    with pytest.raises(ValueError, match="two sections"):
        page(one(template="one.html"), one="{% call section('a', 'title') %}{% endcall %}" * 2)


def test_a_ragged_table_and_a_figure_without_svg_are_refused(shown) -> None:
    with pytest.raises(ValueError, match="a row of 1 texts is above a table of 2 heads"):
        shown("{{ table('table') }}", [table(above=[("1",)])])
    with pytest.raises(KeyError, match="value"):
        shown("{{ table('table') }}", [table(rows=[{"what": "1"}])])
    with pytest.raises(ValueError, match="svg"):
        shown("{{ figure('figure') }}", pictures=[picture(svg="<img src=x>")])
