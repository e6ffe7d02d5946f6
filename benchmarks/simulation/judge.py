"""Experiments handed to the rules: in full as a user's table, and fast by the same functions.

The fast way leaves out what no verdict depends on, and sorts nothing that is sorted. `Judge.check` holds it to the full
way.
"""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa

from analysis.equivalence.contrast import ROUNDING, Contrasts, contrasts
from analysis.equivalence.design import of_grid
from analysis.equivalence.inside import Inside
from analysis.equivalence.mean import Estimate, Mean
from analysis.equivalence.registry import STATISTICS
from analysis.pairs import CONTRAST
from analysis.questions.equivalence import assay as assays
from analysis.questions.equivalence import assessment
from analysis.questions.equivalence import sample as sampled
from analysis.questions.equivalence.assay import Assay, _against_one_block  # pyright: ignore[reportPrivateUsage]
from analysis.questions.equivalence.assessment import Assessment, assess, assess_sample
from analysis.questions.equivalence.declared import Question
from analysis.questions.equivalence.sample import Sample
from benchmarks.simulation.generator import CHANCE, Array, Draw, Layout
from sweep.ledger import Margins, plan_schema

_PARAMETERS, _IMAGES = 1000, 1000
_NOTHING = Mean(math.nan, math.nan, math.nan, 0.0)


@dataclass(frozen=True)
class Judge:
    """Judges experiments of one layout. With `fully`, also what qualifies a verdict is worked out; with
    `ends`, the interval of what is learned."""

    layout: Layout
    crossed: bool = False
    margin: float = 0.10
    fully: bool = False
    ends: bool = False

    @cached_property
    def question(self) -> Question:
        """The question with its margin."""
        return Question("val_loss", Margins(ratio=self.margin))

    def sample(self, of: Draw, shift: float) -> Sample:
        """The pairs of a draw."""
        at = self.layout
        sequential, parallel = of.losses(shift)
        lost = of.failed | of.diverged
        status = np.where(of.failed, "failed", np.where(of.diverged, "diverged", "finished"))
        return Sample(
            "val_loss",
            sequential,
            np.where(lost, np.nan, parallel),
            at.configuration,
            np.full(len(sequential), "finished"),
            status,
            np.full(len(sequential), 10.0),
            at.seed,
            np.full(len(sequential), CHANCE),
            self.crossed,
        )

    def __call__(self, of: Draw, shift: float = 0.0, look: int = 1) -> Assessment:
        """The assessment of a draw, the fast way; only inside `fast`."""
        # What stands in for the table is read by `_assay` alone.
        one_block: Any = of.one_block
        return assess_sample(self.sample(of, shift), self.question, look, (), one_block)

    def _assay(self, sample: Sample, one_block: Array) -> Assay:
        """What `analysis.questions.equivalence.assay.assay` says of the table."""
        sides = [of_grid(sample.contrasts(sample.chance - outcome)) for outcome in sample.outcomes]
        if not self.fully:
            return Assay(CHANCE, sides[0], sides[1], _NOTHING, 0)
        at, deep = self.layout, len(sample)
        loss = np.log(np.concatenate([sample.sequential, np.exp(one_block)]))
        unit = np.concatenate([at.configuration, len(at.grid.factors) + at.family])
        family = np.concatenate([at.grid.family[at.configuration], at.family])
        of = _contrasts(loss, unit, np.concatenate([at.seed, at.family_seed]), self.crossed)
        is_deep = np.arange(len(unit)) < deep
        depth, compared = _against_one_block(of, unit, family, is_deep)
        return Assay(CHANCE, sides[0], sides[1], depth, compared)

    @contextmanager
    def fast(self) -> Iterator["Judge"]:
        """Within, the rules leave out what no verdict depends on."""
        with ExitStack() as stack:
            for home, name, instead in (
                (sampled, "contrasts", _contrasts),
                (assessment, "assay", self._assay),
                (assessment, "seed_effect", lambda of: None),
            ):
                stack.enter_context(patch.object(home, name, instead))
            if not self.ends:
                # They are searched for, and the verdict takes p.
                stack.enter_context(patch.object(assays, "crossing", lambda *given: math.nan))
            stack.enter_context(patch.dict(STATISTICS, clear=True))
            if not self.fully:
                nothing = Inside(Estimate(math.nan), Estimate(math.nan))
                stack.enter_context(patch.object(assessment, "share_inside", lambda *given: nothing))
            yield self

    def table(self, of: Draw, shift: float, look: int = 1) -> pa.Table:
        """The table that a user would have, of one data set, networks of one block included."""
        at, sample = self.layout, self.sample(of, shift)
        deep, shallow = len(sample), len(at.family)
        factors = np.concatenate([at.grid.factors[at.configuration], np.insert(at.grid.families, 0, -1, 1)[at.family]])
        depth = 2 ** (factors[:, 0] + 1)
        one = np.exp(of.one_block)
        given: dict[str, Any] = {
            "pair_id": [f"{place:06d}" for place in range(deep + shallow)],
            "dataset": ["mnist"] * (deep + shallow),
            "depth": depth,
            "filters": factors[:, 1] + 1,
            "kernel_size": 2 * factors[:, 2] + 1,
            "activation": [f"activation {level}" for level in factors[:, 3]],
            "seed": np.concatenate([at.seed, at.family_seed]),
            "draws": ["crossed" if self.crossed else "nested"] * (deep + shallow),
            "parameters": np.full(deep + shallow, _PARAMETERS),
            "train_samples": np.full(deep + shallow, _IMAGES),
            "determination_ratio": np.full(deep + shallow, 10.0),
        }
        columns = {name: pa.array(values) for name, values in given.items()}
        for each in plan_schema():
            if each.name not in columns:
                filler = "x" if pa.types.is_string(each.type) else 1
                columns[each.name] = pa.array([filler] * (deep + shallow), each.type)
        columns |= {
            "contrast": pa.array([CONTRAST] * (deep + shallow)),
            "sequential_stages": pa.array(depth),
            "parallel_stages": pa.array(np.ones(deep + shallow, int)),
            "sequential_status": pa.array(["finished"] * (deep + shallow)),
            "parallel_status": pa.array([*sample.parallel_status.tolist(), *["finished"] * shallow]),
            "sequential": pa.array(np.concatenate([sample.sequential, one])),
            "parallel": pa.array(np.concatenate([sample.parallel, one]), from_pandas=True),
        }
        question = Question("val_loss", Margins(ratio=self.margin), looks={"mnist": look})
        return question.attach(pa.table(columns))

    def check(self, of: Draw, shift: float = 0.0, look: int = 1) -> None:
        """Hold the fast way to `assess` of the table. Raises AssertionError where they say different things."""
        with self.fast():
            fast = self(of, shift, look)
        full = assess(self.table(of, shift, look)).by_dataset["mnist"]
        said = [(each.verdict, each.withheld, each.alpha, each.configurations, each.seeds) for each in (fast, full)]
        assert said[0] == said[1], said
        assert not self.fully or fast.caveats == full.caveats, (fast.caveats, full.caveats)
        for name in ("p_equivalence", "p_difference"):
            np.testing.assert_allclose(getattr(fast, name), getattr(full, name), rtol=1e-6, atol=1e-9)


def _contrasts(values: Array, configuration: Array, seed: Array, crossed: bool) -> Contrasts:
    """`contrasts`, which sorts pairs, without sorting those that are sorted, numbered and each alone."""
    steps = np.diff(configuration)
    one_each = (steps == 1) | ((steps == 0) & (np.diff(seed) > 0))
    if len(values) and configuration[0] == 0 and one_each.all():
        return Contrasts(np.asarray(np.round(values, ROUNDING), np.float64), configuration, seed, crossed)
    return contrasts(values, configuration, seed, crossed)
