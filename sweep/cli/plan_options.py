"""Options that say which trials of a study, and how a sweep of them runs."""

import math
import os
import threading
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from sweep.cli.display import say
from sweep.cli.options import DEFAULT_STORE, Flag, Imports, Store, Tracking
from sweep.engine import find_engine
from sweep.errors import SweepError
from sweep.own_code import import_file, loaded
from sweep.pack import PACK_SIZE
from sweep.planning import Plan, make_plan
from sweep.result import Setting
from sweep.schedule import ExecutorOptions, RunOptions
from sweep.studies import STUDIES
from sweep.studyfile import find_study

Study = Annotated[str, Parameter(help=f"A built-in study ({', '.join(STUDIES)}), or a YAML or TOML file.")]
_SILENT_SECONDS = 5.0


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """Which trials of a study."""

    where: str | None = None
    """Keep only trials that meet a condition, such as "dataset == 'mnist' and depth <= 8"."""

    set: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = ()
    """Replace a factor's levels: epochs=5 or depth=1,2,4; repeatable."""

    limit: int | None = None
    """Keep only this many trials, the first ones."""

    shard: str | None = None
    """Keep only part I of N parts of about equal cost, such as 2/8."""

    margin: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = ()
    """Declare an equivalence margin before there are results: ratio=0.1, of the loss; repeatable."""

    imports: Imports = ()

    def plan(self, study: str) -> Plan:
        """The plan of a study under these options. Raises SweepError if there is none."""
        for file in self.imports:
            import_file(file)
        slow = threading.Timer(_SILENT_SECONDS, say, ["still looking at the combinations of the study's levels"])
        slow.daemon = True
        slow.start()
        try:
            return make_plan(find_study(study), self.where, self.set, self.limit, self.shard, self.margin)
        finally:
            slow.cancel()


ALL_TRIALS = PlanOptions()


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
    """Largest number of trials to train together."""

    retry_failed: Flag = False
    """Train failed trials again."""

    save_seconds: float = Setting.save_seconds
    """Seconds between checkpoints of a training, written after an epoch; an interrupted run resumes from them."""

    kernel: Literal["auto", "native", "torch"] = "auto"
    """What trains stacks on a CPU: a kernel compiled on each machine, torch, or the faster one that is there."""

    gpus_per_pack: float = 1.0
    """Share of a GPU that each pack asks Ray for: at 0.25, four packs share a GPU and its memory."""

    max_parallel: int | None = None
    """The most packs to train at once on a cluster that others use too; by default as many as it has room for."""

    order: Literal["longest", "random"] = "longest"
    """Which packs come first: longest to be done early, random to see early what the whole will look like."""

    report: bool = True
    """Write the report at the end, like `sweep report`, if there are new results."""

    engine: Annotated[str, Parameter(show=False)] = "torch"

    def __post_init__(self) -> None:
        if self.store.strip() in ("", "."):
            raise SweepError("--store is empty; give a folder of its own, or the URI of an object store")
        self.resources()

    def resources(self, workers: int | None = None, address: str | None = None) -> ExecutorOptions:
        """Where packs train. Raises SweepError for an invalid option."""
        return ExecutorOptions(
            self.engine,
            self.device,
            workers,
            address,
            os.environ.get("SWEEP_DATA"),
            self.save_seconds,
            self.gpus_per_pack,
            self.kernel,
            math.inf if self.max_parallel is None else self.max_parallel,
            loaded(),
        )

    def check(self, on_ray: bool) -> None:
        """Raise SweepError for options that a sweep on Ray, or in one process, does not take."""
        RunOptions("ray" if on_ray else "local", resources=self.resources())
        find_engine(self.engine)


AS_USUAL = RunFlags()


def arguments(options: PlanOptions | RunFlags) -> list[str]:
    """The options as arguments of a command line, without those at their defaults."""
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
