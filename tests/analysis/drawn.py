"""What can be seen in a figure: its texts, whether they run into each other, and what its points say."""

from itertools import combinations
from xml.etree import ElementTree

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis.figures import render


def words(figure: Figure) -> list[str]:
    """Every text."""
    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]


def said(figure: Figure) -> list[str]:
    """What its points say where they are pointed at."""
    return [each.text or "" for each in ElementTree.fromstring(render(figure).svg).findall(".//{*}title")]


def clashes(figure: Figure) -> list[str]:
    """Texts that leave the figure, and pairs that overlap by more than a point."""
    figure.draw_without_rendering()
    unseen = _ticks_outside(figure)
    texts = [each for each in figure.findobj(Text) if isinstance(each, Text) and each.get_text().strip()]
    boxes = [(each.get_text(), each.get_window_extent()) for each in texts if each not in unseen and each.get_visible()]
    width, height = figure.bbox.width, figure.bbox.height
    out = [text for text, box in boxes if min(box.x0, box.y0, width - box.x1, height - box.y1) < -1]
    over = [
        f"{one} over {other}"
        for (one, first), (other, second) in combinations(boxes, 2)
        if min(first.x1, second.x1) - max(first.x0, second.x0) > 1
        and min(first.y1, second.y1) - max(first.y0, second.y0) > 1.5
    ]
    return out + over


def _ticks_outside(figure: Figure) -> set[Text]:
    """Labels of ticks beyond the ends of an axis, which are there and are not drawn."""
    outside: set[Text] = set()
    for axes in figure.findobj(Axes):
        assert isinstance(axes, Axes)
        for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            for tick in axis.get_major_ticks():
                if not min(limits) - 1e-9 <= tick.get_loc() <= max(limits) + 1e-9:
                    outside |= {tick.label1, tick.label2}
    return outside
