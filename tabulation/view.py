"""The view: what the totals topic says, as a versioned map of unit × contest × source, with its roll-ups.

`seq` N means that the first N positions of the topic are folded in. Every figure remembers the seq at which it last
changed, so what a client at cursor C is owed is the figures whose seq is beyond C, and there is no history to keep.

Two gateways that have read up to N agree on every value, but not on every seq: compaction may have taken a district's
older records from the one that started later. What it takes of a key is always the oldest, so the later gateway's seqs
can only be higher, and what it sends is a superset. Three rules hold that up: a district's ballot is complete from its
first record on; that first record counts as a change of every figure of the units above it, also where it adds 0; and
so does every record that may be what compaction has left (`Program.caught_up`).
"""

import copy
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from schemas.asides import is_aside
from schemas.definition import Election
from schemas.fields import Record
from schemas.figures import COUNTS
from schemas.totals import Cell, Row, Totals, parse_totals
from tabulation.counting.notices import timely
from tabulation.figures import (
    Claim,
    Shift,
    UnitFigures,
    Wire,
    claim_of,
    claims_before_counting,
    difference,
    unheard,
)

_FEW_UNITS: Final = 64
"""Up to so many units are looked up one by one (3 µs), without a walk over whatever else changed."""


class Heard(NamedTuple):
    """What was last heard from a source: the newest event time of what stands, and when its last change was appended.

    `appended_ms` counts from 1970, by the log's clock.
    """

    as_of: datetime
    appended_ms: int


class _Board(OrderedDict[str, UnitFigures]):
    """The units of one contest and source, by id, in the order in which they last changed."""

    def __init__(
        self, definition: Election, contest: str, source: str, units: Iterable[tuple[str, UnitFigures]] = ()
    ) -> None:
        super().__init__(units)
        self.contest: Final = contest
        self.source: Final = source
        self.votes_per_voter: Final = definition.contest_by_id[contest].votes_per_voter
        self.given: Final = definition.given(contest, source)
        self._definition = definition
        self.claims: dict[str, Claim] = {}
        """What follows from each district's figures."""

    def path(self, cell: str) -> tuple[str, ...]:
        """The cell and the units above it that are sums of cells."""
        return self._definition.path_of(self.contest, self.source, cell)

    def cells_in(self, unit: str) -> tuple[str, ...]:
        """The cells that a unit is the sum of."""
        return self._definition.cells_in(self.contest, self.source, unit)

    def detached_copy(self) -> "_Board":
        """Return a copy that shares nothing which changes."""
        units = ((unit, figures.detached_copy()) for unit, figures in self.items())
        board = _Board(self._definition, self.contest, self.source, units)
        board.claims = self.claims.copy()
        return board


class View:
    """The fold of the totals topic. Feed it every record, in order, from offset 0.

    Records that cannot be used (unparsable, or about something the definition does not know) are counted in `skipped`,
    those that are not newer than what is held in `stale`. Neither is ever an error.
    """

    def __init__(self, definition: Election) -> None:
        self.definition: Final = definition
        self.seq = 0
        self.skipped = 0
        self.stale = 0
        self._versions: dict[tuple[str, str, str], int] = {}
        self._heard: dict[str, Heard] = {}
        self._boards: dict[tuple[str, str], _Board] = {
            (contest.id, source.id): _Board(definition, contest.id, source.id)
            for contest in definition.contests
            for source in definition.sources
        }

    @property
    def heard(self) -> Mapping[str, Heard]:
        """What was last heard, by source; sources that have said nothing are not there."""
        return self._heard

    def fold(self, record: Record) -> bool:
        """Fold one record of the topic. Returns whether it changed a figure; asides (gates, watermarks) change none."""
        if is_aside(record.key):
            self.skip(record.offset)
            return False
        try:
            totals = parse_totals(record.value or b"")
        except ValidationError:
            self.skipped += self.skip(record.offset)
            return False
        return self.apply(record.offset, timely(totals, record.timestamp, self.definition), record.timestamp)

    def skip(self, offset: int) -> bool:
        """Advance `seq` past a record that changes nothing here. Returns whether it had not been folded before."""
        if offset < self.seq:
            return False
        self.seq = offset + 1
        return True

    def apply(self, offset: int, totals: Totals, appended_ms: int = 0) -> bool:
        """Fold one parsed record. Returns whether it was newer than what is held; idempotent for an offset."""
        if not self.skip(offset):
            return False
        cell = totals.cell
        if not self.definition.knows(cell, totals.votes):
            self.skipped += 1
            return False
        if totals.version <= self._versions.get(cell, -1):
            self.stale += 1
            return False
        self.put(offset, totals, appended_ms)
        return True

    def put(self, offset: int, totals: Totals, appended_ms: int) -> None:
        """Store totals. The caller has checked that the definition knows their cell and that they are newer."""
        self.skip(offset)
        cell = totals.cell
        self._versions[cell] = totals.version
        self._put(self._boards[cell.contest, cell.source], totals)
        self._hear(totals.source, appended_ms)

    def show(self, offset: int, cell: Cell, totals: Totals | None) -> None:
        """At this offset show these totals of a cell, whatever their version, or what is shown of it already.

        Every figure of the cell and above counts as new: of what was shown before, another reader of a compacted topic
        may know less, and a client more.
        """
        self.skip(offset)
        board = self._boards[cell.contest, cell.source]
        if totals is not None:
            self._versions[cell] = totals.version
            self._put(board, totals)
        for unit in board.path(cell.district):
            if unit in board:
                board[unit].count_as_new(self.seq)
                board.move_to_end(unit)

    def hide(self, offset: int, cell: Cell) -> None:
        """At this offset show nothing of a cell, as if it had never been heard of."""
        self.skip(offset)
        board = self._boards[cell.contest, cell.source]
        self._versions.pop(cell, None)
        hidden = board.pop(cell.district, None)
        if hidden is None:
            return
        shift = Shift.between(board.claims.pop(cell.district), self._unheard(board, cell.district))
        for unit in board.path(cell.district)[1:]:
            below = [board[district] for district in board.cells_in(unit) if district in board]
            if below:
                board[unit].add_up(below)
                board[unit].claim(shift, hidden.votes, self.seq)
                board[unit].count_as_new(self.seq)
                board.move_to_end(unit)
            else:
                del board[unit]

    def restate_overridden(self, cell: Cell) -> None:
        """Send again which figures of a cell and of the units above it are set by hand, also where none are."""
        board = self._boards[cell.contest, cell.source]
        for unit in board.path(cell.district):
            if unit in board:
                board[unit].set_overridden(board[unit].overridden, self.seq)
                board.move_to_end(unit)

    def version(self, cell: Cell) -> int:
        """The version of the cell's totals that is held; -1 where there is none."""
        return self._versions.get(cell, -1)

    def heard_of(self, contest: str, source: str, districts: Iterable[str]) -> frozenset[str]:
        """Those of the districts of which the source itself has spoken: what is set by hand has no version."""
        version = self._versions.get
        return frozenset(one for one in districts if version((contest, source, one), -1) >= 0)

    def totals(self, cell: Cell) -> Totals | None:
        """The totals of a cell as they were folded; every candidate of its ballot is there."""
        district = self._boards[cell.contest, cell.source].get(cell.district)
        if district is None:
            return None
        fields: dict[str, Any] = {
            **cell._asdict(),
            **dict.fromkeys(COUNTS, 0),
            **district.counts,
            "votes": district.votes.copy(),
        }
        fields |= {"overridden": district.overridden, "excess": district.excess, "closed": district.closed}
        return Totals.model_construct(None, version=self.version(cell), as_of=district.as_of, **fields)

    def shared_copy(self) -> "View":
        """Return a view that shares this one's figures until one of the two calls `detach()`."""
        return copy.copy(self)

    def detach(self) -> None:
        """Copy everything that changes, so that this view shares it with no other: see `shared_copy()`."""
        self._versions = self._versions.copy()
        self._heard = self._heard.copy()
        self._boards = {pair: board.detached_copy() for pair, board in self._boards.items()}

    def changed_since(self, contest: str, source: str, units: Collection[str], cursor: int) -> list[Wire]:
        """What changed in these units beyond `cursor`, by unit id; with cursor 0 everything there is.

        Walks only the units that changed since. Figures are absolute; a candidate who fell to 0 is there with 0.
        """
        return [figures.changed_since(cursor) for figures in self._changed_among(contest, source, units, cursor)]

    def encoded_since(self, contest: str, source: str, units: Collection[str], cursor: int) -> bytes:
        """The same as a JSON array, put together from entries that are each encoded once for all who ask."""
        changed = self._changed_among(contest, source, units, cursor)
        return b"[" + b",".join([figures.encoded_since(cursor) for figures in changed]) + b"]"

    def changed_units(self, contest: str, source: str, cursor: int) -> list[str]:
        """The units of which anything changed beyond `cursor`, the newest change first."""
        changed = []
        for unit, figures in reversed(self._boards[contest, source].items()):
            if figures.seq <= cursor:
                break
            changed.append(unit)
        return changed

    def changed_figures(self, contest: str, source: str, cursor: int) -> list[UnitFigures]:
        """The figures themselves of the units of which anything changed beyond `cursor`; to be looked at only."""
        board = self._boards[contest, source]
        return [board[unit] for unit in self.changed_units(contest, source, cursor)]

    def as_of(self, contest: str, source: str) -> datetime | None:
        """The newest event time in any district of this contest and source."""
        country = self._boards[contest, source].get(self.definition.country)
        return country.as_of if country else None

    def newest(self, source: str) -> datetime | None:
        """The newest event time of what a source says, in any contest; `None` where it says nothing."""
        return max(self._moments(source), default=None)

    def newest_by(self, source: str, moment: datetime) -> datetime | None:
        """The newest event time of what a source says that is not later than `moment`; `None` where all is."""
        newest = self.newest(source)
        if newest is None or newest <= moment:
            return newest
        boards = (self._boards[contest.id, source] for contest in self.definition.contests)
        moments = (figures.as_of for board in boards for figures in board.values())
        return max((at for at in moments if at <= moment), default=None)

    def _moments(self, source: str) -> list[datetime]:
        return [moment for contest in self.definition.contests if (moment := self.as_of(contest.id, source))]

    def figures(self, contest: str, source: str, unit: str) -> UnitFigures | None:
        """What is held of a unit, to be read and not changed; `None` where nothing was ever reported."""
        return self._boards[contest, source].get(unit)

    def rows(
        self, *, contest: str | None = None, source: str | None = None, units: Collection[str] | None = None
    ) -> list[Row]:
        """The result table, sorted by contest, source and unit: every unit of which anything was ever reported."""
        found = self.reported(contest=contest, source=source, units=units)
        return [figures.row(contest, source) for contest, source, figures in found]

    def reported(
        self, *, contest: str | None = None, source: str | None = None, units: Collection[str] | None = None
    ) -> list[tuple[str, str, UnitFigures]]:
        """The figures behind the result table, in its order, to be read and not changed."""
        return [
            (*pair, board[unit])
            for pair, board in sorted(self._boards.items())
            if contest in {None, pair[0]} and source in {None, pair[1]}
            for unit in sorted(board)
            if units is None or unit in units
        ]

    def _changed_among(self, contest: str, source: str, units: Collection[str], cursor: int) -> list[UnitFigures]:
        board = self._boards[contest, source]
        if len(units) <= _FEW_UNITS:
            changed = [figures for unit in units if (figures := board.get(unit)) and figures.seq > cursor]
        else:
            changed = [board[unit] for unit in self.changed_units(contest, source, cursor) if unit in units]
        changed.sort(key=lambda figures: figures.unit.id)
        return changed

    def _put(self, board: _Board, totals: Totals) -> None:
        """Take a district's new totals: into its figures, and what they differ by into those of the units above."""
        first = totals.district not in board
        if first:
            votes = dict.fromkeys(sorted(self.definition.names_in(totals.contest, totals.district)), 0)
            self._add_unit(board, totals.district, totals.as_of, votes)
        district = board[totals.district]
        before = district.as_of
        change = difference(district, totals)
        district.add(change, self.seq)
        district.set_as_of(totals.as_of, self.seq)
        district.excess, district.closed = totals.excess, totals.closed
        shift = self._claim(board, district)
        self._move(board, district)
        for unit in board.path(totals.district)[1:]:
            if unit not in board:
                self._add_unit(board, unit, totals.as_of, {})
            above = board[unit]
            if first:  # the district's ballot may have names that the others' do not
                above.votes = dict(sorted((dict.fromkeys(district.votes, 0) | above.votes).items()))
                above.touch(self.seq)
            above.add(change, self.seq)
            above.set_as_of(self._newest(board, above, before, totals.as_of), self.seq)
            above.claim(shift, district.votes, self.seq)
            self._move(board, above)
        if totals.overridden != district.overridden:
            self._put_overridden(board, district, totals.overridden)

    def _claim(self, board: _Board, district: UnitFigures) -> Shift:
        """Let the district's claim follow from its figures."""
        unit = district.unit
        before = board.claims.get(unit.id) or self._unheard(board, unit.id)
        after = claim_of(
            district.boxes_total,
            self.definition.roll_of(board.contest, unit.id),
            district.counts,
            district.votes,
            district.excess,
            board.votes_per_voter,
            board.given.absent,
            district.closed,
        )
        board.claims[unit.id] = after
        shift = Shift.between(before, after)
        district.claim(shift, district.votes, self.seq)
        return shift

    def _unheard(self, board: _Board, cell: str) -> Claim:
        return unheard(self.definition.roll_of(board.contest, cell), board.votes_per_voter)

    def _put_overridden(self, board: _Board, district: UnitFigures, names: tuple[str, ...]) -> None:
        district.set_overridden(names, self.seq)
        self._move(board, district)
        for unit in board.path(district.unit.id)[1:]:
            below = (board[one].overridden for one in board.cells_in(unit) if one in board)
            board[unit].set_overridden(tuple(sorted({name for marked in below for name in marked})), self.seq)
            self._move(board, board[unit])

    def _add_unit(self, board: _Board, unit: str, as_of: datetime, votes: dict[str, int]) -> None:
        figures = UnitFigures(
            unit=self.definition.unit_by_id[unit],
            boxes_total=self.definition.boxes_of(board.contest)[unit],
            as_of=as_of,
            born=self.seq,
            seq=self.seq,
            as_of_seq=self.seq,
            counts=dict.fromkeys(board.given.counts, 0),
            votes=votes,
            claims=claims_before_counting(self.definition, board.contest, unit, board.source),
        )
        figures.touch(self.seq)
        board[unit] = figures

    def _move(self, board: _Board, figures: UnitFigures) -> None:
        if figures.seq == self.seq:
            board.move_to_end(figures.unit.id)

    def _newest(self, board: _Board, above: UnitFigures, before: datetime, as_of: datetime) -> datetime:
        """The newest event time below a unit, after one district's went from `before` to `as_of`."""
        if as_of >= above.as_of:
            return as_of
        if before < above.as_of:
            return above.as_of
        return max(board[unit].as_of for unit in board.cells_in(above.unit.id) if unit in board)

    def _hear(self, source: str, appended_ms: int) -> None:
        self._heard[source] = Heard(max(self._moments(source)), appended_ms)
