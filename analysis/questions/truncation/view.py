"""Truncations as a reader sees them."""

from collections.abc import Sequence

from analysis.claims import Claim, Outcome, signs
from analysis.figures import render
from analysis.figures.panels import Axis, Line, Panel, draw_panels, in_rows
from analysis.figures.style import Palette
from analysis.formats import number, unbroken
from analysis.questions.truncation.summary import KINDS, TruncatedNetwork, find_truncations
from analysis.report.content import Column, Lead, Part, Picture, Table
from analysis.report.words import clause, plain, ratio, seeds_said, share
from analysis.results import Results
from analysis.seeds import CONFIDENCE
from sweep.measures.truncation import FINETUNED, TRUNCATE

_ANSWERS = (
    "Yes, in some networks",
    "In some networks, and others gain by dropping them",
    "Some networks gain by dropping them",
    "No, networks gain by dropping them",
)
_PREFIX = {TRUNCATE: "", FINETUNED: "fine-tuned "}


def answer(results: Results, study: str, palette: Palette) -> Part | None:
    """The part on a study's truncations; None where no network was truncated."""
    found = find_truncations(results, study)
    if found is None:
        return None
    # A parallel network has no lower order.
    able = [each for each in found.networks if each.lower]
    claim = _claim(able)
    verdict = _verdict(able, claim)
    return Part(
        name="truncation",
        title="Are higher-order terms needed?",
        subtitle="Truncations of trained networks",
        lead=Lead(verdict, _detail(found.networks), "info" if claim.outcome is Outcome.OPEN else "good"),
        verdict=clause(verdict),
        template="truncation/page.html",
        words={"study": found},
        tables=[_table(found.networks)],
        pictures=_pictures(able, palette),
        claims=[claim],
        numbers={"trials": found.counts},
        trials=found.counts["planned"],
    )


def _claim(able: Sequence[TruncatedNetwork]) -> Claim:
    """Whether the loss rises with each network's truncation to its lowest order, as trained, paired by seed."""
    judged = {each.label: each.lower[TRUNCATE].lowest for each in able if TRUNCATE in each.lower}
    because = [f"{label}: loss times {ratio(2)(each.interval(CONFIDENCE))}" for label, each in judged.items()]
    claim = "A trained network loses by dropping its terms of higher order."
    return Claim.judged(claim, signs(list(judged.values())), because)


def _verdict(able: Sequence[TruncatedNetwork], claim: Claim) -> str:
    """The answer, and what the lowest order does to the first network that has one."""
    if not able:
        return "No network has a lower order that it could be truncated to."
    first = able[0]
    changes: list[str] = []
    for kind, orders in first.lower.items():
        whole, lowest = (number(orders.loss.at(place).value, 2) for place in (-1, 0))
        changes.append(f"{_PREFIX[kind]}from {whole} to {lowest}")
    order, losses = next(iter(first.lower.values())).order[0], ", ".join(changes)
    others = f"; {len(able) - 1} more below" if len(able) > 1 else ""
    said = claim.outcome.answer(*_ANSWERS)
    return f"{said}: truncated to order {order}, {first.label} goes in loss {losses}{others}."


def _detail(networks: Sequence[TruncatedNetwork]) -> str:
    text = (
        "A sequence of residual blocks expands like a Taylor series; blocks that stand in parallel leave out the terms "
        "of higher order among them. The trained parameters stay. "
    )
    if any(FINETUNED in each.orders for each in networks):
        text += "Fine-tuned losses are of networks that were all trained on for as long, the whole one too. "
    return text + seeds_said([len(each.seeds) for each in networks])


def _pictures(able: Sequence[TruncatedNetwork], palette: Palette) -> list[Picture]:
    if not able:
        return []
    x, y = Axis("order (sequential stages that are left)", "places"), Axis("validation loss (nats)", "log")
    panels: list[Panel] = []
    for each in able:
        lines = [Line(KINDS[kind], of.order.astype(float), *of.loss.band) for kind, of in each.orders.items()]
        panels.append(Panel(each.label, x, y, lines, levels={"": each.loss.at().value}))
    title, rows = "Validation loss of truncated networks by order", in_rows(panels, 2)
    drawn = draw_panels(title, rows, palette, band="lowest to highest seed", level="whole network")
    caption = (
        "The order is the number of sequential stages that are left; the highest is the whole network. Means over "
        "seeds."
    )
    alt = f"{title}, as trained and fine-tuned, one panel per network."
    return [Picture("truncation", render(drawn), alt, caption)]


def _table(networks: Sequence[TruncatedNetwork]) -> Table:
    # Of each row a network, a kind of truncation, its orders, and the place of one.
    columns = (
        Column("network", "network", unbroken, lambda row: row[0].label),
        Column("truncation", "truncation", of=lambda row: KINDS[row[1]]),
        Column("order", "order", of=lambda row: row[2].order[row[3]]),
        Column("seeds", "seeds", of=lambda row: row[2].loss.n[row[3]]),
        Column("loss", "loss [95 %]", plain(3), lambda row: row[2].loss.at(row[3])),
        Column("to_whole", "to the whole", plain(2), lambda row: row[2].loss.mean[row[3]] / row[2].loss.mean[-1]),
        Column("error", "error, %", share(), lambda row: row[2].error.at(row[3])),
    )
    rows = [
        (each, kind, orders, place)
        for each in networks
        for kind, orders in each.orders.items()
        for place in range(len(orders.order))
    ]
    return Table("truncation", columns, rows, "Validation loss and error by order")
