"""The quarantine as the control room sees it: what waits for somebody to look at it. Pure."""

from collections import Counter, OrderedDict
from typing import Final

from pydantic import ValidationError

from eventlog.port import Record
from schemas.control import Order, QuarantineRejected, QuarantineReleased
from schemas.errors import UsageError
from schemas.mending import Statement, mended, statement_in
from schemas.quarantine import Quarantined
from schemas.tally import Tally

MAX_WAITING: Final = 1_000
"""Records kept to be looked at, the newest: a screen shows fifty. With 64 KiB each, as large as they get, 64 MiB."""


class Quarantine:
    """The fold of a run's quarantine topic, and of the orders about it. `seq` is the next offset to be read.

    `reasons` counts every record once, however often it was set aside; `waiting` are those that nobody has settled.
    """

    def __init__(self) -> None:
        self.seq = 0
        self.reasons: Counter[str] = Counter()
        self._waiting: OrderedDict[str, Quarantined] = OrderedDict()
        self._known: set[str] = set()
        self._settled: set[str] = set()
        self._let_out: set[str] = set()
        self._releases: Counter[Statement] = Counter()

    @property
    def waiting(self) -> list[Quarantined]:
        """What nobody has settled yet, the newest first."""
        return list(reversed(self._waiting.values()))

    @property
    def waiting_count(self) -> int:
        """How many of all that were set aside wait, those included that are too old to be kept."""
        return len(self._known) - len(self._settled & self._known)

    def find(self, position: str) -> Quarantined | None:
        """The record that was set aside from this position, if it waits."""
        return self._waiting.get(position)

    def released_by(self, order: Order) -> Tally | None:
        """What an order publishes again, once it is written: nothing, for most.

        Raises `UsageError` where nothing waits that it is about, or nothing could make it count.
        """
        if not isinstance(order, QuarantineReleased | QuarantineRejected):
            return None
        record = self.find(order.position)
        if record is None:
            raise UsageError(
                f"Nothing waits in quarantine from {order.position!r}. Somebody may have been faster. "
                "See: sandik control quarantine."
            )
        return self.mended(record) if isinstance(order, QuarantineReleased) else None

    def mended(self, record: Quarantined) -> Tally:
        """What letting this record out would publish: after all others that were let out at its revision.

        Raises `UsageError` where nothing could make it count.
        """
        about = statement_in(record)
        return mended(record, self._releases[about] if about is not None else 0)

    def fold(self, record: Record) -> None:
        """Fold one record of the topic; one that cannot be read says nothing."""
        if record.offset < self.seq:
            return
        self.seq = record.offset + 1
        try:
            found = Quarantined.model_validate_json(record.value or b"")
        except ValidationError:
            return
        position = found.position.decode()
        if position in self._known:
            return
        self._known.add(position)
        self.reasons[found.reason] += 1
        if position in self._let_out:
            self._count_release(found)
        if position not in self._settled:
            self._waiting[position] = found
            if len(self._waiting) > MAX_WAITING:
                self._waiting.popitem(last=False)

    def obey(self, order: Order) -> None:
        """Fold an order that counts. It may come before its record was read: the two are in different topics."""
        if isinstance(order, QuarantineReleased | QuarantineRejected):
            is_first = order.position not in self._settled
            self._settled.add(order.position)
            record = self._waiting.pop(order.position, None)
            if isinstance(order, QuarantineReleased) and is_first:
                self._let_out.add(order.position)
                if record is not None:
                    self._count_release(record)

    def _count_release(self, record: Quarantined) -> None:
        about = statement_in(record)
        if about is not None:
            self._releases[about] += 1
