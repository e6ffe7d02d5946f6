"""Matplotlib's SVG made fit to stand beside others in one HTML page."""

import hashlib
import json
import re
from collections.abc import Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_HREF = "xlink:href"
# Text is laid out in DejaVu Sans, the widest of these, so that in no other does it outgrow its place.
_FONTS = "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
_LONG = re.compile(r"-?\d+\.\d+")
# A line that goes on needs no second letter.
_SAME_LINE = re.compile(r"(?<=L )(-?[\d.]+ -?[\d.]+) L ")
# A line to where it starts is a dot, the size of the stroke.
_DOT = re.compile(r"M (-?[\d.]+ -?[\d.]+) L \1(?: \1)*(?= [A-Za-z]|$)")
_NUMERIC = ("d", "x", "y", "transform", "points", "width", "height")
_TIPS = "tips:"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")


def tips_id(tips: Sequence[str]) -> str | None:
    """An id for a line whose markers are to say these texts when they are pointed at, one per marker."""
    return _TIPS + json.dumps(list(tips)) if len(tips) else None


def clean(svg: str) -> str:
    """One `<svg>` element without prolog, metadata or style sheet, and with ids that no other figure has.

    Style sheets and ids reach beyond a figure in a page. Coordinates are rounded to a hundredth of a point.
    """
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        _use_plain_names(element)
    _drop_sheets(root)
    _add_tips(root)
    for element in root.iter():
        _shorten(element)
        _share_style(element)
    _rename(root)
    root.attrib = {"xmlns": _SVG, "xmlns:xlink": _XLINK, **root.attrib}
    root.attrib |= {"font-family": _FONTS, "stroke-linejoin": "round"}
    return ElementTree.tostring(root, encoding="unicode")


def _use_plain_names(element: Element) -> None:
    element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
    element.attrib = {name.replace(f"{{{_XLINK}}}", "xlink:"): value for name, value in element.attrib.items()}


def _drop_sheets(root: Element) -> None:
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in ("style", "metadata"):
                parent.remove(child)
    for child in root.findall("defs"):
        if not len(child):
            root.remove(child)


def _add_tips(root: Element) -> None:
    """Give each marker of a line with tips its own, as a title, which browsers show."""
    for element in root.iter():
        name = element.get("id", "")
        if name.startswith(_TIPS):
            del element.attrib["id"]
            tips, markers = json.loads(name.removeprefix(_TIPS)), list(element.iter("use"))
            # Markers may be an image, which has none.
            for marker, tip in zip(markers, tips, strict=True) if markers else ():
                ElementTree.SubElement(marker, "title").text = tip
                marker.set("pointer-events", "all")


def _shorten(element: Element) -> None:
    """Drop blanks between elements, needless decimals, and the font, which the root names for all."""
    element.tail = None
    if element.tag not in ("text", "title"):
        element.text = None
    for name in _NUMERIC:
        if name in element.attrib:
            text = " ".join(_LONG.sub(_round, element.attrib[name]).split())
            element.set(name, _DOT.sub(r"M \1h0", _SAME_LINE.sub(r"\1 ", text)) if name == "d" else text)
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
    if "style" in element.attrib:
        parts = (part.strip().replace(": ", ":") for part in element.attrib["style"].split(";"))
        element.set("style", ";".join(part for part in parts if part and not part.startswith("font-family")))
    if element.get(_HREF, "").startswith("data:"):
        element.set(_HREF, "".join(element.attrib[_HREF].split()))


def _round(found: re.Match[str]) -> str:
    return f"{float(found[0]):.2f}".rstrip("0").rstrip(".")


def _share_style(element: Element) -> None:
    """Say the style that all markers of a group have once."""
    styles = {child.get("style") for child in element}
    if len(element) < 2 or len(styles) > 1 or element.get("style") or {child.tag for child in element} != {"use"}:
        return
    element.set("style", styles.pop() or "")
    for child in element:
        child.attrib.pop("style", None)


def _rename(root: Element) -> None:
    """Drop ids that nothing refers to, and give the others a prefix made from what is drawn."""
    used = {element.get(_HREF, "").removeprefix("#") for element in root.iter()}
    for element in root.iter():
        for value in element.attrib.values():
            used.update(_REFERENCE.findall(value))
    prefix = f"f{hashlib.sha256(ElementTree.tostring(root)).hexdigest()[:8]}"
    names: dict[str, str] = {}
    for element in root.iter():
        name = element.attrib.pop("id", None)
        if name in used:
            element.set("id", names.setdefault(name, f"{prefix}-{len(names)}"))
    for element in root.iter():
        for key, value in element.attrib.items():
            if key == _HREF and value.startswith("#"):
                element.set(key, f"#{names[value[1:]]}")
            elif "url(" in value:
                element.set(key, _REFERENCE.sub(lambda found: f"url(#{names[found[1]]})", value))
