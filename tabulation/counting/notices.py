"""What is noticed of a source while its tallies are folded, to be said in the totals topic. Pure.

Each notice is the newest of its kind and cell with the number of all before it, so it takes bounded memory and room in
the log, however many statements it is about.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from schemas.notice import Notice, NoticeKind
from schemas.tally import Reported, Tally
from schemas.totals import Cell
from tabulation.counting.box_ledger import BoxLedger


class Notices:
    """The fold. One partition's statements must come in offset order; what is counted already is not counted again.

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
