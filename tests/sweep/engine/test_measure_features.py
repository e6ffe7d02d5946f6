"""Pairs of states are compared on the images, networks and intervention that the measure says."""

from copy import deepcopy
from itertools import combinations

import pytest
import torch
from torch import Tensor

from models import Intervention
from models.similarity import centred_gram, channel_quantiles, cka, distribution_distance
from sweep.engine.build import build
from sweep.engine.images import TrialImages
from sweep.measures.base import Subject
from sweep.measures.features import Features
from sweep.result import Measurement
from sweep.trial import Trial

BASE = Trial("test", dataset="digits", val_samples=60, measure="features", filters=4)
TRIALS = {
    "resnet": BASE.but(network="resnet", depth=14),
    "preresnet": BASE.but(network="preresnet", depth=8, shortcut="projection"),
    "vgg": BASE.but(network="vgg", depth=5),
    "sequential": BASE.but(depth=4),
    "mixed": BASE.but(depth=4, architecture="mixed", stages=2),
    "parallel": BASE.but(depth=4, architecture="parallel"),
}
Rows = dict[tuple[str, str], Measurement]


def subject_of(trial: Trial, intervention: Intervention | None = None) -> Subject:
    """The network of another seed, as if trained."""
    trained = build(trial.but(seed=9)).eval()
    images = TrialImages([trial], "cpu", None)
    return Subject(trial, trained, intervention or Intervention(), images, lambda: build(trial).eval())


def measured(subject: Subject) -> dict[str, Rows]:
    """Rows by measurement, then by metric and pair."""
    shares, rows = zip(*Features().measure(subject), strict=True)
    assert list(shares) == sorted(shares)
    assert shares[-1] == 1
    tables: dict[str, Rows] = {"features-before": {}, "features-after": {}}
    for row in (row for some in rows for row in some):
        assert (row.metric, row.subject) not in tables[row.measurement]
        tables[row.measurement][row.metric, row.subject] = row
    return tables


def validation_images(subject: Subject) -> Tensor:
    images, _ = next(subject.validation_batches(10_000))
    return images


def value(row: Measurement) -> float:
    assert row.value is not None
    return row.value


@pytest.mark.parametrize("trial", TRIALS.values(), ids=TRIALS)
@torch.no_grad()
def test_all_pairs_of_states_are_compared(trial: Trial) -> None:
    subject = subject_of(trial, Intervention({0: 0.5}))
    images, tables = validation_images(subject), measured(subject)
    for name, network in (("features-before", subject.initial()), ("features-after", subject.network)):
        states, rows = list(network.states(network.stem(images), subject.intervention)), dict(tables[name])
        for one, other in combinations(range(len(states)), 2):
            pair = [states[one], states[other]]
            row = rows.pop(("cka", f"{one}:{other}"))
            alignment = cka(torch.stack([centred_gram(state) for state in pair]))[0, 1].item()
            assert row.value == pytest.approx(alignment, abs=1e-5)
            assert (row.size, row.draw) == (other - one, 0)
            if pair[0].shape == pair[1].shape:
                row = rows.pop(("distance", f"{one}:{other}"))
                distance = distribution_distance(*(channel_quantiles(state) for state in pair)).item()
                assert row.value == pytest.approx(distance, rel=1e-4)
                assert (row.size, row.draw) == (other - one, 0)
        assert not rows
    assert tables["features-before"] != tables["features-after"]


def test_the_network_of_the_paper_has_33_states() -> None:
    trial = Trial("test", dataset="digits", network="linear", depth=32, filters=32, measure="features")
    tables = measured(subject_of(trial))
    for rows in tables.values():
        assert len(rows) == 2 * 33 * 32 / 2
        assert {pair for _, pair in rows} == {f"{i}:{j}" for i, j in combinations(range(33), 2)}
        assert all(value(row) > 0 for (metric, _), row in rows.items() if metric == "distance")
        neighbours = [value(rows["cka", f"{i}:{i + 1}"]) for i in range(32)]
        assert value(rows["cka", "0:32"]) < min(neighbours)
        assert value(rows["distance", "0:32"]) > value(rows["distance", "0:1"])


def test_layers_that_do_nothing_leave_equal_features() -> None:
    subject = subject_of(BASE.but(network="linear", depth=3))
    with torch.no_grad():
        for block in (0, 1):
            for parameter in subject.network.block(block).parameters():
                parameter.zero_()
    rows = measured(subject)["features-after"]
    for pair in ("0:1", "0:2", "1:2"):
        assert value(rows["cka", pair]) == pytest.approx(1)
        assert rows["distance", pair].value == 0
    assert value(rows["distance", "0:3"]) > 0.01


def test_at_most_so_many_images_evenly_spaced_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = subject_of(BASE.but(network="linear", depth=2))
    images, seen = validation_images(subject), []
    subject.network.stem.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    measured(subject)
    torch.testing.assert_close(torch.cat(seen), images, rtol=0, atol=0)
    seen.clear()
    monkeypatch.setattr("sweep.measures.features.MOST_IMAGES", 20)
    monkeypatch.setattr("sweep.measures.features._BATCH", 8)
    measured(subject)
    assert [len(batch) for batch in seen] == [8, 8, 4]
    torch.testing.assert_close(torch.cat(seen), images[::3], rtol=0, atol=0)


def test_what_is_not_defined_has_no_value() -> None:
    subject = subject_of(BASE.but(network="linear", depth=2))
    with torch.no_grad():
        subject.network.stem.get_parameter("1.weight").zero_()
    rows = measured(subject)["features-after"]
    assert len(rows) == 6
    assert {row.value for row in rows.values()} == {None}


def test_the_network_stays_as_it_was() -> None:
    subject = subject_of(TRIALS["resnet"])
    values = deepcopy(subject.network.state_dict())
    torch.manual_seed(0)
    state = torch.get_rng_state()
    measured(subject)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, values[name]) for name, value in subject.network.state_dict().items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in subject.network.parameters())
    assert torch.is_grad_enabled()
