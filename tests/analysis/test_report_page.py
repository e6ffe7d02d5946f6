"""The page: everything is escaped, nothing is fetched, and what is said is said to all."""

import math
import re
from html.parser import HTMLParser

import pytest

from analysis.report.document import (
    Badge,
    Block,
    Callout,
    Column,
    Details,
    FigureBlock,
    IntervalBar,
    Intervals,
    KeyFigures,
    Lead,
    Page,
    Prose,
    Section,
    Table,
)
from analysis.report.page import page_html

EVIL = "<script>alert(1)</script> & \"quoted\" 'too'"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 300"><title>t</title></svg>'
BAR = IntervalBar(1.02, 0.99, 1.05, 1 / 1.1, 1.1)
VOID = {"meta", "link", "br"}


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


def page(*blocks: Block, lead: Lead | None = None, text: str = "Some words.") -> str:
    lead = lead or Lead("Equivalent", "Within the margin.", "good")
    return page_html(Page(text, text, [Badge(text)], lead, [Section("results", text, blocks)], text))


def every_block(text: str) -> list[Block]:
    return [
        Prose(f"{text}\n\n- {text}\n- {text}"),
        Table([Column(text), Column(text, "right")], [(text, text)], text, text),
        FigureBlock(SVG, text, text, text),
        Callout("warning", text),
        KeyFigures([(text, text, text)]),
        Intervals([IntervalBar(1, 0.9, 1.1, 0.9, 1.1, text)], text, text, text),
        Details(text, [Prose(text)]),
    ]


def full_page(text: str) -> str:
    lead = Lead(
        text,
        text,
        "good",
        Intervals([BAR], text),
        FigureBlock(SVG, text, text),
        KeyFigures([(text, text, text)]),
    )
    return page(*every_block(text), lead=lead, text=text)


def test_user_text_is_escaped_everywhere() -> None:
    html = full_page(EVIL)
    read = Reader(html)
    assert not read.find("script")
    assert "<script" not in html
    assert sum(EVIL in text for text in read.text) > 20
    assert all(attributes["aria-label"] == EVIL for attributes in read.find("svg"))
    assert read.find("a")[-1]["href"].startswith("%3Cscript")
    assert not {name for _, attributes in read.elements for name in attributes if name.startswith("on")}


def test_a_link_to_an_image_cannot_be_a_script() -> None:
    links = Reader(page(FigureBlock(SVG, "alt", png="javascript:alert(1)"))).find("a")
    assert links[-1]["href"] == "javascript%3Aalert%281%29"


def test_nothing_is_fetched_and_nothing_runs() -> None:
    html = full_page("Some words.")
    read = Reader(html)
    assert set(re.findall(r"https?://[^\"\s]+", html)) == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in html
    assert all(link["href"].startswith("data:") for link in read.find("link"))
    assert not any("src" in attributes for _, attributes in read.elements)
    assert not re.search(r"@import|url\(", html)


def test_the_same_document_is_the_same_page() -> None:
    assert full_page("Some words.") == full_page("Some words.")


def test_ids_are_unique_and_links_lead_to_them() -> None:
    read = Reader(full_page("Some words."))
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    anchors = {link["href"][1:] for link in read.find("a") if link["href"].startswith("#")}
    assert anchors == {"main", "results"}
    assert anchors <= set(ids)
    labels = {attributes["aria-labelledby"] for _, attributes in read.elements if "aria-labelledby" in attributes}
    assert labels <= set(ids)


def test_the_answer_comes_first() -> None:
    html = full_page("Some words.")
    order = [html.index(mark) for mark in ('id="answer"', 'class="interval"', "<svg role=", "<nav", 'id="results"')]
    assert order == sorted(order)


def test_readers_without_eyes_are_told_everything() -> None:
    figure, bar = FigureBlock(SVG, "Losses agree"), Intervals([BAR])
    table = Table([Column("depth"), Column("ratio", "right")], [("2", "1.02")], "By depth")
    read = Reader(page(figure, bar, table, Callout("bad", "The control fails.")))
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
        ("a\nb", "a b"),
        ("", ""),
    ],
)
def test_marks_in_prose(text: str, html: str) -> None:
    assert (f"<p>{html}</p>" if html else "<section") in page(Prose(text))


def test_prose_has_paragraphs_and_lists() -> None:
    html = page(Prose("one\n\ntwo\n\n- three\n- *four*"))
    assert "<p>one</p>\n<p>two</p>\n<ul><li>three</li><li><em>four</em></li></ul>" in html


def test_figures_and_tables_are_numbered_throughout() -> None:
    table, figure = Table([Column("a")], [("1",)]), FigureBlock(SVG, "alt")
    html = page(table, figure, Details("more", [table, figure]), figure)
    assert re.findall(r"<b>((?:Figure|Table) \d)\.</b>", html) == [
        "Table 1",
        "Figure 1",
        "Table 2",
        "Figure 2",
        "Figure 3",
    ]


def test_a_wide_figure_keeps_a_legible_width_and_a_narrow_one_shrinks() -> None:
    assert "--width:800px;--least:600px" in page(FigureBlock(SVG, "alt"))
    assert "--width:400px;--least:0px" in page(FigureBlock(SVG.replace("600", "300", 1), "alt"))


def test_intervals_share_one_scale() -> None:
    margins = (1 / 1.1, 1.1)
    html = page(Intervals([IntervalBar(1.0, 0.5, 2.0, *margins), IntervalBar(2.0, 1.0, 4.0, *margins, "mnist")]))
    lefts = [float(left) for left in re.findall(r'class="point" style="left:([\d.]+)%', html)]
    assert lefts == [50.0, pytest.approx(50 + 50 / 2.2, abs=0.01)]
    ranges = re.findall(r'class="range" style="left:([\d.]+)%;width:([\d.]+)%', html)
    assert [tuple(map(float, each)) for each in ranges] == [
        (pytest.approx(27.27, abs=0.01), pytest.approx(45.45, abs=0.01)),
        (pytest.approx(50, abs=0.01), pytest.approx(45.45, abs=0.01)),
    ]


@pytest.mark.parametrize(
    ("bar", "said"),
    [
        (IntervalBar(math.nan, math.nan, math.nan, 0.9, 1.1), "no estimate"),
        (IntervalBar(1.05, math.nan, math.nan, 0.9, 1.1), "1.05"),
        (IntervalBar(1.05, 0.0, math.inf, 0.9, 1.1), "1.05 [0.00, inf]"),
    ],
)
def test_intervals_with_gaps_are_said(bar: IntervalBar, said: str) -> None:
    html = page(Intervals([bar]))
    assert f'<span class="value">{said}</span>' in html
    assert all(0 <= float(place) <= 100 for place in re.findall(r"(?:left|width):(-?[\d.]+)%", html))


def test_empty_blocks_are_drawn() -> None:
    html = page(Table([Column("a"), Column("b")], []), Prose(""), Intervals([]), KeyFigures([]), Details("none", []))
    assert '<td class="none" colspan="2">none</td>' in html
    Reader(html)
    Reader(page_html(Page("t", "", [], Lead("v", "", "info"), [])))


@pytest.mark.parametrize("name", ["", "Results", "1st", 'a"b', "a b", "main", "answer", "figure-1", "table-1-name"])
def test_a_section_that_cannot_be_linked_to_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="id"):
        page_html(Page("t", "", [], Lead("v", "", "info"), [Section(name, "title", [])]))


def test_two_sections_with_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="two sections"):
        page_html(Page("t", "", [], Lead("v", "", "info"), [Section("a", "title", [])] * 2))


def test_a_ragged_table_and_a_figure_without_svg_are_refused() -> None:
    with pytest.raises(ValueError, match="2 cells"):
        page(Table([Column("a"), Column("b")], [("1",)]))
    with pytest.raises(ValueError, match="svg"):
        page(FigureBlock("<img src=x>", "alt"))
