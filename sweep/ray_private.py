"""Every use of Ray's private attributes, for which Ray has no public way; pyproject.toml caps Ray to versions tried.

Each function raises SweepError that names the attribute where another version of Ray lacks it.
"""

import functools
from typing import Any

from sweep.errors import SweepError


def is_resetting(tune_controller: Any, trial: Any) -> bool:
    """Whether Tune is handing a kept worker to this trial, though its status still says that it waits."""
    return trial in _private(tune_controller, "_resetting_trials")


def release_ended_trials(tune_controller: Any) -> None:
    """Have Tune keep no idle worker for trials that ended before they began; others would lack its devices."""
    for trial in [each for each in _private(tune_controller, "_staged_trials") if each.is_finished()]:
        _private(tune_controller, "_unstage_trial_with_resources")(trial)


def limit_answers(client: Any, seconds: float) -> None:
    """Have a `JobSubmissionClient` wait so long for each answer; by itself it waits for ever for a head that stalls."""
    client._do_request = functools.partial(_private(client, "_do_request"), timeout=seconds)


def _private(owner: Any, name: str) -> Any:
    try:
        return getattr(owner, name)
    except AttributeError:
        import ray

        raise SweepError(
            f"Ray {ray.__version__} lacks {name}, which the service needs; install the version in requirements.lock"
        ) from None
