"""Several hosts on this machine."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from hosts import Network, missing_part


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    """A network without hosts yet."""
    missing = missing_part()
    if missing:
        pytest.skip(missing)
    # A socket's path may have some hundred characters only, which pytest's own folders nearly take.
    folder = Path(tempfile.mkdtemp(prefix="sweep-hosts-"))
    network = Network(folder)
    try:
        yield network
    finally:
        network.close()
        shutil.rmtree(folder, ignore_errors=True)
