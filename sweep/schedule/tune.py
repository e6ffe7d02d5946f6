"""Runs packs on Ray Tune: one Tune trial a pack, actors reused, results handed back to the driver.

Tune decides where and when; which pack comes next and what a failure leads to is the `PackQueue`'s. Tune keeps no
state worth keeping: its loggers and snapshots are off, and its folder is temporary.
"""

import contextlib
import json
import logging
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sweep.errors import SweepError
from sweep.schedule.executor import ExecutorOptions, Listener
from sweep.schedule.queue import Attempt, Failure, PackQueue
from sweep.schedule.work import cpu_count, work

_ENVIRONMENT = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}
os.environ.update({name: value for name, value in _ENVIRONMENT.items() if name not in os.environ})

import pyarrow as pa  # noqa: E402
import ray  # noqa: E402
from ray import tune  # noqa: E402
from ray.exceptions import RayError  # noqa: E402
from ray.tune.search import Searcher  # noqa: E402
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy  # noqa: E402

from sweep.engine import Checkpoint, Progress, Setting  # noqa: E402
from sweep.trial import Trial  # noqa: E402

_REPORT_SECONDS = 1.0
_CONNECT_SECONDS = 5.0


def run(queue: PackQueue, listener: Listener, options: ExecutorOptions) -> None:
    """An `Executor`. Raises SweepError where the cluster cannot be reached."""
    with _cluster(options), _temporary_folder() as folder:
        resources = _resources(options)
        os.environ.setdefault("TUNE_MAX_PENDING_TRIALS_PG", str(1 + int(ray.cluster_resources().get("CPU", 1))))
        shelf = _Shelf()
        search = _PackSearch(queue, listener, shelf)
        relay = _Relay(search, listener, shelf)
        tuner = tune.Tuner(
            tune.with_resources(_PackTrainable, resources),
            param_space={
                "engine": options.engine,
                "device": options.device,
                "data_cache": options.data_cache,
                "save_seconds": options.save_seconds,
                "shelf": shelf.name,
            },
            tune_config=tune.TuneConfig(
                search_alg=search, num_samples=-1, reuse_actors=True, trial_dirname_creator=_trial_id
            ),
            run_config=tune.RunConfig(name="sweep", storage_path=str(folder), verbose=0, callbacks=[relay]),
        )
        try:
            tuner.fit()
        except Exception:
            # Tune wraps what a callback raises in its own advice.
            if relay.fault is not None:
                raise relay.fault from None
            raise


class _PackTrainable(tune.Trainable):
    """The worker: trains the pack of its configuration a second or so at a time."""

    def setup(self, config: dict[str, Any]) -> None:
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        gpus = ray.get_gpu_ids()
        setting = Setting(
            device=new_config["device"] or ("cuda" if gpus else "cpu"),
            threads=max(1, int(ray.get_runtime_context().get_assigned_resources().get("CPU", 1))),
            data_cache=new_config["data_cache"],
            checkpoint=_Shelf.reader(new_config["shelf"]),
            save_seconds=new_config["save_seconds"],
        )
        self._share = 0.0
        trials = [Trial.from_dict(values) for values in json.loads(new_config["trials"])]
        self._events = work(trials, new_config["engine"], setting)
        return True

    def step(self) -> dict[str, Any]:
        deadline = time.monotonic() + _REPORT_SECONDS
        for event in self._events:
            if isinstance(event, Failure):
                return {"done": True, "share": 1.0, "failure": [event.kind, event.message]}
            if isinstance(event, Checkpoint):
                return {"done": False, "share": self._share, "checkpoint": event}
            if not isinstance(event, Progress):
                return {"done": True, "share": 1.0, "tables": {name: _to_ipc(table) for name, table in event.items()}}
            self._share = event.share
            if time.monotonic() > deadline:
                return {"done": False, "share": event.share}
        return {"done": True, "share": 1.0, "failure": ["error", "the engine ended without results"]}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Nothing: what a pack goes on from is in the store."""

    def load_checkpoint(self, checkpoint: object) -> None:
        """Nothing, likewise."""


class _Held:
    """An actor that holds checkpoints for workers, which may not see the store."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    def put(self, training_id: str, content: bytes) -> None:
        self._contents[training_id] = content

    def drop(self, training_ids: set[str]) -> None:
        for training_id in training_ids:
            self._contents.pop(training_id, None)

    def get(self, training_id: str) -> bytes | None:
        return self._contents.get(training_id)


class _Shelf:
    """Hands checkpoints from the driver, which reads them from the store, to workers on any node.

    Checkpoints save work and are no results: where the actor is lost, trainings begin anew.
    """

    def __init__(self) -> None:
        self.name = f"checkpoints-{uuid.uuid4().hex}"
        self._actor: Any = None

    def put(self, training_id: str, content: bytes) -> None:
        """Have a checkpoint ready for whoever trains this next."""
        if self._actor is None:
            # Beside the driver, as other nodes may go.
            here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
            self._actor = ray.remote(_Held).options(name=self.name, num_cpus=0, scheduling_strategy=here).remote()
        with contextlib.suppress(RayError):
            ray.get(self._actor.put.remote(training_id, content))

    def drop(self, training_ids: set[str]) -> None:
        """Let go of the checkpoints of a pack that is over."""
        if self._actor is not None:
            self._actor.drop.remote(training_ids)

    @staticmethod
    def reader(name: str) -> Callable[[str], bytes | None]:
        """What a worker asks for a checkpoint."""

        def read(training_id: str) -> bytes | None:
            try:
                held: Any = ray.get_actor(name)
                return ray.get(held.get.remote(training_id))
            except (ValueError, RayError):
                # There is no actor before there is a checkpoint.
                return None

        return read


class _NotKept:
    """Tune pickles its parts to restore an experiment; these are of this process alone and stay behind."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class _PackSearch(_NotKept, Searcher):
    """Feeds Tune from the queue, and knows which attempt each Tune trial is."""

    def __init__(self, queue: PackQueue, listener: Listener, shelf: "_Shelf") -> None:
        super().__init__(metric="share", mode="max")
        self.queue = queue
        self.attempts: dict[str, Attempt] = {}
        self._listener, self._shelf = listener, shelf

    def suggest(self, trial_id: str) -> Any:
        attempt = self.queue.next()
        if attempt is None:
            return Searcher.FINISHED if self.queue.exhausted else None
        self.attempts[trial_id] = attempt
        for training_id in sorted(attempt.pack.trainings):
            content = self._listener.checkpoint(training_id)
            if content is not None:
                self._shelf.put(training_id, content)
        return {"trials": json.dumps([trial.as_dict() for trial in attempt.pack.trials])}

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
        """The relay has the whole result, and settles the attempt with it."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger knows what is done."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing, likewise."""


class _Relay(_NotKept, tune.Callback):
    """Passes what Tune reports to the queue and the listener, in the driver."""

    def __init__(self, search: _PackSearch, listener: Listener, shelf: _Shelf) -> None:
        self._search = search
        self._listener = listener
        self._shelf = shelf
        self.fault: SweepError | None = None

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._listener.started(self._search.attempts[trial.trial_id])

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        attempts, queue = self._search.attempts, self._search.queue
        # Taken out of the result, so that Tune neither keeps nor prints them.
        tables, failure, checkpoint = (result.pop(name, None) for name in ("tables", "failure", "checkpoint"))
        if checkpoint is not None:
            self._listener.checkpointed(attempts[trial.trial_id], checkpoint)
        if tables is not None:
            attempt = attempts.pop(trial.trial_id)
            self._shelf.drop(attempt.pack.trainings)
            queue.finished(attempt)
            self._listener.finished(attempt, {name: _from_ipc(content) for name, content in tables.items()})
        elif failure is not None:
            self._give_up(attempts.pop(trial.trial_id), Failure(*failure))
        else:
            self._listener.progressed(attempts[trial.trial_id], result["share"])

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        # The trainable turns every exception into a result, so what Tune sees as an error is a worker's death.
        attempt = self._search.attempts.pop(trial.trial_id, None)
        if attempt is not None:
            self._give_up(attempt, Failure("crash", "the worker process died while training this trial"))

    def _give_up(self, attempt: Attempt, failure: Failure) -> None:
        self._shelf.drop(attempt.pack.trainings)
        try:
            given_up = self._search.queue.failed(attempt, failure)
        except SweepError as fault:
            self.fault = fault
            raise
        self._listener.failed(attempt, failure.message, given_up)


def _resources(options: ExecutorOptions) -> dict[str, float]:
    """What one pack asks of a node: a GPU where the cluster has any, and one processor."""
    wants_gpu = options.device is None or options.device.startswith("cuda")
    return {"cpu": 1, "gpu": 1 if wants_gpu and ray.cluster_resources().get("GPU", 0) >= 1 else 0}


@contextlib.contextmanager
def _cluster(options: ExecutorOptions) -> Iterator[None]:
    logging.getLogger("ray").setLevel(logging.ERROR)
    arguments: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if options.address is None:
        arguments |= {"num_cpus": options.workers or cpu_count(), "include_dashboard": False, "address": "local"}
    else:
        _check_reachable(options.address)
        arguments["address"] = options.address
    try:
        with _own_terminate():
            ray.init(**arguments)
    except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        where = options.address or "this machine"
        raise SweepError(
            f"Ray cannot be reached at {where}: {reason}; check --address, or use --executor local"
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


@contextlib.contextmanager
def _own_terminate() -> Iterator[None]:
    """Keep what SIGTERM does: `ray.init` takes it over, with an exit that drops results on their way to the store."""
    handler = signal.getsignal(signal.SIGTERM)
    yield
    if handler is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)


def _check_reachable(address: str) -> None:
    """Knock before Ray does, which tries for minutes."""
    host, separator, port = address.removeprefix("ray://").rpartition(":")
    if not separator:
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        raise SweepError(
            f"Ray cannot be reached at {address}: {error}; check --address, or leave it out to use this machine"
        ) from None


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
