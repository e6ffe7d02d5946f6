"""``sweep merge``: brings the results of several stores into one."""

import shlex

from rich.console import Console

from sweep.cli.options import DEFAULT_STORE, Store
from sweep.errors import SweepError
from sweep.ledger import Ledger, join, merge_commits

_SMALL_COMMITS = 8


def merge(*sources: str, store: Store = DEFAULT_STORE) -> None:
    """Bring the sweeps and results of other stores into one; what is there already is left alone.

    The other stores stay as they are. If it is interrupted, run it again.

    Parameters
    ----------
    sources
        Folders or object-store URIs of the stores whose results are wanted.
    """
    if not sources:
        raise SweepError("name the stores whose results are wanted, as in `sweep merge OTHER --store ALL`")
    opened = [Ledger.open(source) for source in sources]
    target = Ledger.create(store)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for source in opened:
        found = join(target, source)
        there = f", {found.there} were there" if found.there else ""
        console.print(f"{source.uri}: {found.trials} trials and {found.sweeps} sweeps brought{there}")
    merge_commits(target, _SMALL_COMMITS)
    where = [] if store == DEFAULT_STORE else ["--store", store]
    console.print(f"Their MLflow runs: {shlex.join(['sweep', 'track', *where])}")
