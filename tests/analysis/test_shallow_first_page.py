"""The part on trainings by epoch: its answer, claims, tables and figures, and odd stores."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from analysis.claims import Outcome
from analysis.figures.style import Palette
from analysis.plain import plain
from analysis.questions.shallow_first.claims import FIRST, GROWS, SHALLOWER
from analysis.questions.shallow_first.view import answer
from analysis.report.assemble import Report, make_report
from analysis.report.content import Part
from analysis.report.page import page_html
from analysis.results import Results
from analysis.study import trial_states
from models.kinds.resnet import PreActivationResNet
from sweep.result import TrialResult
from sweep.trial import Trial
from tests.analysis.synthetic_measurements import (
    STUDY,
    ended,
    in_training,
    opened,
    path_rows,
    subnetwork_rows,
    truncated_rows,
)
from tests.analysis.synthetic_trainings import resnet, stack, trained

pytestmark = pytest.mark.usefixtures("unrendered")


def made(results: Results) -> Part:
    part = answer(results, STUDY, Palette())
    assert part is not None
    return part


def page(results: Results, part: Part) -> str:
    return " ".join(page_html(Report(STUDY, "", (), trial_states(results, STUDY), (part,))).split())


def outcomes(part: Part) -> dict[str, Outcome]:
    return {claim.claim: claim.outcome for claim in part.claims}


def store(folder: Path, trials: Iterable[TrialResult], planned: Iterable[Trial] = ()) -> Results:
    return opened(folder, list(trials), list(planned))


def test_the_answer_has_the_epochs_that_decide_and_their_order(tmp_path: Path) -> None:
    results = store(tmp_path, [trained(make(seed)) for seed in range(3) for make in (resnet, stack)])
    part = made(results)
    assert part.title == "Do shallow subnetworks learn first?"
    assert part.lead.verdict.startswith("Yes: in pre-activation ResNet-20 subnetworks of 0 blocks reach 90 % of what ")
    assert "(Kendall's tau +1.00)" in part.lead.verdict
    assert "Kendall's tau +1.00 [+1.00, +1.00] over 5 sizes, shuffled within ±0.80" in part.claims[0].because
    assert "the effective length of paths in pre-activation ResNet-20 goes from 2.5 blocks at epoch 2 to" in (
        part.lead.verdict
    )
    assert part.lead.tone == "good"
    assert outcomes(part) == {FIRST: Outcome.HOLDS, GROWS: Outcome.HOLDS}
    said = page(results, part)
    assert "Low order first" in said
    assert "In stack of 8, sequential the terms up to order 1 explain" in said
    assert "Of 6 trials 6 finished" in said
    assert not {"nan", "None"} & set(said.replace("<", " ").replace(">", " ").split())
    assert json.dumps(plain({"numbers": dict(part.numbers)}), allow_nan=False)
    assert part.trials == 6


def test_the_part_leads_a_study_of_trainings_by_epoch(tmp_path: Path) -> None:
    report = make_report(store(tmp_path, [trained(resnet(seed)) for seed in range(2)]), STUDY)
    assert [part.name for part in report.parts] == ["shallow-first", "paths"]


@pytest.mark.parametrize(
    ("later", "outcome", "begins"),
    [
        (1.0, Outcome.HOLDS, "Yes: "),
        (-1.0, Outcome.CONTRADICTED, "No, they learn last: "),
        (0.0, Outcome.OPEN, "Not decided: "),
    ],
)
def test_the_claim_goes_by_the_order_of_sizes(tmp_path: Path, later: float, outcome: Outcome, begins: str) -> None:
    part = made(store(tmp_path, [trained(resnet(seed), later) for seed in range(3)]))
    assert outcomes(part)[FIRST] is outcome
    assert part.lead.verdict.startswith(begins)


def test_paths_alone_answer_by_their_lengths(tmp_path: Path) -> None:
    part = made(store(tmp_path, [trained(resnet(seed, measure="paths"), grows=-0.2) for seed in range(3)]))
    assert outcomes(part) == {GROWS: Outcome.CONTRADICTED}
    assert part.lead.verdict.startswith("Not by the paths that carry the gradient: the effective length of paths in")
    assert [picture.name for picture in part.pictures] == ["lengths-by-epoch", "path-contributions"]


def test_subnetworks_alone_have_an_answer(tmp_path: Path) -> None:
    part = made(store(tmp_path, [trained(resnet(seed, measure="subnetworks")) for seed in range(3)]))
    assert outcomes(part) == {FIRST: Outcome.HOLDS}
    assert [table.name for table in part.tables] == ["subnetwork_order", "subnetwork_epochs", "subnetwork_accuracies"]


def test_kinds_that_add_channels_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PreActivationResNet, "concatenates", True)
    others = [trained(resnet(seed).but(network="resnet"), error=0.3 + seed / 100) for seed in range(3)]
    dense = [trained(resnet(seed, depth=14)) for seed in range(3)]
    results = store(tmp_path, [*others, *dense])
    part = made(results)
    assert outcomes(part)[SHALLOWER] is Outcome.HOLDS
    (table,) = (each for each in part.tables if each.name == "kinds_of_blocks")
    (row,) = table.records
    assert (row["joining"], row["adding"]) == ("pre-activation ResNet-14", "ResNet-20")
    assert row["layers"] == pytest.approx(row["adding_layers"] - row["joining_layers"])
    assert row["error"] == pytest.approx(0.11)
    assert "Blocks that add channels" in page(results, part)


ODD: dict[str, list[TrialResult]] = {
    "one seed": [trained(resnet()), trained(stack())],
    "two seeds": [trained(resnet(seed)) for seed in range(2)],
    "near guessing": [trained(resnet(seed), error=0.88) for seed in range(3)],
    "one diverged": [trained(resnet()), trained(resnet(1), status="diverged"), trained(resnet(2), status="failed")],
    "another method": [trained(resnet(seed, method="droppath", drop_rate=0.5)) for seed in range(3)],
    "parallel": [trained(stack(seed).but(architecture="parallel")) for seed in range(3)],
    "measured at both ends": [trained(resnet(seed).but(measure_every=10)) for seed in range(3)],
    "nothing in training": [
        ended(resnet(), measurements=path_rows({k: [0.5**k] for k in range(10)}, 9)),
        ended(resnet(1), measurements=subnetwork_rows({0: [0.1], 9: [0.9]})),
    ],
    "nothing finite in training": [
        ended(
            resnet(),
            measurements=in_training(
                {
                    0: [*path_rows({1: [None]}, 9), *subnetwork_rows({0: [None], 9: [None]})],
                    10: [*path_rows({1: [1.0]}, 9), *subnetwork_rows({0: [None], 9: [0.9]})],
                }
            ),
        )
    ],
    "exploding truncations": [
        ended(
            stack(measure="paths+truncation"),
            measurements=in_training(
                {
                    epoch: [*path_rows({0: [1.0], 1: [0.5]}, 8), *truncated_rows({1: 1e30, 8: 1.0})]
                    for epoch in (0, 2, 10)
                }
            ),
        )
    ],
}


@pytest.mark.parametrize("trials", ODD.values(), ids=ODD)
def test_odd_stores_have_a_page(tmp_path: Path, trials: list[TrialResult]) -> None:
    planned = [resnet(9), stack(9)]
    results = store(tmp_path, trials, planned)
    part = made(results)
    said = page(results, part)
    assert "Do shallow subnetworks learn first?" in said
    assert not {"nan", "None", "inf"} & set(said.replace("<", " ").replace(">", " ").split())
    for table in part.tables:
        assert table.arrow.num_columns
        assert json.dumps(plain(table.records), allow_nan=False)
    assert outcomes(part).get(FIRST) in (Outcome.OPEN, None)


def test_a_network_near_guessing_is_said_to_have_hardly_learned(tmp_path: Path) -> None:
    part = made(store(tmp_path, ODD["near guessing"]))
    assert "*Hardly learned, with errors close to guessing: pre-activation ResNet-20.*" in part.lead.detail
    assert "no subnetwork of pre-activation ResNet-20 has learned" in part.lead.verdict


def test_without_measurements_in_training_there_is_no_part(tmp_path: Path) -> None:
    results = store(tmp_path, [ended(resnet()), ended(resnet(1), status="diverged")])
    assert answer(results, STUDY, Palette()) is None
    assert answer(results, "another", Palette()) is None
