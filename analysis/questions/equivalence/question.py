"""What is asked of matched pairs: in which metric, by which margins, and for the how-manyth time.

A table of pairs carries its question in the metadata of its schema, where filters and slices keep it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from sweep.errors import SweepError
from sweep.ledger import Margins

_KEY = b"question"


@dataclass(frozen=True)
class Question:
    """The metric that pairs are compared in, and the margins that judge them.

    `declared_before` says whether the margins were declared before the first result that they judge, at `declared_at`,
    ISO 8601, or None for the default. `looks` counts, by data set, the sweeps in which the question could be answered.
    """

    metric: str
    margins: Margins = field(default_factory=Margins)
    declared_at: str | None = None
    declared_before: bool = True
    several: bool = False
    """Whether sweeps declared different margins in time, of which these are the strictest."""
    looks: Mapping[str, int] = field(default_factory=dict)
    unplanned: int = 0
    """Trials in shards of the same plan that are not planned in these stores."""

    def look(self, dataset: str) -> int:
        """The number of this look, from 1."""
        return max(1, self.looks.get(dataset, 1))

    def attach(self, pairs: pa.Table) -> pa.Table:
        """The pairs with this question in their metadata."""
        facts = {**vars(self), "margins": self.margins.as_dict(), "looks": dict(self.looks)}
        return pairs.replace_schema_metadata({_KEY: json.dumps(facts)})

    @classmethod
    def of(cls, pairs: pa.Table) -> "Question":
        """The question that pairs carry. Raises SweepError for a table that carries none."""
        metadata = pairs.schema.metadata or {}
        if _KEY not in metadata:
            raise SweepError("the table does not say what it compares; take pairs from Results.pairs(METRIC)")
        facts = json.loads(metadata[_KEY])
        return cls(**{**facts, "margins": Margins(**facts["margins"])})
