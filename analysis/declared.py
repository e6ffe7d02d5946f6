"""Which margins results may be judged by: those that were declared before the first of them was known."""

import datetime as dt
from dataclasses import dataclass

import pyarrow.compute as pc

from analysis.results import Results
from sweep.ledger import Margins, PlannedSweep


@dataclass(frozen=True)
class Declared:
    """The margins of a study, and when they were declared, ISO 8601.

    `before` says whether that was before the first result that they are applied to; `several` whether sweeps of the
    study declared different ones in time, of which these are the strictest.
    """

    margins: Margins
    declared_at: str | None
    before: bool
    several: bool


def declared(results: Results, study: str) -> Declared:
    """The margins to judge a study by.

    Sweeps that were planned after one of their trials was done do not count: they could have been made to fit. Without
    any other the strictest of them are taken, and are not `before`; without a sweep, the default.
    """
    sweeps = [sweep for sweep in results.sweeps.values() if sweep.study == study]
    if not sweeps:
        return Declared(Margins(), None, before=False, several=False)
    finished = results.table("trials", ["trial_id", "finished_at"], pc.field("study") == study)
    first = dict(zip(finished["trial_id"].to_pylist(), finished["finished_at"].to_pylist(), strict=True))
    in_time = [sweep for sweep in sweeps if _in_time(sweep, first)]
    chosen = in_time or sweeps
    margins = Margins(*(min(getattr(sweep.margins, name) for sweep in chosen) for name in ("ratio", "seed_noise")))
    alike = [sweep for sweep in chosen if sweep.margins == margins] or chosen
    several = any(sweep.margins != margins for sweep in chosen)
    return Declared(margins, min(sweep.declared_at for sweep in alike), bool(in_time), several)


def _in_time(sweep: PlannedSweep, finished: dict[str, dt.datetime]) -> bool:
    times = [finished[trial_id] for trial_id in sweep.trial_ids if trial_id in finished]
    return not times or dt.datetime.fromisoformat(sweep.declared_at) <= min(times)
