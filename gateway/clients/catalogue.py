"""What can be asked for: the contests, sources and units of a definition, and what to say where a name is not there."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from schemas.definition import Election
from schemas.errors import UsageError
from schemas.wire import ErrorCode, Subscribe

_MAX_NAMES_LISTED: Final = 20
"""Names in an error's message: more are no help to a reader. A contest or source beyond that is rare."""

_MAX_SELECTIONS_KEPT: Final = 1_024
"""Resolved selections kept for sharing, at up to 40 KB each for a whole country: 40 MB if somebody tries hard."""

_BELOW: Final = "/*"


class Unknown(UsageError):
    """A name that the definition does not have."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code: Final = code


class Subscription(NamedTuple):
    """A subscription as the hub holds it: those that are equal share the bytes they are sent."""

    id: str
    contest: str
    source: str
    units: frozenset[str]
    max_rate_hz: float | None = None


class Catalogue:
    """The names of a definition, ready to be looked up."""

    def __init__(self, definition: Election) -> None:
        self._definition = definition
        self._selection = lru_cache(maxsize=_MAX_SELECTIONS_KEPT)(self._select)

    def subscription(self, message: Subscribe) -> Subscription:
        """What a client asks for, its patterns resolved. Raises `Unknown` for the first name that is not there."""
        return Subscription(
            id=message.id,
            contest=self.contest(message.contest),
            source=self.source(message.source),
            units=self.units(message.units),
            max_rate_hz=message.max_rate_hz,
        )

    def contest(self, name: str) -> str:
        """The name, if a contest has it. Raises `Unknown`."""
        if name not in self._definition.contest_by_id:
            there = _listed(self._definition.contest_by_id)
            raise Unknown("unknown_contest", f"There is no contest {name!r}. There are: {there}.")
        return name

    def source(self, name: str) -> str:
        """The name, if a source has it. Raises `Unknown`."""
        if name not in self._definition.source_ids:
            there = _listed(source.id for source in self._definition.sources)
            raise Unknown("unknown_source", f"There is no source {name!r}. There are: {there}.")
        return name

    def units(self, patterns: Iterable[str]) -> frozenset[str]:
        """The ids of the units that the patterns stand for. Raises `Unknown` where one stands for none."""
        return self._selection(frozenset(patterns))

    def _select(self, patterns: frozenset[str]) -> frozenset[str]:
        selected: set[str] = set()
        for pattern in sorted(patterns):
            found = self._matching(pattern)
            if not found:
                raise Unknown(
                    "unknown_unit",
                    f"No unit matches {pattern!r}. Give a unit's id such as {self._definition.units[-1].id!r}, or an "
                    f"id and '{_BELOW}' for the units directly below it; GET /v1/definition lists them all.",
                )
            selected.update(found)
        return frozenset(selected)

    def _matching(self, pattern: str) -> tuple[str, ...]:
        if pattern.endswith(_BELOW):
            return self._definition.children.get(pattern.removesuffix(_BELOW), ())
        return (pattern,) if pattern in self._definition.unit_by_id else ()


def _listed(names: Iterable[str]) -> str:
    return ", ".join(list(names)[:_MAX_NAMES_LISTED])
