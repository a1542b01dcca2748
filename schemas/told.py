"""Of which units a source tells a contest: of single ones (its cells), of sums of them, or not at all. Pure.

Most sources tell counting units, and so of every unit above. One that knows a higher level only tells the units of that
level and the sums above them; of what lies inside one of them it says nothing, and of a unit of another tree only where
its cells make up all of it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple


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
