"""Intervals against a margin, drawn with boxes so that their words keep their size on any screen."""

import math
from html import escape

from analysis.report.document import IntervalBar, Intervals


def intervals_html(block: Intervals, caption: str) -> str:
    """Bars under each other on one scale that is symmetric in log around 1. `caption` is HTML already."""
    if not block.bars:
        return ""
    reach = _reach(block)
    rows = "\n".join(_bar(bar, reach) for bar in block.bars)
    under = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f'<figure class="intervals">\n{rows}\n{_axis(block, reach)}\n{under}</figure>'


def _reach(block: Intervals) -> float:
    """The scale's half-width, in log: all that is finite, and room beside the margin."""
    margins = [abs(math.log(end)) for bar in block.bars for end in (bar.margin_low, bar.margin_high)]
    values = [
        abs(math.log(end))
        for bar in block.bars
        for end in (bar.estimate, bar.low, bar.high)
        if math.isfinite(end) and end > 0
    ]
    return max(1.6 * max(margins), 1.1 * max(values, default=0.0))


def _place(ratio: float, reach: float) -> float:
    """Per cent of the scale's width."""
    if ratio <= 0:
        return 0.0
    return 50 + 50 * min(max(math.log(ratio) / reach, -1.0), 1.0)


def _bar(bar: IntervalBar, reach: float) -> str:
    known = math.isfinite(bar.estimate) and bar.estimate > 0
    whole = known and not math.isnan(bar.low) and not math.isnan(bar.high)
    words = "no estimate" if not known else f"{bar.estimate:.2f}"
    if whole:
        words += f" [{bar.low:.2f}, {bar.high:.2f}]"
    marks = _span("band", bar.margin_low, bar.margin_high, reach) + '<i class="one" style="left:50%"></i>'
    if whole:
        marks += _span("range", bar.low, bar.high, reach)
    if known:
        marks += f'<i class="point" style="left:{_place(bar.estimate, reach):.2f}%"></i>'
    spoken = f"{bar.label or 'ratio'}: {words}; margin {bar.margin_low:.2f} to {bar.margin_high:.2f}"
    label = f'<span class="name">{escape(bar.label)}</span>' if bar.label else ""
    return (
        f'<div class="interval" role="img" aria-label="{escape(spoken)}">'
        f'<p>{label}<span class="value">{words}</span></p><div class="track">{marks}</div></div>'
    )


def _span(name: str, low: float, high: float, reach: float) -> str:
    left, right = _place(low, reach), _place(high, reach)
    return f'<i class="{name}" style="left:{left:.2f}%;width:{right - left:.2f}%"></i>'


def _axis(block: Intervals, reach: float) -> str:
    first = block.bars[0]
    ticks = "".join(
        f'<span style="left:{_place(end, reach):.2f}%">{words}</span>'
        for end, words in (
            (first.margin_low, f"{first.margin_low:.2f}"),
            (1.0, "1"),
            (first.margin_high, f"{first.margin_high:.2f}"),
        )
    )
    return (
        f'<div class="ticks" aria-hidden="true">{ticks}</div>'
        f'<p class="ends"><span>← {escape(block.below)}</span><span>{escape(block.above)} →</span></p>'
    )
