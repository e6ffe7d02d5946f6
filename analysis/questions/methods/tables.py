"""Tables of ways of training against each other."""

from collections.abc import Sequence

from analysis.formats import p_value, unbroken
from analysis.questions.methods.comparison import Comparison
from analysis.questions.methods.lesions import ONE, RISE, WHOLE, Robustness
from analysis.report.content import Column, Table
from analysis.report.words import plain, points, ratio, share
from analysis.seeds import CONFIDENCE

_MOST_SIZES = 5
_NAMES = (
    Column("group", "network", unbroken, lambda each: each.group.label),
    Column("arm", "arm", unbroken, lambda each: each.arm.name),
    Column("against", "against", unbroken, lambda each: each.against.name),
)
_ERRORS = (
    Column("seeds", "seeds", of=lambda each: each.error.n),
    Column("mean_error", "error, %", share(2)),
    Column("against_error", "against it, %", share(2)),
    Column("error_difference", "difference, points [95 %]", points(2), lambda each: each.error.interval(CONFIDENCE)),
    Column("error_p", "p", p_value, lambda each: each.error.p),
)
_LOSSES = (
    Column("log_loss_ratio", "loss ratio [95 %]", ratio(3), lambda each: each.log_loss.interval(CONFIDENCE)),
    Column("log_loss_p", "p", p_value, lambda each: each.log_loss.p),
    Column("equivalence_p", "p equivalent", p_value),
)
_FILED = (
    Column("basis"),
    *(Column(name, of=lambda each, name=name: each.group.trial[name]) for name in ("epochs", "pretrain_epochs")),
    Column("seconds", of=lambda each: each.arm.seconds),
    *map(Column, ("lacking", "ended", "note")),
)
_VERDICT = "verdict on the loss"


def comparison_tables(steps: Sequence[Comparison], time: Sequence[Comparison]) -> list[Table]:
    """A table of all comparisons, which shows those at equal steps, and one of those at equal time, if any.

    Differences in error are shares, and losses log ratios.
    """
    every = Table(
        "training_methods",
        (*_NAMES, Column("verdict", _VERDICT, unbroken, lambda each: each.words), *_ERRORS, *_LOSSES, *_FILED),
        [*steps, *time],
        "At equal optimiser steps, paired by seed",
        shown=steps,
    )
    said = Column("said", _VERDICT, of=lambda each: each.note or each.words)
    timed = Table(
        "training_methods_at_equal_time",
        (*_NAMES, said, Column("seconds", "seconds", plain(1), lambda each: each.arm.seconds), *_ERRORS),
        time,
        "At equal training time, the other arm interpolated between its budgets",
    )
    return [every, timed] if time else [every]


def lesion_table(rows: Sequence[Robustness]) -> Table:
    """Lesions of retrained networks; the page shows some of the numbers of deleted blocks."""
    heads = {WHOLE: "whole", ONE: "one block deleted", RISE: "its rise"}
    keys = list(rows[0].tests)
    sizes = [key for key in keys if key not in heads and key != "deleted_1"]
    # Both ends are among those shown.
    step = max(1.0, (len(sizes) - 1) / (_MOST_SIZES - 1))
    shown = (sizes[round(place * step)] for place in range(min(len(sizes), _MOST_SIZES)))
    heads |= {key: f"{key.removeprefix('deleted_')} deleted" for key in shown}
    columns = (
        *_NAMES,
        Column("seeds", "seeds", of=lambda each: each.tests[ONE].n),
        *(
            Column(key, heads.get(key, ""), points(2), lambda each, key=key: each.tests[key].interval(CONFIDENCE))
            for key in keys
        ),
        *(Column(f"{key}_p", of=lambda each, key=key: each.tests[key].p) for key in keys),
    )
    return Table("retrained_lesions", columns, rows, "Differences in error after deleting blocks, percentage points")
