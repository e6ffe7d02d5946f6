"""Figures of networks by epoch: what is drawn in them."""

from pathlib import Path

import pytest

from analysis.figures import render
from analysis.figures.style import Palette
from analysis.questions.shallow_first import pictures
from analysis.questions.shallow_first.summary import Findings, find
from tests.analysis.drawn import clashes, words
from tests.analysis.synthetic_measurements import STUDY, opened
from tests.analysis.synthetic_trainings import resnet, stack, trained


@pytest.fixture
def findings(tmp_path: Path) -> Findings:
    trials = [trained(make(seed)) for seed in range(3) for make in (resnet, stack)]
    deep = [trained(resnet(seed, depth=56)) for seed in range(3)]
    found = find(opened(tmp_path, [*trials, *deep]), STUDY)
    assert found is not None
    return found


def test_figures_have_a_line_for_each_network_and_no_text_over_another(findings: Findings) -> None:
    assert findings.learning is not None
    assert findings.lengths is not None
    assert findings.terms is not None
    figures = [
        pictures.draw_learning(findings.learning.networks, Palette()),
        pictures.draw_lengths(findings.lengths.networks, Palette()),
        pictures.draw_carried(findings.lengths.networks),
        pictures.draw_terms(findings.terms.networks, Palette()),
    ]
    labels = {"pre-activation ResNet-20", "pre-activation ResNet-56", "stack of 8, sequential"}
    learned, lengths, carried, explained = ([*map(str, words(figure))] for figure in figures)
    assert labels | {"before training", "epoch 6", "epoch 10"} <= set(learned)
    assert labels | {"left: 95 % interval over seeds; right: effective band"} <= set(lengths)
    assert labels <= set(carried)
    assert {"order 1", "order 2", "order 4", "whole network"} <= set(explained)
    assert "order 8" not in explained
    for figure in figures:
        assert not clashes(figure)
        assert render(figure).svg.startswith("<svg")
