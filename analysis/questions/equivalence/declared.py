"""Which margins pairs may be judged by, and how often their question was asked.

What counts is the training, not its name: two studies, files or stores that plan the same trainings ask one question of
them, and only margins that were declared before the first of their results can judge it.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from analysis.arrays import Array
from analysis.equivalence.contrast import contrasts, enough_seeds
from analysis.pairs import CONTRAST
from analysis.questions.equivalence.question import Question
from analysis.questions.equivalence.sample import SIDES, configurations, is_crossed
from analysis.results import Results
from sweep.ledger import Margins, PlannedSweep, declaration_time


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


_Planned = tuple[PlannedSweep, frozenset[int]]
"""A sweep with those of its trainings that are asked about."""


def declared(results: Results, study: str) -> Declared:
    """The margins to judge a study's trials by; see `ask`."""
    known = results.sql("select study, trial_id from known").to_pylist()
    asked = {results.trainings[row["trial_id"]] for row in known if row["study"] == study}
    return _declared(results, _planned(results, asked))


def ask(results: Results, pairs: pa.Table, metric: str) -> Question:
    """The question that pairs of the results are asked in a metric.

    Margins are the strictest of the sweeps that were declared before the first result of the trainings that they share
    with the pairs. Without any, they are the strictest of all, and not `declared_before`. A sweep is a look at a data
    set if its own pairs are enough for a verdict.
    """
    sides = [np.array([results.trainings[each] for each in pairs[f"{side}_id"].to_pylist()], int) for side in SIDES]
    planned = _planned(results, set(np.concatenate(sides).tolist()))
    found = _declared(results, planned)
    looks, unplanned = _looks(pairs, sides, planned), _unplanned(planned)
    return Question(metric, found.margins, found.declared_at, found.before, found.several, looks, unplanned)


def _planned(results: Results, asked: Set[int]) -> list[_Planned]:
    every = ((sweep, {results.trainings[each] for each in sweep.trial_ids}) for sweep in results.sweeps.values())
    return [(sweep, frozenset(asked & trainings)) for sweep, trainings in every if asked & trainings]


def _declared(results: Results, planned: Sequence[_Planned]) -> Declared:
    if not planned:
        return Declared(Margins(), None, before=True, several=False)
    first = results.first_results
    in_time = [
        sweep
        for sweep, trainings in planned
        if all(declaration_time(sweep.declared_at) <= first[code] for code in trainings & first.keys())
    ]
    chosen = in_time or [sweep for sweep, _ in planned]
    margins = Margins(*(min(getattr(each.margins, name) for each in chosen) for name in Margins().as_dict()))
    alike = [each for each in chosen if each.margins == margins]
    declared_at = min(each.declared_at for each in alike or chosen)
    return Declared(margins, declared_at, before=bool(in_time), several=len(alike) < len(chosen))


def _unplanned(planned: Sequence[_Planned]) -> int:
    """How many trials the plans have whose shards are not all there."""
    lacking: dict[str, int] = {}
    for sweep, _ in planned:
        if sweep.whole is not None:
            name, trials = sweep.whole
            lacking[name] = lacking.get(name, trials) - sweep.trials.num_rows
    return sum(max(0, each) for each in lacking.values())


def _looks(pairs: pa.Table, sides: Sequence[Array], planned: Sequence[_Planned]) -> dict[str, int]:
    """Data set to the number of different sets of pairs that sweeps could have answered the question with."""
    # Shards of one plan are one look.
    joined: dict[str | int, frozenset[int]] = {}
    for number, (sweep, trainings) in enumerate(planned):
        name = sweep.whole[0] if sweep.whole is not None else number
        joined[name] = joined.get(name, frozenset()) | trainings
    deep = (pairs["depth"].to_numpy() > 1) & (np.asarray(pairs["contrast"].to_pylist(), dtype=str) == CONTRAST)
    dataset, seed = np.asarray(pairs["dataset"].to_pylist(), dtype=str), pairs["seed"].to_numpy()
    unit, crossed = configurations(pairs), is_crossed(pairs)
    looks: dict[str, set[bytes]] = {}
    for trainings in joined.values():
        held = deep & np.logical_and.reduce([np.isin(side, list(trainings)) for side in sides])
        for name in np.unique(dataset[held]).tolist():
            chosen = held & (dataset == name)
            if enough_seeds(contrasts(np.zeros(int(chosen.sum())), unit[chosen], seed[chosen], crossed)):
                looks.setdefault(name, set()).add(chosen.tobytes())
    return {name: len(each) for name, each in looks.items()}
