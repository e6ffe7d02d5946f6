"""What is asked of matched pairs: in which metric, by which margins, and for the how-manyth time.

A table of pairs carries its question in the metadata of its schema, where filters and slices keep it.

What counts is the training, not its name: two studies, files or stores that plan the same trainings ask one question of
them, and only margins that were declared before the first of their results can judge it.
"""

import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from analysis.arrays import Array
from analysis.equivalence.contrast import contrasts, enough_seeds
from analysis.pairs import CONTRAST
from analysis.questions.equivalence.sample import SIDES, configurations, is_crossed
from analysis.results import Results
from sweep.errors import SweepError
from sweep.ledger import Margins, PlannedSweep, declaration_time

_KEY = b"question"


@dataclass(frozen=True)
class Question:
    """The metric that pairs are compared in, and the margins that judge them.

    `declared_before` says whether the margins were declared before the first result that they judge, at `declared_at`,
    ISO 8601, or None for the default. `looks` counts, by data set, the sweeps in which the question could be answered.
    """

    metric: str
    margins: Margins = field(default_factory=Margins)
    declared_at: str | None = None
    declared_before: bool = True
    several: bool = False
    """Whether sweeps declared different margins in time, of which these are the strictest."""
    looks: Mapping[str, int] = field(default_factory=dict)
    unplanned: int = 0
    """Trials in shards of the same plan that are not planned in these stores."""

    def look(self, dataset: str) -> int:
        """The number of this look, from 1."""
        return max(1, self.looks.get(dataset, 1))

    def attach(self, pairs: pa.Table) -> pa.Table:
        """The pairs with this question in their metadata."""
        facts = {**vars(self), "margins": self.margins.as_dict(), "looks": dict(self.looks)}
        return pairs.replace_schema_metadata({_KEY: json.dumps(facts)})

    @classmethod
    def of(cls, pairs: pa.Table) -> "Question":
        """The question that pairs carry. Raises SweepError for a table that carries none."""
        metadata = pairs.schema.metadata or {}
        if _KEY not in metadata:
            raise SweepError("the table does not say what it compares; take pairs from Results.pairs(METRIC)")
        facts = json.loads(metadata[_KEY])
        return cls(**{**facts, "margins": Margins(**facts["margins"])})


_Planned = tuple[PlannedSweep, frozenset[int]]
"""A sweep with those of its trainings that are asked about."""


def declared(results: Results, study: str) -> Question:
    """The question of a study's trials in validation loss, without looks; see `ask`."""
    known = results.sql("select study, trial_id from known").to_pylist()
    asked = {results.trainings[row["trial_id"]] for row in known if row["study"] == study}
    return _declared(results, _planned(results, asked), "val_loss")


def ask(results: Results, pairs: pa.Table, metric: str) -> Question:
    """The question that pairs of the results are asked in a metric.

    Margins are the strictest of the sweeps that were declared before the first result of the trainings that they share
    with the pairs. Without any, they are the strictest of all, and not `declared_before`. A sweep is a look at a data
    set if its own pairs are enough for a verdict.
    """
    sides = [np.array([results.trainings[each] for each in pairs[f"{side}_id"].to_pylist()], int) for side in SIDES]
    planned = _planned(results, set(np.concatenate(sides).tolist()))
    found = _declared(results, planned, metric)
    return replace(found, looks=_looks(pairs, sides, planned), unplanned=_unplanned(planned))


def _planned(results: Results, asked: Set[int]) -> list[_Planned]:
    every = ((sweep, {results.trainings[each] for each in sweep.trial_ids}) for sweep in results.sweeps.values())
    return [(sweep, frozenset(asked & trainings)) for sweep, trainings in every if asked & trainings]


def _declared(results: Results, planned: Sequence[_Planned], metric: str) -> Question:
    if not planned:
        return Question(metric)
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
    return Question(metric, margins, declared_at, bool(in_time), len(alike) < len(chosen))


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
