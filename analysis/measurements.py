"""What was measured on the trained networks of a study. All questions read the table `measurements` here."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.arrays import Array, combinations
from analysis.networks import PLAIN, Row, labels, method_names, without_method
from analysis.pairs import STATUSES
from analysis.results import Results

At = Literal["size", "subject"]
Each = TypeVar("Each", bound="Network")
Other = TypeVar("Other", bound="Network")


class Rows(NamedTuple):
    """The rows of one trial, measurement and metric, arrays of one length; `value` is NaN where there is none."""

    subject: Array
    size: Array
    draw: Array
    value: Array


_NO_ROWS = Rows(np.empty(0, "<U1"), np.empty(0, int), np.empty(0, int), np.empty(0))


@dataclass(frozen=True)
class Measured:
    """One network: its trial's factors and final figures, and what was measured on it.

    `earlier` has the same network after fewer epochs, by their number, where it was measured in training.
    """

    trial: Row
    rows: Mapping[tuple[str, str], Rows]
    earlier: Mapping[int, "Measured"] = field(default_factory=dict)

    @property
    def course(self) -> "dict[int, Measured]":
        """The network after each number of epochs at which it was measured, ascending, its last one included."""
        return {**dict(sorted(self.earlier.items())), self.trial["epochs"]: self}

    def get(self, measurement: str, metric: str) -> Rows:
        """Its rows of one measurement and metric; none if that was not measured."""
        return self.rows.get((measurement, metric), _NO_ROWS)

    def by(self, at: At, measurement: str, metric: str, reduce: Callable[[Array], Any] = np.mean) -> dict[Any, float]:
        """The mean of the finite values of each size or subject, or whatever else `reduce` makes of them."""
        found = self.get(measurement, metric)
        known = np.isfinite(found.value)
        place, value = getattr(found, at)[known], found.value[known]
        distinct, code = np.unique(place, return_inverse=True)
        return {level: float(reduce(value[code == number])) for number, level in enumerate(distinct.tolist())}

    def one(self, measurement: str, metric: str) -> float:
        """The single value of a measurement and metric, NaN where there is none."""
        return next(iter(self.get(measurement, metric).value.tolist()), np.nan)


@dataclass(frozen=True)
class Network:
    """One network and way of training: a trained network per seed, in the order of the seeds.

    `label` is both in words, `network` and `method` each. `lacking` counts planned seeds that diverged, failed, are
    missing, or have no measurements.
    """

    label: str
    network: str
    method: str
    seeds: tuple[Measured, ...]
    lacking: int

    @property
    def trial(self) -> Row:
        """The factors of its first trial."""
        return self.seeds[0].trial

    @property
    def is_plain(self) -> bool:
        """Whether it is sequential and trained plainly, as most networks of the papers are."""
        return (self.trial["architecture"], self.trial["method"]) == ("sequential", PLAIN)

    @property
    def chance(self) -> float:
        """The error of guessing, NaN where the number of classes is not known."""
        return 1 - 1 / (self.trial["classes"] or np.nan)

    @property
    def epochs(self) -> tuple[int, ...]:
        """The numbers of epochs after which any of its seeds was measured, ascending."""
        return tuple(sorted({epoch for each in self.seeds for epoch in each.course}))

    def over(
        self, at: At, measurement: str, metric: str, reduce: Callable[[Array], Any] = np.mean
    ) -> tuple[list[Any], Array]:
        """The sizes or subjects measured, ascending, and values of (seeds, sizes), NaN where there is none."""
        found = [each.by(at, measurement, metric, reduce) for each in self.seeds]
        levels = sorted({level for each in found for level in each})
        values = [[each.get(level, np.nan) for level in levels] for each in found]
        return levels, np.array(values, dtype=float).reshape(len(found), len(levels))


@dataclass(frozen=True)
class Study(Generic[Each]):
    """The networks of a study whose trials ask for one measure, deeper arrangements and plain training first.

    `counts` are of these trials: ``planned``, then by how they ended, then ``finished_without_measurements``.
    """

    counts: Mapping[str, int]
    networks: tuple[Each, ...]

    def mapped(self, of: Callable[[Each], Other]) -> "Study[Other]":
        """The study with what `of` makes of each network."""
        return Study(self.counts, tuple(map(of, self.networks)))

    @property
    def looks(self) -> dict[str, str]:
        """Label to method, of networks with several methods: in figures they look as these, in every part alike."""
        trained = Counter(each.network for each in self.networks)
        return {each.label: each.method for each in self.networks if trained[each.network] > 1}

    @property
    def said(self) -> str:
        """What became of the trials, in sentences."""
        planned, *ends, unmeasured = self.counts.values()
        finished, diverged, failed, missing = ends
        return (
            f"Of {planned} trials {finished} finished, {diverged} diverged, {failed} failed and {missing} are missing; "
            "only finished ones are measured, and numbers are of these alone."
            f"{f' Of {unmeasured} that finished nothing was measured.' if unmeasured else ''}"
        )


def measured_study(
    results: Results,
    study: str,
    measure: str,
    measurements: Sequence[str],
    usable: Callable[[Measured], bool] = lambda found: bool(found.rows),
    most: str = "seed",
    in_training: bool = False,
) -> Study[Network] | None:
    """The networks of a study whose trials ask for a measure; None where no trial is usable.

    `in_training` takes the trials that were measured in training too, with what was measured.

    Some trials train alike and differ only in what is measured. Of these, the one with the most of the factor `most`
    stands for its network and seed.
    """
    trials = study_trials(results, study)
    asked = [row for row in asked_trials(trials, measure) if row["measure_every"] or not in_training]
    finished = {row["trial_id"]: row for row in asked if row["status"] == "finished"}
    read = read_rows(results, list(finished), measurements)
    earlier = _earlier(results, finished, measurements) if in_training else {}
    measured = {name: Measured(finished[name], rows, earlier.get(name, {})) for name, rows in read.items()}
    found = {name: each for name, each in measured.items() if usable(each)}
    if not found:
        return None
    # By label and seed, in the order of the trials. Methods are named as where all of the study's trials are compared.
    chosen: dict[tuple[str, str, str], dict[int, Measured | None]] = {}
    methods = dict(zip((row["trial_id"] for row in trials), method_names(trials), strict=True))
    for row, label, network in zip(asked, labels(asked), labels(list(map(without_method, asked))), strict=True):
        each, seeds = found.get(row["trial_id"]), chosen.setdefault((label, network, methods[row["trial_id"]]), {})
        held = seeds.setdefault(row["seed"], each)
        if each and (held is None or each.trial[most] > held.trial[most]):
            seeds[row["seed"]] = each
    networks = tuple(
        Network(*names, kept, len(seeds) - len(kept))
        for names, seeds in chosen.items()
        if (kept := tuple(filter(None, seeds.values())))
    )
    counted = Counter(row["status"] for row in asked)
    counts = {"planned": len(asked)} | {state: counted[state] for state in STATUSES}
    return Study(counts | {"finished_without_measurements": len(finished) - len(found)}, networks)


def asked_trials(trials: Sequence[Row], measure: str) -> list[Row]:
    """Those of the trials that ask for a measure, deeper arrangements first."""
    return sorted([row for row in trials if measure in row["measure"].split("+")], key=_order)


def study_trials(results: Results, study: str) -> list[dict[str, Any]]:
    """The trials of a study. One without a result has the status ``missing`` and only what is known beforehand."""
    of_study = pc.field("study") == study
    done = results.table("trials", where=of_study).to_pylist()
    ended = {row["trial_id"] for row in done}
    planned = results.plan.filter(of_study).to_pylist()
    return [*done, *({**row, "status": "missing"} for row in planned if row["trial_id"] not in ended)]


def read_rows(
    results: Results, trials: Sequence[str], measurements: Sequence[str]
) -> dict[str, dict[tuple[str, str], Rows]]:
    """What was measured on trained networks, by trial identity, then by measurement and metric; no more is read."""
    at_end = _read(results, trials, measurements, pc.field("epoch").is_null())
    return {trial: rows for (trial, _), rows in at_end.items()}


def _earlier(
    results: Results, trials: Mapping[str, Row], measurements: Sequence[str]
) -> dict[str, dict[int, Measured]]:
    """What was measured in training, by trial identity and number of epochs."""
    found: dict[str, dict[int, Measured]] = {}
    for (trial, epoch), rows in _read(results, list(trials), measurements, pc.field("epoch").is_valid()).items():
        found.setdefault(trial, {})[epoch] = Measured(trials[trial], rows)
    return found


def _read(
    results: Results, trials: Sequence[str], measurements: Sequence[str], when: pc.Expression
) -> dict[tuple[str, Any], dict[tuple[str, str], Rows]]:
    # Typed, as a list may be empty.
    of, named = (pa.array(each, pa.string()) for each in (trials, measurements))
    wanted = pc.field("measurement").isin(named) & pc.field("trial_id").isin(of) & when
    keys = ["trial_id", "epoch", "measurement", "metric"]
    table = results.table("measurements", [*keys, *Rows._fields], wanted).combine_chunks()
    code = combinations(table, keys)
    order = np.argsort(code, kind="stable")
    starts = np.flatnonzero(np.diff(code[order], prepend=-1))
    subject = np.asarray(table["subject"].to_pylist(), dtype=str)
    size, draw, value = (table[name].to_numpy() for name in Rows._fields[1:])
    rows = Rows(*(each[order] for each in (subject, size, draw, value.astype(float))))
    heads = (table[name].take(order[starts]).to_pylist() for name in keys)
    found: dict[tuple[str, Any], dict[tuple[str, str], Rows]] = {}
    for trial, epoch, *key, start, end in zip(*heads, starts, np.append(starts, len(order))[1:], strict=True):
        found.setdefault((trial, epoch), {})[*key] = Rows(*(each[start:end] for each in rows))
    return found


def _order(row: Row) -> tuple[Any, ...]:
    """Plain training first, and a sequential network before its parallel twin."""
    first, last = ("dataset", "network", "depth", "method", "drop_rate"), ("seed", "trial_id")
    return row["method"] != PLAIN, *(row[name] for name in first), -row["stages"], *(row[name] for name in last)
