"""Tables of ways of training against each other."""

from collections.abc import Sequence
from typing import Any

from analysis.formats import p_value
from analysis.questions.methods.comparison import Comparison
from analysis.questions.methods.lesions import Robustness
from analysis.report.content import Column, Table
from analysis.report.words import plain, points, ratio, share, unbroken
from analysis.seeds import Estimate

_MOST_SIZES = 5
_NAMES = (
    Column("group", "network", unbroken),
    Column("arm", "arm", unbroken),
    Column("against", "against", unbroken),
)
_SECONDS = Column("seconds", "seconds", plain(1))
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
    Column("verdict", "verdict on the loss", unbroken),
)
_FILED = ("basis", "epochs", "pretrain_epochs", "seconds", "against_seconds", "lacking", "ended", "note")


def comparison_tables(steps: Sequence[Comparison], time: Sequence[Comparison]) -> list[Table]:
    """All comparisons, of which the page has those at equal optimiser steps; and those at equal time, if there are."""
    at_steps, at_time = [_row(each) for each in steps], [_row(each) for each in time]
    every = Table(
        "training_methods",
        (*_NAMES, *_ERRORS, *_LOSSES, *map(Column, _FILED)),
        [*at_steps, *at_time],
        "At equal optimiser steps, paired by seed",
        "Below zero, or below 1, the first arm is better. *Loss ratio* is the geometric mean of ratios of validation "
        "losses. *p equivalent* is the larger of the two one-sided tests against the declared margin of ratios; below "
        "0.005 the 99 % interval lies inside. Each row is a test of its own, not corrected for the others. Seeds that "
        "did not finish are in no estimate, but a verdict that they could turn is undecided.",
        shown=at_steps,
    )
    timed = Table(
        "training_methods_at_equal_time",
        (*_NAMES, _SECONDS, *_ERRORS, Column("said", "verdict on the loss", unbroken)),
        at_time,
        "At equal training time, the other arm interpolated between its budgets",
        "As above. Where the other arm's budgets do not bracket the seconds of the first, nothing is said.",
    )
    return [every, timed] if time else [every]


def _row(each: Comparison) -> dict[str, Any]:
    """Differences in error as shares, losses as log ratios."""
    return {
        "group": each.group.label,
        "epochs": each.group.epochs,
        "pretrain_epochs": each.group.pretrain_epochs,
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
    } | {
        name: getattr(each, name)
        for name in ("basis", "mean_error", "against_error", "against_seconds", "lacking", "ended", "note")
    }


def lesion_table(rows: Sequence[Robustness]) -> Table:
    """Retrained networks under lesions; the page has some of the numbers of deleted blocks."""
    sizes = sorted({size for each in rows for size in each.some})
    shown = _chosen(sizes)
    tests = {"untreated": "whole", "one": "one block deleted", "rise": "its rise"}
    tests |= {f"deleted_{size}": f"{size} deleted" if size in shown else "" for size in sizes}
    columns = [*_NAMES, Column("seeds", "seeds"), *(Column(key, head, points(2)) for key, head in tests.items())]
    return Table(
        "retrained_lesions",
        [*columns, *(Column(f"{key}_p") for key in tests)],
        [_lesion_row(each, sizes) for each in rows],
        "Differences in error after deleting blocks, percentage points",
        "First arm minus the other, with 95 % intervals over seeds; below zero the first is more robust. *One block "
        "deleted* is the mean over all blocks, *its rise* how far it lies above the whole network; of more blocks the "
        "mean over random draws.",
    )


def _lesion_row(each: Robustness, sizes: Sequence[int]) -> dict[str, Any]:
    tests = {"untreated": each.untreated, "one": each.one, "rise": each.rise}
    tests |= {f"deleted_{size}": each.some.get(size) for size in sizes}
    row: dict[str, Any] = {"group": each.group, "arm": each.arm, "against": each.against, "seeds": each.one.n}
    for key, test in tests.items():
        row[key] = Estimate(float("nan")) if test is None else Estimate.of(test)
        row[f"{key}_p"] = None if test is None else test.p
    return row


def _chosen(sizes: Sequence[int]) -> list[int]:
    """Some of the sizes, the smallest and the largest included."""
    if len(sizes) <= _MOST_SIZES:
        return list(sizes)
    step = (len(sizes) - 1) / (_MOST_SIZES - 1)
    return [sizes[round(place * step)] for place in range(_MOST_SIZES)]
