"""How a study's experiment first looks in MLflow's UI: its trials, with the factors that vary as columns.

A view that is shared in the UI is a tag of the experiment, in JSON, and its key is a part of the address. Without the
view the runs are the same, in MLflow's own columns.
"""

import json
from collections.abc import Collection, Iterable

import pyarrow as pa
from mlflow import MlflowClient

from sweep.trial import FACTORS

KEY = "trials"
TAG = f"mlflow.sharedViewState.{KEY}"
_NOT_SHOWN = ("study", "stages")
_METRICS = ("val_loss", "val_accuracy", "train_loss")


def varying(plans: Iterable[pa.Table]) -> list[str]:
    """The factors that differ among the trials of some plans, in their usual order."""
    levels: dict[str, set[object]] = {}
    for plan in plans:
        for name in FACTORS:
            if name in plan.schema.names and name not in _NOT_SHOWN:
                levels.setdefault(name, set()).update(plan[name].unique().to_pylist())
    return [name for name, found in levels.items() if len(found) > 1]


def state(factors: Collection[str]) -> str:
    """The tag's value for a table with these factors as columns."""
    columns = [
        *(f"params.`{name}`" for name in factors),
        *(f"metrics.`{name}`" for name in _METRICS),
        "attributes.`Duration`",
    ]
    view = {
        "searchFilter": "tags.kind = 'trial'",
        "orderByKey": f"metrics.`{_METRICS[0]}`",
        "orderByAsc": True,
        "selectedColumns": columns,
    }
    return json.dumps(view)


def addresses(uri: str) -> dict[str, str]:
    """By study, the place of its table in the UI, after the server's address; MLflow's own experiment is left out."""
    found: dict[str, str] = {}
    for experiment in MlflowClient(tracking_uri=uri).search_experiments():
        if TAG in experiment.tags:
            found[experiment.name] = f"/#/experiments/{experiment.experiment_id}/runs?viewStateShareKey={KEY}"
    return dict(sorted(found.items()))
