"""A run's totals as a command tells them: what is on air, what the control room has, or what the sources say. Pure.

The totals topic holds all three. Whoever prints or writes totals takes them from here, and says which of them they are.
For people they are tables: names with their ids, units in the order of the tree, Turkish notation. The id beside a
name, as in `Üsküdar (tr/34/uskudar)`, is what other commands take.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, Final, Literal

from sandik.quantities import NOTHING, grouped, percent_from_bp
from schemas.definition import Election
from schemas.quarantine import SetAsideHere
from schemas.spelling import collation_key
from schemas.totals import Row, Told, encode_rows
from tabulation.counting.quarantine import Where
from tabulation.derived.facts import lead, ranking, turnout_bp, valid_shares_bp
from tabulation.on_air import HeldUnits, OnAir
from tabulation.view import View

if TYPE_CHECKING:
    from rich.table import Table

_MEANING: Final = {
    Told.ON_AIR: "what is on air: what is held as it stood, and figures that were set by hand",
    Told.CONTROL_ROOM: "what the control room has: the newest of what is held, and figures that were set by hand",
    Told.LOG: "what the sources say in the log: nothing is held back, and nothing set by hand",
}
_NOT_ON_AIR: Final = "There is an embargo: none of this is on air."


def meaning(told: Told, *, embargoed: bool) -> Iterator[str]:
    """Which figures these are, in sentences."""
    yield f"Told is {_MEANING[told]}."
    if embargoed:
        yield _NOT_ON_AIR


@dataclass(frozen=True, slots=True)
class ByHand:
    """The figures of one contest, source and unit that an operator has set, by name (such as `votes.imamoglu`)."""

    contest: str
    source: str
    unit: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.contest} in {self.unit} ({', '.join(self.names)}) of {self.source}"


@dataclass(frozen=True, slots=True)
class RunTotals:
    """The result table, and what its reader must know of it.

    `held` has each (contest, unit) that is on hold on air, wholly or in part, `hold` as few names as say it. `by_hand`
    is what was set by hand in these rows, roll-ups included; of the log's figures, which have none of it, what is set
    by hand on air. `contests` are those that are asked about, also where nothing was reported of one.
    """

    told: Told
    contests: tuple[str, ...]
    rows: tuple[Row, ...]
    held: frozenset[tuple[str, str]]
    hold: tuple[str, ...]
    by_hand: tuple[ByHand, ...]
    embargoed: bool
    unverified_warning: str | None = None
    """What to do where an embargo stands because orders cannot be verified, as a sentence: for whoever asked."""
    uncounted_warning: str | None = None
    """What to do where the log holds tallies that are in none of these figures, as a sentence: for whoever asked."""
    set_aside: Mapping[Where, SetAsideHere] = field(default_factory=dict)
    """What the sources have said that is in quarantine and in no figure, by contest, source and unit."""

    def only(self, contest: str | None, source: str | None) -> "RunTotals":
        """What is told of one contest, or of one source; `None` is all of them."""
        return replace(
            self,
            contests=tuple(one for one in self.contests if contest in {None, one}),
            rows=tuple(row for row in self.rows if contest in {None, row.contest} and source in {None, row.source}),
            held=frozenset(place for place in self.held if contest in {None, place[0]}),
            hold=tuple(name for name in self.hold if contest in {None, name.partition("/")[0]}),
            by_hand=tuple(
                one for one in self.by_hand if contest in {None, one.contest} and source in {None, one.source}
            ),
            set_aside={
                where: found
                for where, found in self.set_aside.items()
                if contest in {None, where[0]} and source in {None, where[1]}
            },
        )

    def is_held(self, row: Row) -> bool:
        """Whether the row's unit is on hold on air, wholly or in part."""
        return (row.contest, row.unit) in self.held

    def set_aside_of(self, row: Row) -> int:
        """How many statements of the source, on the unit or below it, are in quarantine and not in the row."""
        found = self.set_aside.get((row.contest, row.source, row.unit))
        return found.count if found is not None else 0

    def marks(self, row: Row) -> dict[str, object]:
        """What is told of a row beside its figures, in every format.

        Which figures they are, whether it is held, and how many statements are set aside.
        """
        return {"told": self.told.value, "held": self.is_held(row), "set_aside": self.set_aside_of(row)}

    def encode(self) -> bytes:
        """The rows as a JSON array with their marks; the same rows are the same bytes."""
        return encode_rows(self.rows, self.marks)

    def sentences(self) -> Iterator[str]:
        """Which figures these are, and what of them is held or set by hand, for people."""
        yield from meaning(self.told, embargoed=self.embargoed)
        if self.hold:
            yield f"On hold on air: {', '.join(self.hold)}."
        if self.by_hand:
            where = " on air, and not in these figures" if self.told is Told.LOG else ""
            yield f"Set by hand{where}: {'; '.join(map(str, self.by_hand))}."

    def doubts(self, definition: Election) -> Iterator[str]:
        """The districts of which statements are set aside, and whose figures contradict each other, in sentences."""
        aside = [
            f"{contest} in {unit} of {source} ({found.count}, the newest: {found.reason})"
            for (contest, source, unit), found in sorted(self.set_aside.items())
            if definition.is_cell(contest, source, unit)
        ]
        if aside:
            yield f"Statements that are set aside, and in none of these figures: {'; '.join(aside)}."
        named = [
            f"{row.contest} in {row.unit} ({', '.join(row.contradictions)})"
            for row in self.rows
            if row.contradictions and definition.is_cell(row.contest, row.source, row.unit)
        ]
        if named:
            yield f"Figures that contradict each other, from which nothing is claimed: {'; '.join(named)}."


def totals_of(fold: OnAir, told: Told, *, embargoed: bool) -> RunTotals:
    """The totals that these records of the totals topic come to, with their roll-ups.

    Call order: check the embargo first; this function hides nothing.
    """
    view = View(fold.definition)
    figures = {Told.ON_AIR: fold.shown, Told.CONTROL_ROOM: fold.truth, Told.LOG: fold.reported}[told]
    for number, cell in enumerate(fold.cells):
        totals = figures(cell)
        if totals is not None:
            view.show(number, cell, totals)
    rows, hold = tuple(view.rows()), HeldUnits(fold.definition).named(fold.held)
    return RunTotals(
        told=told,
        contests=tuple(fold.definition.contest_by_id),
        rows=rows,
        held=fold.held_units,
        hold=hold,
        by_hand=tuple(_by_hand_on_air(fold) if told is Told.LOG else _by_hand_in(rows)),
        embargoed=embargoed,
    )


def _by_hand_in(rows: Iterable[Row]) -> Iterator[ByHand]:
    return (ByHand(row.contest, row.source, row.unit, row.overridden) for row in rows if row.overridden)


def _by_hand_on_air(fold: OnAir) -> Iterator[ByHand]:
    shown = ((cell, fold.shown(cell)) for cell in fold.cells)
    return (ByHand(*cell, totals.overridden) for cell, totals in shown if totals is not None and totals.overridden)


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
        ballot = self._definition.ballot(contest, unit)
        name = next((one.name for one in ballot if one.id == candidate), None)
        return candidate if name is None else _with_id(name, candidate)


def _with_id(name: str, own_id: str) -> str:
    return f"{name} ({own_id})"


_COLUMNS: Final[Mapping[str, Literal["left", "right"]]] = {
    "unit": "left",
    "boxes opened": "right",
    "turnout (of\nopened boxes)": "right",
    "valid": "right",
    "leader": "left",
    "votes": "right",
    "share": "right",
    "flagged": "right",
    "marks": "left",
}
"""What is in a row, and to which side it is aligned."""

MAX_TIED_NAMED: Final = 3
"""How many who are tied are named: a line of a terminal holds no more."""


class TotalsTables:
    """Makes a table of each contest and source of a run.

    `is_held` says whether a row's unit is on hold, `set_aside` how many statements of its source are in no figure.
    """

    def __init__(
        self, definition: Election, is_held: Callable[[Row], bool], set_aside: Callable[[Row], int] = lambda _: 0
    ) -> None:
        self._definition = definition
        self._is_held = is_held
        self._set_aside = set_aside
        self._names = Names(definition)
        self._contests = {contest.id: place for place, contest in enumerate(definition.contests)}
        self._sources = {source.id: place for place, source in enumerate(definition.sources)}
        self._places = {unit: place for place, unit in enumerate(_in_order(definition))}

    def of(self, rows: Iterable[Row]) -> "Iterator[Table]":
        """A table for each contest and source, in the definition's order, its units as `_in_order` has them."""
        from rich.table import Table  # noqa: PLC0415  5 MB, and who reads totals for programs needs none

        ordered = sorted(
            rows,
            key=lambda row: (self._contests[row.contest], self._sources[row.source], self._places[row.unit]),
        )
        for (contest, source), units in groupby(ordered, key=lambda row: (row.contest, row.source)):
            title = f"{self._names.contest(contest)}, {self._names.source(source)}"
            table = Table(box=None, header_style="bold", title=title, title_justify="left")
            for name, side in _COLUMNS.items():
                table.add_column(name, no_wrap=True, justify=side)
            for row in units:
                table.add_row(*self._cells(row))
            yield table

    def _cells(self, row: Row) -> tuple[str, ...]:
        depth = len(self._definition.ancestors[row.unit])
        return (
            f"{'  ' * depth}{self._names.unit(row.unit)}",
            f"{grouped(row.boxes_opened)} / {grouped(row.boxes_total)}",
            percent_from_bp(turnout_bp(row.cast, row.registered, row.flagged, row.contradictions)),
            grouped(row.valid) if row.valid is not None else NOTHING,
            *self._lead(row),
            grouped(row.flagged),
            self._marks(row),
        )

    def _lead(self, row: Row) -> tuple[str, str, str]:
        """Who leads, their votes and share of the valid ones: nobody before the first vote, all of them in a tie."""
        order = self._definition.ballot_order(row.contest, row.unit)
        ahead = lead(row.votes, order)
        if ahead is None or row.valid == 0:
            return NOTHING, NOTHING, NOTHING
        numbers = [votes for _, votes in ranking(row.votes, order)]
        first, *_ = valid_shares_bp(numbers, row.valid or 0, row.unattributed)
        return self._leaders(row, ahead.leaders), grouped(numbers[0]), percent_from_bp(first)

    def _leaders(self, row: Row, leaders: Sequence[str]) -> str:
        if len(leaders) > MAX_TIED_NAMED:
            return f"tie of {len(leaders)}"
        names = ", ".join(self._names.candidate(row.contest, row.unit, candidate) for candidate in leaders)
        return names if len(leaders) == 1 else f"tie: {names}"

    def _marks(self, row: Row) -> str:
        marks = ["held"] if self._is_held(row) else []
        if row.overridden:
            marks.append(f"by hand: {', '.join(row.overridden)}")
        if count := self._set_aside(row):
            marks.append(f"set aside: {grouped(count)}")
        if row.contradictions:
            marks.append(f"contradicts: {', '.join(row.contradictions)}")
        return "; ".join(marks)


def _in_order(definition: Election) -> Iterator[str]:
    """The units' ids: each followed by those below it, by name."""
    below: dict[str | None, list[str]] = {}
    for unit in sorted(definition.units, key=lambda unit: (collation_key(unit.name, definition.language), unit.id)):
        below.setdefault(unit.parent, []).append(unit.id)
    waiting = below[None][::-1]
    while waiting:
        unit_id = waiting.pop()
        yield unit_id
        waiting += below.get(unit_id, [])[::-1]
