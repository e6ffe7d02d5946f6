"""Ends a sweep in which every trial fails for the same reason, such as a mistake in a network of the user's own."""

import re

from sweep.errors import SweepError
from sweep.result import OUT_OF_MEMORY, TrialResult

_ENOUGH = 8
"""More than the seeds and arrangements that one unlucky level has in most studies."""
_CHANGING = re.compile(r"0x[0-9a-f]+|\d+")


class CommonFault:
    """Follows the trials that are given up, until a pack ends well or two of them fail for different reasons.

    Until then results are held back: if the cause is common, the trials are not at fault.
    """

    def __init__(self) -> None:
        self._ruled_out = False
        self._held: list[TrialResult] = []

    def given_up(self, results: list[TrialResult], last: bool) -> list[TrialResult]:
        """The results that count now; all of them if these are the `last`.

        Raises SweepError once eight trials have failed, all for one reason.
        """
        self._held += results
        reasons = {_reason(each) for each in self._held}
        # The longest come first, and smaller ones may well have enough memory.
        if self._ruled_out or last or len(reasons) > 1 or any(reason.startswith(OUT_OF_MEMORY) for reason in reasons):
            return self.release()
        if len(self._held) >= _ENOUGH:
            raise SweepError(
                f"every trial fails for one reason, {len(self._held)} by now and none has finished: "
                f"{self._held[-1].error}; no trial counts as failed: mend the cause and run the same command again, or "
                "leave these trials out",
                "where",
            )
        return []

    def release(self) -> list[TrialResult]:
        """There is no common cause; the results that were held back."""
        self._ruled_out = True
        held, self._held = self._held, []
        return held


def _reason(result: TrialResult) -> str:
    """An error without the numbers in it, which may differ between trials."""
    return _CHANGING.sub("#", result.error or "")
