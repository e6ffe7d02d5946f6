"""Brings what one store holds into another: plans with their margins, and the results of trials that it lacks.

Whatever is killed on the way, doing it again completes it: a trial that is there is left alone. Checkpoints stay where
they are, since they only save work.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sweep.errors import SweepError
from sweep.ledger.forms import unified
from sweep.ledger.ledger import Ledger
from sweep.ledger.planned import PlannedSweep
from sweep.ledger.schema import SCHEMAS

_AT_ONCE = 64 << 20
"""Bytes of files that are read together."""


@dataclass(frozen=True)
class Joined:
    """What came from one store: trials, and those that were there already; sweeps."""

    trials: int
    there: int
    sweeps: int


def join(target: Ledger, source: Ledger) -> Joined:
    """Bring the sweeps and results of a store into another.

    A result replaces a failure, and nothing else. Raises SweepError, before anything is written, for a damaged store,
    for one and the same store, and for a sweep whose margins differ between the two.
    """
    if _place(target) == _place(source):
        raise SweepError(f"{source.uri} is the store to merge into; name another one")
    source.require_whole()
    target.require_whole()
    plans = _new_plans(target, source)
    for sweep_id, plan in plans.items():
        target.files.write(f"sweeps/{sweep_id}.parquet", plan.to_bytes(sweep_id))
    before = len(source.contents.status)
    brought = 0
    for names in _batches(source):
        found = target.unpublished({table: source.read(table, names) for table in SCHEMAS})
        if found["trials"].num_rows:
            target.write(found)
            brought += found["trials"].num_rows
    return Joined(brought, before - brought, len(plans))


def _place(ledger: Ledger) -> str | Path:
    return ledger.address if ledger.files.local is None else ledger.files.local.resolve()


def _new_plans(target: Ledger, source: Ledger) -> dict[str, PlannedSweep]:
    there, given = target.sweeps(), source.sweeps()
    for sweep_id in there.keys() & given.keys():
        if there[sweep_id].margins != given[sweep_id].margins:
            raise SweepError(
                f"sweep {sweep_id[:8]} of {given[sweep_id].study!r} has margins of {given[sweep_id].margins} in "
                f"{source.uri}, declared on {given[sweep_id].declared_at}, and of {there[sweep_id].margins} in "
                f"{target.uri}, declared on {there[sweep_id].declared_at}; results cannot be judged by both, so keep "
                "these stores apart"
            )
    unified([plan.trials.schema for plan in (*there.values(), *given.values())])
    return {sweep_id: plan for sweep_id, plan in given.items() if sweep_id not in there}


def _batches(source: Ledger) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for name, commit in sorted(source.contents.commits.items()):
        batch.append(name)
        size += commit.size
        if size >= _AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
