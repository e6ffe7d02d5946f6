"""Matched pairs: trials that agree in all but how their blocks are arranged, side by side."""

from collections.abc import Sequence

from sweep.ledger import plan_schema

METRICS = ("val_loss", "train_loss", "val_accuracy", "train_accuracy", "gradient_norm")
"""What pairs can be compared in."""

CONTRAST = "parallel/sequential"
"""The contrast of whole networks; those with mixed stages are ``mixed/sequential`` and ``parallel/mixed``."""

STATUSES = ("finished", "diverged", "failed", "missing")
"""What may have become of a planned trial, the furthest first."""

ARRANGEMENT = ("architecture", "stages")


def shared(columns: Sequence[str] | None = None) -> list[str]:
    """Those of the planned trials' columns in which the sides of a pair agree: factors, sizes, determination ratio."""
    names = plan_schema().names if columns is None else columns
    return [name for name in names if name not in ("trial_id", "pair_id", *ARRANGEMENT)]


def known_sql(columns: Sequence[str]) -> str:
    """Every trial that is planned or done, with status ``missing`` where it is only planned.

    `columns` are those of the table `trials` that are known of a trial before it is run.
    """
    names = ", ".join(f'"{name}"' for name in columns)  # a factor's name may be a word of SQL
    return f"""
        select k.*, coalesce(status, 'missing') as status, {", ".join(METRICS)}
        from (select * from plan union all by name select {names} from trials
              where trial_id not in (select trial_id from plan)) k
        left join (select trial_id, status, {", ".join(METRICS)} from trials) t using (trial_id)
    """


def pairs_sql(metric: str, columns: Sequence[str] | None = None) -> str:
    """A query over `known` that has one row per matched pair, and one for each end that a mixed network is beside."""
    names = ", ".join(f's."{name}"' for name in shared(columns))
    return f"""
        select s.pair_id, p.architecture || '/' || s.architecture as contrast,
               {names},
               s.stages as sequential_stages, p.stages as parallel_stages,
               s.trial_id as sequential_id, p.trial_id as parallel_id,
               s.status as sequential_status, p.status as parallel_status,
               s.{metric} as sequential, p.{metric} as parallel,
               p.{metric} - s.{metric} as difference, p.{metric} / nullif(s.{metric}, 0) as ratio
        from known s join known p using (pair_id)
        where (s.architecture = 'sequential' and p.architecture in ('mixed', 'parallel'))
           or (s.architecture = 'mixed' and p.architecture = 'parallel')
        order by {names}, sequential_stages desc, parallel_stages desc
    """
