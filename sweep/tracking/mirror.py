"""Brings MLflow up to date with a store: every commit that is not noted as written is written."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from sweep.errors import SweepError
from sweep.ledger import Ledger
from sweep.redaction import redacted
from sweep.tracking.location import artifact_location, sqlite_path
from sweep.tracking.note import Note
from sweep.trial import Trial

if TYPE_CHECKING:
    from sweep.tracking.projection import Projection

_BATCH_COMMITS = 8


class Mirror:
    """One store beside one tracking URI. Methods raise what MLflow or its transport raises."""

    def __init__(self, ledger: Ledger, uri: str) -> None:
        self.ledger = ledger
        self.note = Note(ledger, uri)
        # Made at first use, MLflow's database must not be made by two processes at once.
        with ledger.lock("mlflow", wait=True):
            self.projection = _connect(ledger, uri)
        self._sweeps = ledger.sweeps()
        self._sweep_of: dict[str, str] = {}
        for sweep_id, sweep in self._sweeps.items():
            self._sweep_of.update(dict.fromkeys(sweep.trial_ids, sweep_id))

    def open(self, sweep_id: str) -> None:
        """Set a sweep's parent run RUNNING, and count shared trials as this sweep's."""
        sweep = self._sweeps[sweep_id]
        self._sweep_of.update(dict.fromkeys(sweep.trial_ids, sweep_id))
        self.projection.open_sweep(sweep.study, sweep_id, running=True)

    def start(self, trials: Iterable[Trial], sweep_id: str) -> None:
        """Set the runs of trials RUNNING, but for those that are done."""
        done = self.ledger.refresh().status
        self.projection.start([trial for trial in trials if trial.trial_id not in done], sweep_id)

    def write_new(self, wrote: Callable[[], None] = lambda: None, sweep_id: str | None = None) -> None:
        """Write what is not noted as written, of one sweep or of all, calling `wrote` after each trial.

        A running sweep writes its own commits alone: those of another that runs beside it are that one's to write.
        """
        self.ledger.refresh()
        wanted = None if sweep_id is None else set(self._sweeps[sweep_id].trial_ids)
        missing = [
            (name, part, trials)
            for name, commit in sorted(self.ledger.contents.commits.items())
            for part, trials in self.note.missing(commit, wanted).items()
        ]
        for start in range(0, len(missing), _BATCH_COMMITS):
            batch = missing[start : start + _BATCH_COMMITS]
            commits = sorted({name for name, _, _ in batch})
            mine = pc.field("trial_id").isin([trial_id for _, _, trials in batch for trial_id in trials])
            curves = _by_trial(self.ledger.read("curves", commits).filter(mine))
            measured = _by_trial(_means(self.ledger.read("measurements", commits).filter(mine)))
            for row in self.ledger.read("trials", commits).filter(mine).to_pylist():
                parent = self._sweep_of.get(row["trial_id"])
                if parent is not None:
                    self.projection.open_sweep(row["study"], parent)
                trial_id = row["trial_id"]
                self.projection.write(row, curves[trial_id], measured[trial_id], parent)
                wrote()
            self.note.add(part for _, part, _ in batch)

    def close(self, sweep_id: str, status: str) -> None:
        """Terminate a sweep's parent run, with how many of its trials ended how."""
        planned, statuses = self._sweeps[sweep_id].trial_ids, self.ledger.contents.status
        ended = Counter(statuses[trial_id] for trial_id in planned if trial_id in statuses)
        counts = {f"trials_{name}": ended[name] for name in ("finished", "diverged", "failed")}
        self.projection.close_sweep(sweep_id, status, {"trials_planned": len(planned), **counts})
        self.note.save()

    def rebuild(self, fresh: bool, wrote: Callable[[], None]) -> None:
        """Write what is missing of all sweeps; with `fresh`, after deleting their trials' runs.

        Parent runs of sweeps that are complete become FINISHED.
        """
        if fresh:
            self.note.clear()
            for sweep in self._sweeps.values():
                self.projection.delete_trials(sweep.study, sweep.trial_ids)
        self.write_new(wrote)
        for sweep_id, sweep in self._sweeps.items():
            if self.ledger.contents.status.keys() >= set(sweep.trial_ids):
                self.projection.open_sweep(sweep.study, sweep_id)
                self.close(sweep_id, "FINISHED")
        self.note.save()


def _by_trial(table: pa.Table) -> defaultdict[str, list[Mapping[str, Any]]]:
    rows: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in table.to_pylist():
        rows[row["trial_id"]].append(row)
    return rows


def _means(measurements: pa.Table) -> pa.Table:
    """The mean ``value_mean`` of what was measured, by trial, measurement, metric and size."""
    grouped = measurements.group_by(["trial_id", "measurement", "metric", "size"])
    return grouped.aggregate([("value", "mean")]).drop_null()


def rebuild(ledger: Ledger, uri: str, fresh: bool, wrote: Callable[[], None]) -> None:
    """Write a store's trials to MLflow. Raises SweepError if MLflow does not take them."""
    try:
        Mirror(ledger, uri).rebuild(fresh, wrote)
    except SweepError:
        raise
    except Exception as error:  # MLflow's and its transport's faults have no common base
        raise SweepError(
            f"MLflow at {redacted(uri)} did not take the runs: {reason(error)}; no result is lost, run "
            "`sweep track` again when it answers"
        ) from error


def log_report(ledger: Ledger, uri: str, study: str, folder: Path, numbers: Mapping[str, float]) -> str | None:
    """Keep a report's folder and headline numbers with the parent run of each of the study's sweeps.

    Sweeps without a run are passed over. Gives the fault where MLflow does not take it: no result depends on that.
    """
    database = sqlite_path(uri)
    if database is not None and not database.exists():
        return None
    try:
        projection = _connect(ledger, uri)
        for sweep_id, sweep in ledger.sweeps().items():
            if sweep.study == study:
                projection.log_report(study, sweep_id, folder, numbers)
    except Exception as error:  # MLflow's and its transport's faults have no common base
        return reason(error)
    return None


def reason(error: BaseException) -> str:
    """The first line of a fault, without the secrets of an address that it quotes."""
    text = str(error).strip() or type(error).__name__
    return redacted(text.splitlines()[0])[:300].rstrip(".")


def _connect(ledger: Ledger, uri: str) -> "Projection":
    # MLflow takes seconds to import, on the tracker's thread rather than before the sweep.
    from sweep.tracking.projection import Projection

    return Projection(uri, artifact_location(ledger, uri))
