"""The naive oracle: what anybody may show at each position of the totals topic, and what operators ordered.

It is told of every record as it is written, reads plain JSON, and shares nothing with the folds that it judges.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import orjson

from schemas.figures import EVERYWHERE
from schemas.totals import Totals
from tests.simulation.seeded.law import Law
from tests.simulation.seeded.operators import CONTESTS, SOURCES
from tests.simulation.seeded.orders import Frozen
from tests.simulation.seeded.store import Stored

Place = tuple[str, str, str]
"""A contest, a source and a unit."""


class Figures(NamedTuple):
    """A unit's figures, and the version of the record that says them (of a sum, none).

    `order` is the order that set some of them by hand, -1 for none.
    """

    counts: tuple[int, ...]
    votes: Mapping[str, int]
    version: int | None = None
    order: int = -1

    @property
    def plain(self) -> tuple[tuple[int, ...], dict[str, int]]:
        """The figures, where no vote is as good as no candidate."""
        return self.counts, {name: votes for name, votes in self.votes.items() if votes}


NOTHING: Final = Figures((0,) * len(EVERYWHERE), {})


def figures_of(fields: Mapping[str, Any]) -> Figures:
    """The figures of a totals record, or of a program in a gate."""
    return Figures(tuple(fields[name] for name in EVERYWHERE), fields["votes"], fields["version"])


def figures_in(totals: Totals | None) -> Figures:
    """The figures of totals as the product holds them."""
    return NOTHING if totals is None else Figures(tuple(getattr(totals, name) for name in EVERYWHERE), totals.votes)


def overlaid(figures: Figures, by_hand: Mapping[str, int], order: int = -1) -> Figures:
    """The figures with those that are set by hand in their place."""
    counts = tuple(by_hand.get(name, count) for name, count in zip(EVERYWHERE, figures.counts, strict=True))
    votes = {name.removeprefix("votes."): count for name, count in by_hand.items() if name.startswith("votes.")}
    return Figures(counts, {**figures.votes, **votes}, figures.version, order)


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
    """Every position of the totals topic: what is true there, and what the public is shown, by one version's law.

    Who has that version reads nothing that is about what a later one brings.
    """

    def __init__(self, law: Law) -> None:
        self.end = 0
        self.law = law
        self.gates: dict[Place, tuple[int, int, bool]] = {}
        """Of each district the gate that stands: its order, how often it was said again, whether it holds."""
        self._reported: dict[Place, Figures] = {}
        self._by_hand: dict[Place, tuple[int, Mapping[str, int]]] = {}
        self._true: dict[Place, _History] = {place: _History() for place in places(law)}
        self._public: dict[Place, _History] = {place: _History() for place in places(law)}

    def hear(self, record: Stored) -> Place | None:
        """A record was appended to the totals topic; what it is about, if it is about figures."""
        self.end = record.offset + 1
        key = record.key or b""
        kind = key.partition(b":")[0] if b":" in key else b""
        if kind not in {b"", b"gate", b"override"}:
            return None
        fields = orjson.loads(record.value or b"")
        place = fields["contest"], fields["source"], fields["district"]
        if not self.law.knows(place[0], place[2], _named(kind, fields)):
            return None
        if kind == b"gate":
            self._gate(place, fields)
        elif kind == b"override":
            self._override(place, fields)
        else:
            self._totals(place, fields)
        return place

    def at(self, place: Place, position: int, *, public: bool) -> Figures:
        """What is to be shown of a unit at a position: to the public, or to the control room."""
        histories = self._public if public else self._true
        contest, source, unit = place
        if unit in self.law.boxes:
            return histories[place].at(position)
        below = [one for one in self.law.districts if one.startswith(f"{unit}/")]
        return added([histories[contest, source, district].at(position) for district in below])

    def public_by(self, place: Place, position: int) -> list[Figures]:
        """All that the public has been shown of a district by a position."""
        history = self._public[place]
        return history.figures[: bisect_right(history.positions, position)]

    def is_held(self, place: Place) -> bool:
        """Whether the gate that stands holds the district."""
        return place in self.gates and self.gates[place][2]

    def _totals(self, place: Place, fields: Mapping[str, Any]) -> None:
        figures = figures_of(fields)
        if _version(figures) > _version(self._reported.get(place, NOTHING)):
            self._reported[place] = figures
            self._let_be_true(place)

    def _override(self, place: Place, fields: Mapping[str, Any]) -> None:
        if fields["override"] > self._by_hand.get(place, (-1, {}))[0]:
            self._by_hand[place] = fields["override"], fields["figures"]
            self._let_be_true(place)

    def _let_be_true(self, place: Place) -> None:
        order, by_hand = self._by_hand.get(place, (-1, {}))
        true = overlaid(self._reported.get(place, NOTHING), by_hand, order)
        self._true[place].put(self.end, true)
        if not self.is_held(place):
            self._public[place].put(self.end, true)

    def _gate(self, place: Place, fields: Mapping[str, Any]) -> None:
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


def too_new(shown: Figures, since: Frozen, told_s: float | None) -> str | None:
    """What is shown of a district that is held since then, though it came after; `told_s`: when its source said it."""
    if told_s is not None and told_s > since.at_s:
        return f"a tally of {told_s:.3f} though it is held since {since.at_s:.3f}"
    if shown.order > since.offset:
        return f"what order {shown.order} set though it is held since order {since.offset}"
    return None


def places(law: Law) -> Iterator[Place]:
    """Everything that totals are kept for."""
    return ((contest, source, one) for contest in CONTESTS for source in SOURCES for one in law.districts)


def _named(kind: bytes, fields: Mapping[str, Any]) -> list[str]:
    """The candidates that a record of the totals topic names."""
    if kind == b"override":
        return [name.removeprefix("votes.") for name in fields["figures"] if name.startswith("votes.")]
    if kind == b"gate":
        return list(fields["program"]["votes"]) if fields["program"] else []
    return list(fields["votes"])


def _version(figures: Figures) -> int:
    return -1 if figures.version is None else figures.version
