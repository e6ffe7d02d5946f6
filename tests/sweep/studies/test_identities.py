"""The identities of every built-in study: a trial that is done stays done.

Those with crossed draws are as in stores of schema 3.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from sweep.planning import Plan
from sweep.studies import STUDIES

PINNED = json.loads((Path(__file__).parents[2] / "stores" / "identities.json").read_text())


def digest(identities: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(identities)).encode()).hexdigest()[:20]


@pytest.mark.parametrize("draws", ["crossed", "nested"])
@pytest.mark.parametrize("study", PINNED["nested"])
def test_a_study_keeps_its_identities(study: str, draws: str) -> None:
    plan = Plan.of(study, STUDIES[study].override({"draws": [draws]}).trials())
    assert PINNED[draws][study] == {
        "trials": len(plan),
        "sweep_id": plan.sweep_id,
        "pair_ids": digest(trial.pair_id for trial in plan.trials),
        "training_ids": digest(trial.training_id for trial in plan.trials),
    }
