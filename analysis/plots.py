"""Figures of results as Matplotlib figures, as the report draws them; `Results.plot` is the way in."""

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from analysis.figures.panels import Axis, Line, Panel, draw_panels, in_rows
from analysis.figures.style import Palette
from analysis.formats import NAMES
from analysis.networks import labels
from analysis.notebook import show_figures
from analysis.questions.equivalence import pictures
from analysis.questions.equivalence.findings import PRIMARY, Findings, find
from analysis.seeds import over_seeds
from analysis.study import choose_study
from analysis.training_curves import LOSSES, find_curves
from sweep.errors import SweepError

if TYPE_CHECKING:
    from analysis.results import Results

_LINES = 6
"""More lines than these in a panel hide each other."""


class Plots:
    """Figures of some results. Each method returns a new figure, which may be changed and saved with `savefig`.

    Where the stores hold several studies, name one. Raises SweepError for a study that is not there, and where there is
    nothing to draw.
    """

    def __init__(self, results: "Results") -> None:
        self._results = results
        show_figures()

    def losses(self, metric: str = PRIMARY, study: str | None = None) -> Figure:
        """Parallel against sequential losses, a point per configuration, with the margin."""
        return pictures.draw_losses(self._findings(study), _loss(metric))

    def forest(self, metric: str = PRIMARY, study: str | None = None) -> Figure:
        """The ratio of losses by level of every factor, with intervals and the margin."""
        return _drawn(pictures.draw_strata(self._findings(study), _loss(metric)), "factor with several levels")

    def heat_map(self, study: str | None = None) -> Figure:
        """The ratio of validation losses by depth and filters."""
        return pictures.draw_heat_map(self._findings(study))

    def by_q(self, study: str | None = None) -> Figure:
        """Mean losses by determination ratio Q, beside the published ones."""
        return pictures.draw_by_q(self._findings(study), Palette())

    def cost(self, study: str | None = None) -> Figure:
        """Seconds and operations of parallel against sequential networks, by depth."""
        return _drawn(pictures.draw_cost(self._findings(study), Palette()), "matched pair that was timed")

    def curves(self, where: str | None = None, study: str | None = None) -> Figure:
        """Training and validation loss by epoch of the trials that meet an SQL condition, averaged over seeds.

        A condition is on columns of the table trials, such as ``depth = 8 and filters = 4``. The band is from the
        lowest to the highest seed.
        """
        of = choose_study(self._results, study).replace("'", "''")
        condition = f"status = 'finished' and study = '{of}' and ({where or 'true'})"
        rows = self._results.sql(f"select * from trials where {condition} order by trial_id").to_pylist()
        if not rows:
            raise SweepError("no finished trial meets the condition, so there are no curves to draw", "where")
        trials: dict[str, list[str]] = {}
        for row, label in zip(rows, labels(rows), strict=True):
            trials.setdefault(label, []).append(row["trial_id"])
        found = find_curves(self._results, trials)
        epoch = Axis("epoch", whole=True)
        panels = [
            [
                Panel(
                    NAMES[split],
                    epoch,
                    Axis("loss (nats)", "log"),
                    [Line(label, of.epochs, *over_seeds(of.losses[split]).band) for label, of in some],
                )
                for split in LOSSES
            ]
            for some in in_rows(list(found.items()), _LINES)
        ]
        return draw_panels("Loss by epoch", panels, Palette(), band="lowest to highest seed", keys="row")

    def _findings(self, study: str | None) -> Findings:
        return find(self._results, study)


def _loss(metric: str) -> str:
    if metric not in LOSSES:
        raise SweepError(f"metric is {metric!r}, but takes one of {', '.join(LOSSES)}", "metric")
    return metric


def _drawn(figure: Figure | None, lacking: str) -> Figure:
    if figure is None:
        raise SweepError(f"the study has no {lacking}, so there is nothing to draw")
    return figure
