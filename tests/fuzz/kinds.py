"""Cases of each kind of input: one is made from a random generator, and ends in an answer or in one sentence."""

import contextlib
import hashlib
import io
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import analysis
from sweep.cli import main
from sweep.data import import_folder, load
from sweep.data.cache import cache_file
from sweep.data.formats.cifar_batches import read_binary, read_pickle
from sweep.data.formats.idx import read_idx
from sweep.errors import SweepError
from sweep.expression import Expression
from sweep.ledger import Ledger, to_tables
from sweep.planning import Plan, make_plan
from sweep.result import Epoch, Measurement, TrialResult
from sweep.study import Study
from sweep.studyfile import find_study
from sweep.trial import FACTORS, Trial
from tests.fuzz.texts import expression, options, override, study_text

_LONGEST = 1500
"""Characters of a sentence, most of which list what is known."""


@dataclass(frozen=True)
class Place:
    """What cases share: a folder to write to, a small store, and the cache of data sets."""

    folder: Path
    store: Path
    rows: frozenset[tuple[Any, ...]]
    cache: Path


def prepare(folder: Path) -> Place:
    """The parts that every case needs, in a folder."""
    ledger = Ledger.create(folder / "store")
    trials = [Trial("fuzzed", dataset="digits", depth=depth, seed=seed) for depth in (1, 2) for seed in range(3)]
    plan = Plan.of("fuzzed", trials)
    ledger.record_sweep(plan.sweep_id, plan.study, plan.trials, plan.margins)
    for part in (trials[:3], trials[3:]):
        ledger.publish(to_tables([_result(trial) for trial in part]))
    # Of all data sets only this one needs no download.
    load("digits")
    (folder / "cache").mkdir()
    shutil.copy(cache_file("digits"), folder / "cache")
    return Place(folder, folder / "store", frozenset(_rows(folder / "store")), folder / "cache")


def _result(trial: Trial) -> TrialResult:
    epochs = tuple(Epoch(number, 1 / number, 0.5, trial.seed + 0.25, 0.5, 1.0, 0.1) for number in (1, 2))
    rows = (Measurement("deletion", "val_loss", 1.5, "0", 1), Measurement("deletion", "val_loss", None, "1", 1))
    return TrialResult(trial, "finished", epochs, seconds=1.0, fused_with=1, device="cpu", measurements=rows)


def study_file(draw: random.Random, place: Place) -> None:
    """A study file, valid or not, is planned or refused."""
    suffix = draw.choice((".yaml", ".toml"))
    path = place.folder / f"study{suffix}"
    content = study_text(draw, suffix)
    path.write_bytes(content)
    with _one_sentence():
        make_plan(find_study(str(path)), limit=2)
    assert path.read_bytes() == content


def condition(draw: random.Random, place: Place) -> None:
    """An expression is true, false or refused."""
    with _one_sentence():
        assert isinstance(Expression(expression(draw), FACTORS)(Trial("s").as_dict()), bool)


def overriding(draw: random.Random, place: Place) -> None:
    """An override of a built-in study is taken or refused."""
    space = Study("s", {"dataset": ["digits"], "depth": [1, 2]}, arms={"a": {"seed": [0]}, "b": {"filters": [1, 2]}})
    texts = [override(draw) for _ in range(draw.choice((1, 1, 2)))]
    with _one_sentence():
        make_plan(space, overrides=texts, limit=2)


def command_line(draw: random.Random, place: Place) -> None:
    """`sweep plan` with any options exits with 0, or with 2 and one line."""
    words = ["plan", "quick", "--no-calibrate", "--json", "--store", str(place.folder / "absent"), *options(draw)]
    out, err = io.StringIO(), io.StringIO()
    code: object = None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(words)
        except SystemExit as ended:
            code = ended.code
    assert code in (0, 2), words
    assert err.getvalue().count("\n") == (1 if code else 0), (words, err.getvalue())
    assert not (place.folder / "absent").exists()


def store(draw: random.Random, place: Place) -> None:
    """A damaged store shows nothing but what it held, and reading it changes nothing."""
    copy = place.folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(place.store, copy)
    for _ in range(draw.choice((1, 1, 1, 2, 5))):
        _damage(draw, copy)
    before = _digests(copy)
    with _one_sentence():
        ledger = Ledger.open(copy)
        for plan in ledger.plans().readable.values():
            assert plan.study == "fuzzed"
    with _one_sentence():
        assert _rows(copy) <= place.rows
    for query in ("select count(*) from curves", "select * from pairs", "select count(*) from plan"):
        with _one_sentence():
            analysis.open(copy).sql(query)
    assert _digests(copy) == before


def cache(draw: random.Random, place: Place) -> None:
    """A damaged file of the cache is the published data set or refused, and stays as it is."""
    copy = place.folder / "cached"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(place.cache, copy)
    _damage(draw, copy)
    before = _digests(copy)
    if (copy / "digits.arrow").exists():  # else it is fetched
        with _one_sentence():
            load("digits", copy)
        assert _digests(copy) == before


_RAW = {
    "t10k-labels-idx1-ubyte": bytes.fromhex("00000801") + (3).to_bytes(4) + b"abc",
    "t10k-labels-idx1-ubyte.gz": bytes.fromhex("1f8b0800000000000203636064e460606062644a4c4a06003fa8c9dd0b000000"),
    "data_batch_1": b"\x80\x04}\x94(\x8c\x04data\x94C\x03abc\x94\x8c\x06labels\x94]\x94(K\x01K\x02eu.",
    "data_batch_1.bin": b"abc",
}


def data_file(draw: random.Random, place: Place) -> None:
    """A file of a data set is read or refused, alone and in a folder."""
    folder = place.folder / "files"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    name, content = draw.choice(list(_RAW.items()))
    path = folder / name
    path.write_bytes(content)
    _damage(draw, folder)
    reads: list[Callable[[Path], object]] = [lambda path: read_idx(path, (3,)), read_pickle, read_binary]
    if path.is_file():
        for read in reads:
            with _one_sentence():
                read(path)
    before = _digests(folder)
    for data_set in ("mnist", "cifar10"):
        with _one_sentence():
            import_folder(data_set, folder)
            raise AssertionError("no such folder holds a data set")
    assert _digests(folder) == before


Case = Callable[[random.Random, Place], None]

KINDS: dict[str, tuple[Case, int]] = {
    "study files": (study_file, 320),
    "expressions": (condition, 300),
    "overrides": (overriding, 150),
    "command lines": (command_line, 40),
    "stores": (store, 40),
    "caches": (cache, 100),
    "data files": (data_file, 50),
}
"""Each kind of case, and how many of it belong to a thousand."""


def run_case(kind: str, seed: int, number: int, place: Place) -> None:
    """One case; the same in every process."""
    case, _ = KINDS[kind]
    try:
        case(random.Random(f"{kind} {seed} {number}"), place)
    except Exception as error:
        error.add_note(f"case {number} of {kind}; try it again with: make fuzz SEED={seed}")
        raise


@contextlib.contextmanager
def _one_sentence():
    """Let a SweepError of one clear line pass as an answer."""
    try:
        yield
    except SweepError as error:
        said = str(error)
        assert said.strip(), "an empty sentence"
        assert "\n" not in said, said
        assert len(said) <= _LONGEST, said


def _rows(folder: Path) -> set[tuple[Any, ...]]:
    columns = analysis.open(folder).trials.select(["trial_id", "status", "val_loss", "depth", "seed"])
    return set(zip(*(column.to_pylist() for column in columns.columns), strict=True))


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))
    }


def _damage(draw: random.Random, folder: Path) -> None:
    """Change one thing below a folder, as disks, copies and people do."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        return
    path = draw.choice(files)
    content = bytearray(path.read_bytes())
    at = draw.randrange(len(content) + 1)
    match draw.randrange(9):
        case 0:
            path.unlink()
        case 1:
            path.write_bytes(content[:at])
        case 2:
            content[at : at + draw.randrange(1, 9)] = draw.randbytes(draw.randrange(9))
            path.write_bytes(content)
        case 3:
            content[at : at + 512] = bytes(len(content[at : at + 512]))
            path.write_bytes(content)
        case 4:
            path.write_bytes(content + draw.randbytes(4))
        case 5:
            # Another file under this name.
            shutil.copyfile(draw.choice(files), folder / "taken")
            (folder / "taken").replace(path)
        case 6:
            shutil.copyfile(path, path.with_name(draw.choice((".DS_Store", f"{path.name}~", "x", ".nfs01", "ü"))))
        case 7:
            path.unlink()
            path.mkdir()
        case _:
            for _ in range(draw.randrange(1, 4)):
                if content:
                    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
            path.write_bytes(content)
