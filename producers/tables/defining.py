"""A first election definition out of results: units by level, boxes, contests and ballots, as the file names them.

What the file cannot say is taken for something, and told as an open question. `results_definition` reads the files
twice: for what they name, and, with the definition of that, for the voters of each unit and what is not understood.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import chain, cycle
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from producers.input_files import some_of
from producers.tables.boxes import runs
from producers.tables.lines import LineFaults
from producers.tables.mapping import ReportMapping
from producers.tables.outline import ContestOutline, LevelColumn, Outline
from producers.tables.reports import ReportTable, read_box_statements, read_reports
from producers.tables.sheet import open_sheet
from producers.tables.statements import Statement
from schemas.definition import Candidate, Contest, Election, Level, Party, Source, Unit
from schemas.errors import DefinitionError, MappingError, TableError
from schemas.fields import first_fault
from schemas.figures import ABSENT_COUNTS, AbsentCount
from schemas.spelling import title
from schemas.tally import NOT_GIVEN, Counted, Withdrawn

PALETTE: Final = (
    *("#2364aa", "#d1495b", "#e9a03b", "#3a7d44", "#7b4fa3", "#1d9a9a", "#b8532b", "#5c6b8a"),
    *("#c2559d", "#8a9a2b", "#6e4b3a", "#4f7cff"),
)
"""Colours of parties that nobody has chosen yet, far apart from each other."""

_FEW: Final = 10
"""One event in so many may be wrong in the record; where more are, the mapping is."""

_NAMED: Final = 4
"""How many names a question lists."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an election that its results do not say.

    - `country`: the id and the name of the whole.
    - `levels`: those below the country, with their columns; without them the mapping's province and district.
    - `ballots`: at which level each contest has a ballot of its own for each unit.
    - `are_parties`: every choice is a party, and no independent.
    """

    id: str
    name: str
    date: date
    timezone: str
    language: str
    country: tuple[str, str]
    levels: tuple[LevelColumn, ...] = ()
    ballots: Mapping[str, str] = field(default_factory=dict)
    are_parties: bool = False


@dataclass(frozen=True, slots=True)
class ResultsDefinition:
    """A definition that results make, what of it is left open, and what it makes of the files."""

    election: Election
    questions: tuple[str, ...]
    tables: tuple[ReportTable[Statement], ...]
    faults: tuple[LineFaults, ...]


def results_definition(
    files: Sequence[Path], mapping: ReportMapping, known: Known, fetched: datetime
) -> ResultsDefinition:
    """Make a definition of results. Of several files each is the whole table as it was then, the last one the newest.

    Raises `MappingError` where files and mapping do not fit each other, `TableError` where nothing can be read of them,
    `DefinitionError` where what they name is no definition.
    """
    levels = _levels(mapping, known)
    outline = Outline(mapping, levels, _within(mapping, levels, known))
    faults = tuple(_read(outline, file) for file in files)
    if not any(contest.units for contest in outline.contests.values()):
        faulty = next((one for one in faults if one.count), None)
        if faulty is not None:
            raise TableError(faulty.message("nothing is left to make a definition of."))
        raise TableError(f"{files[0]} has no line of a unit. Is it the right file?")
    first = election_of(outline, mapping, known)
    read: Callable[..., ReportTable[Statement]] = read_box_statements if mapping.is_of_boxes else read_reports  # type: ignore[assignment]  # each is a table of some statements
    tables = tuple(read(file, mapping, first, fetched=fetched) for file in files)
    voters = _registered(chain.from_iterable(table.reports for table in tables), first)
    units = tuple(
        unit.model_copy(update={"registered": voters[unit.id]}) if unit.id in voters else unit for unit in first.units
    )
    election = first.model_copy(update={"units": units})
    return ResultsDefinition(
        Election.model_validate(election.model_dump()),
        (*questions(outline, mapping, known, voters), *_doubts_about_votes(tables)),
        tables,
        faults,
    )


def _within(mapping: ReportMapping, levels: Sequence[LevelColumn], known: Known) -> str:
    """Return the id of the unit in which all of the table lies: the country, or what the mapping says (`within`)."""
    within = mapping.units.within or known.country[0]
    if "/" in within and (len(levels) > 1 or within.count("/") > 1):
        raise MappingError(
            f"units.within is {within!r}, and a definition of the table has one level below the country above it at "
            "most, and no column for that. Leave units.within out, and name the levels' columns."
        )
    return within


def _levels(mapping: ReportMapping, known: Known) -> tuple[LevelColumn, ...]:
    units = mapping.units
    own = [LevelColumn("province", units.province)] if units.province is not None else []
    own.append(LevelColumn("district", units.district))
    levels = known.levels or tuple(own)
    if [each.column for each in levels[-len(own) :]] != [each.column for each in own]:
        columns = " and ".join(repr(each.column) for each in own)
        raise MappingError(
            f"The levels must end as [units] of the mapping has them: with {columns}. Give the level of these columns "
            "last, or mend [units]."
        )
    return levels


def _read(outline: Outline, file: Path) -> LineFaults:
    with open_sheet(file, outline.mapping.layout) as sheet:
        if not sheet.header:
            raise TableError(f"{file} is empty. Is it the right file, and written?")
        faults = LineFaults(str(file))
        shaped = outline.mapping.shape(sheet, str(file))
        outline.begin(shaped, faults)
        for line in shaped.lines:
            outline.read(line)
    return faults


def election_of(outline: Outline, mapping: ReportMapping, known: Known) -> Election:
    """Return the definition of what a table names. Raises `DefinitionError` where its parts contradict each other."""
    parties = _parties(outline, known)
    has_blank = bool(mapping.columns.blank or mapping.rows.blank or mapping.absent.blank)
    head = {
        "id": known.id,
        "name": known.name,
        "date": known.date,
        "timezone": known.timezone,
        "language": known.language,
        "parties": parties,
        "sources": (
            Source(
                id=mapping.report.source,
                name=mapping.report.source,
                reports="boxes" if mapping.is_of_boxes else "districts",
                absent=_absent_of(outline, mapping),
            ),
        ),
        "contests": tuple(
            _contest(outline, name, one, known, has_blank=has_blank) for name, one in outline.contests.items()
        ),
        "levels": tuple(_level(name) for name in ("country", *(each.id for each in known.levels)))
        if known.levels
        else (),
        "units": (*_tops(outline.country, known.country[1]), *_units(outline, known)),
    }
    try:
        return Election.model_validate(head)
    except ValidationError as error:
        raise DefinitionError(
            f"What the file names is no definition: {first_fault(error, quoted_chars=60)}. Give ids in the mapping "
            "([candidates], [contests], units.names), or mend the file."
        ) from error


def _absent_of(
    outline: Outline, mapping: ReportMapping
) -> tuple[AbsentCount, ...] | dict[str, tuple[AbsentCount, ...]]:
    """Return the counts that the source does not give: the same of all contests, or by contest."""
    found = {name: _not_given(mapping, contest) for name, contest in outline.contests.items()}
    if len(set(found.values())) == 1:
        return next(iter(found.values()))
    return {name: absent for name, absent in found.items() if absent}


def _not_given(mapping: ReportMapping, contest: ContestOutline) -> tuple[AbsentCount, ...]:
    """Return the counts that the source does not give of a contest: by the mapping, or as no line of it has them."""
    columns, rules = mapping.columns, mapping.absent
    absent = {name for name in ABSENT_COUNTS if getattr(rules, name) == "unknown"}
    by_lines = set(mapping.rows.count_of.values()) - contest.counted
    absent |= {
        name
        for name in ABSENT_COUNTS
        if name in by_lines and getattr(columns, name) is None and getattr(rules, name) is None
    }
    if rules.cast == "sum" and columns.cast is None and absent & {"valid", "invalid", "blank"}:
        absent.add("cast")
    return tuple(name for name in ABSENT_COUNTS if name in absent)


def _level(name: str) -> Level:
    return Level(id=name, name=name.replace("-", " ").replace("_", " ").capitalize())


def _tops(whole: str, name: str) -> Iterator[Unit]:
    """Yield the unit in which all others lie; below it a province, where the mapping is of units within one."""
    country, is_province, _ = whole.partition("/")
    if not is_province:
        yield Unit(id=whole, level="country", name=name)
        return
    yield Unit(id=country, level="country", name=name)
    yield Unit(id=whole, level="province", name=name, parent=country)


def _units(outline: Outline, known: Known) -> Iterator[Unit]:
    """Yield the units below the country, those above before those below, each level in the order of the table."""
    for level in outline.levels:
        for unit, name in outline.names.items():
            if outline.level[unit] == level.id:
                yield Unit(
                    id=unit,
                    level=level.id,
                    name=title(name, known.language),
                    parent=outline.parent[unit],
                    boxes=_boxes(outline, unit) if level is outline.levels[-1] else (),
                )


def _boxes(outline: Outline, unit: str) -> tuple[tuple[int, int], ...]:
    """Return the boxes of a counting unit; one where nothing says how many there are."""
    if outline.mapping.is_of_boxes:
        numbers = sorted(outline.boxes.get(unit, ()))
        return runs(numbers) if numbers else ()
    return ((1, max(1, outline.boxes_counted.get(unit, 0))),)


def _parties(outline: Outline, known: Known) -> tuple[Party, ...]:
    names = dict(outline.parties.names)
    if known.are_parties:
        for contest in outline.contests.values():
            names = contest.candidates.names | names
    colors = cycle(PALETTE)
    return tuple(Party(id=one, name=name, short_name=name, color=next(colors)) for one, name in names.items())


def _contest(outline: Outline, name: str, found: ContestOutline, known: Known, *, has_blank: bool) -> Contest:
    def ballot(ids: Sequence[str]) -> tuple[Candidate, ...]:
        return tuple(
            Candidate(
                id=one,
                name=found.candidates.names[one],
                party=one if known.are_parties else found.party.get(one),
                ballot_no=number,
            )
            for number, one in enumerate(ids, start=1)
        )

    ballots: dict[str, list[str]] = {}
    if name in known.ballots:
        for candidate, units in found.stands.items():
            for unit in dict.fromkeys(_at_level(outline, unit, known.ballots[name]) for unit in units):
                ballots.setdefault(unit, []).append(candidate)
    return Contest(
        id=name,
        name=outline.contest_ids.names[name],
        candidates=ballot(list(found.stands)),
        ballots={unit: ballot(ids) for unit, ids in ballots.items()},
        area=_area(outline, found),
        blank=has_blank,
    )


def _at_level(outline: Outline, unit: str, level: str) -> str:
    """Return the unit of a level in which a counting unit lies. Raises `DefinitionError` for a level that is not."""
    while outline.level[unit] != level:
        if unit not in outline.parent or outline.parent[unit] not in outline.level:
            there = ", ".join(each.id for each in outline.levels)
            raise DefinitionError(f"There is no level {level!r} to have ballots of its own. There are: {there}.")
        unit = outline.parent[unit]
    return unit


def _area(outline: Outline, found: ContestOutline) -> tuple[str, ...] | None:
    """Return where a contest is held: the units, as high as they can be named; `None` for everywhere."""
    last = outline.levels[-1].id
    counting = [unit for unit, level in outline.level.items() if level == last]
    if len(found.units) == len(counting):
        return None
    below: dict[str, set[str]] = {unit: set() for unit in outline.level}
    for unit, parent in outline.parent.items():
        below.setdefault(parent, set()).add(unit)
    held = set(found.units)
    for level in reversed(outline.levels[:-1]):
        for unit, of in outline.level.items():
            if of == level.id and below[unit] <= held:
                held -= below[unit]
                held.add(unit)
    return tuple(unit for unit in outline.level if unit in held)


def _registered(statements: Iterator[Statement], definition: Election) -> dict[str, int]:
    """Return the voters of each counting unit all of whose boxes have them, by the newest statements of one contest."""
    found: dict[tuple[str, str], dict[int, int]] = {}
    for one in statements:
        if isinstance(one, Withdrawn) or one.registered in {NOT_GIVEN, 0}:
            continue
        if isinstance(one, Counted):
            found.setdefault((one.district, one.contest), {})[one.box] = one.registered
        elif one.boxes_opened >= definition.unit_by_id[one.district].boxes_total:
            found.setdefault((one.district, one.contest), {})[0] = one.registered
    voters: dict[str, int] = {}
    for (unit, _), boxes in found.items():
        if len(boxes) < definition.unit_by_id[unit].boxes_total and 0 not in boxes:
            continue
        voters[unit] = max(voters.get(unit, 0), sum(boxes.values()))
    return voters


def questions(outline: Outline, mapping: ReportMapping, known: Known, voters: Mapping[str, int]) -> Iterator[str]:
    """Yield what the file does not say, with what is taken for it and where to mend that."""
    if not mapping.is_of_boxes:
        yield _of_boxes(mapping)
    counting = [unit for unit, level in outline.level.items() if level == outline.levels[-1].id]
    without = [unit for unit in counting if unit not in voters]
    if without:
        yield (
            f"registered: {len(without)} of {len(counting)} units have none ({some_of(without, _NAMED)}), as the file "
            "does not say it or not of all their boxes. Without it no lead is called safe before the last box"
        )
    if outline.numbered:
        yield (
            f"units: {some_of(sorted(outline.numbered), _NAMED)} have a number for an id, since their names have no "
            "ASCII letters. Where the source has codes, name the unit's column in the mapping for those, or give ids "
            "under units.names"
        )
    if outline.respelt:
        told = some_of([f"{text!r} ({unit})" for text, unit in outline.respelt.items()], _NAMED)
        yield f"units: another spelling is taken for the same unit: {told}. Is it?"
    yield from chain.from_iterable(_of_contest(outline, name, one, known) for name, one in outline.contests.items())
    if not (known.are_parties or mapping.columns.party):
        yield (
            "parties: everybody is an independent. Where they are parties, say --parties; where a column has the "
            "party, name it as columns.party in the mapping"
        )
    else:
        yield "parties: their colours and short names are made up. Mend them under parties"


def _doubts_about_votes(tables: Sequence[ReportTable[Statement]]) -> Iterator[str]:
    """Yield a question where votes do not come to what is valid: a column may be of no candidate, or one be missing."""
    told = [one for table in tables for one in table.reports if not isinstance(one, Withdrawn)]
    valid = [one for one in told if one.valid is not NOT_GIVEN]
    wrong = [one for one in valid if sum(one.votes.values()) + one.unattributed != one.valid]
    if len(wrong) * _FEW > len(valid):
        yield (
            f"votes: in {len(wrong)} of {len(valid)} events those of all candidates do not come to the valid ones, as "
            f"in {wrong[0].district}. Is a column of [votes] none of a candidate, or one missing there"
        )


def _of_boxes(mapping: ReportMapping) -> str:
    columns = mapping.columns
    if columns.boxes_total is not None:
        return f"boxes: as many as {columns.boxes_total!r} says, numbered from 1"
    hint = "Where a column has how many there are, name it as columns.boxes_total in the mapping"
    if columns.boxes_opened is not None:
        return f"boxes: as many as are opened by {columns.boxes_opened!r}, so each unit is complete. {hint}"
    return f"boxes: one in each unit, since no column says how many there are. {hint}"


def _of_contest(outline: Outline, name: str, found: ContestOutline, known: Known) -> Iterator[str]:
    if len(found.units) < len([one for one in outline.level.values() if one == outline.levels[-1].id]):
        yield f"contest {name!r}: it has lines in {len(found.units)} units only, so it is held there and nowhere else"
    local = [one for one, units in found.stands.items() if len(units) == 1]
    if name not in known.ballots and len(found.units) > 1 and len(local) * 2 > len(found.stands):
        yield (
            f"contest {name!r}: {len(local)} of {len(found.stands)} candidates have votes in one unit alone, and all "
            f"are on one ballot. Where each unit elects its own, say --ballots {name}={outline.levels[-1].id}"
        )
    elif name not in known.ballots and (partial := [one for one in found.stands if found.stands[one] != found.units]):
        yield (
            f"contest {name!r}: some candidates have no line in some units ({some_of(partial, _NAMED)}). Where they do "
            f"not stand there, say --ballots {name}={outline.levels[-1].id}; where lines without a vote are left out, "
            'say report.unnamed = "zero" in the mapping'
        )
    missing = sorted(set(_not_given(outline.mapping, found)) - {"registered"})
    if missing:
        yield f"contest {name!r}: no line says what is {', '.join(missing)}: the source does not give that (absent)"
    if not found.stands:
        yield f"contest {name!r}: nobody is on its ballot. Look at [votes] or columns.candidate of the mapping"
