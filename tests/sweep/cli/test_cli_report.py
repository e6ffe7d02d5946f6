"""`sweep report`, and the report at the end of `sweep run`."""

import json
import sys
from pathlib import Path

import pytest

from analysis.report.write import Written
from sweep.cli.report import print_written, report_folder, tracking_of
from sweep.ledger import Ledger, to_tables
from sweep.planning import Plan
from sweep.result import Epoch, Measurement, TrialResult
from sweep.tracking import tracking_uri
from sweep.trial import Trial

pytestmark = pytest.mark.usefixtures("unrendered")

STUDY = """
study: tiny
factors:
  dataset: [digits]
  depth: [1, 2, 4]
  filters: [1, 2]
  seed: [0, 1]
  architecture: [sequential, parallel]
  epochs: [1]
"""
# As an attribute of its package, the name is the command's.
MODULE = sys.modules["sweep.cli.report"]
LOCAL = ("--executor", "local", "--no-track")


@pytest.fixture
def study(tmp_path: Path) -> str:
    path = tmp_path / "tiny.yaml"
    path.write_text(STUDY)
    return str(path)


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str, Path]]:
    """Store, address, study and folder of every report that MLflow got."""
    calls: list[tuple[str, str, str, Path]] = []

    def log(ledger: Ledger, uri: str, study: str, folder: Path, numbers: dict[str, float]) -> None:
        assert numbers["control_failed"] in (0, 1)
        assert (folder / "report.html").exists()
        calls.append((ledger.uri, uri, study, folder))

    monkeypatch.setattr(MODULE, "log_report", log)
    return calls


def test_a_report_goes_into_its_store_by_study(call, fill, capsys):
    store = fill()
    assert call("report", "--store", str(store)) == 0
    page = store / "report" / "small" / "report.html"
    printed = capsys.readouterr().out
    assert printed.startswith("Equivalence: No verdict: too few pairs: a verdict takes 48 pairs more than")
    assert printed.endswith(f".\nReport: {page}\n")
    assert ".." not in printed
    assert "study small" in page.read_text(encoding="utf-8")


def test_a_report_of_several_stores_goes_into_the_working_folder(call, fill, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    stores = [str(fill("one", seeds=(0, 1))), str(fill("two", seeds=(1, 2)))]
    assert call("report", "--store", stores[0], "--store", stores[1]) == 0
    assert capsys.readouterr().out.endswith(f"Report: {Path('report', 'small', 'report.html')}\n")
    found = json.loads(Path("report", "small", "numbers.json").read_text())
    assert found["stores"] == stores
    (answer,) = found["parts"]["equivalence"]["answers"]["val_loss"].values()
    assert answer["counts"]["pairs"] == 2 * 2 * 3


@pytest.mark.parametrize("option", ["-o", "--output"])
def test_output_names_the_folder_of_a_report(call, fill, option, tmp_path, capsys):
    store, place = fill(), tmp_path / "some" / "where"
    assert call("report", "small", "--store", str(store), option, str(place)) == 0
    assert str(place / "report.html") in capsys.readouterr().out
    assert (place / "numbers.json").exists()
    assert not (store / "report").exists()


def test_with_several_studies_the_user_must_name_one(call, fill, capsys):
    store = fill()
    fill(study="other")
    assert call("report", "--store", str(store)) == 2
    assert capsys.readouterr().err == (
        "sweep: the results are of other, small; name one, such as `sweep report other`\n"
    )
    assert call("report", "other", "--store", str(store)) == 0
    assert [path.name for path in (store / "report").iterdir()] == ["other"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["smal"], "there are no results of 'smal', but of small"),
        (["-o", "{store}"], "holds something other than a report"),
        (["-o", "{store}/store.json/under"], "cannot be written to"),
        (["-o", "."], "is the working folder"),
        (["--store", "nowhere"], "no store at nowhere"),
    ],
)
def test_wrong_input_is_one_sentence_and_changes_nothing(
    call, fill, arguments, sentence, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    store = fill()
    before = sorted(tmp_path.rglob("*"))
    assert call("report", *(each.format(store=store) for each in arguments), "--store", str(store)) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert sentence in printed.err
    assert sorted(tmp_path.rglob("*")) == before


def test_without_a_deeper_pair_there_is_nothing_to_report(call, fill, capsys):
    store = fill(depths=(1,))
    assert call("report", "--store", str(store)) == 2
    assert "'small' has no matched pair deeper than one block" in capsys.readouterr().err
    assert not (store / "report").exists()


def test_a_failed_control_is_exit_code_1_with_a_warning(call, fill, capsys):
    store = fill(control=1.2)
    assert call("report", "--store", str(store)) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("Equivalence: No verdict: the control fails: ")
    assert printed.err == "a control fails: do not trust these results\n"
    page = (store / "report" / "small" / "report.html").read_text(encoding="utf-8")
    assert "These results are not to be trusted." in page


def test_a_report_is_kept_with_the_runs_of_its_store(call, fill, logged):
    store = fill()
    assert call("report", "--store", str(store)) == 0
    default = tracking_uri(Ledger.open(store), None)
    assert call("report", "--store", str(store), "--tracking", "http://tracking") == 0
    folder = store / "report" / "small"
    assert logged == [(str(store), uri, "small", folder) for uri in (default, "http://tracking")]


def test_a_report_is_kept_nowhere_without_tracking_or_of_several_stores(call, fill, logged, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stores = [str(fill("one")), str(fill("two"))]
    assert call("report", "--store", stores[0], "--no-track") == 0
    assert call("report", "--store", stores[0], "--store", stores[1]) == 0
    assert not logged


def test_a_fault_of_mlflow_is_printed_and_costs_nothing(call, fill, monkeypatch, capsys):
    store = fill()
    monkeypatch.setattr(MODULE, "log_report", lambda *_: "it is down")
    assert call("report", "--store", str(store), "--tracking", "http://user:secret@host") == 0
    printed = capsys.readouterr()
    assert printed.err == "MLflow at http://…@host did not take the report: it is down\n"
    assert (store / "report" / "small" / "report.html").exists()


def test_an_object_stores_report_goes_into_the_working_folder(monkeypatch):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    uri = "s3://bucket/prefix?region=us-east-1"
    assert report_folder([uri], "quick") == Path("report/quick")
    assert tracking_of([uri], None) is None
    assert tracking_of([uri], "http://tracking") == "http://tracking"


# At the end of `sweep run`.


def test_a_run_writes_the_report_once_for_the_same_results(call, study, tmp_path, capsys):
    store, page = tmp_path / "store", tmp_path / "store" / "report" / "tiny" / "report.html"
    run = ("run", study, "--store", str(store), *LOCAL, "--engine", "null")
    assert call(*run, "--where", "depth < 4") == 0
    assert f"Report: {page}\n" in capsys.readouterr().out
    first = page.stat()
    assert call(*run, "--where", "depth < 4") == 0
    assert f"Report: {page}\n" in capsys.readouterr().out
    assert (page.stat().st_mtime_ns, page.stat().st_ino) == (first.st_mtime_ns, first.st_ino)
    assert call(*run) == 0
    assert page.stat().st_ino != first.st_ino
    assert json.loads(page.with_name("numbers.json").read_text())["trials"]["finished"] == 24


def test_a_deleted_report_is_written_again(call, study, tmp_path):
    page = tmp_path / "store" / "report" / "tiny" / "report.html"
    run = ("run", study, "--store", str(tmp_path / "store"), *LOCAL, "--engine", "null")
    assert call(*run) == 0
    page.unlink()
    assert call(*run) == 0
    assert page.exists()


def test_a_run_without_a_report_writes_none(call, study, tmp_path, capsys):
    store = tmp_path / "store"
    assert call("run", study, "--store", str(store), *LOCAL, "--engine", "null", "--no-report") == 0
    assert "Report" not in capsys.readouterr().out
    assert not (store / "report").exists()


def test_a_run_with_nothing_to_report_does_not_mention_one(call, study, tmp_path, capsys):
    store = tmp_path / "store"
    assert call("run", study, "--store", str(store), *LOCAL, "--engine", "null", "--where", "depth == 1") == 0
    assert "eport" not in capsys.readouterr().out
    assert not (store / "report").exists()


@pytest.mark.parametrize(
    ("part", "what"), [("analysis.report.assemble.make_report", "report"), ("sweep.cli.answer.print_answer", "answer")]
)
def test_an_error_that_nobody_expected_of_the_report_is_one_sentence(
    call, study, tmp_path, capsys, monkeypatch, part, what
):
    def fail(*_: object) -> None:
        raise KeyError("page.css\nis missing")

    monkeypatch.setattr(part, fail)
    assert call("run", study, "--store", str(tmp_path / "store"), *LOCAL, "--engine", "null") == 0
    printed = capsys.readouterr()
    said = next(line for line in printed.out.splitlines() if line.startswith(f"There is no {what}: "))
    assert "KeyError: " in said
    assert "every result is in the store, and `sweep report` tries again" in said
    assert "Traceback" not in printed.out + printed.err


def test_a_run_ends_well_even_if_its_report_cannot_be_written(call, study, tmp_path, capsys):
    store = tmp_path / "store"
    store.mkdir()
    (store / "report").touch()
    assert call("run", study, "--store", str(store), *LOCAL, "--engine", "null") == 0
    printed = capsys.readouterr()
    assert "There is no report: the report cannot be written to" in printed.out
    assert "Look further:" in printed.out
    assert printed.err.count("sweep:") == 0


def test_a_run_whose_control_fails_is_exit_code_1(call, study, tmp_path, capsys, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    store = tmp_path / "store"
    assert call("run", study, "--store", str(store), *LOCAL, "--engine", "unequal_engine:train") == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "The control fails: 4 of 4 depth-1 pairs differ by more than rounding" in printed
    assert "Do not trust these results." in printed
    verdicts = json.loads((store / "report" / "tiny" / "numbers.json").read_text())["verdicts"]
    assert verdicts["equivalence"].startswith("No verdict: the control fails")
    # Again, with nothing left to train.
    assert call("run", study, "--store", str(store), *LOCAL, "--engine", "unequal_engine:train") == 1


# Of studies without pairs.


@pytest.fixture
def lesioned(tmp_path: Path) -> Path:
    """A store with two lesioned networks that are no pair."""
    ledger = Ledger.create(tmp_path / "lesioned")
    trials = [Trial("cuts", dataset="digits", network="vgg", depth=5, seed=seed, measure="lesions") for seed in (0, 1)]
    plan = Plan.of("cuts", trials)
    ledger.record_sweep(plan.sweep_id, plan.study, plan.trials, plan.margins)
    rows = (
        Measurement("untreated", "error", 0.1),
        *(Measurement("delete-one", "error", 0.8 + block / 100, str(block), 1) for block in range(3)),
    )
    epoch = Epoch(1, 0.5, 0.9, 0.5, 0.9, 1.0, 0.5)
    ledger.publish(to_tables([TrialResult(each, "finished", (epoch,), measurements=rows) for each in plan.trials]))
    return tmp_path / "lesioned"


def test_a_study_of_lesions_alone_has_a_report(call, lesioned, capsys):
    assert call("report", "--store", str(lesioned), "--no-track") == 0
    page = lesioned / "report" / "cuts" / "report.html"
    said = "deleting one block raises the error of VGG-5 by a median of 71.0 points"
    assert capsys.readouterr().out == f"Lesions: {said}.\nReport: {page}\n"
    assert json.loads(page.with_name("numbers.json").read_text())["verdicts"] == {"lesions": said}


def test_a_run_of_a_plan_without_pairs_ends_with_the_answer_of_its_report(call, lesioned, tmp_path, capsys):
    path = tmp_path / "cuts.yaml"
    path.write_text(
        "study: cuts\nfactors: {dataset: [digits], network: [vgg], depth: [5], seed: [0, 1], measure: [lesions]}\n"
    )
    run = ("run", str(path), "--store", str(lesioned), *LOCAL, "--engine", "null")
    for _ in range(2):
        assert call(*run) == 0
        printed = " ".join(capsys.readouterr().out.split())
        assert "0 missing. Lesions: deleting one block raises the error of VGG-5 by a median of 71.0 points." in printed
        assert "Report: " in printed
        assert "Parallel against sequential" not in printed


def test_a_report_of_several_parts_has_one_line_per_part(capsys):
    print_written(Written("report.html", {"lesions": "it hurts", "equivalence": "Undecided."}, False))
    printed = capsys.readouterr()
    assert printed.out == "Lesions: it hurts.\nEquivalence: Undecided.\nReport: report.html\n"
    assert printed.err == "a control fails: do not trust these results\n"
