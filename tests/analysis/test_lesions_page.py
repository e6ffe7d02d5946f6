"""The page on lesions: its answer, its tables, and networks beside the published ones."""

import re

import pyarrow.parquet as pq
import pytest

import analysis
from analysis.claims import Outcome
from analysis.figures.style import Palette
from analysis.questions.lesions.summary import find_lesions
from analysis.questions.lesions.view import answer, judge
from analysis.report.assemble import Report, make_report
from analysis.report.write import write_report
from sweep.trial import Trial

STOCHASTIC = {"method": "droppath", "drop_rate": 0.5, "rescale": "evaluation"}
TABLES = ("lesions", "lesion_blocks", "lesion_sizes", "lesion_differences", "lesions_published")


def trial(seed: int = 0, **fields) -> Trial:
    same = {"dataset": "cifar10", "epochs": 2, "network": "preresnet", "depth": 20, "measure": "lesions"}
    return Trial("test", **{**same, "seed": seed, **fields})


@pytest.fixture
def study(make_store, end, lesion_rows):
    """A store of lesioned networks: a ResNet, its parallel twin, stochastic depth, and VGG, of some seeds."""

    def of(seeds: tuple[int, ...] = (0, 1), kinds: tuple[str, ...] = ("resnet", "parallel", "stochastic", "vgg")):
        fields = {
            "resnet": {},
            "parallel": {"architecture": "parallel"},
            "stochastic": STOCHASTIC,
            "vgg": {"network": "vgg", "depth": 11},
        }
        rise = {"resnet": 0.004, "parallel": 0.02, "stochastic": 0.003, "vgg": 0.75}
        results = []
        for seed in seeds:
            for kind in kinds:
                error = 0.1 + seed / 100
                deleted = [error + rise[kind] * (1 + seed + 10 * (block == 3 and kind != "vgg")) for block in range(9)]
                some = {size: [min(0.9, error + size * rise[kind])] * 3 for size in (1, 2, 5)}
                swaps = {1: [(0.9, 0.2), (0.8, 0.3)]} if kind == "resnet" else {}
                rows = lesion_rows(error, [min(each, 0.9) for each in deleted], (3,), some, swaps)
                loss = 0.5 + error + rise[kind]
                results.append(end(trial(seed, **fields[kind]), loss, loss / 2, accuracy=1 - error, measurements=rows))
        planned = [each.trial for each in results] + [trial(99)]
        return analysis.open(make_store([*results, end(trial(98), status="failed")], [*planned, trial(98)]))

    return of


@pytest.mark.usefixtures("unrendered")
def test_a_study_of_lesions_has_a_report(study, tmp_path, words, numbers, files):
    made = make_report(study((0, 1, 2)))
    # One setting of the sequential and the parallel network says nothing of others.
    assert list(made.verdicts) == ["lesions", "droppath"]
    folder = write_report(made, tmp_path / "report").parent
    said, found = words(folder), numbers(folder)
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b(?!\))", said)
    assert said.count("Do residual networks survive the loss of a block where VGG does not?") == 2
    assert made.verdicts["lesions"] == (
        "yes: the loss of the median block changes the error of pre-activation ResNet-20 by +0.8 points, and of VGG-11 "
        "by +77.3 points"
    )
    assert "Of 14 trials 12 finished, 0 diverged, 1 failed and 1 are missing" in said
    assert "13 of 14 trials" in said
    assert "second-hand" in said
    assert "6.10 %" in said
    assert "9 blocks instead of 54, no augmentation, 2 epochs" in said
    assert found["verdicts"] == made.verdicts
    assert found["parts"]["lesions"]["trials"]["failed"] == 1
    assert found["headline"]["lesion_median_increase_least"] == pytest.approx(0.006)
    for name in TABLES:
        rows = pq.read_table(folder / "tables" / f"{name}.parquet").to_pylist()
        assert rows == found["parts"]["lesions"][name]
        assert rows
    assert {"figures/deletion.svg", "figures/lesion-sizes.png"} <= set(files(folder))


@pytest.mark.usefixtures("unrendered")
def test_a_network_of_one_seed_has_numbers_and_no_interval(study, tmp_path, words):
    made = make_report(study((0,), ("resnet", "stochastic")))
    folder = write_report(made, tmp_path / "report").parent
    said = words(folder)
    assert "Every network has one seed, so there is no interval." in said
    assert "one pair alone" in said
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b(?!\))", said)
    assert list(made.verdicts) == ["lesions", "droppath"]
    assert made.verdicts["lesions"] == (
        "deleting one block raises the error of pre-activation ResNet-20, stochastic depth 0.5 by a median of 0.3 "
        "points, of pre-activation ResNet-20 by 0.4"
    )


@pytest.mark.usefixtures("unrendered")
def test_retrained_networks_are_beside_the_published_ones_as_what_they_are(
    make_store, end, lesion_rows, tmp_path, words
):
    """Only what was trained with stochastic depth from the start is laid beside the published stochastic depth."""
    variants = {
        "plain": {},
        "published": STOCHASTIC,
        "constant": STOCHASTIC | {"drop_rates": "constant"},
        "sample": STOCHASTIC | {"drop_per": "sample"},
        "training": STOCHASTIC | {"rescale": "training"},
        "retrained plain": {"pretrain_epochs": 10, "epochs": 4},
        "retrained": STOCHASTIC | {"pretrain_epochs": 10, "epochs": 4},
    }
    rows = lesion_rows(0.1, [0.2] * 9, (3, 6))
    results = [end(trial(seed, **fields), measurements=rows) for fields in variants.values() for seed in (0, 1)]
    part = answer(analysis.open(make_store(results)), "test", Palette())
    assert part is not None
    (table,) = (each for each in part.tables if each.name == "lesions_published")
    stochastic = [row["network"] for row in table.rows if "resilient" in row["published"]]
    assert len(stochastic) == 2
    (label,) = set(stochastic)
    assert "stochastic depth 0.5" in label
    assert "retrained" not in label
    said = words(
        write_report(Report("test", "key", ("store",), {"planned": 1, "missing": 0}, (part,)), tmp_path / "r").parent
    )
    assert "no augmentation, 2 epochs." in said
    assert "no augmentation, 10 + 4 epochs." in said


@pytest.fixture
def judged(make_store, end, lesion_rows):
    """The part and the claim of a ResNet and VGG whose errors, whole and without each block, are given by seed."""

    def of(resnet: list[tuple[float, float]], vgg: list[tuple[float, float]]):
        sides = ((resnet, {}), (vgg, {"network": "vgg", "depth": 11}))
        results = analysis.open(
            make_store(
                [
                    end(trial(seed, **fields), measurements=lesion_rows(whole, [after] * 9, (3,)))
                    for side, fields in sides
                    for seed, (whole, after) in enumerate(side)
                ]
            )
        )
        lesions, part = find_lesions(results, "test"), answer(results, "test", Palette())
        assert lesions is not None
        assert part is not None
        claim = judge(lesions.networks)
        assert claim is not None
        return part, claim

    return of


HELD, LOST = [(0.1, 0.11), (0.12, 0.14), (0.11, 0.11)], [(0.1, 0.8), (0.12, 0.9), (0.11, 0.85)]


@pytest.mark.usefixtures("unrendered")
@pytest.mark.parametrize(
    ("resnet", "vgg", "outcome", "said"),
    [
        (HELD, LOST, Outcome.HOLDS, "yes: "),
        (LOST, HELD, Outcome.CONTRADICTED, "no: "),
        (HELD, HELD, Outcome.MIXED, "only in part: "),
        (HELD, [(0.1, 0.4), (0.1, 0.5), (0.1, 0.6)], Outcome.IN_PART, "in part: "),
        (HELD[:1], LOST[:1], Outcome.OPEN, "not decided: "),
    ],
)
def test_the_answer_is_what_both_sides_show(judged, resnet, vgg, outcome, said):
    part, claim = judged(resnet, vgg)
    assert claim.outcome is outcome
    assert part.verdict.startswith(said)


@pytest.mark.usefixtures("unrendered")
def test_a_network_at_chance_is_never_said_to_survive(judged):
    chance = [(0.9, 0.9), (0.89, 0.9), (0.88, 0.9)]
    part, claim = judged(chance, LOST)
    assert claim.outcome is Outcome.OPEN
    assert part.verdict.endswith(
        "; pre-activation ResNet-20 (89.0 %) has not learned enough to lose much by a deletion"
    )
    part, claim = judged(chance, chance)
    assert claim.outcome is Outcome.OPEN
    assert "pre-activation ResNet-20 (89.0 %) and VGG-11 (89.0 %) have not learned enough" in part.verdict


@pytest.mark.usefixtures("unrendered")
def test_the_whole_error_is_said_beside_the_published_one(judged):
    part, _ = judged(HELD, LOST)
    assert "As trained, the networks err on 11.0 % to 11.0 % of the validation images" in part.lead.detail
    assert "the published ResNet-110 on 6.10 % (second-hand)" in part.lead.detail
