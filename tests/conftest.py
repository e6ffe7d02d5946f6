import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file on one worker, for its fixtures, and those that fill the machine on one for them all."""
    for item in items:
        fills = item.get_closest_marker("fills_machine") is not None
        item.add_marker(pytest.mark.xdist_group("machine" if fills else str(item.path)))
