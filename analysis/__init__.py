"""What a sweep's results mean: tables, queries, matched pairs, and whether their sides are equivalent.

>>> import analysis
>>> results = analysis.open("results/")
>>> results.sql("select dataset, avg(val_loss) from trials group by dataset")
>>> analysis.assess(results.pairs("val_loss")).verdict

`analysis.equivalence` holds the statistics as pure functions of arrays, `analysis.report` writes the report,
`analysis.figures` draws.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from analysis.results import Results, open

if TYPE_CHECKING:
    from analysis.questions.equivalence.assessment import Assessment, assess
    from analysis.questions.equivalence.control import Controls, controls

__all__ = ["Assessment", "Controls", "Results", "assess", "controls", "open"]


def __getattr__(name: str) -> Any:
    # The statistics need SciPy, which a query does not wait for.
    homes = {"Assessment": "assessment", "assess": "assessment", "Controls": "control", "controls": "control"}
    if name in homes:
        return getattr(import_module(f"analysis.questions.equivalence.{homes[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
