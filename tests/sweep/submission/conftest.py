from collections.abc import Callable

import pytest

from sweep.planning import Plan
from sweep.trial import Trial


@pytest.fixture
def small_plan() -> Callable[..., Plan]:
    """A plan of one trial, of a study of any name."""
    return lambda study="small": Plan.of(study, [Trial(study, dataset="digits")])
