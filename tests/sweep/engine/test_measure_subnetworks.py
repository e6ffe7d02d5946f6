"""Subnetworks of kept blocks, against networks with their other blocks deleted by hand."""

from math import comb

import pytest
import torch

from models.intervention import Intervention
from sweep.engine.build import build
from sweep.engine.images import TrialImages
from sweep.measures.base import Subject
from sweep.measures.subnetworks import KEPT, Subnetworks, sizes, subnetworks
from sweep.result import Measurement
from sweep.trial import Trial

BASE = Trial("test", dataset="digits", val_samples=60, measure="subnetworks", subnetwork_draws=4, filters=4, seed=3)
TRIALS = {
    "preresnet": BASE.but(network="preresnet", depth=20),
    "sequential": BASE.but(depth=6),
    "mixed": BASE.but(depth=6, architecture="mixed", stages=3),
    "parallel": BASE.but(depth=6, architecture="parallel"),
}


def subject_of(trial: Trial, intervention: Intervention) -> Subject:
    network = build(trial).eval()
    return Subject(trial, network, intervention, TrialImages([trial], "cpu", None), lambda: network)


def rows_of(subject: Subject) -> list[Measurement]:
    [measure] = subject.trial.measured_by
    return [row for _, rows in measure.measure(subject) for row in rows]


@pytest.mark.parametrize("trial", TRIALS.values(), ids=TRIALS)
@pytest.mark.parametrize("gate", [1.0, 0.5])
def test_a_score_is_that_of_the_network_without_the_other_blocks(trial: Trial, gate: float) -> None:
    blocks = len(trial.shape.blocks)
    base = Intervention(gates=dict.fromkeys(range(blocks), gate))
    subject = subject_of(trial, base)
    rows = [row for row in rows_of(subject) if row.metric == "error"]
    assert {row.size for row in rows} == set(sizes(blocks, 13))
    [(images, labels)] = list(subject.validation_batches(1000))
    for row in rows[:: max(1, len(rows) // 12)]:
        kept = {int(block) for block in row.subject.split(",") if block}
        assert len(kept) == row.size
        intervention = Intervention(gates={block: gate * (block in kept) for block in range(blocks)})
        with torch.no_grad():
            wrong = subject.network(images, intervention).argmax(1) != labels
        assert row.value == pytest.approx(float(wrong.double().mean()))


def test_draws_are_of_the_seed_distinct_and_complete_where_they_can_be() -> None:
    drawn = dict(subnetworks(30, 10, 50, 1))
    assert list(drawn) == list(range(50))
    for kept in drawn.values():
        assert len(kept) == 10
        assert list(kept) == sorted(set(kept) & set(range(30)))
    assert drawn == dict(subnetworks(30, 10, 50, 1)) != dict(subnetworks(30, 10, 50, 2))
    assert dict(subnetworks(30, 10, 20, 1)) == dict(list(drawn.items())[:20])
    assert len(dict(subnetworks(6, 3, 20, 1))) == comb(6, 3)
    assert dict(subnetworks(6, 0, 20, 1)) == {0: ()}
    counts = torch.tensor([block for kept in dict(subnetworks(8, 2, 25, 0)).values() for block in kept]).bincount()
    assert counts.min() > 0


@pytest.mark.parametrize(
    ("blocks", "most", "expected"),
    [(9, 13, list(range(10))), (9, 4, [0, 3, 6, 9]), (54, 3, [0, 27, 54]), (1, 2, [0, 1]), (4, 1, [0, 4])],
)
def test_sizes_are_evenly_spaced_from_none_to_all(blocks: int, most: int, expected: list[int]) -> None:
    assert sizes(blocks, most) == expected


def test_the_cost_counts_the_blocks_that_are_computed() -> None:
    trial = TRIALS["sequential"]
    # Sizes 0 to 6, of which four draws each, or all sets.
    computed = sum(min(comb(6, size), 4) * size for size in range(7))
    assert Subnetworks(4, 13).passes(trial) == trial.val_samples * (1 + computed / 6)
    assert {row.measurement for row in rows_of(subject_of(trial, Intervention()))} == {KEPT}
