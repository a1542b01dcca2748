"""Notices as the control room sees them: whose times, revisions or boxes are odd, where, and how often. Pure."""

from collections import Counter
from typing import Final, NamedTuple

from pydantic import ValidationError

from schemas.definition import Election
from schemas.fields import Record
from schemas.notice import Notice, NoticeKind, is_notice, parse_notice
from schemas.totals import Cell


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
        paths = [self._definition.path(notice.cell.district) for notice in self._standing(group)]
        return next(unit for unit in paths[0] if all(unit in path for path in paths))

    def _standing(self, group: NoticeGroup) -> list[Notice]:
        return [notice for notice in self._groups[group].values() if notice.count]
