"""Stores and tables of matched pairs, made from known figures."""

import datetime as dt
import hashlib
import itertools
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

import analysis
from analysis.figures import Rendered
from analysis.pairs import shared as shared_columns
from analysis.questions.equivalence.assessment import Assessment, assess_sample
from analysis.questions.equivalence.declared import Question
from analysis.questions.equivalence.sample import Sample
from sweep.ledger import Ledger, Margins, to_tables
from sweep.ledger.schema import plan_row
from sweep.result import Epoch, Measurement, Status, TrialResult
from sweep.trial import Trial
from tests.drawing import BLANK, unrendered

if TYPE_CHECKING:
    from analysis.questions.equivalence.findings import Findings
    from analysis.report.assemble import Report as Made

__all__ = ["unrendered"]

End = Callable[..., TrialResult]
MakeStore = Callable[..., Path]
MakePairs = Callable[..., pa.Table]
LesionRows = Callable[..., list[Measurement]]
TruncationRows = Callable[..., list[Measurement]]

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
    measurements: Iterable[Measurement] = (),
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
        measurements=tuple(measurements),
    )


@pytest.fixture(scope="session")
def lesion_rows() -> LesionRows:
    """What `lesions` measures on a network, from its errors; losses are twice the errors."""
    return _lesion_rows


def _lesion_rows(
    error: float,
    deleted: Sequence[float | None],
    changes_shape: Iterable[int] = (),
    some: Mapping[int, Sequence[float]] | None = None,
    reordered: Mapping[int, Sequence[tuple[float, float]]] | None = None,
) -> list[Measurement]:
    """Errors whole, after deleting each block, of draws by blocks deleted, and of draws (tau, error) by swaps."""
    rows = _scores("untreated", error)
    for block, after in enumerate(deleted):
        rows.append(Measurement("block", "changes_shape", float(block in changes_shape), str(block), block))
        rows += _scores("delete-one", after, str(block), 1)
    for size, errors in (some or {}).items():
        for draw, after in enumerate(errors):
            rows += _scores("delete-some", after, ",".join(map(str, range(size))), size, draw)
    for size, draws in (reordered or {}).items():
        for draw, (tau, after) in enumerate(draws):
            subject = ",".join(f"{swap}-{swap + 1}" for swap in range(size))
            rows += _scores("reorder", after, subject, size, draw)
            rows.append(Measurement("reorder", "kendall_tau", tau, subject, size, draw))
    return rows


def _scores(
    measurement: str, error: float | None, subject: str = "", size: int = 0, draw: int = 0
) -> list[Measurement]:
    loss = None if error is None else 2 * error
    return [
        Measurement(measurement, metric, value, subject, size, draw)
        for metric, value in (("error", error), ("loss", loss))
    ]


@pytest.fixture(scope="session")
def truncation_rows() -> TruncationRows:
    """What `truncation` measures, from losses by order as trained and fine-tuned; errors are a tenth of the losses."""
    return _truncation_rows


def _truncation_rows(
    losses: Mapping[int, float | None], finetuned: Mapping[int, float | None] | None = None
) -> list[Measurement]:
    return [
        Measurement(name, metric, value if value is None or metric == "loss" else value / 10, f"{order}", order)
        for name, found in (("truncate", losses), ("truncate-finetuned", finetuned or {}))
        for order, value in found.items()
        for metric in ("loss", "error")
    ]


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
    """The table that `Results.pairs` gives, put together row by row; a trial without a result is missing.

    It carries a question in the metric, by the default margins unless told.
    """
    return _make_pairs


def _make_pairs(ends: Iterable[TrialResult | Trial], metric: str = "val_loss", **question: Any) -> pa.Table:
    ends = list(ends)
    every = [(end, "missing") if isinstance(end, Trial) else (end.trial, end.status) for end in ends]
    values = {
        end.trial.trial_id: getattr(end.last, metric) for end in ends if isinstance(end, TrialResult) and end.last
    }
    twins: dict[str, list[tuple[Trial, str]]] = {}
    for each in every:
        twins.setdefault(each[0].pair_id, []).append(each)
    rows = [
        _pair(sequential, parallel, values)
        for sequential in every
        for parallel in twins[sequential[0].pair_id]
        if (sequential[0].architecture, parallel[0].architecture) in _CONTRASTS
    ]
    return Question(metric, **question).attach(pa.Table.from_pylist(rows, schema=_PAIRS))


def _pair(sequential: tuple[Trial, str], parallel: tuple[Trial, str], values: dict[str, float]) -> dict[str, Any]:
    sides = {"sequential": sequential, "parallel": parallel}
    found = {name: values.get(trial.trial_id) for name, (trial, _) in sides.items()}
    shared = plan_row(sequential[0])
    row = {name: shared[name] for name in ("pair_id", *shared_columns())}
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
    names = {name: kinds[type(shared[name])] for name in shared_columns()}
    sides = {
        f"{side}_{name}": kind
        for name, kind in (("stages", pa.int64()), ("id", pa.string()), ("status", pa.string()))
        for side in ("sequential", "parallel")
    }
    numbers = dict.fromkeys(("sequential", "parallel", "difference", "ratio"), pa.float64())
    return pa.schema({"pair_id": pa.string(), "contrast": pa.string(), **names, **sides, **numbers})


_PAIRS = _pairs_schema()
_MARGINS = Margins(0.10)


@dataclass(frozen=True)
class Report:
    """A report that was written once, of a store with everything that a report can show; not to be written into."""

    store: Path
    findings: "Findings"
    made: "Made"
    folder: Path


DRAWN = Rendered(BLANK, b"png")
_VOID = {"meta", "link", "br", "path", "rect", "use"}


class _Words(HTMLParser):
    """What a page says, without figures; fails where elements do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.said: list[str] = []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "svg"} & set(self.open):
            self.said.append(data)


@pytest.fixture(scope="session")
def words() -> Callable[[Path], str]:
    """What the page in a report's folder says, figures aside; fails where its elements do not nest."""
    return lambda folder: " ".join(" ".join(_Words((folder / "report.html").read_text(encoding="utf-8")).said).split())


@pytest.fixture(scope="session")
def numbers() -> Callable[[Path], dict[str, Any]]:
    """The JSON in a report's folder, read strictly."""
    return lambda folder: json.loads(
        (folder / "numbers.json").read_text(), parse_constant=lambda name: pytest.fail(name)
    )


@pytest.fixture(scope="session")
def files() -> Callable[[Path], dict[str, bytes]]:
    """Every file in a folder."""
    return lambda folder: {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory, make_store: MakeStore) -> Report:
    """The report on two data sets, mixed networks, and some trials that diverged, failed or are missing."""
    from analysis.questions.equivalence.findings import find
    from analysis.report.assemble import make_report
    from analysis.report.write import write_report

    trials = [*_study(), *_study(architecture=["mixed"], depth=[8], stages=[2, 4])]
    results = [_realistic(each) for each in trials[:-5]]
    store = make_store(results, trials, folder=tmp_path_factory.mktemp("realistic") / "a store")
    results = analysis.open(store)
    made = make_report(results)
    return Report(store, find(results), made, write_report(made, tmp_path_factory.mktemp("written") / "report").parent)


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


def _sample(
    sequential: np.ndarray,
    parallel: np.ndarray,
    metric: str = "val_loss",
    chance: float = math.log(10),
    crossed: bool = False,
) -> Sample:
    """A sample of values of (configurations, seeds)."""
    configurations, seeds = sequential.shape
    status = np.full(configurations * seeds, "finished", dtype="<U9")
    label = np.repeat(np.arange(configurations), seeds)
    return Sample(
        metric,
        sequential.ravel().astype(float),
        parallel.ravel().astype(float),
        label,
        status,
        status.copy(),
        np.ones(len(label)),
        np.tile(np.arange(seeds), configurations),
        np.full(len(label), chance),
        crossed,
    )


def _ended(of: Sample, sequential: dict[int, str] | None = None, parallel: dict[int, str] | None = None) -> Sample:
    """The same, but some sides, by the number of the pair, without a value and of another status."""
    sides: dict[str, np.ndarray] = {}
    for name, changes in (("sequential", sequential or {}), ("parallel", parallel or {})):
        values, status = getattr(of, name).copy(), getattr(of, f"{name}_status").copy()
        for place, kind in changes.items():
            values[place], status[place] = np.nan, kind
        sides |= {name: values, f"{name}_status": status}
    return replace(of, **sides)


def _made(
    shift: float,
    spread: float = 0.01,
    noise: float = 0.01,
    n: int = 24,
    seeds: int = 3,
    seed: int = 0,
    crossed: bool = False,
) -> Sample:
    """Losses well below chance whose log ratios have a known mean, and a spread among configurations and seeds."""
    rng = np.random.default_rng(seed)
    level = math.log(0.5) + 0.3 * rng.normal(size=(n, 1))
    ratio = rng.normal(size=(n, 1))
    ratio = shift + (spread * (ratio - ratio.mean()) / ratio.std() if n > 1 else 0)
    jitter = noise * rng.normal(size=(2, n, seeds))
    jitter -= jitter.mean(axis=(1, 2), keepdims=True)
    return _sample(np.exp(level + jitter[0]), np.exp(level + ratio + jitter[1]), crossed=crossed)


@pytest.fixture(scope="session")
def sample() -> Callable[..., Sample]:
    """A sample of values of (configurations, seeds)."""
    return _sample


@pytest.fixture(scope="session")
def ended() -> Callable[..., Sample]:
    """A sample of which some sides, by the number of the pair, have no value and another status."""
    return _ended


@pytest.fixture(scope="session")
def made() -> Callable[..., Sample]:
    """A sample of losses whose log ratios have a known mean, and a spread among configurations and seeds."""
    return _made


@pytest.fixture(scope="session")
def judged() -> Callable[..., Assessment]:
    """The assessment of a sample at a look, by margins of 10 % unless told; `question` is what else it says."""

    def of(each: Sample, margins: Margins = _MARGINS, look: int = 1, **question: Any) -> Assessment:
        return assess_sample(each, Question(each.metric, margins, **question), look)

    return of


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], str]:
    """Sets the day on which sweeps are declared and results are published."""

    def set_day(day: int) -> str:
        now = SimpleNamespace(now=lambda zone: dt.datetime(2026, 1, day, 12, tzinfo=zone))
        for module in ("planned", "schema"):
            monkeypatch.setattr(f"sweep.ledger.{module}.dt", SimpleNamespace(datetime=now, UTC=dt.UTC))
        return f"2026-01-{day:02}T12:00:00+00:00"

    return set_day
