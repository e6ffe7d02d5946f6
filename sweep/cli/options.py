"""Options that several commands share."""

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from sweep.plan import Plan, make_plan
from sweep.studyfile import find_space

Flag = Annotated[bool, Parameter(negative=())]
Store = Annotated[str, Parameter(name="--store", help="Folder or object-store URI that holds the results.")]
Tracking = Annotated[
    str | None,
    Parameter(name="--tracking", help="MLflow tracking URI; by default an SQLite database inside a local store."),
]
Stores = Annotated[
    tuple[str, ...],
    Parameter(
        name="--store", negative=(), help="Folder or object-store URI that holds results; repeatable, read as one."
    ),
]
DEFAULT_STORE = "results"
DEFAULT_STORES = (DEFAULT_STORE,)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """Which trials of a study."""

    where: str | None = None
    """Keep the trials for which this holds, such as "dataset == 'mnist' and depth <= 8"."""

    set: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = ()
    """Replace a factor's levels: epochs=5 or depth=1,2,4; repeatable."""

    limit: int | None = None
    """Keep the first so many trials."""

    shard: str | None = None
    """Keep part I of N of about equal cost, such as 2/8."""

    margin: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = ()
    """Declare an equivalence margin before there are results: ratio=0.1 (of the loss) or seed_noise=1; repeatable."""

    def plan(self, study: str) -> Plan:
        """The plan of a study under these options. Raises SweepError if they cannot be met."""
        return make_plan(find_space(study), self.where, self.set, self.limit, self.shard, self.margin)


ALL_TRIALS = PlanOptions()
