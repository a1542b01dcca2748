"""Official box tables as tally events, and as the election definition that goes with them.

A table is read whole and checked whole before anything is published: a line that cannot be used is named, never
dropped. A line that is there twice in the same words is one box. With other counts the newer stands, where a column
says which that is; else it is a fault.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from producers.tables.box_rows import BoxRow, DistrictNames, RowReader
from producers.tables.line_faults import LineFaults
from producers.tables.mapping import Column, Mapping
from producers.tables.sheet import open_sheet
from producers.turkish import slug, title
from schemas.definition import Candidate, Contest, Election, Party, Source, Unit
from schemas.errors import MappingError, TableError
from schemas.tally import Counted

_QUOTED_CHARS: Final = 60


@dataclass(frozen=True, slots=True)
class Table:
    """A checked table. `duplicates` counts the lines that said again what another line had said.

    `wrong_totals` says which total rows are not the sum of the lines, in a sentence for each.
    """

    rows: tuple[BoxRow, ...]
    duplicates: int
    unit_ids: dict[DistrictNames, str]
    wrong_totals: tuple[str, ...] = ()

    def newest(self) -> tuple[BoxRow, ...]:
        """Of each box the newest row: of the highest revision, and of those the latest."""
        found: dict[tuple[str, int], BoxRow] = {}
        for row in self.rows:
            key = (self.unit_ids[row.place], row.box)
            known = found.get(key)
            if known is None or (known.revision, known.at) < (row.revision, row.at):
                found[key] = row
        return tuple(found.values())


def read_table(path: Path, mapping: Mapping) -> Table:
    """Read and check a box table.

    Raises `MappingError` where the table has no column that the mapping names, `TableError` where the file cannot be
    read or any of its lines cannot be used; it names the lines.
    """
    with open_sheet(path, mapping.table.layout) as sheet:
        if not sheet.header:
            raise TableError(f"{path} is empty. Is it the right file, and written?")
        reader = RowReader(sheet, mapping, str(path), LineFaults(str(path)))
        for line in sheet.lines:
            reader.read(line)
    reader.faults.raise_any()
    if not reader.rows:
        raise TableError(f"{path} has a header but no box. Is it the right file?")
    rows = tuple(reader.rows.values())
    places = {row.place for row in rows}
    ids = unit_ids(places, mapping.units.country.id)
    return Table(rows, reader.duplicates, ids, tuple(reader.wrong_totals()))


def unit_ids(places: set[DistrictNames], country: str) -> dict[DistrictNames, str]:
    """The id of each district, such as `tr/34/catalca`, whatever the order of the lines.

    Where several districts of a province come to the same id, each gets the table's own number behind it.
    """
    taken: dict[str, list[DistrictNames]] = {}
    for place in sorted(places):
        plain = f"{country}/{slug(place.province_id)}/{slug(place.district_name)}"
        taken.setdefault(plain, []).append(place)
    ids: dict[DistrictNames, str] = {}
    for plain, sharing in taken.items():
        for place in sharing:
            ids[place] = plain if len(sharing) == 1 else f"{plain}-{slug(place.district_id)}"
    if len(set(ids.values())) < len(ids):
        twice = next(sharing for sharing in taken.values() if len({ids[place] for place in sharing}) < len(sharing))
        names = " and ".join(repr(place.district_name) for place in twice)
        raise MappingError(
            f"The districts {names} come to the same id {ids[twice[0]]!r}. "
            "Name a column that tells them apart as units.district_id in the mapping."
        )
    return ids


def election(table: Table, mapping: Mapping) -> Election:
    """The election definition that the table implies: its units with their boxes, one contest, one source.

    Raises `TableError` where a name in it is none that a unit can have, `DefinitionError` where they contradict.
    """
    try:
        return _election(table, mapping)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where, found = ".".join(map(str, first["loc"])), str(first["input"])[:_QUOTED_CHARS]
        raise TableError(
            f"The table gives no election definition: {error.title} {where} {found!r}: {first['msg']}. Mend it there."
        ) from error


def _election(table: Table, mapping: Mapping) -> Election:
    parties = [
        Party(id=choice.id, name=choice.party, short_name=choice.name, color=choice.color)
        for choice in mapping.votes.values()
        if choice.party
    ]
    candidates = tuple(
        Candidate(id=choice.id, name=choice.name, party=choice.id if choice.party else None, ballot_no=number)
        for number, choice in enumerate(mapping.votes.values(), start=1)
    )
    head = mapping.election
    return Election(
        id=head.id,
        name=head.name,
        date=head.date,
        timezone=head.timezone,
        polls_close=mapping.times.with_zone(head.polls_close, "election.polls_close") if head.polls_close else None,
        parties=tuple(parties),
        sources=(Source(id=mapping.source.id, name=mapping.source.name),),
        contests=(Contest(id=mapping.contest.id, name=mapping.contest.name, candidates=candidates),),
        units=_units(table, mapping),
    )


def statements(table: Table, mapping: Mapping, revision: int | None = None) -> tuple[BoxRow, ...]:
    """The rows to publish: each with a revision of its own, or the newest of each box where all have the same.

    They have the same where the mapping names no column for it, and where `revision` overrides what the mapping says,
    to publish a mended table over an old one: two statements of a box at one revision would contradict each other.
    """
    has_revisions = revision is None and isinstance(mapping.report.revision, Column)
    return table.rows if has_revisions else table.newest()


def tallies(table: Table, mapping: Mapping, *, revision: int | None = None) -> Iterator[Counted]:
    """One event for each of the `statements`; `revision` overrides what the mapping says of it.

    A party's sum that differs from `valid` stays as it is in the record; whoever folds the events flags the box.
    """
    ids = [choice.id for choice in mapping.votes.values()]
    for row in statements(table, mapping, revision):
        number = revision or row.revision
        yield Counted(
            type="counted" if number == 1 else "corrected",
            contest=mapping.contest.id,
            district=table.unit_ids[row.place],
            box=row.box,
            source=mapping.source.id,
            revision=number,
            at=row.at,
            registered=row.registered,
            cast=row.cast,
            valid=row.valid,
            invalid=row.invalid,
            votes={name: votes for name, votes in zip(ids, row.votes, strict=True) if votes},
        )


def _units(table: Table, mapping: Mapping) -> tuple[Unit, ...]:
    country = mapping.units.country
    newest: dict[str, dict[int, BoxRow]] = {}
    names: dict[str, str] = {}
    for row in table.newest():
        newest.setdefault(table.unit_ids[row.place], {})[row.box] = row
        names[f"{country.id}/{slug(row.place.province_id)}"] = title(row.place.province_name)
    units = [Unit(id=country.id, level="country", name=country.name)]
    units += [
        Unit(id=province, level="province", name=name, parent=country.id) for province, name in sorted(names.items())
    ]
    for district, boxes in sorted(newest.items()):
        place = next(iter(boxes.values())).place
        units.append(
            Unit(
                id=district,
                level="district",
                name=title(place.district_name),
                parent=district.rpartition("/")[0],
                registered=sum(row.registered for row in boxes.values()),
                boxes=runs(sorted(boxes)),
            )
        )
    return tuple(units)


def runs(numbers: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Rising numbers as unbroken runs, first and last included: 1, 2, 3, 7 are (1, 3), (7, 7)."""
    breaks = [(left, right) for left, right in pairwise(numbers) if right != left + 1]
    firsts = [numbers[0], *(right for _, right in breaks)]
    lasts = [*(left for left, _ in breaks), numbers[-1]]
    return tuple(zip(firsts, lasts, strict=True))
