"""The page in a real browser: it says nothing on the console, asks for nothing, and fits its window."""

import asyncio
import importlib.metadata
from pathlib import Path
from typing import Any

import pytest

from tests.browser import BROWSER, SECONDS, browser

AXE = Path(str(importlib.metadata.distribution("axe-core-python").locate_file("axe_core_python/axe.min.js")))
TOLD = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Network.loadingFailed")
MEASURE = """
(() => {
    for (const each of document.querySelectorAll("details")) each.open = true;
    const box = each => each.getBoundingClientRect().toJSON();
    return {
        answer: box(document.querySelector("h2#answer")),
        verdict: document.querySelector("h2#answer").innerText,
        svgs: [...document.querySelectorAll("svg")].map(box),
        overflow: document.documentElement.scrollWidth - innerWidth,
        window: [innerWidth, innerHeight],
    };
})()
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="neither chromium nor google-chrome is installed"),
]


async def look(page: Path, profile: Path, width: int, height: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What is measured on a page in a window of this size, and every event of its loading."""
    async with asyncio.timeout(SECONDS), browser(profile) as tab:
        await tab.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        await tab.call("Page.navigate", url=page.as_uri())
        await tab.until("Page.loadEventFired")
        found = await tab.evaluate(MEASURE)
        # What the browser still has to say, of an icon or a script, comes by the time that it has drawn.
        await tab.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 200)))")
        return found, tab.events


async def breaches(page: Path, profile: Path, width: int, scheme: str) -> list[dict[str, Any]]:
    """What axe-core finds on a page that keeps people with a screen reader, a keyboard or weak eyes from using it."""
    async with asyncio.timeout(SECONDS), browser(profile) as tab:
        await tab.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        await tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        await tab.call("Page.navigate", url=page.as_uri())
        await tab.until("Page.loadEventFired")
        await tab.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        await tab.evaluate(AXE.read_text(encoding="utf-8") + ";0")
        found = await tab.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [each for each in found["violations"] if each["impact"] in ("serious", "critical")]


def said(found: list[dict[str, Any]]) -> list[str]:
    return [f"{each['id']}: {node['html'][:150]}" for each in found for node in each["nodes"][:3]]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (400, "dark")])
def test_nothing_keeps_people_from_using_the_page(report, tmp_path, width, scheme):
    found = asyncio.run(breaches(report.folder / "report.html", tmp_path / "profile", width, scheme))
    assert said(found) == []


def test_what_would_keep_them_is_found(tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><p style='color:#ccc;background:#fff'>pale</p><img src='data:,'><button></button>")
    found = asyncio.run(breaches(page, tmp_path / "profile", 400, "light"))
    assert {each["id"] for each in found} >= {"button-name", "color-contrast", "html-has-lang", "image-alt"}


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (400, 900)])
def test_the_page_is_quiet_asks_for_nothing_and_fits_its_window(report, tmp_path, width, height):
    page = report.folder / "report.html"
    found, events = asyncio.run(look(page, tmp_path / "profile", width, height))
    assert found["window"] == [width, height]
    assert [each for each in events if each["method"] in TOLD] == []
    asked = [each["params"]["request"]["url"] for each in events if each["method"] == "Network.requestWillBeSent"]
    assert [url for url in asked if not url.startswith("data:")] == [page.as_uri()]
    assert found["overflow"] <= 0
    assert "No verdict: too few pairs" in found["verdict"]
    assert 0 <= found["answer"]["top"] < found["answer"]["bottom"] <= height
    assert len(found["svgs"]) == page.read_text(encoding="utf-8").count("<svg ") > 7
    assert all(min(each["width"], each["height"]) > 50 for each in found["svgs"]), found["svgs"]


def test_what_is_looked_for_would_be_seen(tmp_path):
    page = tmp_path / "page.html"
    page.write_text(
        "<!doctype html><h2 id=answer style='margin-top:2000px;width:3000px'>x</h2><svg width=0></svg>"
        "<img src='https://example.invalid/x.png'><script>console.log('x'); throw new Error('x')</script>"
    )
    found, events = asyncio.run(look(page, tmp_path / "profile", 400, 900))
    assert {each["method"] for each in events} >= set(TOLD) - {"Log.entryAdded"}
    assert any(
        each["params"]["request"]["url"].startswith("https:")
        for each in events
        if each["method"] == "Network.requestWillBeSent"
    )
    assert found["overflow"] > 0
    assert found["answer"]["top"] > 900
    assert found["svgs"][0]["width"] == 0
