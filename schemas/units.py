"""Units of an election and their trees: which levels there are, who lies in whom, and where boxes lie.

Words are those of NIST SP 1500-100: a unit is a GpUnit. A *counting unit* is the lowest unit of its branch, where boxes
lie. The log, the stream and most names in the code call it a district, which it is in Türkiye.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, Final, NamedTuple

from pydantic import Field

from schemas.errors import DefinitionError
from schemas.fields import MAX_BOX_NUMBER, CellTotal, Frozen, Id, UnitId

MAX_LEVELS: Final = 6
"""Levels of one tree: country, region, province, district, ward, polling place. No published count has had more."""

MAX_OTHER_TREES: Final = 3
"""Trees beside the first. One is the usual case: constituencies beside provinces."""

Name = Annotated[str, Field(min_length=1, max_length=200)]
BoxRange = tuple[
    Annotated[int, Field(ge=1, le=MAX_BOX_NUMBER)],
    Annotated[int, Field(ge=1, le=MAX_BOX_NUMBER)],
]
"""First and last box number of an unbroken run, both included."""


def boxes_in(ranges: Iterable[BoxRange]) -> frozenset[int]:
    """Return the box numbers in these ranges."""
    return frozenset(box for first, last in ranges for box in range(first, last + 1))


class Level(Frozen):
    """A level of a tree, such as province; `name` and `plural` are what screens call one unit of it and several."""

    id: Id
    name: Name
    plural: Annotated[Name | None, Field(exclude_if=lambda plural: plural is None)] = None
    """Without it the name stands for several, too."""

    @property
    def many(self) -> str:
        """What several units of it are called."""
        return self.plural or self.name


STANDARD_LEVELS: Final = (
    Level(id="country", name="Country", plural="Countries"),
    Level(id="province", name="Province", plural="Provinces"),
    Level(id="district", name="District", plural="Districts"),
)
"""The levels of a definition that names none: country (ülke), province (il), district (ilçe)."""

STANDARD_LEVELS_TURKISH: Final = (
    Level(id="country", name="Ülke", plural="Ülkeler"),
    Level(id="province", name="İl", plural="İller"),
    Level(id="district", name="İlçe", plural="İlçeler"),
)


class Tree(Frozen):
    """Another tree over the same counting units, such as constituencies beside provinces.

    Its levels lie between the country, which all trees share, and the counting units.
    """

    id: Id
    name: Name
    levels: Annotated[tuple[Level, ...], Field(min_length=1, max_length=MAX_LEVELS)]


class Unit(Frozen):
    """A geographic or political unit. Counting units carry their boxes and registered voters."""

    id: UnitId
    level: Id
    name: Name
    parent: UnitId | None = None
    registered: CellTotal | None = None
    boxes: tuple[BoxRange, ...] = ()
    also_in: Annotated[tuple[UnitId, ...], Field(exclude_if=lambda units: not units)] = ()
    """The units of other trees in which a counting unit lies, one of a tree at most."""
    closed: Annotated[tuple[BoxRange, ...], Field(exclude_if=lambda boxes: not boxes)] = ()
    """Boxes that were among its boxes and are not waited for any more; what was counted in one can be withdrawn."""

    @property
    def boxes_total(self) -> int:
        """How many boxes the unit itself has (a counting unit's; 0 above)."""
        return sum(last - first + 1 for first, last in self.boxes)


class Rank(NamedTuple):
    """Where a level stands: in which tree (`None` for the first), and how many of its levels are above it."""

    tree: str | None
    depth: int


def ranks(levels: Sequence[Level], trees: Sequence[Tree]) -> dict[str, Rank]:
    """Where each level stands, by id. Raises `DefinitionError` where a level or a tree is there twice."""
    found: dict[str, Rank] = {}
    for tree, of_tree in [(None, levels), *((tree.id, tree.levels) for tree in trees)]:
        for depth, level in enumerate(of_tree):
            if level.id in found:
                raise DefinitionError(f"The level id {level.id!r} is there twice. Give each level an id of its own.")
            found[level.id] = Rank(tree, depth)
    for number, another in enumerate(trees):
        if another.id in found or another.id in {other.id for other in trees[:number]}:
            raise DefinitionError(
                f"The tree id {another.id!r} is there twice, as a tree or as a level. Give the tree an id of its own."
            )
    return found


def counting_units(units: Sequence[Unit], levels: Sequence[Level]) -> tuple[Unit, ...]:
    """The units in which boxes lie: those of the last level, and others with boxes; in their order.

    A unit above the last level that has no boxes and nothing below it counts nothing.
    """
    lowest = levels[-1].id
    return tuple(unit for unit in units if unit.level == lowest or unit.boxes)


def climb(unit: Unit, units: Mapping[str, Unit]) -> tuple[str, ...]:
    """The units above this one, each once: nearest first, those of the first tree before those of the others."""
    above: dict[str, None] = {}
    for start in (unit.parent, *unit.also_in):
        one = start
        while one is not None:
            above[one] = None
            one = units[one].parent
    return tuple(above)


def check_units(units: Mapping[str, Unit], levels: Sequence[Level], rank_of: Mapping[str, Rank]) -> None:
    """Check that these units are trees over the same counting units. Raises `DefinitionError`, which says where."""
    for unit in units.values():
        if unit.level not in rank_of:
            known = ", ".join(rank_of)
            raise DefinitionError(
                f"Unit {unit.id!r} is of level {unit.level!r}, which is not there. Use one of {known}, or name the "
                "level in 'levels'."
            )
    root = _root(units, levels)
    counting = {unit.id for unit in counting_units(tuple(units.values()), levels)}
    has_units = {unit.parent for unit in units.values()}
    for unit in units.values():
        if unit is not root:
            _check_parent(unit, units, levels, rank_of, root)
    for unit in units.values():
        _check_boxes(unit, rank_of)
        _check_also_in(unit, units, rank_of, has_units, is_counting=unit.id in counting)
        if unit.boxes and unit.id in has_units:
            below = next(one.id for one in units.values() if one.parent == unit.id)
            raise DefinitionError(
                f"Boxes lie in the lowest unit of a branch. {unit.id!r} has boxes and {below!r} below it: give its "
                "boxes to a unit below it."
            )


def _root(units: Mapping[str, Unit], levels: Sequence[Level]) -> Unit:
    roots = [unit for unit in units.values() if unit.level == levels[0].id]
    if len(roots) != 1:
        raise DefinitionError(f"There must be exactly one unit of level {levels[0].id!r}, not {len(roots)}.")
    root = roots[0]
    if root.parent is not None:
        raise DefinitionError(f"Unit {root.id!r} is of the highest level, and has a parent. Take the parent away.")
    return root


def _check_parent(
    unit: Unit, units: Mapping[str, Unit], levels: Sequence[Level], rank_of: Mapping[str, Rank], root: Unit
) -> None:
    """The parent is of a higher level in the same tree; the root is in all of them."""
    parent = units.get(unit.parent) if unit.parent else None
    rank = rank_of[unit.level]
    if rank.tree is None:
        wanted = [level.id for level in levels[: rank.depth]]
    else:
        wanted = [
            levels[0].id,
            *(level for level, other in rank_of.items() if other.tree == rank.tree and other.depth < rank.depth),
        ]
    if parent is None or parent.level not in wanted:
        raise DefinitionError(
            f"Unit {unit.id!r} of level {unit.level!r} needs a parent of level "
            f"{' or '.join(repr(level) for level in reversed(wanted))}, not {unit.parent!r}. "
            f"What lies in nothing else lies in {root.id!r}."
        )


def _check_boxes(unit: Unit, rank_of: Mapping[str, Rank]) -> None:
    if unit.boxes and rank_of[unit.level].tree is not None:
        raise DefinitionError(
            f"Unit {unit.id!r} of level {unit.level!r} has boxes. Boxes belong to units of the first tree: name "
            f"{unit.id!r} in their also_in."
        )
    highest = 0
    for first, last in unit.boxes:
        if not highest < first <= last:
            raise DefinitionError(
                f"The box ranges of {unit.id!r} must rise and not overlap; [{first}, {last}] does not."
            )
        highest = last


def _check_also_in(
    unit: Unit,
    units: Mapping[str, Unit],
    rank_of: Mapping[str, Rank],
    has_units: Collection[str | None],
    *,
    is_counting: bool,
) -> None:
    seen: dict[str, str] = {}
    for other in unit.also_in:
        tree = rank_of[units[other].level].tree if other in units else None
        if tree is None:
            raise DefinitionError(
                f"Unit {unit.id!r} is also in {other!r}, which is no unit of another tree ('trees'). Mend its id."
            )
        if not is_counting:
            raise DefinitionError(
                f"Unit {unit.id!r} is also in {other!r}, and no boxes lie in it. Only counting units have also_in: "
                f"name {other!r} in those below it."
            )
        if tree in seen:
            raise DefinitionError(
                f"Unit {unit.id!r} is in {seen[tree]!r} and in {other!r} of tree {tree!r}: its boxes would count "
                "twice. Name one."
            )
        if other in has_units:
            raise DefinitionError(
                f"Unit {unit.id!r} is also in {other!r}, which has units of its own tree below it. Name the lowest of "
                "them that it lies in."
            )
        seen[tree] = other
