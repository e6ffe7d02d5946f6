"""Which study a report is on, how far it is, and when its report is out of date."""

import hashlib
import json
from collections import Counter

from analysis.pairs import STATUSES
from analysis.questions.equivalence.declared import declared
from analysis.results import Results
from sweep.errors import SweepError

NUMBERS_VERSION = 8
"""Of the numbers of a report; raised when one changes its meaning."""

METRICS = ("val_loss", "train_loss", "val_accuracy")


class NothingToReport(SweepError):
    """The results of a study have nothing for a report, or for a part of it."""


def choose_study(results: Results, study: str | None) -> str:
    """The study that is meant; raises SweepError where that is not known, or it is not there."""
    known = results.sql("select distinct study from known order by study")["study"].to_pylist()
    if study is None and len(known) > 1:
        raise SweepError(f"the results are of {', '.join(known)}; name one, such as `sweep report {known[0]}`")
    if study is not None and study not in known:
        raise SweepError(f"there are no results of {study!r}, but of {', '.join(known)}")
    return study or known[0]


def results_key(results: Results, study: str) -> str:
    """A digest of a study's trials, how each of them ended, the margins, and the version of the numbers."""
    rows = results.sql(f"select study, trial_id, status, {', '.join(METRICS)} from known order by trial_id").to_pylist()
    trials = [list(row.values()) for row in rows if row["study"] == study]
    found = declared(results, study)
    margins = [found.margins.as_dict(), found.declared_at, found.declared_before]
    return hashlib.sha256(json.dumps([NUMBERS_VERSION, margins, trials]).encode()).hexdigest()


def trial_states(results: Results, study: str) -> dict[str, int]:
    """Trials ``planned``, and of these ``finished``, ``diverged``, ``failed`` and ``missing``."""
    rows = results.sql("select study, status, count(*) as trials from known group by all")
    counted = Counter({row["status"]: row["trials"] for row in rows.to_pylist() if row["study"] == study})
    return {"planned": counted.total()} | {state: counted[state] for state in STATUSES}
