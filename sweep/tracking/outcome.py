"""A trial that has ended, as the ledger has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """A trial's row of `trials`, its rows of `curves`, and the sweep whose run is its run's parent.

    `measured` are means of the measurements on its network.
    """

    row: Row
    curve: Sequence[Row]
    measured: Sequence[Row]
    sweep_id: str | None

    @property
    def trial_id(self) -> str:
        return self.row["trial_id"]
