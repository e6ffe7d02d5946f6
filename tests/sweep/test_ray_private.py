"""Ray has the private attributes that the service uses; the error of a failing test names the one that vanished."""

import functools
import pickle
from typing import Any

import pytest

from sweep import ray_private
from sweep.errors import SweepError


@pytest.fixture
def tune_controller(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Tune's controller as its schedulers see it; without a limit of its own it would ask a cluster."""
    monkeypatch.setenv("TUNE_MAX_PENDING_TRIALS_PG", "1")
    from ray.tune.execution.tune_controller import TuneController

    return TuneController(reuse_actors=True)._wrapped()  # pyright: ignore[reportPrivateUsage]


def test_tunes_controller_says_which_trial_gets_a_kept_worker(tune_controller: Any) -> None:
    one, other = object(), object()
    tune_controller._resetting_trials.add(one)
    assert ray_private.is_resetting(tune_controller, one)
    assert not ray_private.is_resetting(tune_controller, other)


def test_workers_are_kept_for_trials_that_have_not_ended_alone(tune_controller: Any) -> None:
    from ray.tune.experiment import Trial

    kept, ended = (Trial("PPO", stub=True) for _ in range(2))
    ended.set_status(Trial.TERMINATED)
    tune_controller._staged_trials.update({kept, ended})
    ray_private.release_ended_trials(tune_controller)
    assert tune_controller._staged_trials == {kept}


def test_a_client_of_the_jobs_api_waits_so_long_and_no_longer() -> None:
    from ray.job_submission import JobSubmissionClient

    # Made as by unpickling: it would ask a head for its version.
    client: Any = JobSubmissionClient.__new__(JobSubmissionClient)
    ray_private.limit_answers(client, 5)
    assert isinstance(client._do_request, functools.partial)
    assert client._do_request.keywords == {"timeout": 5}


@pytest.mark.parametrize(
    ("use", "attribute"),
    [
        (lambda other: ray_private.is_resetting(other, object()), "_resetting_trials"),
        (ray_private.release_ended_trials, "_staged_trials"),
        (lambda other: ray_private.limit_answers(other, 5), "_do_request"),
    ],
)
def test_an_attribute_that_vanished_is_named(use, attribute: str) -> None:
    with pytest.raises(SweepError, match=rf"Ray \S+ lacks {attribute}, .* requirements.lock"):
        use(object())


def test_a_job_has_the_folders_that_it_is_given_alone() -> None:
    job = pickle.loads(pickle.dumps(ray_private.job_of(["/code"])))
    assert job._runtime_env_has_working_dir()
    assert list(job._get_proto_job_config().py_driver_sys_path) == ["/code"]


def test_a_ray_that_runs_nowhere_has_no_servers_and_no_logs() -> None:
    assert ray_private.ended_servers() == []
    assert ray_private.worker_logs() is None
