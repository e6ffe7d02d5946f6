"""Which margins pairs may be judged by, and how often their question was asked.

What counts is the training, not its name: two studies, files or stores that plan the same trainings ask one question of
them, and only margins that were declared before the first of their results can judge it.
"""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from analysis.equivalence.design import contrasts, enough_seeds
from analysis.pairs import CONTRAST
from analysis.questions.equivalence.question import Question
from analysis.questions.equivalence.sample import combinations, configurations, is_crossed
from analysis.results import Results
from sweep.ledger import Margins, declaration_time, training_factors


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
    codes = _trainings(results)
    known = results.sql("select study, trial_id from known").to_pylist()
    asked = {codes[row["trial_id"]] for row in known if row["study"] == study}
    return _declared(results, codes, asked, _planned(results, codes, asked))


def ask(results: Results, pairs: pa.Table, metric: str) -> Question:
    """The question that pairs of the results are asked in a metric.

    Margins are the strictest of the sweeps that were declared before the first result of the trainings that they share
    with the pairs. Without any, they are the strictest of all, and not `declared_before`. A sweep is a look at a data
    set if its own pairs are enough for a verdict.
    """
    codes = _trainings(results)
    sides = [[codes[each] for each in pairs[f"{side}_id"].to_pylist()] for side in ("sequential", "parallel")]
    asked = {code for side in sides for code in side}
    planned = _planned(results, codes, asked)
    found = _declared(results, codes, asked, planned)
    looks, unplanned = _looks(pairs, sides, list(_joined(planned))), _unplanned(planned)
    return Question(metric, found.margins, found.declared_at, found.before, found.several, looks, unplanned)


def _planned(results: Results, codes: Mapping[str, int], asked: Collection[int]) -> list[_Planned]:
    return [
        _Planned(sweep.margins, sweep.declared_at, frozenset(shared), sweep.trials.num_rows, sweep.whole)
        for sweep in results.sweeps.values()
        if (shared := {codes[each] for each in sweep.trial_ids} & set(asked))
    ]


def _declared(
    results: Results, codes: Mapping[str, int], asked: Collection[int], planned: Sequence[_Planned]
) -> Declared:
    if not planned:
        return Declared(Margins(), None, before=True, several=False)
    first = _first_results(results, codes, asked)
    in_time = [each for each in planned if _in_time(each, first)]
    chosen = in_time or planned
    margins = Margins(*(min(getattr(each.margins, name) for each in chosen) for name in Margins().as_dict()))
    alike = [each for each in chosen if each.margins == margins] or chosen
    several = any(each.margins != margins for each in chosen)
    return Declared(margins, min(each.declared_at for each in alike), bool(in_time), several)


def _trainings(results: Results) -> dict[str, int]:
    """Trial identity to the number of its training, of every trial that is planned or done."""
    names = list(training_factors())
    quoted = ", ".join(f'"{name}"' for name in names)
    known = results.sql(f"select trial_id, {quoted} from known")
    return dict(zip(known["trial_id"].to_pylist(), combinations(known, names).tolist(), strict=True))


def _first_results(results: Results, codes: Mapping[str, int], asked: Collection[int]) -> dict[int, dt.datetime]:
    """Training to when its first result was there, whatever study asked for it."""
    done = results.table("trials", ["trial_id", "finished_at"])
    first: dict[int, dt.datetime] = {}
    for trial_id, time in zip(done["trial_id"].to_pylist(), done["finished_at"].to_pylist(), strict=True):
        code = codes[trial_id]
        known = first.get(code)
        if time is not None and code in asked and (known is None or time < known):
            first[code] = time
    return first


def _in_time(sweep: _Planned, first: Mapping[int, dt.datetime]) -> bool:
    times = [first[code] for code in sweep.trainings if code in first]
    return not times or sweep.time <= min(times)


def _joined(planned: Sequence[_Planned]) -> Iterator[frozenset[int]]:
    """The trainings of each sweep, shards of one plan together."""
    wholes: dict[str, set[int]] = {}
    for sweep in planned:
        if sweep.whole is None:
            yield sweep.trainings
        else:
            wholes.setdefault(sweep.whole[0], set()).update(sweep.trainings)
    yield from map(frozenset, wholes.values())


def _unplanned(planned: Sequence[_Planned]) -> int:
    """How many trials the plans have whose shards are not all there."""
    lacking: dict[str, int] = {}
    for sweep in planned:
        if sweep.whole is not None:
            name, trials = sweep.whole
            lacking[name] = lacking.get(name, trials) - sweep.trials
    return sum(max(0, each) for each in lacking.values())


def _looks(pairs: pa.Table, sides: Sequence[Sequence[int]], planned: Sequence[frozenset[int]]) -> dict[str, int]:
    """Data set to the number of different sets of pairs that sweeps could have answered the question with."""
    deep = (pairs["depth"].to_numpy() > 1) & np.array(
        [each == CONTRAST for each in pairs["contrast"].to_pylist()], bool
    )
    datasets = np.asarray(pairs["dataset"].to_pylist(), dtype=str)
    unit, seed, crossed = configurations(pairs), pairs["seed"].to_numpy(), is_crossed(pairs)
    looks: dict[str, set[bytes]] = {}
    for trainings in planned:
        held = np.array([one in trainings and other in trainings for one, other in zip(*sides, strict=True)], bool)
        for dataset in np.unique(datasets):
            chosen = held & deep & (datasets == dataset)
            of = contrasts(np.zeros(int(chosen.sum())), unit[chosen], seed[chosen], crossed)
            if enough_seeds(of):
                looks.setdefault(dataset, set()).add(chosen.tobytes())
    return {dataset: len(each) for dataset, each in looks.items()}
