"""Starts a sweep: makes sure of its store, data and kernels, then trains what is missing."""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager

from sweep.data import load
from sweep.engine.kernels import build_for, fault, kernels_said, shares
from sweep.errors import SweepError
from sweep.ledger import Ledger, check_plans
from sweep.numerals import NumeralError, read_seconds
from sweep.planning import Plan
from sweep.schedule import Display, Outcome, RunOptions, missing_trials, run_sweep

_LOOKED_AT = 100


def time_limit(text: str | None) -> float:
    """The seconds of a limit such as ``30m``, infinite for None. Raises SweepError for any other text."""
    try:
        return math.inf if text is None else read_seconds(text)
    except NumeralError as error:
        raise SweepError(f"time: {error}", "time") from None


def launch(
    plan: Plan,
    store: str,
    how: RunOptions,
    say: Callable[[str], None],
    display: Callable[[], AbstractContextManager[Display]],
) -> Outcome:
    """Train the trials of a plan that a store lacks. `say` gets what is worth a line before the first pack begins.

    Raises SweepError for what `run_sweep` refuses, and for data that cannot be fetched.
    """
    ledger = Ledger.create(store)
    # Of what would be refused, nothing is begun.
    check_plans(ledger, plan.sweep_id, plan.study)
    missing = missing_trials(plan, ledger, how.retry_failed)
    resources = how.resources
    if resources.engine == "torch":
        # Before all workers ask for them at once.
        if resources.address is None and missing.trials and resources.device in (None, "cpu"):
            if fault() is None:
                build_for(
                    missing.trials, "cpu", resources.kernel, lambda why: say(f"torch trains them all, since {why}")
                )
            say(f"on CPUs: {kernels_said(shares(missing.trials, 'cpu', resources.kernel), fault())}")
        for name in sorted({trial.dataset for trial in missing.trials}):
            load(name, log=say)
    _note_earlier_draws(missing, ledger, say)
    with display() as shown:
        return run_sweep(plan, ledger, how, shown)


def _note_earlier_draws(missing: Plan, ledger: Ledger, say: Callable[[str], None]) -> None:
    """Say where missing trials are in the store with the draws of earlier versions."""
    done = ledger.contents.status
    some = [trial for trial in missing.trials[:_LOOKED_AT] if trial.draws == "nested"] if done else []
    if any(trial.but(draws="crossed").trial_id in done for trial in some):
        say(
            "the store has such trials with crossed draws, as earlier versions made them; add --set draws=crossed to "
            "go on with those"
        )
