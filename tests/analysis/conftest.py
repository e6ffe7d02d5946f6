"""Stores and tables of matched pairs, made from known figures."""

import hashlib
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

import analysis
from analysis.pairs import SHARED
from sweep.engine import Epoch, Status, TrialResult
from sweep.ledger import Ledger, Margins, to_tables
from sweep.ledger.schema import plan_row
from sweep.trial import Trial

if TYPE_CHECKING:
    from analysis.report import Findings

End = Callable[..., TrialResult]
MakeStore = Callable[..., Path]
MakePairs = Callable[..., pa.Table]

_CONTRASTS = {("sequential", "parallel"), ("sequential", "mixed"), ("mixed", "parallel")}


@pytest.fixture(scope="session")
def end() -> End:
    """The result of a trial from its losses: finished, or what `status` says, after one epoch or `epochs`."""
    return _end


def _end(
    trial: Trial,
    val_loss: float = 1.0,
    train_loss: float = 0.5,
    *,
    status: Status = "finished",
    epochs: int = 1,
    seconds: float = 1.0,
    device: str = "cpu",
    accuracy: float = 0.5,
) -> TrialResult:
    curve = tuple(
        Epoch(number, train_loss * rest, accuracy, val_loss * rest, accuracy / rest, 2.0, seconds / epochs)
        for number in range(1, epochs + 1)
        for rest in (epochs / number,)
    )
    return TrialResult(
        trial,
        status,
        curve if status != "failed" else (),
        diverged_epoch=epochs if status == "diverged" else None,
        error="it burst" if status == "failed" else None,
        seconds=seconds,
        fused_with=1,
        device=device,
    )


@pytest.fixture(scope="session")
def make_store(tmp_path_factory: pytest.TempPathFactory) -> MakeStore:
    """A store of results in packs; `planned` are the trials of its one sweep, done or not, with `margins`."""

    def make(
        results: Iterable[TrialResult],
        planned: Sequence[Trial] = (),
        margins: Margins | None = None,
        pack: int = 24,
        folder: Path | None = None,
    ) -> Path:
        ledger = Ledger.create(folder or tmp_path_factory.mktemp("stores") / "store")
        if planned:
            identity = hashlib.sha256("".join(trial.trial_id for trial in planned).encode()).hexdigest()[:20]
            ledger.record_sweep(identity, planned[0].study, planned, margins)
        every = list(results)
        for start in range(0, len(every), pack):
            assert ledger.publish(to_tables(every[start : start + pack]))
        return Path(ledger.uri)

    return make


@pytest.fixture(scope="session")
def make_pairs() -> MakePairs:
    """The table that `Results.pairs` gives, put together row by row; a trial without a result is missing."""
    return _make_pairs


def _make_pairs(ends: Iterable[TrialResult | Trial], metric: str = "val_loss") -> pa.Table:
    every = [(end, "missing") if isinstance(end, Trial) else (end.trial, end.status) for end in ends]
    values = {
        end.trial.trial_id: getattr(end.last, metric) for end in ends if isinstance(end, TrialResult) and end.last
    }
    rows = [
        _pair(sequential, parallel, values)
        for sequential in every
        for parallel in every
        if (sequential[0].architecture, parallel[0].architecture) in _CONTRASTS
        and sequential[0].pair_id == parallel[0].pair_id
    ]
    return pa.Table.from_pylist(rows, schema=_PAIRS)


def _pair(sequential: tuple[Trial, str], parallel: tuple[Trial, str], values: dict[str, float]) -> dict[str, Any]:
    sides = {"sequential": sequential, "parallel": parallel}
    found = {name: values.get(trial.trial_id) for name, (trial, _) in sides.items()}
    shared = plan_row(sequential[0])
    row = {name: shared[name] for name in ("pair_id", *SHARED)}
    row["contrast"] = f"{parallel[0].architecture}/{sequential[0].architecture}"
    for name, (trial, status) in sides.items():
        row |= {f"{name}_stages": trial.stages, f"{name}_id": trial.trial_id, f"{name}_status": status}
    difference, ratio = None, None
    if (first := found["sequential"]) is not None and (second := found["parallel"]) is not None:
        difference, ratio = second - first, second / first if first else None
    return {**row, **found, "difference": difference, "ratio": ratio}


def _pairs_schema() -> pa.Schema:
    shared = plan_row(Trial("test"))
    kinds = {str: pa.string(), int: pa.int64(), float: pa.float64()}
    names = {name: kinds[type(shared[name])] for name in SHARED}
    sides = {
        f"{side}_{name}": kind
        for name, kind in (("stages", pa.int64()), ("id", pa.string()), ("status", pa.string()))
        for side in ("sequential", "parallel")
    }
    numbers = dict.fromkeys(("sequential", "parallel", "difference", "ratio"), pa.float64())
    return pa.schema({"pair_id": pa.string(), "contrast": pa.string(), **names, **sides, **numbers})


_PAIRS = _pairs_schema()


@dataclass(frozen=True)
class Report:
    """A report that was written once, of a store with everything that a report can show; not to be written into."""

    store: Path
    findings: "Findings"
    folder: Path


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory, make_store: MakeStore) -> Report:
    """The report on two data sets, mixed networks, and some trials that diverged, failed or are missing."""
    from analysis.report import find, write_report

    trials = [*_study(), *_study(architecture=["mixed"], depth=[8], stages=[2, 4])]
    results = [_realistic(each) for each in trials[:-5]]
    store = make_store(results, trials, folder=tmp_path_factory.mktemp("realistic") / "a store")
    findings = find(analysis.open(store))
    return Report(store, findings, write_report(findings, tmp_path_factory.mktemp("written") / "report").parent)


def _study(**levels: Sequence[Any]) -> list[Trial]:
    names: dict[str, Sequence[Any]] = {
        "dataset": ["mnist", "cifar10"],
        "depth": [1, 2, 8],
        "filters": [2, 8],
        "kernel_size": [1, 3],
        "activation": ["relu", "tanh"],
        "seed": [0, 1, 2],
        "architecture": ["sequential", "parallel"],
        **levels,
    }
    same: dict[str, Any] = {"study": "realistic", "train_samples": 2000, "val_samples": 2000, "epochs": 3}
    return [Trial(**same, **dict(zip(names, each, strict=True))) for each in itertools.product(*names.values())]


def _realistic(trial: Trial) -> TrialResult:
    """Parallel is ahead where networks are deep and narrow; a few sequential ones diverge, one fails."""
    own, pair = (np.random.default_rng(int(name[:12], 16)) for name in (trial.trial_id, trial.pair_id))
    level = {"mnist": 0.3, "cifar10": 1.5}[trial.dataset] * math.exp(0.2 * pair.normal())
    effect = (0.04 - 0.01 * trial.depth) * (trial.architecture != "sequential") * (trial.filters == 2)
    loss = level if trial.depth == 1 else level * math.exp(effect + 0.03 * own.normal())
    wide = trial.depth == 8 and trial.filters == 8 and trial.architecture == "sequential"
    ends: dict[int, Status] = {0: "diverged", 1: "failed"} if wide and trial.activation == "relu" else {}
    return _end(
        trial,
        loss,
        0.8 * loss * math.exp(0.02 * own.normal() * (trial.depth > 1)),
        status=ends.get(trial.seed, "finished") if trial.kernel_size == 3 else "finished",
        epochs=3,
        seconds=trial.depth * (1.0 + 0.2 * own.random()) / (1 if trial.architecture == "sequential" else 2),
        accuracy=math.exp(-loss),
    )
