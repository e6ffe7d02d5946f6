"""Figures: pure functions from small tables of numbers to Matplotlib figures, and from those to files.

They know nothing of stores or statistics. No pyplot, and no setting of the caller's is changed.

>>> figure = draw_scatter([LossPairs("mnist", sequential, parallel)])
>>> render(figure).svg
"""

from analysis.figures.by_q import QLosses, draw_by_q
from analysis.figures.by_size import RandomLesions, draw_by_size
from analysis.figures.cost import CostPairs, draw_cost
from analysis.figures.curves import LearningCurves, draw_curves
from analysis.figures.deletion import DeletedBlocks, draw_deletion
from analysis.figures.forest import Stratum, StratumGroup, Verdict, draw_forest
from analysis.figures.heat_map import RatioGrid, draw_heat_map
from analysis.figures.scatter import LossPairs, draw_scatter
from analysis.figures.style import Architecture, Rendered, render
from analysis.figures.truncation import OrderLosses, TruncatedLosses, draw_truncation

__all__ = [
    "Architecture",
    "CostPairs",
    "DeletedBlocks",
    "LearningCurves",
    "LossPairs",
    "OrderLosses",
    "QLosses",
    "RandomLesions",
    "RatioGrid",
    "Rendered",
    "Stratum",
    "StratumGroup",
    "TruncatedLosses",
    "Verdict",
    "draw_by_q",
    "draw_by_size",
    "draw_cost",
    "draw_curves",
    "draw_deletion",
    "draw_forest",
    "draw_heat_map",
    "draw_scatter",
    "draw_truncation",
    "render",
]
