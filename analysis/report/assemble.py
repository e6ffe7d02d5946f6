"""A report put together from its parts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import pyarrow as pa

from analysis.report import provenance
from analysis.report.document import Badge, Block, Callout, Page, Prose, Section
from analysis.report.part import Part
from analysis.report.parts import PARTS
from analysis.report.pictures import Picture
from analysis.report.study import NothingToReport, choose_study, results_key, trial_states
from analysis.results import Results


@dataclass(frozen=True)
class Report:
    """All that a report on one study says. `parts` are in the order of the page, and there is at least one.

    Raises ValueError where two parts, figures or tables have one name.
    """

    study: str
    key: str
    """Changes whenever the results do, or what is made of them."""
    stores: tuple[str, ...]
    states: Mapping[str, int]
    """Trials of the study: planned, finished, diverged, failed, missing."""
    parts: tuple[Part, ...]
    provenance: Section | None = None

    def __post_init__(self) -> None:
        for kind, names in (
            ("parts", [part.name for part in self.parts]),
            ("figures", [name for part in self.parts for name in part.pictures]),
            ("tables", [name for part in self.parts for name in part.tables]),
            ("headline numbers", [name for part in self.parts for name in part.headline]),
        ):
            if len(names) > len(set(names)):
                raise ValueError(f"two {kind} of a report have one name: {', '.join(sorted(names))}")

    @property
    def trusted(self) -> bool:
        """Whether every part may be trusted."""
        return all(part.trusted for part in self.parts)

    @property
    def verdicts(self) -> dict[str, str]:
        """The answer of each part in a few words."""
        return {part.name: part.verdict for part in self.parts}

    @property
    def pictures(self) -> dict[str, Picture]:
        """The figures of all parts."""
        return dict(chain.from_iterable(part.pictures.items() for part in self.parts))

    @property
    def tables(self) -> dict[str, pa.Table]:
        """The tables of all parts."""
        return dict(chain.from_iterable(part.tables.items() for part in self.parts))


def make_report(results: Results, study: str | None = None) -> Report:
    """The report on one study.

    Raises SweepError where the stores hold several and none is named, and where it is not there; NothingToReport where
    no part has anything to say.
    """
    study = choose_study(results, study)
    made = (make(results, study) for make in PARTS)
    # What is not to be trusted is said first, then what is said of most trials.
    parts = tuple(sorted((part for part in made if part is not None), key=lambda part: (part.trusted, -part.trials)))
    if not parts:
        raise NothingToReport(
            f"{study!r} has no matched pair deeper than one block of which both sides ended, and no finished network "
            "on which something was measured, so there is nothing to report; `sweep status` shows what it has"
        )
    key, states = results_key(results, study), trial_states(results, study)
    return Report(study, key, results.uris, states, parts, provenance.section(results, study))


def lay_out(report: Report) -> Page:
    """What the page says: title, lead and badges of the first part, sections of all."""
    first, *others = report.parts
    return Page(
        title=first.title,
        subtitle=f"{first.subtitle or 'Deep residual networks'}, study {report.study}",
        badges=_badges(report),
        lead=first.lead,
        sections=[
            *first.sections,
            *(section for part in others for section in _part_sections(part)),
            *([report.provenance] if report.provenance else []),
        ],
        footer=f"Results of {', '.join(report.stores)}. All numbers: `numbers.json`, and `tables/` in Parquet; figures "
        "as SVG and PNG: `figures/`.",
    )


def _badges(report: Report) -> Sequence[Badge]:
    states = report.states
    done = states["planned"] - states["missing"]
    badges = [Badge(f"study {report.study}"), Badge(f"{done} of {states['planned']} trials")]
    if states["missing"]:
        badges.append(Badge("interim", "warning"))
    return [*badges, *report.parts[0].badges]


def _part_sections(part: Part) -> Iterator[Section]:
    """A later part's answer under its title, then its sections."""
    lead = part.lead
    blocks: list[Block] = [Callout(lead.kind, f"*{lead.verdict}*"), Prose(lead.detail)]
    blocks += [block for block in (lead.intervals, lead.figure, lead.key_figures) if block is not None]
    yield Section(f"{part.name}-answer", part.title, blocks)
    yield from part.sections
