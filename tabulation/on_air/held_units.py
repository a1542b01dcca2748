"""What is held, as few names as say it: a contest, or contest/unit where it is not the whole country. Pure."""

from collections.abc import Collection

from schemas.definition import Election


class HeldUnits:
    """Names what is held, by the definition's tree."""

    def __init__(self, definition: Election) -> None:
        self._definition = definition
        self._contests = sorted(definition.contest_by_id)

    def named(self, held: Collection[tuple[str, str]]) -> tuple[str, ...]:
        """The names for these contests and districts."""
        names = []
        for contest in self._contests:
            districts = {district for of, district in held if of == contest}
            names += [self.name(contest, unit) for unit in self._whole(self._definition.country, districts)]
        return tuple(names)

    def above(self, names: Collection[str]) -> tuple[str, ...]:
        """The units above these names, which are held in part: named alike, sorted."""
        found = set()
        for name in names:
            contest, _, unit = name.partition("/")
            above = self._definition.ancestors[unit or self._definition.country]
            found |= {self.name(contest, one) for one in above}
        return tuple(sorted(found))

    def name(self, contest: str, unit: str) -> str:
        """The name of a contest that is held in a unit."""
        return contest if unit == self._definition.country else f"{contest}/{unit}"

    def _whole(self, unit: str, held: set[str]) -> list[str]:
        """The units that are held whole, from this one down; those below one of them are not named again."""
        districts = self._definition.districts_below[unit]
        inside = held.intersection(districts)
        if not inside:
            return []
        if len(inside) == len(districts):
            return [unit]
        return [whole for child in sorted(self._definition.children[unit]) for whole in self._whole(child, held)]
