"""What a sweep's results mean: tables, queries, matched pairs and their differences.

>>> import analysis
>>> results = analysis.open("results/")
>>> results.sql("select dataset, avg(val_loss) from trials group by dataset")
>>> analysis.compare(results.pairs("val_loss"))
"""

from analysis.comparison import Comparison, Controls, compare, controls
from analysis.results import Results, open

__all__ = ["Comparison", "Controls", "Results", "compare", "controls", "open"]
