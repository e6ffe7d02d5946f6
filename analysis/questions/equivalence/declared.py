"""Which margins pairs may be judged by, and how often their question was asked.

What counts is the training, not its name: two studies, files or stores that plan the same trainings ask one question of
them, and only margins that were declared before the first of their results can judge it.
"""

import datetime as dt
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from analysis.arrays import Array
from analysis.equivalence.contrast import contrasts, enough_seeds
from analysis.pairs import CONTRAST
from analysis.questions.equivalence.question import Question
from analysis.questions.equivalence.sample import configurations, is_crossed
from analysis.results import Results
from sweep.ledger import Margins, declaration_time


@dataclass(frozen=True)
class Declared:
    """The margins of some trainings, and when they were declared, ISO 8601, or None for the default.

    `before` says whether that was before the first result that they judge; `several` whether sweeps declared different
    ones in time, of which these are the strictest.
    """

    margins: Margins
    declared_at: str | None
    before: bool
    several: bool


@dataclass(frozen=True)
class _Planned:
    """A sweep's margins, when they were declared, and those of its trainings that are asked about."""

    margins: Margins
    declared_at: str
    trainings: frozenset[int]
    trials: int
    whole: tuple[str, int] | None

    @property
    def time(self) -> dt.datetime:
        return declaration_time(self.declared_at)


def declared(results: Results, study: str) -> Declared:
    """The margins to judge a study's trials by; see `ask`."""
    known = results.sql("select study, trial_id from known").to_pylist()
    asked = {results.trainings[row["trial_id"]] for row in known if row["study"] == study}
    return _declared(results, asked, _planned(results, asked))


def ask(results: Results, pairs: pa.Table, metric: str) -> Question:
    """The question that pairs of the results are asked in a metric.

    Margins are the strictest of the sweeps that were declared before the first result of the trainings that they share
    with the pairs. Without any, they are the strictest of all, and not `declared_before`. A sweep is a look at a data
    set if its own pairs are enough for a verdict.
    """
    code = results.trainings
    sides = [np.array([code[each] for each in pairs[f"{side}_id"].to_pylist()], int) for side in _SIDES]
    planned = _planned(results, set(np.concatenate(sides).tolist()))
    found = _declared(results, set(np.concatenate(sides).tolist()), planned)
    looks, unplanned = _looks(pairs, sides, _joined(planned)), _unplanned(planned)
    return Question(metric, found.margins, found.declared_at, found.before, found.several, looks, unplanned)


def _planned(results: Results, asked: Set[int]) -> list[_Planned]:
    code = results.trainings
    shared = ((sweep, {code[each] for each in sweep.trial_ids} & asked) for sweep in results.sweeps.values())
    return [
        _Planned(sweep.margins, sweep.declared_at, frozenset(those), sweep.trials.num_rows, sweep.whole)
        for sweep, those in shared
        if those
    ]


def _declared(results: Results, asked: Set[int], planned: Sequence[_Planned]) -> Declared:
    if not planned:
        return Declared(Margins(), None, before=True, several=False)
    first = {code: time for code, time in results.first_results.items() if code in asked}
    in_time = [each for each in planned if _in_time(each, first)]
    chosen = in_time or planned
    margins = Margins(*(min(getattr(each.margins, name) for each in chosen) for name in Margins().as_dict()))
    alike = [each for each in chosen if each.margins == margins] or chosen
    several = any(each.margins != margins for each in chosen)
    return Declared(margins, min(each.declared_at for each in alike), bool(in_time), several)


def _in_time(sweep: _Planned, first: Mapping[int, dt.datetime]) -> bool:
    times = [first[code] for code in sweep.trainings if code in first]
    return not times or sweep.time <= min(times)


def _joined(planned: Sequence[_Planned]) -> list[frozenset[int]]:
    """The trainings of each sweep, shards of one plan together."""
    wholes: dict[str, frozenset[int]] = {}
    for sweep in planned:
        if sweep.whole is not None:
            wholes[sweep.whole[0]] = wholes.get(sweep.whole[0], frozenset()) | sweep.trainings
    return [*(sweep.trainings for sweep in planned if sweep.whole is None), *wholes.values()]


def _unplanned(planned: Sequence[_Planned]) -> int:
    """How many trials the plans have whose shards are not all there."""
    lacking: dict[str, int] = {}
    for sweep in planned:
        if sweep.whole is not None:
            name, trials = sweep.whole
            lacking[name] = lacking.get(name, trials) - sweep.trials
    return sum(max(0, each) for each in lacking.values())


def _looks(pairs: pa.Table, sides: Sequence[Array], planned: Sequence[frozenset[int]]) -> dict[str, int]:
    """Data set to the number of different sets of pairs that sweeps could have answered the question with."""
    deep = (pairs["depth"].to_numpy() > 1) & (np.asarray(pairs["contrast"].to_pylist(), dtype=str) == CONTRAST)
    dataset, seed = np.asarray(pairs["dataset"].to_pylist(), dtype=str), pairs["seed"].to_numpy()
    unit, crossed = configurations(pairs), is_crossed(pairs)
    looks: dict[str, set[bytes]] = {}
    for trainings in planned:
        held = deep & np.logical_and.reduce([np.isin(side, list(trainings)) for side in sides])
        for name in np.unique(dataset[held]).tolist():
            chosen = held & (dataset == name)
            of = contrasts(np.zeros(int(chosen.sum())), unit[chosen], seed[chosen], crossed)
            if enough_seeds(of):
                looks.setdefault(name, set()).add(chosen.tobytes())
    return {name: len(each) for name, each in looks.items()}


_SIDES = ("sequential", "parallel")
