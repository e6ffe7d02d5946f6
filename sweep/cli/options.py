"""Options that several commands share."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from sweep.engine import find_engine
from sweep.errors import SweepError
from sweep.own_code import import_file
from sweep.pack import PACK_SIZE
from sweep.plan import Plan, make_plan
from sweep.result import Setting
from sweep.studies import STUDIES
from sweep.studyfile import find_space

Study = Annotated[str, Parameter(help=f"A built-in study ({', '.join(STUDIES)}), or a YAML or TOML file of its form.")]
Imports = Annotated[
    tuple[Path, ...],
    Parameter(
        name="--import",
        negative=(),
        show_default=False,
        help="Python file with parts of your own, such as a kind of network, named FILE:NAME in a study; repeatable.",
    ),
]
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
_SMALLEST_SHARE = 1e-4
"""Of a GPU: Ray counts no smaller one."""


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

    imports: Imports = ()

    def plan(self, study: str) -> Plan:
        """The plan of a study under these options. Raises SweepError if they cannot be met."""
        import_modules(self.imports)
        return make_plan(find_space(study), self.where, self.set, self.limit, self.shard, self.margin)


ALL_TRIALS = PlanOptions()


def import_modules(files: tuple[Path, ...]) -> None:
    """Import a user's files. Raises SweepError for one that cannot be."""
    for file in files:
        import_file(file)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class RunFlags:
    """How a sweep runs, here or on a cluster."""

    store: Store = DEFAULT_STORE

    tracking: Tracking = None

    track: bool = True
    """Keep an MLflow run for every trial."""

    device: str | None = None
    """cpu, cuda, or with the local executor cuda:N; by default a GPU where there is one."""

    pack_size: int = PACK_SIZE
    """Trials trained together at most."""

    retry_failed: Flag = False
    """Train trials again whose only row is a failure."""

    save_seconds: float = Setting.save_seconds
    """Time between checkpoints of a training, taken at the end of an epoch; a run that is cut off goes on from them."""

    gpus_per_pack: float = 1.0
    """On GPUs, the share of one that each pack asks Ray for: 0.25 has four packs share a GPU and its memory."""

    report: bool = True
    """Write the report at the end, as `sweep report` does, if there are new results."""

    engine: Annotated[str, Parameter(show=False)] = "torch"

    def __post_init__(self) -> None:
        if self.store.strip() in ("", "."):
            raise SweepError("--store is empty; give a folder of its own, or the URI of an object store")
        kind, _, number = (self.device or "cpu").partition(":")
        if kind not in ("cpu", "cuda") or (number and not (kind == "cuda" and number.isdecimal())):
            raise SweepError(f"--device is {self.device!r}, but takes cpu, cuda or, with --executor local, cuda:N")
        if not self.save_seconds >= 0:
            raise SweepError(f"--save-seconds is {self.save_seconds:g}, but takes a number of at least 0")

        if not _SMALLEST_SHARE <= self.gpus_per_pack <= 1:
            raise SweepError(
                f"--gpus-per-pack is {self.gpus_per_pack:g}, but takes a number above 0 and at most 1, such as 0.25"
            )

    def check(self, on_ray: bool) -> None:
        """Raises SweepError for what a sweep does not take, on Ray or in one process."""
        if on_ray and ":" in (self.device or ""):
            raise SweepError(f"--device is {self.device!r}, but Ray chooses among the GPUs; take cuda")
        if not on_ray and self.gpus_per_pack != 1:
            raise SweepError("--gpus-per-pack is for --executor ray; the local executor trains one pack at a time")
        find_engine(self.engine)


AS_USUAL = RunFlags()


def arguments(options: PlanOptions | RunFlags) -> list[str]:
    """The options as they stand on a command line; those at their defaults are left out."""
    words: list[str] = []
    for field in fields(options):
        value: Any = getattr(options, field.name)
        if value == field.default:
            continue
        name = field.name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{name}" if value else f"--no-{name}")
        else:
            words += [f"--{name}={each}" for each in (value if isinstance(value, tuple) else (value,))]
    return words
