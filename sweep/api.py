"""The service from Python: what `sweep plan`, `sweep run` and `sweep query` do, as functions.

>>> import sweep
>>> study = sweep.Study("widths", {"dataset": "digits", "filters": [1, 2], "architecture": ["sequential", "parallel"],
...                                "depth": 2, "seed": "0..1", "epochs": 1})
>>> plan = sweep.plan(study, where="seed == 0")
>>> plan
Plan('widths', 4 trials)
>>> results = sweep.run(plan, store="results/widths", executor="local")
>>> results.trials.num_rows
4
>>> results.sql("select count(*) as pairs from pairs").to_pylist()
[{'pairs': 2}]

`run` trains nothing twice: called again, it returns what the store has.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sweep.errors import SweepError
from sweep.factors import Value
from sweep.planning import Plan, make_plan
from sweep.study import Study
from sweep.studyfile import find_study

if TYPE_CHECKING:
    from analysis import Results

Levels = Mapping[str, Sequence[Value] | Value]


def plan(
    study: str | Study | Plan,
    *,
    where: str | None = None,
    factors: Levels | None = None,
    limit: int | None = None,
    shard: str | None = None,
    margins: Mapping[str, float] | None = None,
) -> Plan:
    """The trials of a study: a built-in one by name, a file, or one made here.

    `factors` replaces levels, as ``--set`` does; `where`, `limit`, `shard` (such as ``1/4``) and `margins` are as on
    the command line. Raises SweepError for a study or an option that is not valid, and for a plan without trials.
    """
    if isinstance(study, Plan):
        made = study if where is None else study.where(where)
        made = made if limit is None else made.limit(limit)
        if factors or shard or margins:
            raise SweepError("a plan has its trials; give factors, shard and margins where it is made from a study")
        return made
    chosen = find_study(study) if isinstance(study, str) else study
    if margins:
        chosen = replace(chosen, margins=chosen.margins.override(margins))
    if factors:
        chosen = chosen.override(factors)
    return make_plan(chosen, where, (), limit, shard)


def run(
    study: str | Study | Plan,
    *,
    store: str | os.PathLike[str] = "results",
    executor: str = "ray",
    address: str | None = None,
    workers: int | None = None,
    device: str | None = None,
    time: str | None = None,
    order: str = "longest",
    retry_failed: bool = False,
    tracking: str | None = None,
    track: bool = True,
    report: bool = True,
    progress: bool = True,
    **options: Any,
) -> "Results":
    """Train what a store lacks of a study, and return the store's results. Called again, it resumes.

    `options` are those of `plan`, the others those of `sweep run`: an executor, ``ray`` (on this machine or the cluster
    at `address`) or ``local`` (this process), and how many packs train at once; a device; a `time` such as ``30m``;
    MLflow runs, by default in the store; a report in the store. Prints its progress to standard error.

    Raises SweepError for what is not valid, where the store cannot be used, and where a sweep cannot start or go on;
    KeyboardInterrupt after an interrupt, with all finished packs kept.
    """
    from sweep.cli.display import live_display, say, silent
    from sweep.launch import launch, time_limit
    from sweep.own_code import loaded
    from sweep.schedule import ExecutorOptions, RunOptions

    chosen = plan(study, **options)
    place = os.fspath(store)
    resources = ExecutorOptions(
        device=device, workers=workers, address=address, data_cache=os.environ.get("SWEEP_DATA"), modules=loaded()
    )
    how = RunOptions(
        executor,
        retry_failed=retry_failed,
        tracking=_tracking(place, tracking) if track else None,
        seconds=time_limit(time),
        order=order,
        resources=resources,
    )
    outcome = launch(chosen, place, how, say if progress else lambda line: None, live_display if progress else silent)
    if outcome.interrupted:
        raise KeyboardInterrupt
    results = open(place)
    if report and outcome.status["finished"]:
        from sweep.cli.report import write_into_store

        write_into_store(results, chosen.study, place, how.tracking)
    return results


def open(*stores: str | os.PathLike[str]) -> "Results":
    """The results of a store, or of several as one; see `analysis.open`."""
    import analysis

    return analysis.open(*stores)


def _tracking(store: str, given: str | None) -> str:
    from sweep.ledger import Ledger
    from sweep.tracking import tracking_uri

    return tracking_uri(Ledger(store), given)
