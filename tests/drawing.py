"""Reports without the drawing of their figures, which takes most of their time."""

from types import SimpleNamespace

import pytest

BLANK = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 300"><title>t</title></svg>'


@pytest.fixture
def unrendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are made, but not turned into files."""
    # `render` itself is known by name in many modules.
    monkeypatch.setattr("matplotlib.figure.Figure.draw_without_rendering", lambda figure: None)
    monkeypatch.setattr("analysis.figures.style.FigureCanvasSVG", lambda figure: SimpleNamespace(print_figure=_nothing))
    monkeypatch.setattr("analysis.figures.style.FigureCanvasAgg", lambda figure: SimpleNamespace(print_figure=_nothing))
    monkeypatch.setattr("analysis.figures.style.clean", lambda svg: BLANK)


def _nothing(file: object, **options: object) -> None:
    """Draw nothing."""
