import pytest

from tests.servers import mlflow_server, object_store, postgresql

__all__ = ["mlflow_server", "object_store", "postgresql"]


# Before xdist, which reads the groups in a hook of its own.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file on one worker, for its fixtures, and those that fill the machine on one for them all.

    These begin first, as they take longest.
    """
    fills = {item: item.get_closest_marker("fills_machine") is not None for item in items}
    items.sort(key=lambda item: not fills[item])
    for item in items:
        item.add_marker(pytest.mark.xdist_group("machine" if fills[item] else str(item.path)))
