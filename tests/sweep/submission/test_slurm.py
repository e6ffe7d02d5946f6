"""The script for Slurm, and what a user is told where there is no Slurm; tests/cluster has a Slurm."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sweep.errors import SweepError
from sweep.submission import Batch
from sweep.submission.slurm import Slurm
from sweep.submission.slurm_script import Allocation, batch_script

ROOT = Path(__file__).parents[3]
COMMAND = ["python", "-m", "sweep", "run", "grid", "--address", "auto", "--device", "cuda", "--store", "/shared/grid"]
EXAMPLE = Allocation(nodes=4, gpus_per_node=4, time="24:00:00")


def script(
    command: list[str] = COMMAND,
    folder: str = "/shared/grid/slurm",
    allocation: Allocation = EXAMPLE,
    environment: dict[str, str] | None = None,
    name: str = "grid",
) -> str:
    tree = Path("/shared/deep-parallel-sweep")
    return batch_script(command, name, Path(folder), tree, allocation, environment)


def options(text: str) -> list[str]:
    return [line.removeprefix("#SBATCH ") for line in text.splitlines() if line.startswith("#SBATCH ")]


def test_the_example_is_what_is_submitted():
    text = (ROOT / "examples" / "slurm.sh").read_text()
    words = [line for line in text.splitlines() if not line.startswith("##")]
    assert "\n".join(words) + "\n" == script()


def test_a_job_asks_for_what_the_user_asks_for_and_the_last_word_is_his():
    asked = Allocation(2, 8, 32, "1:00:00", "gpu", "group", sbatch=("--qos=low", "--exclusive=user"))
    found = options(script(allocation=asked))
    for option in ("--nodes=2", "--gpus-per-node=8", "--cpus-per-task=32", "--time=1:00:00", "--partition=gpu"):
        assert option in found
    assert found[-2:] == ["--qos=low", "--exclusive=user"]
    assert not [option for option in options(script(allocation=Allocation())) if "gpu" in option]


@pytest.mark.parametrize("option", ["--output=elsewhere", "-o", "--job-name=mine", "-J"])
def test_a_job_cannot_be_hidden_from_the_list_of_jobs(option):
    with pytest.raises(SweepError, match=r"would hide the job from `sweep jobs --backend slurm`; leave it out"):
        Allocation(sbatch=("--qos=low", option))


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
    with pytest.raises(ValueError, match="not a name for a Slurm job"):
        script(name="one,two")


def test_a_job_that_cannot_begin_does_not_end_as_a_sweep_with_failed_trials(tmp_path):
    # The tree is not there.
    done = subprocess.run(["bash"], input=script(folder=str(tmp_path)), text=True, capture_output=True)
    assert done.returncode == 70
    assert list(tmp_path.iterdir()) == []


def test_a_machine_without_slurm_is_told_where_to_go(tmp_path, monkeypatch, small_plan: Callable):
    monkeypatch.setenv("PATH", str(tmp_path))
    slurm = Slurm(EXAMPLE)
    with pytest.raises(SweepError, match="squeue is not on this machine; go to a login node"):
        slurm.submit(Batch(small_plan(), "grid", str(tmp_path), (), "sweep submit grid"))
    (written,) = (tmp_path / "slurm").iterdir()
    assert f"sweep=(python -m sweep run grid --store {tmp_path} --address auto)\n" in written.read_text()
    assert f"--job-name={written.stem}" in options(written.read_text())


def test_a_folder_that_cannot_be_written_is_told(tmp_path, small_plan: Callable):
    (tmp_path / "file").write_text("")
    with pytest.raises(SweepError, match="cannot be written"):
        Slurm(EXAMPLE).submit(Batch(small_plan(), "grid", str(tmp_path / "file"), (), "sweep submit grid"))


def test_a_store_is_a_folder_that_the_nodes_share(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Slurm(EXAMPLE).store("results") == str(tmp_path / "results")
    with pytest.raises(SweepError, match="one folder that all nodes share; give that folder"):
        Slurm(EXAMPLE).store("s3://bucket/grid")
