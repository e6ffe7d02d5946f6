"""MLflow runs of sweeps that run at once, are killed, or whose runs somebody deletes."""

from pathlib import Path

import pytest

from sweep.cli.track import track
from sweep.ledger import Ledger
from sweep.planning import Plan
from sweep.tracking import Tracker, is_complete, rebuild, tracking_uri
from sweep.tracking.mirror import Mirror
from sweep.tracking.note import Note
from tests.sweep.tracking.runs import publish, runs_of, trials_of

TRIALS = trials_of(*range(4))
OTHERS = trials_of(*range(2, 6))
SWEEP, OTHER = (Plan.of("test", trials).sweep_id for trials in (TRIALS, OTHERS))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    empty = Ledger.create(tmp_path / "store")
    empty.record_sweep(SWEEP, "test", TRIALS)
    empty.record_sweep(OTHER, "test", OTHERS)
    return empty


@pytest.mark.parametrize("known", ["the study", "each other"])
def test_sweeps_at_once_that_share_trials_leave_one_run_per_trial_and_end_their_parents(
    ledger: Ledger, known: str
) -> None:
    uri = tracking_uri(ledger, None)
    first, second = Mirror(ledger, uri), Mirror(Ledger.open(ledger.uri), uri)
    opened = {"the study": [], "each other": [(first, SWEEP), (second, OTHER), (first, OTHER)]}[known]
    for mirror, sweep_id in opened:
        mirror.projection.open_sweep("test", sweep_id)
    for mirror in (first, second):
        # Both know the study before the other has written trials to it.
        mirror.projection.delete_trials("test", [])
    first.open(SWEEP)
    second.open(OTHER)
    first.start(TRIALS, SWEEP)
    second.start(OTHERS, OTHER)
    assert max(runs_of(ledger).count.values()) == 2
    publish(ledger, TRIALS)
    first.write_new(sweep_id=SWEEP)
    publish(ledger, OTHERS)
    second.write_new(sweep_id=OTHER)
    first.close(SWEEP, "FINISHED")
    second.close(OTHER, "FINISHED")

    found = runs_of(ledger)
    assert found.count == {trial.trial_id: 1 for trial in (*TRIALS, *OTHERS[2:])}
    assert sorted(run.data.tags["sweep_id"] for run in found.parents) == sorted([SWEEP, OTHER])
    assert {run.info.status for run in (*found.trials, *found.parents)} == {"FINISHED"}
    assert {run.data.tags["sweep_id"] for run in found.trials} <= {SWEEP, OTHER}
    assert all(is_complete(ledger, uri, sweep_id=sweep_id) for sweep_id in (SWEEP, OTHER))


def test_a_run_that_another_sweep_has_deleted_is_written_by_the_one_that_stays(ledger: Ledger) -> None:
    mirror = Mirror(ledger, tracking_uri(ledger, None))
    mirror.open(SWEEP)
    mirror.start(TRIALS, SWEEP)
    publish(ledger, TRIALS)
    found = runs_of(ledger)
    found.client.delete_run(found.trials[0].info.run_id)
    mirror.write_new(sweep_id=SWEEP)
    assert runs_of(ledger).count == {trial.trial_id: 1 for trial in TRIALS}
    assert {run.info.status for run in runs_of(ledger).trials} == {"FINISHED"}


def test_the_run_of_a_sweep_that_somebody_deletes_while_it_runs_comes_back(ledger: Ledger) -> None:
    mirror = Mirror(ledger, tracking_uri(ledger, None))
    mirror.open(SWEEP)
    mirror.start(TRIALS, SWEEP)
    publish(ledger, TRIALS)
    [parent] = [run for run in runs_of(ledger).parents if run.data.tags["sweep_id"] == SWEEP]
    runs_of(ledger).client.delete_run(parent.info.run_id)
    mirror.write_new(sweep_id=SWEEP)
    mirror.close(SWEEP, "FINISHED")
    [again] = [run for run in runs_of(ledger).parents if run.data.tags["sweep_id"] == SWEEP]
    assert (again.info.run_id, again.info.status) == (parent.info.run_id, "FINISHED")
    assert again.data.metrics["trials_finished"] == len(TRIALS)


def test_a_sweep_that_was_killed_before_it_closed_its_run_closes_it_next_time(ledger: Ledger) -> None:
    uri = tracking_uri(ledger, None)
    publish(ledger, TRIALS)
    mirror = Mirror(ledger, uri)
    mirror.open(SWEEP)
    mirror.write_new(sweep_id=SWEEP)
    mirror.note.save()
    assert [run.info.status for run in runs_of(ledger).parents] == ["RUNNING"]
    planned = [trial.trial_id for trial in TRIALS]
    assert is_complete(ledger, uri, planned)
    assert not is_complete(ledger, uri, planned, SWEEP)

    tracker = Tracker(ledger.uri, uri, SWEEP)
    tracker.finish(interrupted=False)
    assert tracker.complete
    assert [run.info.status for run in runs_of(ledger).parents] == ["FINISHED"]
    assert is_complete(ledger, uri, planned, SWEEP)


@pytest.mark.parametrize("alive", [True, False])
def test_the_run_of_a_sweep_that_no_process_runs_does_not_stay_running(ledger: Ledger, alive: bool) -> None:
    uri = tracking_uri(ledger, None)
    publish(ledger, TRIALS[:2])
    Mirror(ledger, uri).open(SWEEP)
    if alive:
        with ledger.lock(SWEEP):
            rebuild(Ledger.open(ledger.uri), uri, False, lambda: None)
    else:
        rebuild(ledger, uri, False, lambda: None)
    status = {run.data.tags["sweep_id"]: run.info.status for run in runs_of(ledger).parents}
    assert status[SWEEP] == ("RUNNING" if alive else "KILLED")


@pytest.mark.parametrize("lost", ["one run", "all runs"])
def test_track_writes_and_counts_what_mlflow_itself_has(ledger: Ledger, capsys, lost: str) -> None:
    publish(ledger, TRIALS)
    track(store=ledger.uri)
    assert capsys.readouterr().out.startswith(f"4 trials of {ledger.uri} are in MLflow at ")
    found = runs_of(ledger)
    for run in found.trials[: 1 if lost == "one run" else 4]:
        found.client.delete_run(run.info.run_id)
    track(store=ledger.uri)
    printed = capsys.readouterr().out
    assert printed.startswith(f"4 trials of {ledger.uri} are in MLflow at ")
    assert printed.endswith(f", {1 if lost == 'one run' else 4} written now\n")
    assert runs_of(ledger).count == {trial.trial_id: 1 for trial in TRIALS}
    track(store=ledger.uri)
    assert capsys.readouterr().out.endswith(", 0 written now\n")


def test_notes_under_each_others_names_count_as_none(ledger: Ledger) -> None:
    uris = ["http://one:5000", "http://other:5000"]
    for uri in uris:
        note = Note(ledger, uri)
        note.add([uri])
        note.begin(SWEEP)
    one, other = Path(ledger.uri, "tracking").iterdir()
    content = one.read_bytes()
    assert [Note(ledger, uri).commits for uri in uris] == [{uri} for uri in uris]
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    assert [(Note(ledger, uri).commits, Note(ledger, uri).open) for uri in uris] == [(set(), set())] * 2
