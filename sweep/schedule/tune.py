"""Runs packs on Ray Tune: each pack is one Tune trial on a reused worker, which sends its results to the driver.

Tune decides where a pack runs, `Demand` what the pack asks for, and `PackBook` which pack comes next. Nothing needs
what Tune itself saves: its loggers and snapshots are off, and its folder is temporary.
"""

import functools
import json
import logging
import math
import operator
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

# First, as it sets what Ray reads from the environment.
from sweep.schedule.cluster import connected, counts

# isort: split
import ray
from ray import tune
from ray.tune.progress_reporter import TrialProgressCallback
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher

from sweep.errors import SweepError
from sweep.own_code import OwnModule, restore
from sweep.ray_private import is_resetting, release_ended_trials, worker_logs
from sweep.result import Checkpoint, Progress, Setting
from sweep.schedule.book import Attempt, Failure, PackBook
from sweep.schedule.death import death
from sweep.schedule.demand import Demand
from sweep.schedule.executor import ExecutorOptions, Listener, Report
from sweep.schedule.object_cache import ObjectCache
from sweep.schedule.work import work
from sweep.trial import Trial

# It calls a pack whose worker died incomplete, although another Tune trial trains that pack again.
logging.getLogger("ray.tune.tune").setLevel(logging.CRITICAL)
# It advises users to set what `_resources` sets; `_PackSearch` says why packs wait.
logging.getLogger("ray.tune.execution.insufficient_resources_manager").setLevel(logging.CRITICAL)

_REPORT_SECONDS = 1.0
_LOOK_SECONDS = 1.0
"""Time between looks at the cluster's size, which changes as nodes come and go."""
_STALLED_SECONDS = 30.0
"""Time without a pack in training after which the user is told."""


def run(book: PackBook, listener: Listener, options: ExecutorOptions) -> None:
    """An `Executor`. Raises SweepError if the cluster cannot be reached or lacks the device."""
    with (
        connected(options.address, options.workers),
        tempfile.TemporaryDirectory(prefix="sweep-tune-", ignore_cleanup_errors=True) as folder,
    ):
        demand = _demand(book, listener, options)
        cache = ObjectCache()
        relay = _Relay(book, listener, cache)
        tuner = tune.Tuner(
            tune.with_resources(_PackTrainable, _resources),
            param_space={
                "engine": options.engine,
                "data_cache": options.data_cache,
                "save_seconds": options.save_seconds,
                "kernel": options.kernel,
                "object_cache": cache.name,
                "modules": json.dumps([asdict(module) for module in options.modules]),
            },
            tune_config=tune.TuneConfig(
                search_alg=_PackSearch(demand, listener, cache, options),
                scheduler=_Withdrawal(demand),
                num_samples=-1,
                reuse_actors=True,
                trial_dirname_creator=operator.attrgetter("trial_id"),
            ),
            run_config=tune.RunConfig(
                name="sweep",
                storage_path=folder,
                verbose=0,
                callbacks=[relay, _NoLines()],
                # Nodes do not share the folder, and without its last checkpoint Tune would call a pack incomplete.
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        )
        try:
            tuner.fit()
        except Exception:
            # Tune wraps a callback's exceptions in its own advice.
            if relay.fault is not None:
                raise relay.fault from None
            raise


class _PackTrainable(tune.Trainable):
    """The worker: a step trains its pack until the next report."""

    def setup(self, config: dict[str, Any]) -> None:
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        setting = Setting(
            device="cuda" if new_config["gpu_share"] else "cpu",
            threads=max(1, int(ray.get_runtime_context().get_assigned_resources().get("CPU", 1))),
            data_cache=new_config["data_cache"],
            checkpoint=ObjectCache.reader(new_config["object_cache"]),
            save_seconds=new_config["save_seconds"],
            gpu_share=new_config["gpu_share"] or 1.0,
            kernel=new_config["kernel"],
        )
        self._reports = work(functools.partial(_trials, new_config), new_config["engine"], setting)
        return True

    def step(self) -> dict[str, Any]:
        # Progress needs a report only from time to time.
        deadline = time.monotonic() + _REPORT_SECONDS
        while True:
            report = next(self._reports)
            if not isinstance(report, Progress) or time.monotonic() > deadline:
                return {"report": report, "done": _ends(report), "node": ray.get_runtime_context().get_node_id()}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Does nothing: the store has the checkpoints."""

    def load_checkpoint(self, checkpoint: object) -> None:
        """Likewise."""


class _NotKept:
    """Pickles as empty: Tune pickles its parts to restore an experiment, which the service never does."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


def _trials(config: dict[str, Any]) -> list[Trial]:
    """The trials of a pack, once this worker has the modules and data sets that they need."""
    restore(OwnModule(**module) for module in json.loads(config["modules"]))
    trials = [Trial.from_dict(values) for values in json.loads(config["trials"])]
    ObjectCache.bring(config["object_cache"], {trial.dataset for trial in trials}, config["data_cache"])
    return trials


class _PackSearch(_NotKept, Searcher):
    """Feeds Tune from the book; each Tune trial's configuration has the number of its attempt."""

    def __init__(self, demand: Demand, listener: Listener, cache: ObjectCache, options: ExecutorOptions) -> None:
        super().__init__(metric="training_iteration", mode="max")
        self._demand, self._listener, self._cache, self._options = demand, listener, cache, options
        self._looked = time.monotonic()
        self._tell_at = self._looked + _STALLED_SECONDS

    def suggest(self, trial_id: str) -> Any:
        if time.monotonic() > self._looked + _LOOK_SECONDS:
            self._look()
        attempt = self._demand.next()
        if attempt is None:
            return Searcher.FINISHED if self._demand.book.exhausted else None
        for training_id in sorted(attempt.pack.trainings):
            content = self._listener.checkpoint(training_id)
            if content is not None:
                self._cache.put(training_id, content)
        if self._options.address is not None:
            self._cache.offer({trial.dataset for trial in attempt.pack.trials}, self._options.data_cache)
        trials = json.dumps([trial.identity() for trial in attempt.pack.trials])
        return {"attempt": attempt.number, "trials": trials, "gpu_share": attempt.gpu_share}

    def _look(self) -> None:
        """Look at the cluster's size, and tell the user once if packs have waited for long."""
        self._looked = time.monotonic()
        demand, book = self._demand, self._demand.book
        demand.gpus, demand.cpus = counts()
        if book.training or not book.out:
            self._tell_at = self._looked + _STALLED_SECONDS
        elif self._looked > self._tell_at:
            self._tell_at = math.inf
            self._listener.note(
                f"no pack could begin for {_STALLED_SECONDS:.0f} s: Ray's devices (CPUs: {demand.cpus}, "
                f"GPUs: {demand.gpus}) are busy with other work, or still starting"
            )

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
        """Does nothing: the relay gets the whole result."""

    def save(self, checkpoint_path: str) -> None:
        """Does nothing: the ledger knows which trials are done."""

    def restore(self, checkpoint_path: str) -> None:
        """Likewise."""


class _NoLines(TrialProgressCallback):
    """Replaces Tune's own, which prints a line for each withdrawn pack."""

    def log_result(self, trial: Any, result: dict[str, Any], error: bool = False) -> None:
        """Prints nothing."""

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Likewise."""


class _Withdrawal(_NotKept, FIFOScheduler):
    """Withdraws packs that wait for a kind of device that they would no longer ask for."""

    def __init__(self, demand: Demand) -> None:
        super().__init__()
        self._demand = demand

    def choose_trial_to_run(self, tune_controller: Any) -> Any:
        stranded = self._demand.stranded()
        trials = {trial.config["attempt"]: trial for trial in tune_controller.get_live_trials()} if stranded else {}
        # In reverse, so that their old order stays.
        for attempt in reversed(stranded):
            trial = trials[attempt.number]
            if trial.status == trial.PENDING and not is_resetting(tune_controller, trial):
                # At the end Tune asks every trial for its folder, even those that never came near a worker.
                trial.init_local_path()
                tune_controller.stop_trial(trial)
                self._demand.book.withdraw(attempt)
        release_ended_trials(tune_controller)
        return super().choose_trial_to_run(tune_controller)


class _Relay(_NotKept, tune.Callback):
    """Passes Tune's reports to the listener, in the driver."""

    def __init__(self, book: PackBook, listener: Listener, cache: ObjectCache) -> None:
        self._book, self._listener, self._cache = book, listener, cache
        self.fault: SweepError | None = None

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._listener.started(self._book.out[trial.config["attempt"]])

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        # Popped, so that Tune neither keeps nor prints the report.
        self._tell(self._book.out[trial.config["attempt"]], result.pop("report"))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        # The trainable turns every exception into a report, so an error in Tune is a worker's death.
        attempt = self._book.out.get(trial.config["attempt"])
        if attempt is not None:
            self._tell(attempt, _death(trial, self._book.lost_nodes))

    def _tell(self, attempt: Attempt, report: Report) -> None:
        if _ends(report):
            self._cache.drop(attempt.pack.trainings)
        try:
            self._listener.heard(attempt, report)
        except SweepError as fault:
            self.fault = fault
            raise


def _ends(report: Report) -> bool:
    return not isinstance(report, Progress | Checkpoint)


def _death(trial: Any, lost: set[str]) -> Failure:
    """Why the worker of a Tune trial died; adds the nodes that are known to be gone to `lost`."""
    lost.update(node["NodeID"] for node in ray.nodes() if not node["Alive"])
    # Unknown before the first result.
    node, error = trial.last_result.get("node"), _error(trial)
    # Only its message tells a lost node from a dead process.
    if "node has died" in error:
        node = node or trial.trial_id
        lost.add(node)
    return death(error, node, lost, worker_logs())


def _error(trial: Any) -> str:
    """Ray's text about a Tune trial that failed."""
    try:
        # The driver's own copy: Tune copies it to its results later, or never.
        return Path(trial.error_file).read_text(errors="replace")
    except OSError:
        return ""


def _resources(config: dict[str, Any]) -> tune.PlacementGroupFactory:
    """One processor, and on a GPU the pack's share of it."""
    share = config["gpu_share"]
    return tune.PlacementGroupFactory([{"CPU": 1, "GPU": share} if share else {"CPU": 1}])


def _demand(book: PackBook, listener: Listener, options: ExecutorOptions) -> Demand:
    """What packs ask for at first; tells the user what the cluster lacks."""
    gpus, cpus = counts()
    demand = Demand(
        book,
        gpus,
        cpus,
        options.device,
        options.gpus_per_pack,
        elastic=options.address is not None,
        most_at_once=options.most_at_once,
    )
    if not cpus:
        listener.note("the cluster has no processor yet: packs wait for a node that has one")
    if demand.gpu_share and not gpus:
        if options.address is None:
            raise SweepError(
                f"device is {options.device}, but Ray finds no GPU on this machine; leave it out", "device"
            )
        listener.note("the cluster has no GPU yet: packs wait for a node that has one")
    return demand
