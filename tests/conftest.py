import os
import signal

import pytest

from tests.servers import mlflow_server, object_store, postgresql

__all__ = ["mlflow_server", "object_store", "postgresql"]

# Tests run side by side: at the priority that Ray gives them, its workers would wait for all others.
os.environ.setdefault("RAY_worker_niceness", "0")
os.environ.setdefault("OMP_NUM_THREADS", "1")
# The processes that tests start would else compile the program anew, half a second each.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# A shell starts what runs in its background with Ctrl-C ignored, and the processes of tests would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# Before xdist, which reads the groups in a hook of its own.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file on one worker, for its fixtures; begin with files of slow tests.

    All files that look at the one large report are on one worker as well.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow") is not None}
    items.sort(key=lambda item: item.path not in slow)
    of_report = {item.path for item in items if "report" in getattr(item, "fixturenames", ())}
    for item in items:
        item.add_marker(pytest.mark.xdist_group("report" if item.path in of_report else str(item.path)))
