"""What `sweep plan` says of what a plan can show."""

import json
import math

import numpy as np
import pytest

from sweep.cli.showable import ASSUMED, Pairs, planned_pairs, showable
from sweep.ledger import Ledger, to_tables
from sweep.planning import Plan
from sweep.result import Epoch, TrialResult
from sweep.trial import Trial

STUDY = """
study: tiny
factors:
  dataset: [digits]
  depth: [1, 2, 4]
  filters: [1, 2]
  seed: [0, 1, 2]
  architecture: [sequential, parallel]
  epochs: [1]
"""
SIDES = ("sequential", "parallel")


def plan(seeds: int = 3, depths: tuple[int, ...] = (1, 2, 4), filters: int = 8, **fields) -> Plan:
    same = {"dataset": "digits", "epochs": 1, **fields}
    return Plan.of(
        "tiny",
        [
            Trial("tiny", depth=depth, filters=width, seed=seed, architecture=side, **same)
            for depth in depths
            for width in range(1, filters + 1)
            for seed in range(seeds)
            for side in SIDES
        ],
    )


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(STUDY)
    return str(path)


def test_pairs_are_counted_by_configuration_without_the_control():
    assert planned_pairs(plan()) == {"digits": Pairs(16, 3)}
    assert planned_pairs(plan(draws="crossed")) == {"digits": Pairs(16, 3, crossed=True)}
    assert planned_pairs(plan(depths=(1,))) == {}


def test_a_configuration_with_fewer_seeds_counts_for_all():
    whole = plan(filters=1)
    lacking = Plan.of("tiny", [each for each in whole.trials if (each.depth, each.seed) != (4, 2)])
    assert planned_pairs(lacking) == {"digits": Pairs(2, 2)}


def test_budgets_are_no_further_configurations():
    one, other = plan(filters=1, epochs=1), plan(filters=1, epochs=2)
    assert planned_pairs(Plan.of("tiny", [*one.trials, *other.trials])) == {"digits": Pairs(2, 3)}


def test_more_seeds_and_networks_buy_power_and_noise_costs_it(tmp_path):
    quiet, noisy = (showable(plan(), str(tmp_path / "none"), noise)["digits"] for noise in (0.1, 0.6))
    assert noisy["planned"]["equivalence"] < quiet["planned"]["equivalence"]
    for found in (quiet, noisy):
        assert found["planned"]["detectable"] > found["one_more_seed"]["detectable"]
        assert found["planned"]["detectable"] > found["twice_the_configurations"]["detectable"]
    assert (quiet["noise_is"], quiet["planned"]["enough"]) == ("given", False)
    assert quiet["one_more_seed"]["enough"]


def test_shared_seeds_are_not_outnumbered_by_networks(tmp_path):
    found = showable(plan(draws="crossed"), str(tmp_path / "none"), 0.05)["digits"]
    now, twice = found["planned"], found["twice_the_configurations"]
    assert (now["equivalence"], now["detectable"]) == (twice["equivalence"], twice["detectable"])


def test_noise_is_the_stores_where_it_has_results(tmp_path):
    assert showable(plan(), str(tmp_path / "none"), None)["digits"]["noise_is"] == "assumed"
    assert showable(plan(), str(tmp_path / "none"), None)["digits"]["noise"] == ASSUMED
    store, generator = tmp_path / "store", np.random.default_rng(0)
    drawn = {trial.trial_id: math.exp(0.2 * generator.normal()) for trial in plan(6).trials}
    results = [
        TrialResult(trial, "finished", (Epoch(1, loss, 0.5, loss, 0.5, 1.0, 1.0),))
        for trial in plan(6).trials
        for loss in (drawn[trial.trial_id],)
    ]
    Ledger.create(store).publish(to_tables(results))
    found = showable(plan(), str(store), None)["digits"]
    assert found["noise_is"] == "the store's"
    assert found["noise"] == pytest.approx(0.2 * math.sqrt(2), rel=0.2)


@pytest.mark.parametrize("noise", ["0", "-1", "10", "nan"])
def test_noise_that_is_none_is_one_sentence(call, study, tmp_path, capsys, noise):
    assert call("plan", study, "--no-calibrate", "--noise", noise, "--store", str(tmp_path / "s")) == 2
    printed = capsys.readouterr()
    assert "takes a standard deviation of log ratios above 0" in printed.err
    assert "Traceback" not in printed.err


def test_the_plan_says_it_in_a_table_and_in_json(call, study, tmp_path, capsys):
    asked = ("plan", study, "--no-calibrate", "--noise", "0.1", "--store", str(tmp_path / "s"))
    assert call(*asked) == 0
    out = capsys.readouterr().out
    assert "power to show equivalence within 10 % where there is no difference" in out
    assert [row.split("│")[3].strip() for row in out.splitlines() if row.startswith("│ digits")] == ["too few"]
    assert call(*asked, "--json") == 0
    found = json.loads(capsys.readouterr().out)["can_show"]["digits"]
    assert (found["planned"]["configurations"], found["planned"]["seeds"]) == (4, 3)
    assert 0 < found["planned"]["equivalence"] < 1


def test_one_seed_can_show_nothing(call, study, tmp_path, capsys):
    asked = ("plan", study, "--no-calibrate", "--set", "seed=0", "--store", str(tmp_path / "s"))
    assert call(*asked) == 0
    [row] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("│ digits")]
    assert [cell.strip() for cell in row.split("│")[3:5]] == ["too few", "nothing"]
    assert call(*asked, "--json") == 0
    planned = json.loads(capsys.readouterr().out)["can_show"]["digits"]["planned"]
    assert planned["equivalence"] is None
    assert math.isfinite(planned["noise"])
