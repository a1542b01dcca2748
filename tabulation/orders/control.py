"""The fold of a run's control topic, as far as a gateway is concerned. Pure.

It says the embargo, the calls, the graphics on air, where a replay is, and the audit.

Records that cannot be read are quarantined like tallies, with reason and bytes. What has no effect for another reason,
such as an order that nobody trusted has signed, is no such record: the audit has it.

The rundown is which graphics are listed, cued and on air, by the orders that count. On a channel the last take or clear
stands. Whatever is given twice comes to the same, so two operators who press the same key at the same moment do no more
than one. Undoing is an order like any other.
"""

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson

from schemas.amendments import MAX_AMENDMENT_BYTES
from schemas.control import Called, CallWithdrawn, Order, RunFacts, Takes, is_amendment, parse_epoch, parse_restored
from schemas.fields import Record, other_version
from schemas.graphics import (
    Graphic,
    GraphicCued,
    GraphicListed,
    GraphicTaken,
    GraphicUnlisted,
    RundownOrder,
)
from schemas.progress import parse_moved
from schemas.quarantine import Quarantined, Reason, quarantined
from schemas.trust import MAX_ORDER_BYTES, OperatorKey, OrderVerifier, Verdict
from tabulation.orders.effects import Embargo, Restrictions
from tabulation.replay_clock import ReplayClock

MAX_ITEMS: Final = 200
"""Graphics in a rundown: an evening of eight hours with one every two and a half minutes."""

MAX_CHANNELS: Final = 8
"""Channels on which something is cued or on air: a programme, its sign-language twin and six outputs more."""


@dataclass(frozen=True, slots=True)
class Item:
    """A graphic of the list. Items are in the order of their `place`, and of their names where that is the same."""

    item: str
    place: int
    graphic: Graphic


@dataclass(frozen=True, slots=True)
class GraphicOnAir:
    """A graphic on air: what was taken, of which item of the list, by whom and when."""

    graphic: Graphic
    item: str | None
    by: str
    at: datetime


class Rundown:
    """The fold. Feed it the orders that count, in the log's order."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}
        self._cued: dict[str, str] = {}
        self._on_air: dict[str, GraphicOnAir] = {}

    @property
    def items(self) -> tuple[Item, ...]:
        """What is listed, in its order."""
        return tuple(sorted(self._items.values(), key=lambda one: (one.place, one.item)))

    @property
    def cued(self) -> Mapping[str, str]:
        """By channel the item that is next; a channel on which none is cued is not there."""
        return dict(sorted(self._cued.items()))

    @property
    def on_air(self) -> Mapping[str, GraphicOnAir]:
        """By channel what is on air; a channel that is clear is not there."""
        return dict(sorted(self._on_air.items()))

    def why_not(self, order: RundownOrder) -> str | None:
        """Why an order has no effect here, as a sentence; `None` where it has one, or says what is so already."""
        if isinstance(order, GraphicListed):
            if order.item not in self._items and len(self._items) >= MAX_ITEMS:
                return f"The rundown has {MAX_ITEMS} graphics, and holds no more. Take one out first."
            return None
        if isinstance(order, GraphicCued) and order.item not in self._items:
            return f"There is no graphic {order.item!r} in the rundown: somebody may have taken it out."
        if isinstance(order, GraphicCued | GraphicTaken):
            known = self._cued.keys() | self._on_air.keys()
            if order.channel not in known and len(known) >= MAX_CHANNELS:
                return (
                    f"There are {MAX_CHANNELS} channels in use, and no more: {', '.join(sorted(known))}. Choose one of "
                    "them, or free one: clear it, and take what is cued there out of the rundown."
                )
        return None

    def fold(self, order: RundownOrder) -> None:
        """Fold one order; one that has no effect changes nothing."""
        if self.why_not(order) is not None:
            return
        match order:
            case GraphicListed():
                self._items[order.item] = Item(order.item, order.place, order.graphic)
            case GraphicUnlisted():
                self._items.pop(order.item, None)
                self._cued = {channel: item for channel, item in self._cued.items() if item != order.item}
            case GraphicCued():
                self._cued[order.channel] = order.item
            case GraphicTaken():
                self._take(order)
            case _:  # it clears the channel
                self._on_air.pop(order.channel, None)

    def _take(self, order: GraphicTaken) -> None:
        standing = self._on_air.get(order.channel)
        shown = GraphicOnAir(order.graphic, order.item, order.by, order.at)
        if standing is None or (standing.graphic, standing.item) != (shown.graphic, shown.item):
            self._on_air[order.channel] = shown
        if order.item is None or order.item not in self._items:
            return
        names = [one.item for one in self.items]
        after = names[names.index(order.item) + 1 :]
        self._cued.pop(order.channel, None)
        if after:
            self._cued[order.channel] = after[0]


MAX_KEPT_BYTES: Final = 64 * 1024
"""What is kept of a record, as much as a tally may have: a control record may have a hundred times as much, and the
whole lies at its position for ever."""

MAX_DETAIL_CHARS: Final = 500

_OTHERS: Final[Mapping[str, Callable[[bytes | None], object | None]]] = {
    "epoch_begun": parse_epoch,
    "replay_moved": parse_moved,
    "run_restored": parse_restored,
}
"""Records that are no orders, and what reads them."""


def broken_control(topic: str, record: Record, verdict: Verdict | None) -> Quarantined | None:
    """The record as it is to be set aside; `None` where it can be read, or another release of sandik wrote it.

    `verdict` is what became of it as an order.
    """
    if verdict is not None and verdict.order is not None:
        return None
    detail = verdict.refusal if verdict is not None else _fault(record.value)
    if detail is None or other_version(record.value) is not None:
        return None
    key, value = record.key or b"", record.value or b""
    is_too_large = verdict is not None and len(value) > (
        MAX_AMENDMENT_BYTES if is_amendment(value) else MAX_ORDER_BYTES
    )
    reason: Reason = "too_large" if is_too_large else "malformed"
    if len(key) > MAX_KEPT_BYTES or len(value) > MAX_KEPT_BYTES:
        detail = f"{detail}; of {len(value)} bytes the first {MAX_KEPT_BYTES} are here"
    return quarantined(
        reason,
        detail[:MAX_DETAIL_CHARS],
        topic=topic,
        partition=0,
        offset=record.offset,
        key=key[:MAX_KEPT_BYTES],
        value=value[:MAX_KEPT_BYTES],
    )


def _fault(value: bytes | None) -> str | None:
    """What is wrong with a record that is no order; `None` where it can be read, or is of a type of a later release."""
    kind = orjson.loads(value or b"{}")["type"]
    if not isinstance(kind, str):
        return "its type is no text"
    read = _OTHERS.get(kind)
    return f"it says {kind}, and cannot be read" if read is not None and read(value) is None else None


MAX_AUDIT: Final = 500
"""Verdicts kept for the control room's page, the newest: an order a minute for eight hours. The topic has them all."""

MAX_RUNDOWN_AUDIT: Final = 50
"""Verdicts on orders of the rundown that are kept beside those, the newest: graphics are taken by the minute, and must
not push the orders about figures out of sight."""


class Control:
    """What the operators have ordered. Feed it every record of the topic, in order, from offset 0.

    `position` is the next offset to be read; `accepted`, `kept` and `refused` count orders. `take_ended` says that the
    run goes on in another take, `clock` where a replay is.
    """

    def __init__(self, run: RunFacts, operators: Sequence[OperatorKey] = ()) -> None:
        self._restrictions = Restrictions(run.definition)
        self.position = 0
        self.audit: deque[Verdict] = deque(maxlen=MAX_AUDIT)
        self.rundown_audit: deque[Verdict] = deque(maxlen=MAX_RUNDOWN_AUDIT)
        self.rundown: Final = Rundown()
        self.accepted: Counter[str] = Counter()
        self.refused = 0
        self.kept = 0
        self.take_ended = False
        self._takes = Takes(run.name)
        self.clock = ReplayClock(run.epoch, run.partitions)
        self.definition: Final = run.definition
        self._run = run
        self._verifier = OrderVerifier(run.name, run.epoch, run.mode, run.base, operators)
        self._calls: dict[tuple[str, str], Called] = {}

    @property
    def amended(self) -> bool:
        """Whether the definition was amended beyond what the run says that is folded."""
        return len(self._verifier.amendments) > len(self._run.amendments)

    @property
    def embargo(self) -> Embargo:
        """The embargo that stands: the one that was ordered last, or one that cannot be verified and ends later."""
        return self._restrictions.embargo

    def unverified(self, now: datetime) -> tuple[Verdict, ...]:
        """The restrictions that stand at this moment though they cannot be verified, by their offset."""
        return self._restrictions.unverified(now)

    @property
    def calls(self) -> tuple[Called, ...]:
        """The calls that stand, by contest and unit."""
        return tuple(call for _, call in sorted(self._calls.items()))

    def fold(self, record: Record) -> Verdict | None:
        """Fold one record; the verdict on it, if it is an order. An offset that was folded is a no-op."""
        if record.offset < self.position:
            return None
        self.position = record.offset + 1
        verdict = self._verifier.verify(record.offset, record.value, record.timestamp)
        if verdict is None:
            self._follow_replay(record)
            return None
        (self.rundown_audit if isinstance(verdict.order, RundownOrder) else self.audit).append(verdict)
        self._restrictions.fold(verdict)
        if verdict.order is not None and verdict.counts:
            self.accepted[verdict.order.type] += 1
            self._apply(verdict.order)
        elif verdict.kept and isinstance(verdict.order, CallWithdrawn):
            self._apply(verdict.order)
        self.kept += verdict.kept
        self.refused += not verdict.stands
        return verdict

    def consider(self, value: bytes, now_ms: int) -> Verdict | None:
        """What would become of an order if it came now (milliseconds since 1970); `None` for what is none."""
        return self._verifier.consider(self.position, value, now_ms)

    def _follow_replay(self, record: Record) -> None:
        if self._run.mode != "replay":
            return
        moved = parse_moved(record.value)
        if moved is not None:
            self.clock.hear(record.offset, moved)
        self._takes.fold(record.value)
        self.take_ended = self._takes.is_beyond(self._run.take)

    def _apply(self, order: Order) -> None:
        match order:
            case Called():
                self._calls[order.contest, order.unit] = order
            case CallWithdrawn():
                self._calls.pop((order.contest, order.unit), None)
            case _ if isinstance(order, RundownOrder):
                self.rundown.fold(order)
            case _:
                pass  # a hold comes with the totals, where its position is the same for every gateway
