"""``sweep ui``: MLflow's pages over the runs of a store."""

import os
import socket
import sys

from sweep.cli.options import DEFAULT_STORE, Store, Tracking
from sweep.errors import SweepError
from sweep.ledger import Ledger
from sweep.redaction import redacted
from sweep.tracking import check_database, tracking_uri

_HOST = "127.0.0.1"


def ui(*, store: Store = DEFAULT_STORE, tracking: Tracking = None, port: int = 5000) -> None:
    """Serve MLflow's UI of a store at http://127.0.0.1:5000 until Ctrl-C.

    Parameters
    ----------
    port
        Port to listen on; only this machine can reach it.
    """
    uri = tracking_uri(Ledger.open(store), tracking)
    if uri.startswith(("http://", "https://")):
        raise SweepError(f"the runs are on a server; open {redacted(uri)} in a browser")
    check_database(uri)
    _check_free(port)
    print(f"MLflow on {redacted(store)}: http://{_HOST}:{port}", flush=True)
    arguments = ["-m", "mlflow", "ui", "--host", _HOST, "--port", str(port)]
    # Every user of the machine can read the arguments of a process.
    os.execve(sys.executable, [sys.executable, *arguments], {**os.environ, "MLFLOW_BACKEND_STORE_URI": uri})


def _check_free(port: int) -> None:
    """Raise SweepError for a port where nobody can listen; MLflow would say so among many lines of its log."""
    if not 1 <= port <= 65535:
        raise SweepError(f"port is {port}, but takes 1 to 65535", "port")
    with socket.socket() as knocking:
        # As servers do, so that a port is free again as soon as its server has ended.
        knocking.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            knocking.bind((_HOST, port))
        except OSError as error:
            reason = error.strerror or str(error)
            raise SweepError(
                f"port is {port}, but nobody can listen there ({reason}); choose another", "port"
            ) from None
