"""The script for Slurm, and what a user is told where there is no Slurm; tests/cluster has a Slurm."""

import subprocess
from pathlib import Path

import pytest

from sweep.errors import SweepError
from sweep.submission import slurm

ROOT = Path(__file__).parents[3]
COMMAND = ["python", "-m", "sweep", "run", "grid", "--address", "auto", "--device", "cuda", "--store", "/shared/grid"]
EXAMPLE = slurm.Allocation(nodes=4, gpus_per_node=4, time="24:00:00")


def script(
    command: list[str] = COMMAND,
    folder: str = "/shared/grid/slurm",
    allocation: slurm.Allocation = EXAMPLE,
    environment: dict[str, str] | None = None,
) -> str:
    tree = Path("/shared/deep-parallel-sweep")
    return slurm.batch_script(command, "grid", Path(folder), tree, allocation, environment)


def options(text: str) -> list[str]:
    return [line.removeprefix("#SBATCH ") for line in text.splitlines() if line.startswith("#SBATCH ")]


def test_the_example_is_what_is_submitted():
    text = (ROOT / "examples" / "slurm.sh").read_text()
    words = [line for line in text.splitlines() if not line.startswith("##")]
    assert "\n".join(words) + "\n" == script()


def test_a_job_asks_for_what_the_user_asks_for_and_the_last_word_is_his():
    asked = slurm.Allocation(2, 8, 32, "1:00:00", "gpu", "group", sbatch=("--qos=low", "--exclusive=user"))
    found = options(script(allocation=asked))
    for option in ("--nodes=2", "--gpus-per-node=8", "--cpus-per-task=32", "--time=1:00:00", "--partition=gpu"):
        assert option in found
    assert found[-2:] == ["--qos=low", "--exclusive=user"]
    assert not [option for option in options(script(allocation=slurm.Allocation())) if "gpu" in option]


def test_awkward_words_reach_the_sweep_as_they_are(tmp_path):
    awkward = ["printf", "%s\\n", "depth == 'a b' and $HOME", '"', "*"]
    text = script(awkward, environment={"AGAIN": "sweep submit --where 'depth <= 4'"})
    head = "\n".join(line for line in text.splitlines() if line.startswith(("sweep=", "export AGAIN=")))
    done = subprocess.run(["bash", "-c", f'{head}\n"${{sweep[@]}}"; echo "$AGAIN"'], capture_output=True, text=True)
    assert done.stdout.splitlines() == [*awkward[2:], "sweep submit --where 'depth <= 4'"]


def test_the_shell_can_read_the_script():
    text = script(folder="/a folder/of 'mine'")
    assert subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True).stderr == ""
    assert "--output=\"/a folder/of 'mine'/grid-%j.log\"" not in options(text)
    assert "\"--output=/a folder/of 'mine'/grid-%j.log\"" in options(text)


def test_no_token_is_in_the_script_nor_in_the_environment_of_the_job():
    assert "export RAY_AUTH_TOKEN=" not in script()
    assert "unset RAY_AUTH_TOKEN\n" in script()


def test_a_name_that_slurm_would_read_as_several_is_refused():
    with pytest.raises(ValueError, match="no name for a Slurm job"):
        slurm.running("one,two")


def test_a_machine_without_slurm_is_told_where_to_go(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SweepError, match="squeue is not on this machine; submit from a login node"):
        slurm.submit(script(), "grid", tmp_path / "slurm")
    assert (tmp_path / "slurm" / "grid.sh").read_text() == script()


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SweepError, match="cannot be written"):
        slurm.submit(script(), "grid", tmp_path / "file" / "slurm")
