"""What is left of a trained network without its higher-order terms? Truncations, and what fine-tuning mends (P1)."""

import numpy as np
import pyarrow as pa

from analysis import figures as fig
from analysis.formats import number
from analysis.report.document import Lead, Prose, Section, Table
from analysis.report.part import Part
from analysis.report.parts.estimates import plain, seeds_said, share
from analysis.report.pictures import Picture
from analysis.report.words import columns, figure, unbroken
from analysis.results import Results
from analysis.truncation import KINDS, METRICS, Orders, TruncatedNetwork, Truncations, find_truncations

_PREFIX = {"truncate": "", "truncate-finetuned": "fine-tuned "}
_SCHEMA = pa.schema(
    {
        "network": pa.string(),
        "truncation": pa.string(),
        "order": pa.int64(),
        "metric": pa.string(),
        "seeds": pa.int64(),
        **{key: pa.float64() for key in ("mean", "low", "high", "lowest", "highest")},
    }
)


def make(results: Results, study: str) -> Part | None:
    """The part on a study's truncations, None where no network of it was truncated."""
    found = find_truncations(results, study)
    if found is None:
        return None
    pictures, table, sentence = _draw(found), _table(found), verdict(found)
    return Part(
        name="truncation",
        title="Are higher-order terms needed?",
        subtitle="Truncations of trained networks",
        lead=Lead(sentence, _detail(found), "info"),
        verdict=sentence[0].lower() + sentence[1:].removesuffix("."),
        sections=[_orders(found, pictures), _method(found)],
        pictures=pictures,
        numbers={
            "trials": {**found.states, "finished_without_measurements": found.unmeasured},
            "truncation": table.to_pylist(),
        },
        tables={"truncation": table},
        trials=found.states["planned"],
    )


def verdict(found: Truncations) -> str:
    """What truncating to the lowest order does to the first network that has one, in a sentence."""
    able = _able(found)
    if not able:
        return "No network has a lower order that it could be truncated to."
    network = able[0]
    kinds = {kind: orders for kind, orders in network.orders.items() if len(orders.order) > 1}
    changes = ", ".join(
        f"{_PREFIX[kind]}from {_loss(orders, -1)} to {_loss(orders, 0)}" for kind, orders in kinds.items()
    )
    order = next(iter(kinds.values())).order[0]
    others = f"; {len(able) - 1} more below" if len(able) > 1 else ""
    return f"Truncated to order {order}, {network.label} goes in validation loss {changes}{others}."


def _able(found: Truncations) -> list[TruncatedNetwork]:
    """Networks that have a lower order: a parallel one is its own truncation."""
    return [each for each in found.networks if any(len(orders.order) > 1 for orders in each.orders.values())]


def _loss(orders: Orders, place: int) -> str:
    return number(float(orders.loss.mean[place]), 2)


def _detail(found: Truncations) -> str:
    text = (
        "A sequence of residual blocks expands like a Taylor series; blocks that stand in parallel leave out the terms "
        "of higher order among them. The trained parameters stay. "
    )
    if any("truncate-finetuned" in each.orders for each in found.networks):
        text += "Fine-tuned losses are of networks that were all trained on for as long, the whole one too. "
    return text + seeds_said([each.seeds for each in found.networks])


def _draw(found: Truncations) -> dict[str, Picture]:
    losses = [
        fig.TruncatedLosses(
            each.label,
            float(each.loss.mean),
            {
                KINDS[kind]: fig.OrderLosses(
                    orders.order.astype(float), orders.loss.mean, orders.loss.lowest, orders.loss.highest
                )
                for kind, orders in each.orders.items()
            },
        )
        for each in _able(found)
    ]
    if not losses:
        return {}
    picture = Picture(
        "truncation",
        fig.render(fig.draw_truncation(losses)),
        "Validation loss of truncated networks by order, as trained and fine-tuned, a panel a network.",
        "The order is the number of sequential stages that are left; the highest is the whole network. Means over "
        "seeds.",
    )
    return {picture.name: picture}


def _orders(found: Truncations, pictures: dict[str, Picture]) -> Section:
    rows = [
        [
            unbroken(each.label),
            KINDS[kind],
            str(orders.order[place]),
            str(orders.loss.n[place]),
            plain(orders.loss, place=place),
            number(float(orders.loss.mean[place] / orders.loss.mean[-1]), 2),
            share(orders.error, place=place),
        ]
        for each in found.networks
        for kind, orders in each.orders.items()
        for place in range(len(orders.order))
    ]
    heads = ("network", "<truncation", "order", "seeds", "loss [95 %]", "to the whole", "error, %")
    table = Table(
        columns(*heads),
        rows,
        "Validation loss and error by order",
        "*To the whole*: mean loss over that of the highest order, truncated or fine-tuned alike.",
    )
    return Section("truncation-orders", "Loss by order", [*figure(pictures.get("truncation")), table])


def _method(found: Truncations) -> Section:
    states = found.states
    unmeasured = f" Of {found.unmeasured} that finished nothing was measured." if found.unmeasured else ""
    text = (
        f"Of {states['planned']} trials with truncation {states['finished']} finished, {states['diverged']} diverged, "
        f"{states['failed']} failed and {states['missing']} are missing.{unmeasured} A seed whose truncated loss is "
        "not finite has no value there, and *seeds* counts the others. Which blocks share a stage is our choice: "
        "consecutive ones of one shape, two, four, eight and so on."
    )
    return Section("truncation-method", "How truncations are counted", [Prose(text)])


def _table(found: Truncations) -> pa.Table:
    rows = [
        {
            "network": each.label,
            "truncation": kind,
            "order": int(orders.order[place]),
            "metric": metric,
            "seeds": int(values.n[place]),
            **{
                key: float(value) if np.isfinite(value := getattr(values, key)[place]) else None
                for key in ("mean", "low", "high", "lowest", "highest")
            },
        }
        for each in found.networks
        for kind, orders in each.orders.items()
        for place in range(len(orders.order))
        for metric in METRICS
        for values in (getattr(orders, metric),)
    ]
    return pa.Table.from_pylist(rows, schema=_SCHEMA)
