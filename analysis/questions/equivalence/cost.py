"""What the two architectures cost: seconds of training, arithmetic, memory, in matched pairs."""

import pyarrow as pa
import pyarrow.compute as pc

from analysis.database import connect
from analysis.results import Results

_PAIRS_SQL = """
    select s.dataset, s.device, s.depth, s.seconds as sequential_seconds, p.seconds as parallel_seconds,
           p.forward_flops / s.forward_flops as flops_ratio, s.val_loss as sequential_loss, p.val_loss as parallel_loss
    from trials s join trials p using (pair_id)
    where s.architecture = 'sequential' and p.architecture = 'parallel'
      and s.status = 'finished' and p.status = 'finished' and s.device = p.device and s.seconds > 0 and p.seconds > 0
    order by s.dataset, s.device, s.depth, s.pair_id
"""
_BY_DEPTH_SQL = """
    select dataset, device, depth, count(*) as pairs,
           median(parallel_seconds / sequential_seconds) as seconds_ratio,
           quantile_cont(parallel_seconds / sequential_seconds, 0.25) as low,
           quantile_cont(parallel_seconds / sequential_seconds, 0.75) as high,
           median(sequential_seconds) as sequential_seconds, median(parallel_seconds) as parallel_seconds,
           median(flops_ratio) as flops_ratio
    from pairs group by all order by all
"""
_COLUMNS = ["pair_id", "architecture", "depth", "dataset", "device", "status", "seconds", "forward_flops", "val_loss"]


def cost_pairs(results: Results, study: str) -> pa.Table:
    """Seconds, losses and the ratio of forward FLOPs of matched pairs, one row per pair.

    Seconds are a trial's share of the time of all networks trained with it. Only pairs of finished trials on devices of
    one name are compared.
    """
    return _ask(_PAIRS_SQL, "trials", results.table("trials", _COLUMNS, pc.field("study") == study))


def cost_by_depth(pairs: pa.Table) -> pa.Table:
    """Seconds and FLOPs of `cost_pairs`, parallel over sequential, by data set, device and depth: median, quartiles."""
    return _ask(_BY_DEPTH_SQL, "pairs", pairs)


def _ask(query: str, name: str, table: pa.Table) -> pa.Table:
    with connect() as connection:
        connection.register(name, table)
        return connection.sql(query).to_arrow_table()
