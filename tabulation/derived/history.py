"""The course of the night: the totals as they stood at a moment, and the lead over time. Pure.

`History` folds the tallies appended up to a moment, with the orders as they stood. The tallies say what there was, the
orders who should see it, and the totals topic (`Relays`) what had been published, for an aggregator may have been away.
So of each cell

- an order takes effect when it is relayed, and a hold shows what its gate shows;
- before an order no newer totals were public than those that were published when it was relayed, and after the last
  order none newer than those that the topic has now;
- no tally counts that was not published by then, as watermarks say it (`late`, by `PublishedPositions`).

Without a totals topic (an archive has none) orders take effect as they were given, on what the tallies say.
See docs/decisions/past.md.

`LeadOverTime` is how the first candidates of each unit stood, as it was on air: a fold over the view. It is bounded. A
unit has a point in each `STEP_S` of event time at the most; where it has `MAX_POINTS`, every other one goes, and from
then on they are twice as far apart. The units of a tree's upper levels are kept, as many levels as `MAX_COURSES` leaves
room for: in İstanbul the province and its districts, in Türkiye the country and its provinces.

A gateway that starts knows how everything stands, and of the time before nothing: a compacted topic has the newest
totals of each district alone, and sums of those that came first were never shown to anybody. The tallies are kept for
ever. So they are folded once more (`RelivedNight`), by `History`, in steps of the time at which they came in; after
each step the view has what was on air then, and the lead over time looks at it. What was held is in it as it stood, for
as long as it was held. `recall` puts the outcome in front. See docs/decisions/lead-over-time.md.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from schemas.asides import Gate, Override
from schemas.control import Order
from schemas.definition import Election
from schemas.fields import Record
from schemas.progress import Late, parse_late, parse_watermark
from schemas.totals import Cell, Totals
from tabulation.counting.notices import timely
from tabulation.counting.tally_fold import TallyFold
from tabulation.derived.facts import base_of_shares, ranking
from tabulation.figures import UnitFigures
from tabulation.on_air import OnAir, Relays
from tabulation.orders.effects import Holds, Overrides
from tabulation.view import View


class Given(NamedTuple):
    """An order that counts, and where and when it lies in the control topic (offset; milliseconds since 1970)."""

    offset: int
    appended_ms: int
    order: Order


class Timed(NamedTuple):
    """What an order comes to in one cell, and since when (milliseconds since 1970)."""

    appended_ms: int
    change: Gate | Override


class _End(NamedTuple):
    """Tallies of a cell from this offset on were published after the order in whose `stretch` they would be."""

    offset: int
    cell: Cell
    stretch: int


def as_given(definition: Election, orders: Iterable[Given]) -> Iterator[Timed]:
    """What the orders come to, cell by cell, as they were given; one that changes nothing does nothing."""
    holds, overrides = Holds(definition), Overrides()
    sources = sorted(definition.source_ids)
    for given in orders:
        holds.apply(given.offset, given.order)
        for (contest, district), wanted in holds.wanted.items():
            if wanted.gate == given.offset:
                for source in sources:
                    gate = Gate(contest=contest, source=source, district=district, gate=wanted.gate, held=wanted.held)
                    yield Timed(given.appended_ms, gate)
        before = overrides.orders
        overrides.apply(given.offset, given.order)
        for override in overrides.wanted[before:]:
            yield Timed(given.appended_ms, override)


def as_relayed(given: Iterable[Timed], relays: Relays) -> Iterator[Timed]:
    """What the orders come to, as they were relayed, with the times of that.

    What the topic of an older log may have lost is as it was `given`. Any other order that is not in the topic was not
    relayed, or was overtaken before it could be, and has had no effect.
    """
    for cell in relays.cells:
        for since_ms, order in relays.orders(cell):
            exact = {"again": max(1, order.again)} if isinstance(order, Gate) else {}
            yield Timed(since_ms, order.model_copy(update=exact))
    yield from (timed for timed in given if relays.has_lost(timed.change))


class History:
    """Folds each partition's records, in offset order, up to `moment_ms`. Feed every partition, then `settle`.

    `changes` are those of `as_given` or, with the fold of the totals topic in `relays`, of `as_relayed`. `late` says
    from which offset on a partition's tallies were not published by then, though they may be by now.
    """

    def __init__(
        self,
        definition: Election,
        fold: TallyFold,
        changes: Iterable[Timed],
        moment_ms: int,
        relays: Relays | None = None,
        late: Mapping[int, int] | None = None,
    ) -> None:
        """`definition` is the newest that the run has; `fold`, to which nothing was fed, begins with its first."""
        self.changed: set[Cell] = set()
        self._fold = fold
        self._partitions: set[int] = set()
        self._zone = ZoneInfo(definition.timezone)
        self._moment_ms = moment_ms
        self._relays = relays
        self._everything = OnAir(definition)
        self.public: Final = OnAir(definition)
        """What was on air: what was held then, above all. Of its figures ask `shown`."""
        self._pending: dict[int, deque[Timed]] = {}
        for timed in sorted(changes, key=lambda timed: timed.change.number):
            if timed.appended_ms <= moment_ms:
                self._pending.setdefault(self._fold.partition_of(timed.change.cell), deque()).append(timed)
        self._numbers: dict[Cell, list[int]] = {}
        """By cell the orders that are known to have come after certain totals: what is between two is a stretch."""
        self._stretch: dict[Cell, int] = {}
        self._ends: dict[int, deque[_End]] = {}
        self._ended: dict[tuple[Cell, int], Totals | None] = {}
        """What a cell reported last in a stretch that is over in the tallies."""
        self._over: set[tuple[Cell, int]] = set()
        """The stretches that an order had ended by then: it says how far the cell was published, whatever is late."""
        self._late = dict(late or {})
        self._punctual: dict[int, dict[Cell, Totals | None]] = {}
        """By partition what its cells reported before the first tally that was late."""
        if relays is not None:
            self._plan(relays)

    @property
    def amendments(self) -> int:
        """How many amendments of the definition hold in the partition that has most of them."""
        return max((len(self._fold.amendments_of(partition)) for partition in self._partitions), default=0)

    def fold(self, partition: int, records: Sequence[Record]) -> None:
        """Fold the next records of a partition, as far as they were there by then.

        Records are applied in stretches. One ends before the first record that came after an order, after the moment,
        too late to be published by then, or after what an order says to have been published.
        """
        self._partitions.add(partition)
        pending, ends = self._pending.get(partition, deque()), self._ends.get(partition, deque())
        begin = 0
        for index, record in enumerate(records):
            while pending and pending[0].appended_ms < record.timestamp:
                self._apply(partition, records[begin:index])
                begin = index
                self._take(pending.popleft().change)
            if record.timestamp > self._moment_ms:
                self._apply(partition, records[begin:index])
                return
            if partition in self._late and self._late[partition] <= record.offset:
                self._apply(partition, records[begin:index])
                begin = index
                self._leave_out_late(partition)
            while ends and ends[0].offset <= record.offset:
                self._apply(partition, records[begin:index])
                begin = index
                end = ends.popleft()
                self._ended[end.cell, end.stretch] = self._published(end.cell, end.stretch)
        self._apply(partition, records[begin:])

    def settle(self, until_ms: int | None = None) -> None:
        """All there was, to this moment if one is given, has been folded: what was ordered after it counts as well."""
        for pending in self._pending.values():
            while pending and (until_ms is None or pending[0].appended_ms <= until_ms):
                self._take(pending.popleft().change)

    def shown(self, cell: Cell) -> Totals | None:
        """What everyone is shown of a cell; `None` where there is nothing to show."""
        self._bring(cell, self._stretch.get(cell, 0))
        return self.public.shown(cell)

    def on_air(self) -> list[Totals]:
        """What everyone was shown, by cell."""
        cells = sorted({*self._fold.ledgers, *self.public.cells})
        return [shown for cell in cells if (shown := self.shown(cell)) is not None]

    def control_room(self) -> list[Totals]:
        """All there was, by cell, with what was set by hand."""
        for ledger in self._fold.ledgers.values():
            self._everything.fold_totals(ledger.totals(self._zone))
        found = (self._everything.truth(cell) for cell in self._everything.cells)
        return [totals for totals in found if totals is not None]

    def _plan(self, relays: Relays) -> None:
        """Note from where on the tallies of a cell were not public before the next order."""
        ends = []
        for cell in relays.cells:
            known = [relay for relay in relays.orders(cell) if relay.record.published is not None]
            self._numbers[cell] = [relay.record.number for relay in known]
            for stretch, relay in enumerate(known):
                published = relay.record.published or 0
                ends.append(_End(published + 1, cell, stretch))
                if relay.since_ms <= self._moment_ms:
                    self._over.add((cell, stretch))
        for end in sorted(ends):
            self._ends.setdefault(self._fold.partition_of(end.cell), deque()).append(end)

    def _bring(self, cell: Cell, stretch: int) -> None:
        """Let everyone know what a cell reports by now, as far as it was published in this stretch of its orders."""
        totals = self._ended[cell, stretch] if (cell, stretch) in self._ended else self._published(cell, stretch)
        if self._relays is not None and stretch == len(self._numbers.get(cell, ())):
            newest = self._relays.on_air.reported(cell)
            if newest is None or (totals is not None and totals.version > newest.version):
                totals = newest
        if totals is not None:
            self.public.fold_totals(totals)

    def _leave_out_late(self, partition: int) -> None:
        del self._late[partition]
        self._punctual[partition] = {cell: self._counted(cell) for cell in self._fold.cells_of(partition)}

    def _published(self, cell: Cell, stretch: int) -> Totals | None:
        if (cell, stretch) in self._over:
            return self._counted(cell)
        punctual = self._punctual.get(self._fold.partition_of(cell)) if self._punctual else None
        return self._counted(cell) if punctual is None else punctual.get(cell)

    def _counted(self, cell: Cell) -> Totals | None:
        ledger = self._fold.ledgers.get(cell)
        return ledger.totals(self._zone) if ledger is not None else None

    def _apply(self, partition: int, records: Sequence[Record]) -> None:
        if records:
            self.changed |= self._fold.apply(partition, records).changed

    def _take(self, change: Gate | Override) -> None:
        cell = change.cell
        self.changed.add(cell)
        numbers = self._numbers.get(cell, [])
        self._bring(cell, bisect_left(numbers, change.number))
        self._stretch[cell] = bisect_right(numbers, change.number)
        if isinstance(change, Override):
            self._everything.fold_override(change)
            self.public.fold_override(change)
        else:
            self.public.fold_gate(change)


class PublishedPositions:
    """How far each partition's tallies were published by a moment (milliseconds since 1970).

    It is the fold of the totals topic: feed it every record in order. A `Watermark` says it, behind the totals of each
    tick. Where a run began with an aggregator that wrote none, nothing says so for the time before its first one: there
    what was marked as `Late` was not published, and all else was.
    """

    def __init__(self, moment_ms: int) -> None:
        self._moment_ms = moment_ms
        self._positions: dict[int, int] = {}
        """By partition with a watermark at or before the moment, the furthest of them."""
        self._began_unpublished: set[int] = set()
        self._late_ms: dict[Late, int] = {}

    def fold(self, key: bytes | None, value: bytes | None, appended_ms: int) -> None:
        """Fold one record, appended at this time; those of other kinds say nothing."""
        watermark = parse_watermark(key, value)
        if watermark is not None:
            for partition, position in watermark.positions.items():
                if position == 0:
                    self._began_unpublished.add(partition)
                if appended_ms <= self._moment_ms:
                    self._positions[partition] = max(position, self._positions.get(partition, 0))
        late = parse_late(key, value)
        if late is not None:
            self._late_ms.setdefault(late, appended_ms)

    def is_exact(self, partition: int) -> bool:
        """Whether a watermark says how far the partition was published; else `unpublished_from` knows delays alone."""
        return partition in self._positions or partition in self._began_unpublished

    def unpublished_from(self) -> dict[int, int]:
        """By partition the offset from which on tallies were not published by the moment, where that is known."""
        found = {partition: self._positions.get(partition, 0) for partition in self._began_unpublished}
        found |= self._positions
        for late, appended_ms in self._late_ms.items():
            if appended_ms > self._moment_ms and not self.is_exact(late.partition):
                found[late.partition] = min(late.offset, found.get(late.partition, late.offset))
        return found


STEP_S: Final = 60
"""How far apart points are at first: an evening of two hours has all of them."""

MAX_POINTS: Final = 120
"""Points of a unit: more than a chart has room for."""

MAX_COURSES: Final = 500
"""Units times contests times sources that are kept, at some 40 KB each at the most."""

CANDIDATES_KEPT: Final = 3
"""Whose votes a point has: a third may have been second before."""


class Point(NamedTuple):
    """How the first candidates stood at an event time. `of` is what their shares are of."""

    as_of: datetime
    boxes_opened: int
    of: int
    votes: dict[str, int]
    """Of the first candidates, most first."""


Courses = Mapping[tuple[str, str, str], Sequence[Point]]
"""Points by contest, source and unit, oldest first."""


def encode_courses(courses: Courses) -> bytes:
    """The courses as JSON."""
    return orjson.dumps([[*where, [list(point) for point in points]] for where, points in sorted(courses.items())])


def decode_courses(text: bytes) -> Courses:
    """The courses that `encode_courses` wrote."""
    return {
        (contest, source, unit): [Point(datetime.fromisoformat(at), *figures) for at, *figures in points]
        for contest, source, unit, points in orjson.loads(text)
    }


class _Course:
    """The points of one unit, contest and source, by time."""

    __slots__ = ("points", "step")

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.step = timedelta(seconds=STEP_S)

    def is_due(self, as_of: datetime) -> bool:
        return not self.points or as_of >= self.points[-1].as_of + self.step

    def add(self, point: Point) -> None:
        self.points.append(point)
        self._thin()

    def recall(self, points: Sequence[Point]) -> None:
        """Put points in front that are older than the first. From now on none comes sooner than those came."""
        before = [point for point in points if not self.points or point.as_of < self.points[0].as_of]
        gaps = (after.as_of - point.as_of for point, after in pairwise(before))
        self.step = max(self.step, min(gaps, default=self.step))
        self.points[:0] = before
        self._thin()

    def _thin(self) -> None:
        while len(self.points) >= MAX_POINTS:
            del self.points[1::2]
            self.step *= 2


class LeadOverTime:
    """The fold over `view`, which others feed."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._courses: dict[tuple[str, str, str], _Course] = {}
        self._seq = 0
        self.units: Final = _units_kept(view.definition)
        """The units of which courses are kept, by id."""
        self.began: int | None = None
        """The seq at which this fold began; `None` before."""
        self.is_recalled = False
        """Whether it has the time before, too."""

    def begin(self) -> None:
        """Keep from now on what is on air; what is there already is the first of it."""
        self.began = self._view.seq
        self._look(0)

    def look(self) -> None:
        """Keep what has changed since the last look. Nothing before `begin`."""
        if self.began is not None:
            self._look(self._seq)

    def recall(self, courses: Courses) -> None:
        """Take over how units stood before this fold began; of units that are not kept nothing."""
        self.is_recalled = True
        for (contest, source, unit), points in courses.items():
            if unit in self.units:
                self._courses.setdefault((contest, source, unit), _Course()).recall(points)

    @property
    def courses(self) -> Courses:
        """The points that are kept of every unit, without how it stands now."""
        return {where: tuple(course.points) for where, course in self._courses.items()}

    def course(self, contest: str, source: str, unit: str) -> list[Point]:
        """The points of a unit, oldest first; the last is how it stands now. None where nothing is shown of it now."""
        figures = self._view.figures(contest, source, unit)
        now = self._point(contest, figures) if figures is not None else None
        kept = self._courses.get((contest, source, unit))
        if now is None or kept is None:
            return []
        return [*(point for point in kept.points if point.as_of < now.as_of), now]

    def _look(self, cursor: int) -> None:
        self._seq = self._view.seq
        definition = self._view.definition
        for contest in definition.contests:
            for source in definition.sources:
                for figures in self._view.changed_figures(contest.id, source.id, cursor):
                    self._keep(contest.id, source.id, figures)

    def _keep(self, contest: str, source: str, figures: UnitFigures) -> None:
        if figures.unit.id not in self.units:
            return
        course = self._courses.setdefault((contest, source, figures.unit.id), _Course())
        if course.is_due(figures.as_of):
            point = self._point(contest, figures)
            if point is not None:
                course.add(point)

    def _point(self, contest: str, figures: UnitFigures) -> Point | None:
        """How a unit stands; `None` before the first vote."""
        first = ranking(figures.votes, self._view.definition.ballot_order(contest, figures.unit.id))[:CANDIDATES_KEPT]
        if not first or first[0][1] == 0:
            return None
        of = base_of_shares(figures.counts, figures.votes)
        return Point(figures.as_of, figures.counts["boxes_opened"], of, dict(first))


def _units_kept(definition: Election) -> frozenset[str]:
    """The units of as many levels from the top down as there is room for."""
    depths = {unit: len(definition.path(unit)) for unit in definition.unit_by_id}
    each = len(definition.contests) * len(definition.sources)
    units, deepest = 0, 0
    for depth, count in sorted(Counter(depths.values()).items()):
        units += count
        if units * each > MAX_COURSES:
            break
        deepest = depth
    return frozenset(unit for unit, depth in depths.items() if depth <= deepest)


class RelivedNight:
    """The fold over `history`, which nobody else feeds."""

    def __init__(self, definition: Election, history: History) -> None:
        self._definition = definition
        self._history = history
        self._view = View(definition)
        self._lead = LeadOverTime(self._view)
        self._lead.begin()
        self._steps = 0

    def step(self, until_ms: int, came_in: Mapping[int, Sequence[Record]]) -> None:
        """Take what came in up to this moment (milliseconds since 1970), by partition, and look how everything stands.

        Call order: moments rise, and what came in by one is not given later.
        """
        for partition, records in came_in.items():
            self._history.fold(partition, records)
        self._history.settle(until_ms)
        for cell in sorted(self._history.changed):
            totals = self._history.shown(cell)
            self._steps += 1
            if totals is None:
                self._view.hide(self._steps, cell)
            else:
                self._view.show(self._steps, cell, timely(totals, until_ms, self._definition))
        self._history.changed.clear()
        self._lead.look()

    @property
    def courses(self) -> Courses:
        """How the units stood, by contest, source and unit."""
        return self._lead.courses
