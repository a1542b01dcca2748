"""What is held, as few names as say it: a contest, or contest/unit where it is not the whole country. Pure."""

from collections.abc import Collection

from schemas.definition import Election


class HeldUnits:
    """Names what is held, by the definition's tree."""

    def __init__(self, definition: Election) -> None:
        self._contests = sorted(definition.contest_by_id)
        self._country = next(unit.id for unit in definition.units if unit.parent is None)
        self._below: dict[str, list[str]] = {}
        for unit in definition.units:
            if unit.parent is not None:
                self._below.setdefault(unit.parent, []).append(unit.id)

    def named(self, held: Collection[tuple[str, str]]) -> tuple[str, ...]:
        """The names for these contests and districts."""
        names = []
        for contest in self._contests:
            districts = {district for of, district in held if of == contest}
            whole = self._whole(self._country, districts)
            names += [self.name(contest, unit) for unit in whole]
        return tuple(names)

    def name(self, contest: str, unit: str) -> str:
        """The name of a contest that is held in a unit."""
        return contest if unit == self._country else f"{contest}/{unit}"

    def _whole(self, unit: str, held: set[str]) -> list[str]:
        """The units that are held whole, from this one down; those below one of them are not named again."""
        if unit in held:
            return [unit]
        below = [whole for child in sorted(self._below.get(unit, ())) for whole in self._whole(child, held)]
        return [unit] if below and below == sorted(self._below[unit]) else below
