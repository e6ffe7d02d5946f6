"""Runs packs on Ray Tune: each pack is one Tune trial, workers are reused, and results go back to the driver.

Tune decides where a pack runs. `Demand` says what the pack asks for, and `PackBook` which one comes next. Nothing that
Tune keeps is needed afterwards: its loggers and snapshots are off, and its folder is temporary.
"""

import contextlib
import functools
import json
import logging
import math
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

# First, as it sets what Ray reads from the environment.
from sweep.schedule.cluster import connected, counts

# isort: split
import pyarrow as pa
import ray
from ray import tune
from ray.tune.progress_reporter import TrialProgressCallback
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher

from sweep.errors import SweepError
from sweep.own_code import OwnModule, restore
from sweep.ray_private import is_resetting, release_ended_trials
from sweep.result import Checkpoint, Progress, Setting
from sweep.schedule.book import Attempt, Failure, PackBook
from sweep.schedule.demand import Demand
from sweep.schedule.executor import ExecutorOptions, Listener
from sweep.schedule.object_cache import ObjectCache
from sweep.schedule.work import work
from sweep.trial import Trial

# It calls a pack incomplete whose worker died, though that is trained again under another name.
logging.getLogger("ray.tune.tune").setLevel(logging.CRITICAL)
# It asks users to set what `_resources` sets; `_PackSearch` says why packs wait.
logging.getLogger("ray.tune.execution.insufficient_resources_manager").setLevel(logging.CRITICAL)

_REPORT_SECONDS = 1.0
_LOOK_SECONDS = 1.0
"""Time between looks at what the cluster has, as an autoscaler adds nodes and others are lost."""
_STALLED_SECONDS = 30.0
"""Time without a pack in training after which a person is told."""


def run(book: PackBook, listener: Listener, options: ExecutorOptions) -> None:
    """An `Executor`. Raises SweepError where the cluster cannot be reached or lacks the device."""
    with connected(options.address, options.workers), _temporary_folder() as folder:
        demand = _demand(book, listener, options)
        cache = ObjectCache()
        relay = _Relay(book, listener, cache)
        tuner = tune.Tuner(
            tune.with_resources(_PackTrainable, _resources),
            param_space={
                "engine": options.engine,
                "data_cache": options.data_cache,
                "save_seconds": options.save_seconds,
                "object_cache": cache.name,
                "modules": json.dumps([asdict(module) for module in options.modules]),
            },
            tune_config=tune.TuneConfig(
                search_alg=_PackSearch(demand, listener, cache, options),
                scheduler=_Withdrawal(demand),
                num_samples=-1,
                reuse_actors=True,
                trial_dirname_creator=_trial_id,
            ),
            run_config=tune.RunConfig(
                name="sweep",
                storage_path=str(folder),
                verbose=0,
                callbacks=[relay, _NoLines()],
                # Nodes do not share the folder, and Tune calls a pack incomplete whose last checkpoint it cannot find.
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        )
        try:
            tuner.fit()
        except Exception:
            # Tune wraps what a callback raises in its own advice.
            if relay.fault is not None:
                raise relay.fault from None
            raise


class _PackTrainable(tune.Trainable):
    """The worker: each step trains its pack for about a second."""

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
        )
        self._share = 0.0
        restore(OwnModule(**module) for module in json.loads(new_config["modules"]))
        trials = [Trial.from_dict(values) for values in json.loads(new_config["trials"])]
        datasets = {trial.dataset for trial in trials}
        bring = functools.partial(ObjectCache.bring, new_config["object_cache"], datasets, setting.data_cache)
        self._events = work(trials, new_config["engine"], setting, bring)
        return True

    def step(self) -> dict[str, Any]:
        return {"share": 1.0, "node": ray.get_runtime_context().get_node_id(), **self._work_on()}

    def _work_on(self) -> dict[str, Any]:
        deadline = time.monotonic() + _REPORT_SECONDS
        for event in self._events:
            if isinstance(event, Failure):
                return {"done": True, "failure": [event.kind, event.message]}
            if isinstance(event, Checkpoint):
                return {"done": False, "share": self._share, "checkpoint": event}
            if not isinstance(event, Progress):
                return {"done": True, "tables": {name: _to_ipc(table) for name, table in event.items()}}
            self._share = event.share
            if time.monotonic() > deadline:
                return {"done": False, "share": event.share}
        return {"done": True, "failure": ["error", "the engine ended without results"]}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Does nothing: checkpoints are in the store."""

    def load_checkpoint(self, checkpoint: object) -> None:
        """Likewise."""


class _NotKept:
    """Pickles as empty: Tune pickles its parts to restore an experiment, which is never done here."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class _PackSearch(_NotKept, Searcher):
    """Feeds Tune from the book; the configuration of a Tune trial holds the number of its attempt."""

    def __init__(self, demand: Demand, listener: Listener, cache: ObjectCache, options: ExecutorOptions) -> None:
        super().__init__(metric="share", mode="max")
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
        trials = json.dumps([trial.as_dict() for trial in attempt.pack.trials])
        return {"attempt": attempt.number, "trials": trials, "gpu_share": attempt.gpu_share}

    def _look(self) -> None:
        """See what the cluster has, and tell a person once if packs have long waited for it."""
        self._looked = time.monotonic()
        demand, book = self._demand, self._demand.book
        demand.gpus, demand.cpus = counts()
        if book.training or not book.out:
            self._tell_at = self._looked + _STALLED_SECONDS
        elif self._looked > self._tell_at:
            self._tell_at = math.inf
            self._listener.note(
                f"no pack could begin for {_STALLED_SECONDS:.0f} s: what Ray has (CPUs: {demand.cpus}, "
                f"GPUs: {demand.gpus}) is busy with other work, or still starting"
            )

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
        """Does nothing: the relay has the whole result."""

    def save(self, checkpoint_path: str) -> None:
        """Does nothing: the ledger knows what is done."""

    def restore(self, checkpoint_path: str) -> None:
        """Likewise."""


class _NoLines(TrialProgressCallback):
    """In place of Tune's own, which prints a line for each pack that is taken back."""

    def log_result(self, trial: Any, result: dict[str, Any], error: bool = False) -> None:
        """Prints nothing."""

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Likewise."""


class _Withdrawal(_NotKept, FIFOScheduler):
    """Takes back packs that wait for a kind of device that they would not ask for now."""

    def __init__(self, demand: Demand) -> None:
        super().__init__()
        self._demand = demand

    def choose_trial_to_run(self, tune_controller: Any) -> Any:
        stranded = self._demand.stranded()
        trials = {trial.config["attempt"]: trial for trial in tune_controller.get_live_trials()} if stranded else {}
        # The last first, so that they are pending in their old order.
        for attempt in reversed(stranded):
            trial = trials[attempt.number]
            if trial.status == trial.PENDING and not is_resetting(tune_controller, trial):
                # In the end Tune asks every trial for its folder, which those lack that never came near a worker.
                trial.init_local_path()
                tune_controller.stop_trial(trial)
                self._demand.book.withdraw(attempt)
        release_ended_trials(tune_controller)
        return super().choose_trial_to_run(tune_controller)


class _Relay(_NotKept, tune.Callback):
    """Passes what Tune reports to the listener, in the driver."""

    def __init__(self, book: PackBook, listener: Listener, cache: ObjectCache) -> None:
        self._book, self._listener, self._cache = book, listener, cache
        self.fault: SweepError | None = None

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._listener.started(self._book.out[trial.config["attempt"]])

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        attempt = self._book.out[trial.config["attempt"]]
        # Taken out of the result, so that Tune neither keeps nor prints them.
        tables, failure, checkpoint = (result.pop(name, None) for name in ("tables", "failure", "checkpoint"))
        if checkpoint is not None:
            self._listener.checkpointed(attempt, checkpoint)
        if tables is not None:
            self._cache.drop(attempt.pack.trainings)
            self._listener.finished(attempt, {name: _from_ipc(content) for name, content in tables.items()})
        elif failure is not None:
            self._failed(attempt, Failure(*failure))
        else:
            self._listener.progressed(attempt, result["share"])

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        # The trainable turns every exception into a result, so what Tune sees as an error is a worker's death.
        attempt = self._book.out.get(trial.config["attempt"])
        if attempt is not None:
            self._failed(attempt, _death(trial, self._book.lost_nodes))

    def _failed(self, attempt: Attempt, failure: Failure) -> None:
        self._cache.drop(attempt.pack.trainings)
        try:
            self._listener.failed(attempt, failure)
        except SweepError as fault:
            self.fault = fault
            raise


def _death(trial: Any, lost: set[str]) -> Failure:
    """Why the worker of a Tune trial died; adds to `lost` the nodes that are known to be gone."""
    lost.update(node["NodeID"] for node in ray.nodes() if not node["Alive"])
    # Before its first result it is not known where a worker is.
    node = trial.last_result.get("node")
    # Ray tells a lost node from a dead process in its message alone.
    if "node has died" in str(trial.get_pickled_error()):
        node = node or trial.trial_id
        lost.add(node)
    what = "the node that trained it was lost" if node in lost else "the worker process died while training this trial"
    return Failure("crash", what, node)


def _resources(config: dict[str, Any]) -> tune.PlacementGroupFactory:
    """One processor, and on a GPU the pack's share of it."""
    share = config["gpu_share"]
    return tune.PlacementGroupFactory([{"CPU": 1, "GPU": share} if share else {"CPU": 1}])


def _demand(book: PackBook, listener: Listener, options: ExecutorOptions) -> Demand:
    """What packs ask for at first; tells a person what the cluster lacks."""
    gpus, cpus = counts()
    demand = Demand(book, gpus, cpus, options.device, options.gpus_per_pack, elastic=options.address is not None)
    if not cpus:
        listener.note("the cluster has no processor to train on yet: packs wait for a node that has")
    if demand.gpu_share and not gpus:
        if options.address is None:
            raise SweepError(
                f"device is {options.device}, but Ray finds no GPU on this machine; leave it out", "device"
            )
        listener.note("the cluster has no GPU yet: packs wait for a node that has")
    return demand


@contextlib.contextmanager
def _temporary_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="sweep-tune-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _trial_id(trial: Any) -> str:
    return trial.trial_id


def _to_ipc(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def _from_ipc(content: bytes) -> pa.Table:
    with pa.ipc.open_stream(content) as reader:
        return reader.read_all()
