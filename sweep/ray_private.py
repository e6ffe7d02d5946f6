"""Every use of Ray's private attributes, where Ray has no public way; pyproject.toml caps Ray to tested versions.

Each function raises SweepError, with the attribute's name, if the installed Ray lacks the attribute.
"""

import functools
from typing import Any

from sweep.errors import SweepError


def is_resetting(tune_controller: Any, trial: Any) -> bool:
    """Whether Tune is giving a reused worker to this trial, although the trial's status is still pending."""
    return trial in _private(tune_controller, "_resetting_trials")


def release_ended_trials(tune_controller: Any) -> None:
    """Keep Tune from holding idle workers for trials that ended before they began; others need their devices."""
    for trial in [each for each in _private(tune_controller, "_staged_trials") if each.is_finished()]:
        _private(tune_controller, "_unstage_trial_with_resources")(trial)


def limit_answers(client: Any, seconds: float) -> None:
    """Limit how long a `JobSubmissionClient` waits for an answer; by default it waits forever for a stalled head."""
    client._do_request = functools.partial(_private(client, "_do_request"), timeout=seconds)


def _private(owner: Any, name: str) -> Any:
    try:
        return getattr(owner, name)
    except AttributeError:
        import ray

        raise SweepError(
            f"Ray {ray.__version__} lacks {name}, which the service needs; install the version in requirements.lock"
        ) from None
