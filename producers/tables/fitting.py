"""Whether a mapping or a table fits a run: every id in it is looked up in the election definition before publishing."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from producers.input_files import did_you_mean, indented, some_of
from producers.tables.boxes import Table
from producers.tables.lines import bounded
from producers.tables.mapping import BoxMapping, ReportMapping
from schemas.definition import Contest, Election
from schemas.errors import MappingError
from schemas.figures import ABSENT_COUNTS
from schemas.spelling import fold
from schemas.units import boxes_in

_LISTED_IDS: Final = 10
"""How many known ids a message lists; a definition may have hundreds."""


def check_mapping(mapping: ReportMapping, definition: Election) -> None:
    """Raise `MappingError`, which lists whatever the mapping names and the run's definition does not have."""
    faults = [*_sources(mapping, definition), *_contests(mapping, definition), *_units(mapping, definition)]
    faults += [*_absent(mapping, definition), *_candidates(mapping, definition), *_times(mapping, definition)]
    _refuse("mapping", faults)


def check_table(table: Table, mapping: BoxMapping, definition: Election) -> None:
    """Raise `MappingError`, which lists whatever a box table has and the run's definition does not have.

    The voters of a box are not compared with the definition: a corrected table may have others.
    """
    faults = [*_heads(mapping, definition), *_boxes(table, definition)]
    if not faults:
        faults = [*_ballots(table, mapping, definition)]
    _refuse("table", faults)


def fitting(table: Table, mapping: BoxMapping, definition: Election) -> tuple[Table, list[str]]:
    """Return the table without what the run's definition does not have, and a sentence for each thing that is left out.

    Raises `MappingError` where the election, source or contest that the mapping names is not there.
    """
    _refuse("table", [*_heads(mapping, definition)])
    left_out = [*_boxes(table, definition)]
    known = {unit.id: boxes_in(unit.boxes) for unit in definition.districts}
    rows = [row for row in table.rows if row.box in known.get(table.unit_ids[row.names], ())]
    there = replace(table, rows=tuple(rows))
    strangers = [*_ballots(there, mapping, definition)]
    if strangers:
        ids = [choice.id for choice in mapping.votes.values()]
        on = definition.ballot_ids
        rows = [
            row
            for row in rows
            if all(
                not votes or name in on(mapping.contest.id, table.unit_ids[row.names])
                for name, votes in zip(ids, row.votes, strict=True)
            )
        ]
    return replace(there, rows=tuple(rows)), left_out + strangers


def _refuse(what: str, faults: list[str]) -> None:
    if len(faults) == 1:
        raise MappingError(faults[0])
    if faults:
        raise MappingError(
            f"The {what} does not fit the run's definition in {len(faults)} places:\n{indented(bounded(faults))}"
        )


def _heads(mapping: BoxMapping, definition: Election) -> Iterator[str]:
    """Yield what is wrong with the election, source and contest that a mapping of a box table names."""
    if mapping.election.id != definition.id:
        yield f"The run is of election {definition.id!r}, the table of {mapping.election.id!r}. Choose another --run."
    sources = {source.id: source for source in definition.sources}
    if mapping.source.id not in sources:
        yield f"The run has no source {mapping.source.id!r}. It has: {_listed(sources)}."
    elif sources[mapping.source.id].reports != "boxes":
        yield f"Source {mapping.source.id!r} of this run reports whole districts, and the table is of boxes."
    if mapping.contest.id not in definition.contest_by_id:
        yield f"The run has no contest {mapping.contest.id!r}. It has: {_listed(definition.contest_by_id)}."


def _boxes(table: Table, definition: Election) -> Iterator[str]:
    """Yield the boxes of a table that the run does not have."""
    districts = {unit.id: unit for unit in definition.districts}
    found: dict[str, set[int]] = {}
    for row in table.rows:
        found.setdefault(table.unit_ids[row.names], set()).add(row.box)
    for district, boxes in sorted(found.items()):
        if district not in districts:
            yield f"The run has no district {district!r}.{did_you_mean(district, districts)}"
            continue
        known = boxes_in(districts[district].boxes)
        if strange := sorted(boxes - known):
            yield f"The run has no box {_listed(map(str, strange))} in {district!r}."


def _ballots(table: Table, mapping: BoxMapping, definition: Election) -> Iterator[str]:
    """Yield the candidates that have votes in a district of the table without being on its ballot."""
    candidates = [choice.id for choice in mapping.votes.values()]
    strangers: dict[tuple[str, str], None] = {}
    for row in table.rows:
        district = table.unit_ids[row.names]
        ballot = definition.ballot_ids(mapping.contest.id, district)
        named = zip(candidates, row.votes, strict=True)
        strangers.update({(name, district): None for name, votes in named if votes and name not in ballot})
    for candidate, district in strangers:
        yield f"There is no candidate {candidate!r} on the ballot of {district!r}, and the table has votes of it."


def _sources(mapping: ReportMapping, definition: Election) -> Iterator[str]:
    sources = {source.id: source for source in definition.sources}
    source = sources.get(mapping.report.source)
    if source is None:
        yield f"The run has no source {mapping.report.source!r}. It has: {_listed(sources)}."
    elif mapping.is_of_boxes and source.reports != "boxes":
        yield f"Source {source.id!r} of this run reports whole districts, and the mapping is of boxes (columns.box)."
    elif not mapping.is_of_boxes and source.reports != "districts":
        yield (
            f"Source {source.id!r} of this run reports each box by itself. "
            'Give the run\'s definition a source with reports = "districts", and name that one.'
        )


def _absent(mapping: ReportMapping, definition: Election) -> Iterator[str]:
    """Yield where the mapping and the definition differ in what the source does not give."""
    source = next((one for one in definition.sources if one.id == mapping.report.source), None)
    if source is None:
        return
    contests = [contest for contest in dict.fromkeys(_named(mapping)) if contest in definition.contest_by_id]
    for name in ABSENT_COUNTS:
        without = [contest for contest in contests if name in source.absent_of(contest)]
        columns = getattr(mapping.columns, name), getattr(mapping.rows, name)
        ways = [f"{place}.{name}" for place, way in zip(("columns", "rows"), columns, strict=True) if way]
        if ways and contests and without == contests:
            yield (
                f"By the run's definition source {source.id!r} does not give {name} (absent), and the mapping has "
                f"{ways[0]}. Leave it out here, or take it out of absent in the definition."
            )
        if getattr(mapping.absent, name) != "unknown" or name == "registered":
            continue
        for contest in contests:
            if contest not in without and (name != "blank" or definition.contest_by_id[contest].blank):
                yield (
                    f'absent.{name} = "unknown" needs a definition that says so, or it would be 0: add {name!r} to '
                    f"absent of source {source.id!r} there, for {contest!r}."
                )


def units_told(mapping: ReportMapping, definition: Election) -> frozenset[str]:
    """The units that lines of a table may be of: those of which its source tells its contests."""
    contests = [contest for contest in _named(mapping) if contest in definition.contest_by_id]
    if mapping.report.source not in definition.source_ids:
        return frozenset(unit.id for unit in definition.districts)
    if not any(definition.level_told(contest, mapping.report.source) for contest in contests):
        return frozenset(unit.id for unit in definition.districts)
    return frozenset().union(*(definition.cells_of(contest, mapping.report.source) for contest in contests))


def _contests(mapping: ReportMapping, definition: Election) -> Iterator[str]:
    for contest in dict.fromkeys(_named(mapping)):
        if contest not in definition.contest_by_id:
            yield f"The run has no contest {contest!r}. It has: {_listed(definition.contest_by_id)}."


def _named(mapping: ReportMapping) -> list[str]:
    contest = mapping.report.contest
    return [contest] if isinstance(contest, str) else list(mapping.contests.values())


def _units(mapping: ReportMapping, definition: Election) -> Iterator[str]:
    if mapping.units.within not in {None, *definition.unit_by_id}:
        yield f"The run has no unit {mapping.units.within!r}, which units.within names."
    districts = units_told(mapping, definition)
    given: dict[str, str] = {}
    for name, unit in mapping.units.names.items():
        if unit not in districts:
            near = did_you_mean(unit, districts)
            yield f"The run has no district {unit!r}, which units.names gives for {name!r}.{near}"
        if given.setdefault(fold(name), unit) != unit:
            yield f"units.names has {name!r} twice, as case and accents do not matter: {given[fold(name)]!r}, {unit!r}."


def _candidates(mapping: ReportMapping, definition: Election) -> Iterator[str]:
    """Yield the candidates that no ballot has.

    `[votes]` is of the one contest of the table; `[candidates]` are an agency's spellings, for all of its contests.
    """
    contest = definition.contest_by_id.get(mapping.report.contest) if isinstance(mapping.report.contest, str) else None
    anywhere = _on_ballots(definition.contests)
    of_columns = _on_ballots([contest]) if contest else anywhere
    where = f"contest {contest.id!r}" if contest else "any contest of the run"
    for column, candidate in mapping.votes.items():
        if candidate not in of_columns:
            yield f"There is no candidate {candidate!r} in {where}: votes, {column!r}.{_near(candidate, of_columns)}"
    spelt: dict[str, str] = {}
    for name, candidate in mapping.candidates.items():
        if candidate not in anywhere:
            yield f"There is no candidate {candidate!r} in the run: candidates, {name!r}.{_near(candidate, anywhere)}"
        if spelt.setdefault(fold(name), candidate) != candidate:
            yield f"candidates has {name!r} twice, as case and accents do not matter. Leave one out."


def _on_ballots(contests: Iterable[Contest]) -> set[str]:
    """Return everybody on a ballot of these contests."""
    ballots = [ballot for contest in contests for ballot in (contest.candidates, *contest.ballots.values())]
    return {candidate.id for ballot in ballots for candidate in ballot}


def _near(candidate: str, known: Iterable[str]) -> str:
    return did_you_mean(candidate, known) or f" There are: {_listed(sorted(known))}."


def _times(mapping: ReportMapping, definition: Election) -> Iterator[str]:
    if isinstance(mapping.report.at, datetime):
        try:
            mapping.report.times(definition.date).with_zone(mapping.report.at, "report.at")
        except ValueError as error:
            yield f"{error}."


def _listed(known: Iterable[str]) -> str:
    return some_of(list(known), _LISTED_IDS)
