"""What unreadable plans mean for a sweep: nothing, unless they may hold the margins that judge it."""

import datetime as dt
from collections.abc import Iterable

import pyarrow.compute as pc

from sweep.ledger.ledger import Ledger
from sweep.ledger.planned import PlannedSweep, UnreadablePlan
from sweep.margins import declaration_time


def check_plans(ledger: Ledger, sweep_id: str, study: str) -> list[str]:
    """The faults of other studies' plans. Raises SweepError for one that may hold margins of this sweep or its study.

    A plan whose study is unknown may belong to this study if this study has results that no other plan explains.
    """
    plans = ledger.plans()
    unreadable = plans.unreadable
    if sweep_id in unreadable:
        raise unreadable[sweep_id]
    if not unreadable:
        return []
    studies = {study, None} if _has_unplanned_results(ledger, plans.readable.values(), study) else {study}
    for fault in unreadable.values():
        if fault.study in studies:
            raise UnreadablePlan(
                f"{fault}; until then {study!r} cannot go on, as this plan may hold its margins", fault.study
            )
    return [str(fault) for fault in unreadable.values()]


def _has_unplanned_results(ledger: Ledger, plans: Iterable[PlannedSweep], study: str) -> bool:
    """Whether a study has results that none of these plans asked for before they ended."""
    planned: dict[str, dt.datetime] = {}
    for plan in plans:
        day = declaration_time(plan.declared_at)
        for trial_id in plan.trial_ids:
            planned[trial_id] = min(day, planned.get(trial_id, day))
    trials = ledger.read("trials").filter(pc.field("study") == study)
    ended = zip(trials["trial_id"].to_pylist(), trials["finished_at"].to_pylist(), strict=True)
    return any(trial_id not in planned or at < planned[trial_id] for trial_id, at in ended)
