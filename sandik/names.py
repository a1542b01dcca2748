"""Names for people, each with its id beside it, which is what other commands take: `Üsküdar (tr/34/uskudar)`. Pure."""

from schemas.definition import Election


class Names:
    """The names of one election."""

    def __init__(self, definition: Election) -> None:
        self._definition = definition
        self._sources = {source.id: source.name for source in definition.sources}

    def contest(self, contest: str) -> str:
        """A contest's name."""
        return _with_id(self._definition.contest_by_id[contest].name, contest)

    def source(self, source: str) -> str:
        """A source's name."""
        return _with_id(self._sources[source], source)

    def unit(self, unit: str) -> str:
        """A unit's name."""
        return _with_id(self._definition.unit_by_id[unit].name, unit)

    def candidate(self, contest: str, unit: str, candidate: str) -> str:
        """The name on the unit's ballot; above the districts that of the contest, or the id where that has none."""
        ballot = self._definition.contest_by_id[contest].ballot(unit)
        name = next((one.name for one in ballot if one.id == candidate), None)
        return candidate if name is None else _with_id(name, candidate)


def _with_id(name: str, own_id: str) -> str:
    return f"{name} ({own_id})"
