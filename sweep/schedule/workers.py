"""Tells a trial that kills its worker from workers that cannot train anything, such as ones that lack a library."""

from collections.abc import Sequence, Set

from sweep.errors import SweepError
from sweep.result import TrialResult
from sweep.schedule.book import Attempt, Failure

_MOST_DEATHS, _MOST_STARTS = 12, 3


class Workers:
    """Follows a sweep's workers until one has reported anything; until then no trial counts as the cause of a death.

    `lost` is the set of nodes that are known to be gone: deaths there say nothing.
    """

    def __init__(self, lost: Set[str]) -> None:
        self._lost = lost
        self._sound = False
        self._deaths: list[str | None] = []
        self._held: list[TrialResult] = []

    def died(self, attempt: Attempt, failure: Failure) -> None:
        """A worker died with this pack. Raises SweepError if too many have, in all or before they began this pack."""
        if self._sound:
            return
        self._deaths.append(failure.node)
        starts = 0 if attempt.begun else self._on_living_nodes([*attempt.died_on, failure.node])
        if starts >= _MOST_STARTS or self._on_living_nodes(self._deaths) >= _MOST_DEATHS:
            raise self._fault(failure)

    def reported(self) -> list[TrialResult]:
        """A worker has reported; the results of trials that were held back."""
        self._sound = True
        held, self._held = self._held, []
        return held

    def given_up(self, results: list[TrialResult], failure: Failure, last: bool) -> list[TrialResult]:
        """The results of given-up trials that count now; until a worker has reported they are held back.

        A plan's only trial may as well be the cause. Raises SweepError where several trials have ended so and this is
        the `last`.
        """
        if self._sound or (last and not self._held):
            return results
        if results and last:
            raise self._fault(failure)
        self._held += results
        return []

    def _on_living_nodes(self, deaths: Sequence[str | None]) -> int:
        return sum(node not in self._lost for node in deaths)

    def _fault(self, failure: Failure) -> SweepError:
        said = f"{failure.message} ({failure.output})" if failure.output else failure.message
        return SweepError(
            f"every worker died before it reported anything, {len(self._deaths)} by now, the last thus: {said}; no "
            "trial counts as failed: mend the cause, or see whether another executor can train, and run the same "
            "command again",
            "executor",
        )
