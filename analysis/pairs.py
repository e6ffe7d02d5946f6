"""Matched pairs: trials that agree in all but how their blocks are arranged, side by side."""

from collections.abc import Sequence

from sweep.ledger import PLAN_SCHEMA

METRICS = ("val_loss", "train_loss", "val_accuracy", "train_accuracy", "gradient_norm")
"""What pairs can be compared in."""

CONTRAST = "parallel/sequential"
"""The contrast of whole networks; those with mixed stages are ``mixed/sequential`` and ``parallel/mixed``."""

STATUSES = ("finished", "diverged", "failed", "missing")
"""What may have become of a planned trial, the furthest first."""

_ARRANGEMENT = ("architecture", "stages")
_IDENTITY = PLAN_SCHEMA.names
SHARED = [name for name in _IDENTITY if name not in ("trial_id", "pair_id", *_ARRANGEMENT)]
"""Columns in which the sides of a pair agree: every factor but the arrangement, size, and determination ratio."""

KNOWN_SQL = f"""
    select {", ".join(_IDENTITY)}, coalesce(status, 'missing') as status, {", ".join(METRICS)}
    from (select * from plan union all by name select {", ".join(_IDENTITY)} from trials
          where trial_id not in (select trial_id from plan)) k
    left join (select trial_id, status, {", ".join(METRICS)} from trials) t using (trial_id)
"""
"""Every trial that is planned or done, with status ``missing`` where it is only planned."""


def pairs_sql(metric: str, shared: Sequence[str] = SHARED) -> str:
    """A query over `known` that has one row a matched pair, and one for each end that a mixed network is beside."""
    return f"""
        select s.pair_id, p.architecture || '/' || s.architecture as contrast,
               {", ".join(f"s.{name}" for name in shared)},
               s.stages as sequential_stages, p.stages as parallel_stages,
               s.trial_id as sequential_id, p.trial_id as parallel_id,
               s.status as sequential_status, p.status as parallel_status,
               s.{metric} as sequential, p.{metric} as parallel,
               p.{metric} - s.{metric} as difference, p.{metric} / nullif(s.{metric}, 0) as ratio
        from known s join known p using (pair_id)
        where (s.architecture = 'sequential' and p.architecture in ('mixed', 'parallel'))
           or (s.architecture = 'mixed' and p.architecture = 'parallel')
        order by {", ".join(f"s.{name}" for name in shared)}, sequential_stages desc, parallel_stages desc
    """
