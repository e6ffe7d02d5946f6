"""Tables of ways of training against each other."""

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.formats import p_value, unbroken
from analysis.questions.methods.comparison import Comparison
from analysis.questions.methods.lesions import ONE, RISE, WHOLE
from analysis.report.content import Column, Table
from analysis.report.words import plain, points, ratio, share
from analysis.seeds import Estimate

_MOST_SIZES = 5
_NAMES = (
    Column("group", "network", unbroken),
    Column("arm", "arm", unbroken),
    Column("against", "against", unbroken),
)
_ERRORS = (
    Column("seeds", "seeds"),
    Column("mean_error", "error, %", share(2)),
    Column("against_error", "against it, %", share(2)),
    Column("error_difference", "difference, points [95 %]", points(2)),
    Column("error_p", "p", p_value),
)
_LOSSES = (
    Column("log_loss_ratio", "loss ratio [95 %]", ratio(3)),
    Column("log_loss_p", "p", p_value),
    Column("equivalence_p", "p equivalent", p_value),
)
_VERDICT = "verdict on the loss"
_FILED = ("basis", "epochs", "pretrain_epochs", "seconds", "against_seconds", "lacking", "ended", "note")


def comparison_tables(steps: Sequence[Comparison], time: Sequence[Comparison]) -> list[Table]:
    """A table of all comparisons, which shows those at equal steps, and one of those at equal time, if any."""
    at_steps, at_time = [_row(each) for each in steps], [_row(each) for each in time]
    every = Table(
        "training_methods",
        (*_NAMES, Column("verdict", _VERDICT, unbroken), *_ERRORS, *_LOSSES, *map(Column, _FILED)),
        [*at_steps, *at_time],
        "At equal optimiser steps, paired by seed",
        shown=at_steps,
    )
    timed = Table(
        "training_methods_at_equal_time",
        (*_NAMES, Column("said", _VERDICT, unbroken), Column("seconds", "seconds", plain(1)), *_ERRORS),
        at_time,
        "At equal training time, the other arm interpolated between its budgets",
    )
    return [every, timed] if time else [every]


def _row(each: Comparison) -> dict[str, Any]:
    """Differences in error as shares, losses as log ratios."""
    return vars(each) | {
        "group": each.group.label,
        "epochs": each.group.trial["epochs"],
        "pretrain_epochs": each.group.trial["pretrain_epochs"],
        "arm": each.arm.name,
        "against": each.against.name,
        "seconds": each.arm.seconds,
        "seeds": each.error.n,
        "error_difference": Estimate.of(each.error),
        "error_p": each.error.p,
        "log_loss_ratio": Estimate.of(each.log_loss),
        "log_loss_p": each.log_loss.p,
        "equivalence_p": each.tost.p,
        "verdict": each.words,
        "said": each.note or each.words,
        "ended": each.ended,
    }


def lesion_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Lesions of retrained networks, from `robustness`; the page shows some of the numbers of deleted blocks."""
    heads = {WHOLE: "whole", ONE: "one block deleted", RISE: "its rise"}
    keys = [key for key, value in rows[0].items() if isinstance(value, Estimate)]
    sizes = [key for key in keys if key not in heads]
    # Both ends are among those shown.
    step = max(1.0, (len(sizes) - 1) / (_MOST_SIZES - 1))
    shown = (sizes[round(place * step)] for place in range(min(len(sizes), _MOST_SIZES)))
    heads |= {key: f"{key.removeprefix('deleted_')} deleted" for key in shown}
    columns = [*_NAMES, Column("seeds", "seeds"), *(Column(key, heads.get(key, ""), points(2)) for key in keys)]
    return Table(
        "retrained_lesions",
        [*columns, *(Column(f"{key}_p") for key in keys)],
        rows,
        "Differences in error after deleting blocks, percentage points",
    )
