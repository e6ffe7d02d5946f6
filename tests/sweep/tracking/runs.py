"""A store with results, and MLflow's runs of it."""

from collections import Counter
from dataclasses import dataclass

from mlflow import MlflowClient
from mlflow.entities import Run

from sweep.ledger import Ledger, to_tables
from sweep.result import Epoch, TrialResult
from sweep.tracking import tracking_uri
from sweep.trial import Trial


@dataclass(frozen=True)
class Runs:
    """What MLflow has of one study."""

    client: MlflowClient
    experiment: str
    trials: list[Run]
    parents: list[Run]

    @property
    def count(self) -> Counter[str]:
        return Counter(run.data.tags["trial_id"] for run in self.trials)


def runs_of(ledger: Ledger) -> Runs:
    client = MlflowClient(tracking_uri=tracking_uri(ledger, None))
    experiment = client.get_experiment_by_name("test")
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id])
    trials = [run for run in found if "trial_id" in run.data.tags]
    return Runs(
        client, experiment.experiment_id, trials, [run for run in found if run.data.tags.get("kind") == "sweep"]
    )


def trials_of(*seeds: int) -> list[Trial]:
    return [Trial("test", dataset="digits", seed=seed, epochs=2) for seed in seeds]


def publish(ledger: Ledger, trials: list[Trial]) -> None:
    epochs = tuple(Epoch(number, 1.0, 0.5, 2.0, 0.4, 0.1, 0.01) for number in (1, 2))
    ledger.publish(to_tables([TrialResult(trial, "finished", epochs, seconds=1.0) for trial in trials]))
