"""How engines are found, and what they load."""

import subprocess
import sys

import pytest

from sweep.engine import ENGINES, find_engine
from sweep.engine.null import train as null
from sweep.engine.training import train
from sweep.errors import SweepError
from sweep.result import Setting
from sweep.trial import Trial


def test_engines_are_found_by_name_and_by_place() -> None:
    assert find_engine("torch") is train
    assert find_engine("null") is null
    assert find_engine("sweep.engine.null:train") is null


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("troch", "did you mean 'torch'"),
        ("no_such_module:train", "cannot be loaded"),
        ("sweep.engine.null:nothing", "cannot be loaded"),
    ],
)
def test_an_engine_that_is_not_there_is_refused_in_a_sentence(name: str, message: str) -> None:
    with pytest.raises(SweepError, match=message):
        find_engine(name)


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_can_be_loaded(name: str) -> None:
    assert callable(find_engine(name))


def test_fp32_is_not_rounded_to_tf32() -> None:
    code = """import torch; from sweep.engine.resources import prepare_process
prepare_process()
print(torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32)
"""
    printed = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout.split() == ["False", "False"]


def test_the_null_engine_answers_for_every_trial() -> None:
    trials = [Trial("test", seed=seed) for seed in range(3)]
    (results,) = null(trials, Setting())
    assert isinstance(results, list)
    assert [result.trial for result in results] == trials
    assert all(result.status == "finished" and result.last is not None for result in results)


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("models", "torch ray mlflow"),
        ("sweep.engine", "torch ray mlflow"),
        ("sweep.pack", "torch ray mlflow"),
        ("sweep.engine.training", "ray mlflow"),
    ],
)
def test_imports_are_light(module: str, absent: str) -> None:
    program = f"import sys, {module}; found = set('{absent}'.split()) & set(sys.modules); assert not found, found"
    subprocess.run([sys.executable, "-c", program], check=True)
