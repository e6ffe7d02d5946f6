"""Matched pairs: a sequential trial beside the parallel one that agrees in all else."""

from collections.abc import Sequence

_ARRANGEMENT = ("architecture", "stages")


def pairs_sql(metric: str, columns: Sequence[str]) -> str:
    """A query over `trials`, of the given columns, that has one row a matched pair."""
    first, last = columns.index("study"), columns.index("seed")
    shared = [name for name in columns[first : last + 1] if name not in _ARRANGEMENT]
    return f"""
        select s.pair_id, {", ".join(f"s.{name}" for name in shared)}, s.determination_ratio,
               s.trial_id as sequential_id, p.trial_id as parallel_id,
               s.status as sequential_status, p.status as parallel_status,
               s.{metric} as sequential, p.{metric} as parallel,
               p.{metric} - s.{metric} as difference, p.{metric} / nullif(s.{metric}, 0) as ratio
        from trials s join trials p using (pair_id)
        where s.architecture = 'sequential' and p.architecture = 'parallel'
        order by {", ".join(f"s.{name}" for name in shared)}
    """
