"""``sweep ui``: MLflow's pages over the runs of a store."""

import os
import socket
import subprocess
import sys

from sweep.cli.options import DEFAULT_STORE, Store, Tracking
from sweep.errors import SweepError
from sweep.ledger import Ledger
from sweep.redaction import redacted
from sweep.tracking import check_database, tables, tracking_uri

_HOST = "127.0.0.1"


def ui(*, store: Store = DEFAULT_STORE, tracking: Tracking = None, port: int = 5000, open: bool = True) -> None:
    """Serve MLflow's UI of a store at http://127.0.0.1:5000 until Ctrl-C.

    Parameters
    ----------
    port
        Port to listen on; only this machine can reach it.
    open
        Open the table of the first study in a browser, if there is one on this machine.
    """
    ledger = Ledger.open(store)
    uri = tracking_uri(ledger, tracking)
    if uri.startswith(("http://", "https://")):
        raise SweepError(f"the runs are on a server; open {redacted(uri)} in a browser")
    check_database(uri)
    _check_free(port)
    here = f"http://{_HOST}:{port}"
    found = {study: f"{here}{place}" for study, place in tables(ledger, uri).items()}
    print(f"MLflow on {redacted(store)}: {here}", flush=True)
    for study, address in found.items():
        print(f"  trials of {study}: {address}", flush=True)
    if open and found and _has_browser():
        _open_when_served(next(iter(found.values())), port)
    arguments = ["-m", "mlflow", "ui", "--host", _HOST, "--port", str(port)]
    # Every user of the machine can read the arguments of a process.
    os.execve(sys.executable, [sys.executable, *arguments], {**os.environ, "MLFLOW_BACKEND_STORE_URI": uri})


def _has_browser() -> bool:
    """Whether a browser has a screen to open on; in a terminal it would take the screen of the server's log."""
    return sys.stdout.isatty() and (
        sys.platform == "darwin" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
    )


def _open_when_served(address: str, port: int) -> None:
    """Open an address once the server listens; a process of its own, since this one becomes the server."""
    code = (
        "import socket, sys, time, webbrowser\n"
        "for _ in range(120):\n"
        "    with socket.socket() as knocking:\n"
        "        if knocking.connect_ex((sys.argv[1], int(sys.argv[2]))) == 0:\n"
        "            webbrowser.open(sys.argv[3])\n"
        "            break\n"
        "    time.sleep(0.5)\n"
    )
    subprocess.Popen(
        [sys.executable, "-c", code, _HOST, str(port), address],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


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
