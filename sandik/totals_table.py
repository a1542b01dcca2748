"""Tables of totals for people: names with their ids, units in the order of the tree, Turkish notation. Pure.

The id beside a name, as in `Üsküdar (tr/34/uskudar)`, is what other commands take.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

from rich.console import JustifyMethod
from rich.table import Table

from sandik.quantities import NOTHING, grouped, percent_from_bp
from schemas.definition import Election
from schemas.spelling import collation_key
from schemas.totals import Row
from tabulation.derived.facts import lead, ranking, turnout_bp, valid_shares_bp


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


_COLUMNS: Final[Mapping[str, JustifyMethod]] = {
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

    def of(self, rows: Iterable[Row]) -> Iterator[Table]:
        """A table for each contest and source, in the definition's order, its units as `_in_order` has them."""
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
