"""What the rules are tried on: pairs whose losses a function gives."""

from collections.abc import Callable, Iterable

import pytest

from analysis.questions.equivalence.assessment import Assessment
from sweep.result import TrialResult
from sweep.trial import Trial
from tests.analysis.rules.trials import Ends, Judge, judged, learning, noise, study


@pytest.fixture(scope="module")
def ends(end) -> Ends:
    """Results of trials whose losses a function gives; a status in place of a loss is how a trial ended."""

    def of(trials: Iterable[Trial], loss: Callable[[Trial], float | str] = learning) -> list[TrialResult]:
        found: list[TrialResult] = []
        for each in trials:
            value = loss(each)
            found.append(
                end(each, status=value)
                if isinstance(value, str)
                else end(each, value, value / 2, accuracy=0.5 + noise(each) / 50)
            )
        return found

    return of


@pytest.fixture(scope="module")
def judge(ends, make_pairs) -> Judge:
    """The assessment of pairs whose losses a function gives."""

    def of(loss: Callable[[Trial], float | str], trials: Iterable[Trial] | None = None, **question) -> Assessment:
        return judged(make_pairs(ends(study() if trials is None else trials, loss), **question))

    return of
