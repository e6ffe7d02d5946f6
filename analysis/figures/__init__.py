"""Figures: pure functions from small tables of numbers to Matplotlib figures, and from those to files.

They know nothing of stores or statistics. No pyplot, and no setting of the caller's is changed.

>>> figure = draw_scatter([LossPairs("mnist", sequential, parallel)])
>>> render(figure).svg
"""

from analysis.figures.style import Rendered, render

__all__ = ["Rendered", "render"]
