"""Writes MLflow runs from rows of the ledger, each exactly once, keyed by trial identity.

There is one experiment per study, one run per sweep, here called its parent run, and one run per trial. MLflow would
fold nested runs away, so a trial's run stands beside its parent and names it by the tag `sweep_id`. Writing can be cut
off anywhere and done again: a run counts as written once it is terminated, which happens last.
"""

import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Run
from sqlalchemy import Engine, event

from sweep.tracking.client import ClientWriter
from sweep.tracking.database import analyze, prepare, relocate
from sweep.tracking.location import is_database
from sweep.tracking.outcome import Outcome, Row
from sweep.tracking.run import RunsGone, RunWriter, beginning, ending, parent_tags
from sweep.tracking.tables import TableWriter
from sweep.tracking.view import TAG, state
from sweep.trial import Trial


@event.listens_for(Engine, "connect")
def _write_without_flushing(connection: Any, record: object) -> None:
    """Do not flush an SQLite file to the disk at each commit: it can be made anew.

    A killed process loses nothing; a machine that loses power may.
    """
    if isinstance(connection, sqlite3.Connection):
        connection.execute("pragma synchronous = off")


_SKEW = 60_000
"""Milliseconds by which the clocks of hosts may differ."""
_IS_SWEEP = "tags.kind = 'sweep'"
_PAGE = 1000
_OPENS_ON_RUNS = {"mlflow.experimentKind": "custom_model_development"}
"""MLflow's UI opens other experiments on their traces."""


@dataclass
class _Known:
    """A run in MLflow: enough to decide whether to write, keep or replace it."""

    run_id: str
    status: str
    outcome: str | None = None
    has_metrics: bool = False
    started: int = 0

    @property
    def over(self) -> bool:
        return self.status in ("FINISHED", "FAILED")

    @property
    def rank(self) -> tuple[bool, int, str]:
        """Of several runs of one trial or sweep the lowest stays: one that is over, then the earliest."""
        return not self.over, self.started, self.run_id


class Projection:
    """The MLflow side of a store. Any method may raise what MLflow or its transport raises."""

    def __init__(self, uri: str, artifacts: str | None = None, moves: bool = False) -> None:
        """`artifacts` is the address for files of new experiments; with `moves`, of those that are there as well."""
        prepare(uri)
        self._uri = uri
        self._client = MlflowClient(tracking_uri=uri)
        self._writer: RunWriter = TableWriter(uri) if is_database(uri) else ClientWriter(self._client)
        if moves and artifacts is not None:
            relocate(uri, artifacts)
        self.at_once = self._writer.at_once
        self._artifacts = artifacts
        self._opened_at = int(time.time() * 1000)
        self._experiments: dict[str, str] = {}
        self._runs: dict[str, _Known] = {}
        self._parents: dict[str, str] = {}
        self._ended: dict[str, int] = {}
        """When sweeps had ended before this process opened them, in milliseconds since 1970."""
        self._changed: set[str | None] = set()
        """Sweeps of which this process has written trials."""

    def open_sweep(self, study: str, sweep_id: str, running: bool = False) -> None:
        """Find or make a sweep's parent run, and set it RUNNING if `running`; else a new one is KILLED until then."""
        experiment = self._open_study(study)
        known = self._parents.get(sweep_id) or self._find_parent(experiment, sweep_id)
        if known is None:
            tags = parent_tags(study, sweep_id)
            known = self._client.create_run(experiment, tags=tags, run_name=f"sweep {sweep_id[:8]}").info.run_id
            if not running:
                self._client.set_terminated(known, "KILLED")
        else:
            if sweep_id not in self._ended:
                self._ended[sweep_id] = self._client.get_run(known).info.end_time or 0
            if running:
                self._client.update_run(known, status="RUNNING")
        self._parents[sweep_id] = known

    def show(self, study: str, factors: Sequence[str]) -> None:
        """Have the table of a study's trials show these factors."""
        identity, shown = self._open_study(study), state(factors)
        if self._client.get_experiment(identity).tags.get(TAG) != shown:
            self._client.set_experiment_tag(identity, TAG, shown)

    def _find_parent(self, experiment: str, sweep_id: str) -> str | None:
        """The parent run that another process has made since the study was opened."""
        found = self._client.search_runs([experiment], f"{_IS_SWEEP} and tags.sweep_id = '{sweep_id}'", max_results=1)
        return found[0].info.run_id if found else None

    def settle(self, study: str, sweep_id: str) -> None:
        """Leave one run per trial and per sweep, where another sweep has written to the study at the same time.

        Bring back the sweep's parent run if somebody has deleted it.
        """
        experiment, since = self._open_study(study), self._opened_at - _SKEW
        others = [run.info for run in self._client.search_runs([experiment], _IS_SWEEP)]
        mine = self._parents[sweep_id]
        if all(each.run_id != mine for each in others):
            self._client.restore_run(mine)
        if any(each.run_id != mine and (each.end_time or since) >= since for each in others):
            self._learn_runs(experiment)

    def outcomes(self, studies: Iterable[str]) -> dict[str, str | None]:
        """Outcome by trial of every run of these studies that is over, as MLflow has it now."""
        self._runs = {}
        for study in studies:
            self._experiments.pop(study, None)
            if self._client.get_experiment_by_name(study) is not None:
                self._open_study(study)
        return {trial_id: known.outcome for trial_id, known in self._runs.items() if known.over}

    def end_sweep(self, sweep_id: str, status: str) -> None:
        """Terminate a sweep's parent run, if it has one that is RUNNING."""
        parent = self._parents.get(sweep_id)
        if parent is not None and self._client.get_run(parent).info.status == "RUNNING":
            self._client.set_terminated(parent, status)

    def close_sweep(self, sweep_id: str, status: str, counts: Mapping[str, int]) -> None:
        """Write the counts of trials, and terminate the parent run."""
        self._log_now(self._parents[sweep_id], counts)
        # Whoever only looks whether all is there does not make the sweep longer.
        ended = None if sweep_id in self._changed else self._ended.get(sweep_id) or None
        self._client.set_terminated(self._parents[sweep_id], status, ended)
        if sweep_id in self._changed:
            analyze(self._uri)

    def start(self, trials: Iterable[Trial], sweep_id: str) -> None:
        """Find or make the trials' runs, and set them RUNNING."""
        new: list[Row] = []
        for trial in trials:
            known = self._runs.get(trial.trial_id)
            if known is None:
                new.append({"trial_id": trial.trial_id, "pair_id": trial.pair_id, **trial.as_dict()})
            elif known.status != "RUNNING" and not known.over:
                self._client.update_run(known.run_id, status="RUNNING")
                known.status = "RUNNING"
        self._create([(row, sweep_id) for row in new])

    def interrupt(self, trials: Iterable[Trial]) -> None:
        """Mark the runs of trials that did not end as KILLED."""
        for trial in trials:
            known = self._runs.get(trial.trial_id)
            if known is not None and not known.over:
                self._client.set_terminated(known.run_id, "KILLED")
                known.status = "KILLED"

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Bring trials' runs to their final state."""
        try:
            self._write(outcomes)
        except RunsGone:
            # A sweep at the same time may have left its own runs of these trials, and deleted ours.
            for outcome in outcomes:
                self._runs.pop(outcome.trial_id, None)
            for study in {outcome.row["study"] for outcome in outcomes}:
                self._learn_runs(self._open_study(study))
            self._write(outcomes)

    def _write(self, outcomes: Sequence[Outcome]) -> None:
        wanted: list[Outcome] = []
        for outcome in outcomes:
            self._open_study(outcome.row["study"])
            known = self._runs.get(outcome.trial_id)
            if known is not None and known.over and known.outcome == outcome.row["status"]:
                continue
            wanted.append(outcome)
            self._changed.add(outcome.sweep_id)
            if known is not None and (known.over or known.has_metrics):
                # Metrics can only be appended, so replace a run that was cut off among them or has another outcome.
                self._client.delete_run(known.run_id)
                del self._runs[outcome.trial_id]
        self._create([(each.row, each.sweep_id) for each in wanted if each.trial_id not in self._runs])
        ends = [(self._runs[each.trial_id], ending(each)) for each in wanted]
        for known, _ in ends:
            known.has_metrics = True
        self._writer.end([(known.run_id, end) for known, end in ends])
        for known, end in ends:
            known.outcome, known.status = end.tags["outcome"], end.status

    def delete_trials(self, study: str, trial_ids: Iterable[str]) -> None:
        """Delete the runs of trials."""
        self._open_study(study)
        for trial_id in trial_ids:
            known = self._runs.pop(trial_id, None)
            if known is not None:
                self._client.delete_run(known.run_id)

    def log_report(self, study: str, sweep_id: str, folder: Path, numbers: Mapping[str, float]) -> None:
        """Keep a folder as artifact ``report`` of a sweep's parent run, and numbers as its metrics, if it has a run."""
        experiment = self._client.get_experiment_by_name(study)
        if experiment is None:
            return
        # A sweep has thousands of other runs.
        parent = f"{_IS_SWEEP} and tags.sweep_id = '{sweep_id}'"
        for run in self._client.search_runs([experiment.experiment_id], parent):
            self._client.log_artifacts(run.info.run_id, str(folder), "report")
            there = run.data.metrics
            self._log_now(run.info.run_id, {name: n for name, n in numbers.items() if there.get(name) != n})

    def _log_now(self, run_id: str, numbers: Mapping[str, float]) -> None:
        now = int(time.time() * 1000)
        self._client.log_batch(run_id, metrics=[Metric(name, number, now, 0) for name, number in numbers.items()])

    def _open_study(self, study: str) -> str:
        """Find or make the study's experiment, and learn its runs."""
        if study in self._experiments:
            return self._experiments[study]
        experiment = self._client.get_experiment_by_name(study)
        if experiment is None:
            location = f"{self._artifacts}/{study}" if self._artifacts else None
            identity = self._client.create_experiment(study, location, tags=_OPENS_ON_RUNS)
        else:
            identity = experiment.experiment_id
            for name, value in _OPENS_ON_RUNS.items():
                if name not in experiment.tags:
                    self._client.set_experiment_tag(identity, name, value)
            if experiment.lifecycle_stage != "active":
                self._client.restore_experiment(identity)
            self._learn_runs(identity)
        self._experiments[study] = identity
        return identity

    def _learn_runs(self, experiment: str) -> None:
        """Learn what runs there are, and leave one per trial and per sweep of those that sweeps made at once."""
        trials: defaultdict[str, list[_Known]] = defaultdict(list)
        parents: defaultdict[str, list[_Known]] = defaultdict(list)
        for run in self._every_run(experiment):
            tags, info = run.data.tags, run.info
            known = _Known(info.run_id, info.status, tags.get("outcome"), bool(run.data.metrics), info.start_time)
            if "trial_id" in tags:
                if tags.get("kind") != "trial":
                    # As earlier versions wrote it, nested and not in the view: `sweep track` writes it anew.
                    known.outcome = None
                trials[tags["trial_id"]].append(known)
            elif tags.get("kind") == "sweep":
                parents[tags["sweep_id"]].append(known)
        gone: set[str] = set()
        for trial_id, (first, *others) in _ranked(trials):
            self._runs[trial_id] = first
            gone.update(other.run_id for other in others)
        for sweep_id, (first, *others) in _ranked(parents):
            self._parents[sweep_id] = first.run_id
            gone.update(other.run_id for other in others)
        for run_id in gone:
            self._client.delete_run(run_id)

    def _every_run(self, experiment: str) -> Iterator[Run]:
        token = None
        while True:
            page = self._client.search_runs([experiment], max_results=_PAGE, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def _create(self, rows: Sequence[tuple[Row, str | None]]) -> None:
        """Make the runs of trials, each with the sweep it is of."""
        by_study: defaultdict[str, list[tuple[Row, str | None]]] = defaultdict(list)
        for row, sweep_id in rows:
            by_study[row["study"]].append((row, sweep_id))
        for study, of_study in by_study.items():
            begun = [beginning(row, sweep_id) for row, sweep_id in of_study]
            identities = self._writer.create(self._experiments[study], begun)
            for (row, _), identity in zip(of_study, identities, strict=True):
                self._runs[row["trial_id"]] = _Known(identity, "RUNNING")


def _ranked(found: Mapping[str, list[_Known]]) -> Iterator[tuple[str, list[_Known]]]:
    for identity, runs in found.items():
        yield identity, sorted(runs, key=lambda run: run.rank)
