"""The tables on norms: networks, transitions, depths, projections, learning rates, and twins."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from analysis.equivalence.mean import Estimate
from analysis.formats import DASH, level_name, p_value, unbroken
from analysis.questions.norm_preservation.depths import Depths
from analysis.questions.norm_preservation.findings import Findings
from analysis.questions.norm_preservation.projection import Comparison
from analysis.questions.norm_preservation.published import published_rows
from analysis.questions.norm_preservation.rates import Ladder
from analysis.questions.norm_preservation.stacks import Twins
from analysis.questions.norm_preservation.summary import NetworkNorms
from analysis.report.content import Column, Table
from analysis.report.words import Form, plain, points, ratio, share, signed
from analysis.seeds import CONFIDENCE, over_seeds

_NETWORK = Column("network", "network", unbroken, lambda each: each.label)
_MOST_SHOWN = 30
"""More rows of a table are in its file alone."""


def norm_tables(found: Findings) -> list[Table]:
    """Those that have rows."""
    every = [
        network_table(found.networks),
        passage_table(found.networks),
        depth_table(found.depths),
        projection_table(found.compared),
        *rate_tables(found.ladders),
        twin_table(found.twins),
        ratio_table(found.networks),
    ]
    return [table for table in every if table.rows or table.bulk is not None]


def network_table(networks: Sequence[NetworkNorms]) -> Table:
    """How every network keeps the norm."""

    def mean(name: str) -> Any:
        return lambda each: over_seeds(getattr(each, name)).at()

    followed = any(each.in_training for each in networks)
    columns = (
        _NETWORK,
        Column("stages", "stages", of=lambda each: each.depth),
        Column("seeds", "seeds", of=lambda each: len(each.seeds)),
        Column("error", "error, %", _alone(share(2))),
        Column("log_ratio", "ratio of a stage [95 %]", ratio(3), mean("typical")),
        Column("spread", "spread [95 %]", plain(3), mean("spread")),
        Column("mean_spread", "over training [95 %]" if followed else "", plain(3), mean("mean_spread")),
        Column("largest_log_ratio", "largest change", _alone(ratio(2)), mean("largest")),
        Column("total_log_ratio", "first to last", _alone(ratio(2)), mean("total")),
        *map(Column, ("chance", "lacking")),
        Column("distance", of=mean("distance")),
        Column("stages_that_keep_the_shape", of=lambda each: each.keeps.sum()),
        Column("times_measured", of=lambda each: len(each.epochs)),
    )
    return Table(
        "gradient_norms", columns, networks, "How networks keep the gradient's norm", shown=networks[:_MOST_SHOWN]
    )


def passage_table(networks: Sequence[NetworkNorms]) -> Table:
    """Ratios over what lies between groups of blocks."""
    rows: list[dict[str, Any]] = []
    for each in networks:
        for place, logs in each.passages.items():
            before = over_seeds(logs[:, 0]).at() if each.epochs[0] == 0 else Estimate(math.nan)
            found = {"before": before, "log_ratio": over_seeds(logs[:, -1]).at()}
            rows.append({"network": each.label, "place": place, "seeds": len(each.seeds)} | found)
    columns = (
        Column("network", "network", unbroken),
        Column("place", "where"),
        Column("seeds", "seeds"),
        Column("before", "ratio before training [95 %]", ratio(3)),
        Column("log_ratio", "once trained [95 %]", ratio(3)),
    )
    return Table("gradient_transitions", columns, rows, "Between groups of blocks", shown=rows[:_MOST_SHOWN])


def depth_table(sets: Sequence[Depths]) -> Table:
    """The spread of the deepest against that of the shallowest."""
    columns = (
        Column("shallowest", "shallowest", unbroken, lambda each: each.networks[0].label),
        Column("deepest", "deepest", unbroken, lambda each: each.networks[-1].label),
        Column("blocks", "blocks", of=lambda each: ", ".join(map(str, each.blocks))),
        Column("seeds", "seeds", of=lambda each: each.change.n),
        Column("log_change", "spread, times [95 %]", ratio(2), lambda each: each.change.interval(CONFIDENCE)),
        Column("p", "p", p_value, lambda each: each.change.p),
        Column("slope", "slope [95 %]", _slope, lambda each: each.slope.interval(CONFIDENCE)),
        Column("log_distance", "distance, times [95 %]", ratio(2), lambda each: each.distance.interval(CONFIDENCE)),
    )
    return Table("gradient_depths", columns, sets, "More blocks against fewer")


def _alone(form: Form) -> Form:
    """An estimate without its interval, which has no room."""
    return lambda found: form(found.value)


def _slope(found: Estimate) -> str:
    return plain(2)(found) if math.isfinite(found.value) else "not shown"


def projection_table(found: Sequence[Comparison]) -> Table:
    """Projected networks against plain ones, with the published ones above."""
    columns = (
        Column("network", "projected", unbroken, lambda each: each.projected.label),
        Column("against", "against", unbroken, lambda each: each.plain.label),
        Column("draws", "draws", of=lambda each: "shared" if each.by_seed else "independent"),
        Column("seeds", "seeds", of=lambda each: each.error.n),
        Column("error", "error, %", share(2), lambda each: each.projected.mean_error),
        Column("against_error", "against it, %", share(2), lambda each: each.plain.mean_error),
        Column("difference", "difference, points [95 %]", points(2), lambda each: each.error.interval(CONFIDENCE)),
        Column("p", "p", p_value, lambda each: each.error.p),
        Column("transition", "transition", _alone(ratio(2)), lambda each: each.projected.transition),
        Column("against_transition", "against it", _alone(ratio(2)), lambda each: each.plain.transition),
        Column("lacking"),
    )
    return Table("gradient_projections", columns, found, "Errors, published and ours", above=published_rows())


def rate_tables(found: Sequence[Ladder]) -> list[Table]:
    """How many seeds train at each learning rate: for the page, and for the files."""
    rates = sorted({rate for each in found for rate in each.rows})
    columns = (
        _NETWORK,
        *(Column(f"rate_{rate:g}", f"{rate:g}", of=lambda each, rate=rate: _counted(each, rate)) for rate in rates),
        Column("largest", "all train up to", lambda rate: level_name(rate) if math.isfinite(rate) else DASH),
    )
    keys = ("network", "learning_rate", "trained", "seeds", "lacking")
    rows = [(each.label, rate, *each.count(rate)) for each in found for rate in each.rows]
    counts = [dict(zip(keys, row, strict=True)) for row in rows]
    caption = "Seeds that train, by learning rate"
    return [
        Table("learning_rates", columns, found, caption, shown=found[:_MOST_SHOWN]),
        Table("learning_rate_counts", list(map(Column, keys)), counts),
    ]


def _counted(ladder: Ladder, rate: float) -> str:
    trained, seeds, lacking = ladder.count(rate)
    without = f", {lacking} without a result" if lacking else ""
    return f"{trained} of {seeds}{without}" if seeds else ""


def twin_table(found: Sequence[Twins]) -> Table:
    """Parallel and mixed networks against their sequential twins."""
    columns = (
        Column("network", "network", unbroken, lambda each: each.first.label),
        Column("against", "against", unbroken, lambda each: each.second.label),
        Column("pairs", "pairs", of=lambda each: each.total.n),
        *(
            Column(name, head, signed(3), lambda each, name=name: getattr(each, name).interval(CONFIDENCE))
            for name, head in (
                ("total", "first state to last [95 %]"),
                ("largest", "largest stage [95 %]"),
            )
        ),
        Column("p", "p, first to last", p_value, lambda each: each.total.p),
        Column("log_loss", "loss ratio [95 %]", ratio(3), lambda each: each.log_loss.interval(CONFIDENCE)),
        *(Column(f"{name}_p", of=lambda each, name=name: getattr(each, name).p) for name in ("largest", "log_loss")),
    )
    caption = "Differences in absolute log ratio, paired by seed"
    return Table("gradient_twins", columns, found, caption, shown=found[:_MOST_SHOWN])


def ratio_table(networks: Sequence[NetworkNorms]) -> Table:
    """Every log ratio, over seeds, for the files alone."""
    rows: dict[str, list[Any]] = {name: [] for name in ("network", "epoch", "part", "stage", "log_ratio", "seeds")}
    for each in networks:
        for part, places, logs in (
            ("stage", range(each.depth), each.stages),
            ("transition", each.after, each.transitions),
        ):
            over = over_seeds(logs)
            for (at, place), mean in np.ndenumerate(over.mean):
                known = float(mean) if math.isfinite(mean) else None
                row = (each.label, each.epochs[at], part, places[place], known, int(over.n[at, place]))
                for name, value in zip(rows, row, strict=True):
                    rows[name].append(value)
    kinds = (pa.string(), pa.int64(), pa.string(), pa.int64(), pa.float64(), pa.int64())
    arrays = {name: pa.array(values, kind) for (name, values), kind in zip(rows.items(), kinds, strict=True)}
    return Table("gradient_ratios", (), (), bulk=pa.table(arrays))
