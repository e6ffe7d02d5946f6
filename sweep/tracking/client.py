"""Runs written through MLflow's client: what a server takes."""

from collections.abc import Sequence

from mlflow import MlflowClient
from mlflow.entities import Param, RunTag
from mlflow.exceptions import MlflowException

from sweep.tracking.run import Beginning, Ending, RunsGone

_BATCH_METRICS = 900
"""MLflow takes 1000 metrics, params and tags at once."""
_GONE = ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST")
"""Error codes for a deleted run."""


class ClientWriter:
    """A `RunWriter` that sends three requests or more per run."""

    at_once = 1

    def __init__(self, client: MlflowClient) -> None:
        self._client = client

    def create(self, experiment: str, runs: Sequence[Beginning]) -> list[str]:
        """Make runs, and return their identities."""
        made = [self._client.create_run(experiment, run.began, dict(run.tags), run.name) for run in runs]
        return [run.info.run_id for run in made]

    def end(self, runs: Sequence[tuple[str, Ending]]) -> None:
        """Write and terminate runs; each is terminated last. Raises RunsGone if one is deleted."""
        for run_id, ending in runs:
            try:
                self._end(run_id, ending)
            except MlflowException as error:
                if error.error_code in _GONE:
                    raise RunsGone from error
                raise

    def _end(self, run_id: str, ending: Ending) -> None:
        params = [Param(name, value) for name, value in ending.params.items()]
        tags = [RunTag(name, value) for name, value in ending.tags.items()]
        # Params and tags that are there already change nothing.
        for start in range(0, len(ending.metrics), _BATCH_METRICS):
            self._client.log_batch(run_id, ending.metrics[start : start + _BATCH_METRICS], params, tags)
        self._client.set_terminated(run_id, ending.status, ending.ended)
