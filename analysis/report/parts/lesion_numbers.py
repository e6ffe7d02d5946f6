"""The numbers of lesions as tables and for JSON, and the few that stand for them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from analysis.lesion_differences import LesionDifference
from analysis.lesions import Lesions
from analysis.seeds import OverSeeds

_ESTIMATE = {"seeds": pa.int64(), "mean": pa.float64(), "low": pa.float64(), "high": pa.float64()}
_NETWORKS = pa.schema({"network": pa.string(), "blocks": pa.int64(), "quantity": pa.string(), **_ESTIMATE})
_BLOCKS = pa.schema(
    {
        "network": pa.string(),
        "block": pa.int64(),
        "stage": pa.int64(),
        "changes_shape": pa.bool_(),
        **_ESTIMATE,
        "lowest": pa.float64(),
        "highest": pa.float64(),
    }
)
_SIZES = pa.schema(
    {
        "network": pa.string(),
        "lesion": pa.string(),
        "size": pa.int64(),
        "draws": pa.int64(),
        "kendall_tau": pa.float64(),
        **_ESTIMATE,
        "quartile_1": pa.float64(),
        "median": pa.float64(),
        "quartile_3": pa.float64(),
    }
)
_DIFFERENCES = pa.schema(
    {
        "contrast": pa.string(),
        "first": pa.string(),
        "second": pa.string(),
        "quantity": pa.string(),
        "pairs": pa.int64(),
        **{name: pa.float64() for name in ("difference", "low", "high", "p")},
    }
)


def tables(
    lesions: Lesions, arrangements: Sequence[LesionDifference], methods: Sequence[LesionDifference]
) -> dict[str, pa.Table]:
    """All numbers; errors are shares, intervals of 95 %."""
    networks = lesions.networks
    rows = {
        "lesions": [
            {"network": each.label, "blocks": each.blocks, "quantity": name, **_estimate(found)}
            for each in networks
            for name, found in each.quantities.items()
        ],
        "lesion_blocks": [
            {
                "network": each.label,
                "block": block,
                "stage": int(each.stage[block]),
                "changes_shape": bool(each.changes_shape[block]),
                **_estimate(each.deleted, block),
                "lowest": _known(each.deleted.lowest[block]),
                "highest": _known(each.deleted.highest[block]),
            }
            for each in networks
            for block in range(each.blocks)
        ],
        "lesion_sizes": [
            {
                "network": each.label,
                "lesion": lesion,
                "size": int(found.size[place]),
                "draws": int(found.draws[place]),
                "kendall_tau": _known(found.tau[place]),
                **_estimate(found.mean, place),
                "quartile_1": _known(found.low[place]),
                "median": _known(found.median[place]),
                "quartile_3": _known(found.high[place]),
            }
            for each in networks
            for lesion, found in each.by_size.items()
            for place in range(len(found.size))
        ],
        "lesion_differences": [
            _difference(contrast, each)
            for contrast, found in (("arrangement", arrangements), ("method", methods))
            for each in found
        ],
    }
    schemas = {
        "lesions": _NETWORKS,
        "lesion_blocks": _BLOCKS,
        "lesion_sizes": _SIZES,
        "lesion_differences": _DIFFERENCES,
    }
    return {name: pa.Table.from_pylist(rows[name], schema=schema) for name, schema in schemas.items()}


def numbers(lesions: Lesions, held: dict[str, pa.Table]) -> dict[str, Any]:
    """For JSON: what became of the trials, and every table."""
    states = {**lesions.states, "finished_without_measurements": lesions.unmeasured}
    return {"trials": states, **{name: table.to_pylist() for name, table in held.items()}}


def headline(lesions: Lesions) -> dict[str, float]:
    """The least and the most hurt network's median increase in error by one deleted block."""
    medians = [float(each.quantities["median"].mean) for each in lesions.networks]
    known = [median for median in medians if np.isfinite(median)]
    return {"lesion_median_increase_least": min(known), "lesion_median_increase_most": max(known)} if known else {}


def _estimate(found: OverSeeds, place: int | None = None) -> dict[str, float | int | None]:
    at = () if place is None else place
    return {
        "seeds": int(found.n[at]),
        "mean": _known(found.mean[at]),
        "low": _known(found.low[at]),
        "high": _known(found.high[at]),
    }


def _difference(contrast: str, each: LesionDifference) -> dict[str, Any]:
    found = each.found
    return {
        "contrast": contrast,
        "first": each.first,
        "second": each.second,
        "quantity": each.quantity,
        "pairs": found.n,
        "difference": _known(found.estimate),
        "low": _known(found.interval.low),
        "high": _known(found.interval.high),
        "p": _known(found.p),
    }


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
