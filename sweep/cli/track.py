"""``sweep track``: writes MLflow runs from a store."""

from sweep.cli.display import say
from sweep.cli.options import DEFAULT_STORE, Flag, Store, Tracking
from sweep.ledger import Ledger
from sweep.redaction import redacted
from sweep.tracking import rebuild as rebuild_runs
from sweep.tracking import tracking_uri

_LINE_TRIALS = 100


def track(*, store: Store = DEFAULT_STORE, tracking: Tracking = None, rebuild: Flag = False) -> None:
    """Write the MLflow runs that a store's trials lack.

    Parameters
    ----------
    rebuild
        Delete the runs of the store's trials first, and write them all anew.
    """
    ledger = Ledger.open(store)
    uri = tracking_uri(ledger, tracking)
    written = 0

    def wrote() -> None:
        nonlocal written
        written += 1
        if written % _LINE_TRIALS == 0:
            say(f"{written} runs written")

    held, every = rebuild_runs(ledger, uri, rebuild, wrote), len(ledger.contents.status)
    of = "" if held == every else f" of {every}"
    print(f"{held}{of} trials of {ledger.uri} are in MLflow at {redacted(uri)}, {written} written now")
