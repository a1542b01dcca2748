"""Who reports: what a source sends, what it does not give, and at which level it tells each contest.

Most sources tell counting units, and so of every unit above. One that knows a higher level only tells the units of that
level (its cells) and the sums above them; of what lies inside one of them it says nothing, and of a unit of another
tree only where its cells make up all of it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from schemas.contests import Contest, check_unique
from schemas.errors import DefinitionError
from schemas.fields import Frozen, Id
from schemas.figures import AbsentCount
from schemas.units import Name


class Told(NamedTuple):
    """The cells, in order; the cells that make up each unit that is told; the told units at and above each cell."""

    cells: tuple[str, ...]
    inside: Mapping[str, tuple[str, ...]]
    paths: Mapping[str, tuple[str, ...]]


def told(units: Iterable[str], path: Callable[[str], tuple[str, ...]], cell_of: Mapping[str, str]) -> Told:
    """What is told where each of these counting units lies in this cell; `path` leads up from a counting unit."""
    members: dict[str, list[str]] = {}
    districts_in: dict[str, list[str]] = {}
    hidden: set[str] = set()
    for district, cell in cell_of.items():
        members.setdefault(cell, []).append(district)
        for unit in path(district):
            districts_in.setdefault(unit, []).append(district)
            if unit != cell and cell in path(unit):
                hidden.add(unit)
    inside: dict[str, tuple[str, ...]] = {}
    for unit in units:
        districts = districts_in.get(unit, ())
        cells = tuple(dict.fromkeys(cell_of[district] for district in districts))
        if cells and unit not in hidden and sum(len(members[cell]) for cell in cells) == len(districts):
            inside[unit] = cells
    paths = {
        cell: (cell, *(unit for unit in path(districts[0]) if unit != cell and unit in inside))
        for cell, districts in members.items()
    }
    return Told(tuple(members), inside, paths)


class Source(Frozen):
    """Who reports: an agency, a party's observers, the electoral council itself.

    `reports` says what it sends: each box by itself, or the totals of whole districts.
    """

    id: Id
    name: Name
    reports: Literal["boxes", "districts"] = "boxes"
    absent: Annotated[
        tuple[AbsentCount, ...] | dict[Id, tuple[AbsentCount, ...]], Field(exclude_if=lambda absent: not absent)
    ] = ()
    """The counts that it does not give, of all contests or by contest: they are unknown."""
    levels: Annotated[dict[Id, Id], Field(exclude_if=lambda levels: not levels)] = Field(default_factory=dict)
    """The level at which it tells a contest, by contest, where that is not the counting units."""

    def absent_of(self, contest: str) -> tuple[AbsentCount, ...]:
        """The counts that it does not give of a contest."""
        return self.absent.get(contest, ()) if isinstance(self.absent, dict) else self.absent


def check_absent(source: Source, contests: Sequence[Contest]) -> None:
    """Raise `DefinitionError` where a source does not give a count of what is not there, or twice."""
    known = [contest.id for contest in contests]
    strangers = sorted(set(source.absent).difference(known)) if isinstance(source.absent, dict) else []
    if strangers:
        raise DefinitionError(
            f"absent of source {source.id!r} is about contest {strangers[0]!r}, which is not there. Mend its id; "
            f"there are: {', '.join(known)}."
        )
    for contest in contests:
        check_unique(f"absent count of source {source.id!r}", source.absent_of(contest.id))
        if "blank" in source.absent_of(contest.id) and isinstance(source.absent, dict) and not contest.blank:
            raise DefinitionError(
                f"Source {source.id!r} does not give blank of {contest.id!r} (absent), and that contest counts no "
                'blank votes apart. Take it away, or give the contest "blank": true.'
            )


def check_levels(source: Source, contests: Sequence[Contest], levels: Collection[str]) -> None:
    """Raise `DefinitionError` where a source tells a contest or a level that is not there, or by boxes."""
    where = f"levels of source {source.id!r}"
    for contest, level in source.levels.items():
        if contest not in {one.id for one in contests}:
            known = ", ".join(one.id for one in contests)
            raise DefinitionError(f"{where} is about contest {contest!r}, which is not there. There are: {known}.")
        if level not in levels:
            known = ", ".join(levels)
            raise DefinitionError(f"{where} names level {level!r} for {contest!r}. There are: {known}.")
        if source.reports != "districts":
            raise DefinitionError(
                f"Source {source.id!r} tells {contest!r} by {level!r}, and reports each box by itself. Give it "
                '"reports": "districts", as it reports totals; boxes of other contests need a source of their own.'
            )
