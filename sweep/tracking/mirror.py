"""Brings MLflow up to date with a store: writes every commit that is not noted as written."""

import contextlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from sweep.errors import SweepError
from sweep.ledger import Ledger
from sweep.redaction import redacted
from sweep.tracking.location import artifact_location, is_database, own_database, sqlite_path
from sweep.tracking.note import Note
from sweep.tracking.outcome import Outcome, Row
from sweep.trial import Trial

if TYPE_CHECKING:
    from sweep.tracking.projection import Projection

_Rows = defaultdict[str, list[Row]]

_BATCH_COMMITS = 8


class Mirror:
    """One store and one tracking URI. Methods raise what MLflow or its transport raises.

    Raises SweepError for a plan that cannot be read, unless `readable_plans_only`.
    """

    def __init__(self, ledger: Ledger, uri: str, readable_plans_only: bool = False) -> None:
        self.ledger = ledger
        self.note = Note(ledger, uri)
        self.projection = _connect(ledger, uri)
        self.sweeps = ledger.plans().readable if readable_plans_only else ledger.sweeps()
        self._sweep_of = {i: sweep_id for sweep_id, sweep in self.sweeps.items() for i in sweep.trial_ids}

    def open(self, sweep_id: str) -> None:
        """Set a sweep's parent run RUNNING, and take trials that it shares with others as its own."""
        sweep = self.sweeps[sweep_id]
        self.note.begin(sweep_id)
        self._sweep_of.update(dict.fromkeys(sweep.trial_ids, sweep_id))
        self.projection.open_sweep(sweep.study, sweep_id, running=True)
        self.show(sweep.study)

    def show(self, study: str) -> None:
        """Have the table of a study's runs show what varies among its trials."""
        # MLflow takes seconds to import.
        from sweep.tracking.view import varying

        plans = [sweep.trials for sweep in self.sweeps.values() if sweep.study == study]
        self.projection.show(study, varying(plans))

    def start(self, trials: Iterable[Trial], sweep_id: str) -> None:
        """Set the runs of trials that are not done RUNNING."""
        done = self.ledger.refresh().status
        self.projection.start([trial for trial in trials if trial.trial_id not in done], sweep_id)

    def write_new(self, wrote: Callable[[], None] = lambda: None, sweep_id: str | None = None) -> None:
        """Write what is not noted as written, and call `wrote` after each trial.

        A running sweep passes its `sweep_id`, to leave the commits of concurrent sweeps to them.
        """
        self.ledger.refresh()
        wanted = None if sweep_id is None else set(self.sweeps[sweep_id].trial_ids)
        self._write(
            [
                (name, part, trials)
                for name, commit in sorted(self.ledger.contents.commits.items())
                for part, trials in self.note.missing(commit, wanted).items()
            ],
            wrote,
        )

    def write_lacking(self, wrote: Callable[[], None] = lambda: None) -> int:
        """Write what MLflow itself does not have, whatever is noted, and call `wrote` after each trial.

        Returns how many of the store's trials MLflow has then.
        """
        self.ledger.refresh()
        status, has = self.ledger.contents.status, self.held()
        lacking = {trial_id for trial_id in status if trial_id not in has}
        self._write(
            [
                (name, part, sorted(lacking.intersection(trials)))
                for name, commit in sorted(self.ledger.contents.commits.items())
                for part, trials in commit.parts.items()
                if not lacking.isdisjoint(trials)
            ],
            wrote,
        )
        self.note.add(part for commit in self.ledger.contents.commits.values() for part in commit.parts)
        return len(self.held() if lacking else has)

    def held(self) -> set[str]:
        """The trials of the store that MLflow has a run of, with the outcome that the store has."""
        status = self.ledger.contents.status
        studies = {sweep.study for sweep in self.sweeps.values()} | set(_studies(self.ledger))
        return {
            trial_id
            for trial_id, outcome in self.projection.outcomes(studies).items()
            if outcome == status.get(trial_id)
        }

    def _write(self, missing: Sequence[tuple[str, str, Collection[str]]], wrote: Callable[[], None]) -> None:
        """Write trials of published parts of commits, and note the parts."""
        for start in range(0, len(missing), _BATCH_COMMITS):
            batch = missing[start : start + _BATCH_COMMITS]
            commits = sorted({name for name, _, _ in batch})
            mine = pc.field("trial_id").isin([trial_id for _, _, trials in batch for trial_id in trials])
            curves = _by_trial(self.ledger.read("curves", commits).filter(mine))
            measured = _by_trial(_means(self.ledger.read("measurements", commits).filter(mine)))
            rows = self.ledger.read("trials", commits).filter(mine).to_pylist()
            for first in range(0, len(rows), self.projection.at_once):
                some = rows[first : first + self.projection.at_once]
                self._write_trials(some, curves, measured)
                for _ in some:
                    wrote()
            self.note.add(part for _, part, _ in batch)

    def _write_trials(self, rows: Sequence[Row], curves: _Rows, measured: _Rows) -> None:
        outcomes = []
        for row in rows:
            trial_id = row["trial_id"]
            parent = self._sweep_of.get(trial_id)
            if parent is not None:
                self.projection.open_sweep(row["study"], parent)
            outcomes.append(Outcome(row, curves[trial_id], measured[trial_id], parent))
        self.projection.write(outcomes)

    def close(self, sweep_id: str, status: str) -> None:
        """Terminate a sweep's parent run, and write how many of its trials have each status."""
        planned = self.sweeps[sweep_id].trial_ids
        self.projection.settle(self.sweeps[sweep_id].study, sweep_id)
        ended = Counter(map(self.ledger.contents.status.get, planned))
        counts = {f"trials_{name}": ended[name] for name in ("finished", "diverged", "failed")}
        self.projection.close_sweep(sweep_id, status, {"trials_planned": len(planned), **counts})
        # Last of all, so that a sweep that is killed before it closes its run again.
        self.note.end(sweep_id)


def _studies(ledger: Ledger) -> list[str]:
    return ledger.read("trials")["study"].unique().to_pylist()


def _by_trial(table: pa.Table) -> _Rows:
    rows: _Rows = defaultdict(list)
    for row in table.to_pylist():
        rows[row["trial_id"]].append(row)
    return rows


def _means(measurements: pa.Table) -> pa.Table:
    """The mean ``value_mean`` of each trial, measurement, metric and size, on trained networks."""
    measurements = measurements.filter(pc.field("epoch").is_null())
    grouped = measurements.group_by(["trial_id", "measurement", "metric", "size"])
    return grouped.aggregate([("value", "mean")]).drop_null()


def rebuild(ledger: Ledger, uri: str, fresh: bool, wrote: Callable[[], None]) -> int:
    """Write the runs of a store's trials that MLflow lacks; with `fresh`, first delete those that it has.

    Returns how many of the store's trials MLflow has then. Parent runs of complete sweeps become FINISHED, those of
    others that no process runs KILLED. Raises SweepError if MLflow does not take the runs.
    """
    try:
        mirror = Mirror(ledger, uri)
        if fresh:
            mirror.note.clear()
            for sweep in mirror.sweeps.values():
                mirror.projection.delete_trials(sweep.study, sweep.trial_ids)
        held = mirror.write_lacking(wrote)
        complete: set[str] = set()
        for sweep_id, sweep in mirror.sweeps.items():
            if ledger.contents.status.keys() >= set(sweep.trial_ids):
                mirror.projection.open_sweep(sweep.study, sweep_id)
                mirror.close(sweep_id, "FINISHED")
                complete.add(sweep.study)
            elif not _runs(ledger, sweep_id):
                mirror.projection.end_sweep(sweep_id, "KILLED")
        for study in complete:
            mirror.show(study)
        mirror.note.save()
        return held
    except SweepError:
        raise
    except Exception as error:  # MLflow's and its transport's faults have no common base
        raise SweepError(
            f"MLflow at {redacted(uri)} did not take the runs: {reason(error)}; no result is lost, run "
            "`sweep track` again once it answers"
        ) from error


def _runs(ledger: Ledger, sweep_id: str) -> bool:
    """Whether a process runs a sweep now."""
    try:
        with ledger.lock(sweep_id):
            return False
    except SweepError:
        return True


def log_report(ledger: Ledger, uri: str, study: str, folder: Path, numbers: Mapping[str, float]) -> str | None:
    """Keep a report's folder and headline numbers with the parent run of each of the study's sweeps.

    Skips sweeps without a run. Returns the fault if MLflow does not take the report, since no result depends on it.
    """
    database = sqlite_path(uri)
    if database is not None and not database.exists():
        return None
    try:
        projection = _connect(ledger, uri)
        for sweep_id, sweep in ledger.plans().readable.items():
            if sweep.study == study:
                projection.log_report(study, sweep_id, folder, numbers)
    except Exception as error:  # MLflow's and its transport's faults have no common base
        return reason(error)
    return None


def check_database(uri: str) -> None:
    """Make the database of a tracking URI whole, or raise SweepError where MLflow could not open it."""
    # MLflow takes seconds to import.
    from sweep.tracking.database import prepare

    try:
        prepare(uri)
    except SweepError:
        raise
    except Exception as error:  # drivers' faults have no common base
        raise SweepError(f"MLflow's database at {redacted(uri)} does not answer: {reason(error)}") from None


def tables(ledger: Ledger, uri: str) -> dict[str, str]:
    """By study, the place of the table of its trials in MLflow's UI, after the server's address.

    Brings the addresses of files in a copied or moved store's own database to where the store is. Raises SweepError
    for a database that this MLflow cannot use.
    """
    # MLflow takes seconds to import.
    from sweep.tracking.view import addresses

    try:
        _connect(ledger, uri)
        return addresses(uri)
    except SweepError:
        raise
    except Exception as error:  # MLflow's and its drivers' faults have no common base
        raise SweepError(f"MLflow cannot use its database at {redacted(uri)}: {reason(error)}") from None


def reason(error: BaseException) -> str:
    """The first line of a fault, without secrets from an address in it."""
    text = str(error).strip() or type(error).__name__
    return redacted(text.splitlines()[0])[:300].rstrip(".")


def _connect(ledger: Ledger, uri: str) -> "Projection":
    # MLflow takes seconds to import; the tracker's thread does it, so the sweep need not wait.
    from sweep.tracking.projection import Projection

    # The first use makes a database, which two processes must not do at once.
    with ledger.lock("mlflow", wait=True) if is_database(uri) else contextlib.nullcontext():
        return Projection(uri, artifact_location(ledger, uri), own_database(ledger, uri))
