"""What is odd about a source's tallies, event times that lie ahead among it: what it counts as, and who is told. Pure.

A source says itself when it counted, and may be wrong: a missing time zone is three hours, a slip a century. Its word
stands in the log and in the totals. But one box dated ahead would be the newest of every unit above it until that time
has come, so that a silent feed looks alive and nothing is seen to change. So whoever lets event time drive something
(what is newest, how old a feed is, how long a lead has lasted) takes the time at which the log was given it, where that
is earlier (`effective`, `timely`). In a rehearsal of a night to come all event times lie ahead, and none is judged.

The aggregator appends notices of what is odd to the totals topic. Each is the newest of its kind and cell, with the
number of all before it, so notices take bounded memory and room in the log, however many statements they are about.
They are grouped for the control room.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from schemas.asides import Notice, NoticeKind, is_notice, parse_notice
from schemas.definition import Election
from schemas.fields import EVENTS_END, Record
from schemas.moments import MILLISECOND
from schemas.tally import Reported, Tally
from schemas.totals import Cell, Totals
from tabulation.counting.ledgers import BoxLedger

AHEAD_S: Final = 120
"""How far ahead of its append an event time may be before a person is told: clocks that nobody keeps differ by less."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_AHEAD: Final = timedelta(seconds=AHEAD_S)


def effective(at: datetime, appended_ms: int, definition: Election) -> datetime:
    """The time that an event time counts as, in the same zone; the log was given it `appended_ms` after 1970."""
    appended = _EPOCH + timedelta(milliseconds=appended_ms)
    if at < appended + MILLISECOND or _is_rehearsed(appended, definition):
        return at
    return appended.astimezone(at.tzinfo)


def is_ahead(at: datetime, appended_ms: int, definition: Election) -> bool:
    """Whether an event time is so far ahead of its append that a person should be told."""
    appended = _EPOCH + timedelta(milliseconds=appended_ms)
    return at > appended + _AHEAD and not _is_rehearsed(appended, definition)


def surely_not_ahead(first_ms: int, last_ms: int, zone: tzinfo | None, definition: Election) -> datetime:
    """Up to when no event time is ahead that was appended between these; quick to compare with others in its zone."""
    if _is_rehearsed(_EPOCH + timedelta(milliseconds=last_ms), definition):
        return EVENTS_END
    return (_EPOCH + timedelta(milliseconds=first_ms) + _AHEAD).astimezone(zone)


def timely(totals: Totals, appended_ms: int, definition: Election) -> Totals:
    """The totals with the time that their `as_of` counts as."""
    as_of = effective(totals.as_of, appended_ms, definition)
    return totals if as_of is totals.as_of else totals.model_copy(update={"as_of": as_of})


def _is_rehearsed(appended: datetime, definition: Election) -> bool:
    """Whether the log was given it before the day of the election."""
    return appended.astimezone(ZoneInfo(definition.timezone)).date() < definition.date


class Notices:
    """The fold of what is odd. One partition's statements must come in offset order; each is counted once.

    Call order: `owed()`, then publish, then `published()`.
    """

    def __init__(self) -> None:
        self._newest: dict[tuple[Cell, NoticeKind], Notice] = {}
        self._owed: set[tuple[Cell, NoticeKind]] = set()

    def add(self, kind: NoticeKind, cell: Cell, offset: int, tally: Tally, stands: int) -> None:
        """Notice a statement of this cell, which lies at `offset` of its partition; `stands` is what revision stood."""
        known = self._newest.get((cell, kind))
        if known is not None and offset <= known.offset:
            return
        count = known.count + 1 if known is not None else 1
        box = None if isinstance(tally, Reported) else tally.box
        self._put(_notice(kind, cell, offset, count, tally.revision, stands, tally.at, box))

    def count_impossible(self, ledger: BoxLedger) -> None:
        """Notice how many boxes of a cell are impossible now, if that is another number than before."""
        known, count = self._newest.get((ledger.cell, "impossible")), ledger.impossible
        if known is not None and known.count == count:
            return
        newest = ledger.newest_impossible() if count else None
        if newest is not None:  # it may be, where somebody has written sums to the log that are not those of the boxes
            box, at = newest
            revision = ledger.revision_of(box)
            self._put(_notice("impossible", ledger.cell, ledger.version, count, revision, revision, at, box))
        elif known is not None:
            self._put(known.model_copy(update={"offset": ledger.version, "count": 0}))

    def restore(self, notices: Iterable[Notice]) -> None:
        """Take over what a checkpoint holds; it is said again, as it may not have been said before."""
        for notice in notices:
            self._put(notice)

    def of(self, cells: Iterable[Cell]) -> list[Notice]:
        """What was noticed of these cells, by cell and kind."""
        wanted = set(cells)
        return [notice for (cell, _), notice in sorted(self._newest.items()) if cell in wanted]

    def forget(self, cells: Iterable[Cell]) -> None:
        """Drop what was noticed of these cells: another member counts it now, or it is read anew."""
        dropped = set(cells)
        self._newest = {where: notice for where, notice in self._newest.items() if where[0] not in dropped}
        self._owed &= self._newest.keys()

    def owed(self) -> list[Notice]:
        """What was not published yet, by cell and kind."""
        return [self._newest[where] for where in sorted(self._owed)]

    def published(self) -> None:
        """All that was owed is in the log now."""
        self._owed.clear()

    def _put(self, notice: Notice) -> None:
        self._newest[notice.cell, notice.kind] = notice
        self._owed.add((notice.cell, notice.kind))


def _notice(
    kind: NoticeKind, cell: Cell, offset: int, count: int, revision: int, stands: int, at: datetime, box: int | None
) -> Notice:
    return Notice.model_construct(
        v=1,
        type="notice",
        **cell._asdict(),
        kind=kind,
        offset=offset,
        count=count,
        revision=revision,
        stands=stands,
        at=at.astimezone(UTC),
        box=box,
    )


class NoticeGroup(NamedTuple):
    """What alarms are about: one kind of notice, of one source in one contest."""

    kind: NoticeKind
    source: str
    contest: str


class NoticeGroups:
    """The fold of the notices in the totals topic: of each kind and cell the newest. Feed it every record.

    `changes` counts what changed anything: who finds the same number twice has seen all there is.
    """

    def __init__(self, definition: Election) -> None:
        self.changes = 0
        self._definition: Final = definition
        self._groups: dict[NoticeGroup, dict[Cell, Notice]] = {}
        self._counts: Counter[NoticeGroup] = Counter()

    def fold(self, record: Record) -> None:
        """Fold one record of the topic; what is no notice, or is about something unknown, says nothing."""
        if not is_notice(record.key):
            return
        try:
            notice = parse_notice(record.value or b"")
        except ValidationError:
            return
        if not self._definition.knows(notice.cell):
            return
        group = NoticeGroup(notice.kind, notice.source, notice.contest)
        cells = self._groups.setdefault(group, {})
        known = cells.get(notice.cell)
        if notice.supersedes(known):
            cells[notice.cell] = notice
            self._counts[group] += notice.count - (known.count if known is not None else 0)
            self.changes += 1

    @property
    def groups(self) -> dict[NoticeGroup, int]:
        """How many statements or boxes each group is about; 0 where what was noticed has been corrected."""
        return dict(sorted(self._counts.items()))

    def by_source(self, kind: NoticeKind) -> Counter[str]:
        """How many statements of each source there are of this kind."""
        counts: Counter[str] = Counter()
        for group, count in self._counts.items():
            if group.kind == kind:
                counts[group.source] += count
        return counts

    def newest(self, group: NoticeGroup) -> Notice:
        """Of a group that is about anything, the notice with the newest event time."""
        return max(self._standing(group), key=lambda notice: (notice.at, notice.cell))

    def unit(self, group: NoticeGroup) -> str:
        """Of a group that is about anything, the lowest unit that has all of its districts in it."""
        paths = [self._definition.path_of(*notice.cell) for notice in self._standing(group)]
        return next(unit for unit in paths[0] if all(unit in path for path in paths))

    def _standing(self, group: NoticeGroup) -> list[Notice]:
        return [notice for notice in self._groups[group].values() if notice.count]
