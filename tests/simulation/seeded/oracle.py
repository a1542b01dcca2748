"""The naive oracle: what anybody may show at each position of the totals topic, and what operators ordered.

It is told of every record as it is written, reads plain JSON, and shares nothing with the folds that it judges.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import orjson

from tests.builders import DISTRICTS
from tests.simulation.seeded.store import Stored
from tests.simulation.seeded.story import CONTESTS, SOURCES

COUNTS: Final = ("boxes_opened", "annulled", "registered", "cast", "valid", "invalid", "unattributed", "flagged")

Place = tuple[str, str, str]
"""A contest, a source and a unit."""


class Figures(NamedTuple):
    """A unit's figures, and the version of the record that says them (of a sum, none)."""

    counts: tuple[int, ...]
    votes: Mapping[str, int]
    version: int | None = None

    @property
    def plain(self) -> tuple[tuple[int, ...], dict[str, int]]:
        """The figures, where no vote is as good as no candidate."""
        return self.counts, {name: votes for name, votes in self.votes.items() if votes}


NOTHING: Final = Figures((0,) * len(COUNTS), {})


def figures_of(fields: Mapping[str, Any]) -> Figures:
    """The figures of a totals record, or of a program in a gate."""
    return Figures(tuple(fields[name] for name in COUNTS), fields["votes"], fields["version"])


def added(parts: list[Figures]) -> Figures:
    """The sum of districts."""
    votes: dict[str, int] = {}
    for part in parts:
        for name, count in part.votes.items():
            votes[name] = votes.get(name, 0) + count
    return Figures(tuple(map(sum, zip(NOTHING.counts, *(part.counts for part in parts), strict=True))), votes)


class _History:
    """What a district's figures were from which position on."""

    def __init__(self) -> None:
        self.positions: list[int] = [0]
        self.figures: list[Figures] = [NOTHING]

    def put(self, position: int, figures: Figures) -> None:
        self.positions.append(position)
        self.figures.append(figures)

    def at(self, position: int) -> Figures:
        return self.figures[bisect_right(self.positions, position) - 1]


class Shown:
    """Every position of the totals topic: what is true there, and what the public is shown."""

    def __init__(self) -> None:
        self.end = 0
        self.gates: dict[Place, tuple[int, int, bool]] = {}
        """Of each district the gate that stands: its order, how often it was said again, whether it holds."""
        self._true: dict[Place, _History] = {place: _History() for place in districts()}
        self._public: dict[Place, _History] = {place: _History() for place in districts()}

    def hear(self, record: Stored) -> None:
        """A record was appended to the totals topic."""
        self.end = record.offset + 1
        key = record.key or b""
        fields = orjson.loads(record.value or b"")
        if key.startswith(b"gate:"):
            self._gate(fields)
        elif b":" not in key:
            self._totals(fields)

    def at(self, place: Place, position: int, *, public: bool) -> Figures:
        """What is to be shown of a unit at a position: to the public, or to the control room."""
        histories = self._public if public else self._true
        contest, source, unit = place
        if unit in DISTRICTS:
            return histories[place].at(position)
        below = [one for one in DISTRICTS if one.startswith(f"{unit}/")]
        return added([histories[contest, source, district].at(position) for district in below])

    def is_held(self, place: Place) -> bool:
        """Whether the gate that stands holds the district."""
        return place in self.gates and self.gates[place][2]

    def _totals(self, fields: Mapping[str, Any]) -> None:
        place = fields["contest"], fields["source"], fields["district"]
        figures = figures_of(fields)
        if _version(figures) > _version(self._true[place].figures[-1]):
            self._true[place].put(self.end, figures)
            if not self.is_held(place):
                self._public[place].put(self.end, figures)

    def _gate(self, fields: Mapping[str, Any]) -> None:
        place = fields["contest"], fields["source"], fields["district"]
        number = fields["gate"], fields["again"]
        if place in self.gates and number <= self.gates[place][:2]:
            return
        self.gates[place] = (*number, fields["held"])
        true = self._true[place].figures[-1]
        if not fields["held"]:
            self._public[place].put(self.end, true)
            return
        shown = figures_of(fields["program"]) if fields["program"] else NOTHING
        if not fields["again"] and _version(true) > _version(shown):
            shown = true  # who relayed the order knew less than its readers
        self._public[place].put(self.end, shown)


class Orders:
    """Every position of the control topic: whether there is an embargo, and what is to be held."""

    def __init__(self) -> None:
        self.embargoed: list[bool] = [False]
        """Whether an embargo stands before each offset."""
        self.held: set[tuple[str, str]] = set()
        """The contests and districts that are to be held by now."""
        self._known: set[str] = set()

    def hear(self, record: Stored) -> None:
        """A record was appended to the control topic."""
        fields = orjson.loads(record.value or b"")
        embargoed = self.embargoed[-1]
        if fields.get("id") and fields["id"] not in self._known:
            self._known.add(fields["id"])
            embargoed = {"embargo_set": True, "embargo_lifted": False}.get(fields["type"], embargoed)
            self._hold(fields)
        self.embargoed.append(embargoed)

    def _hold(self, fields: Mapping[str, Any]) -> None:
        unit = fields.get("unit") or "tr"
        places = {(fields.get("contest", ""), one) for one in DISTRICTS if one == unit or one.startswith(f"{unit}/")}
        if fields["type"] == "held":
            self.held |= places
        elif fields["type"] == "released":
            self.held -= places


def districts() -> Iterator[Place]:
    """Everything that totals are kept for."""
    return ((contest, source, one) for contest in CONTESTS for source in SOURCES for one in DISTRICTS)


def _version(figures: Figures) -> int:
    return -1 if figures.version is None else figures.version
