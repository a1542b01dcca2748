"""The rundown: which graphics are listed, cued and on air, by the orders that count. Pure.

On a channel the last take or clear stands. Whatever is given twice comes to the same, so two operators who press the
same key at the same moment do no more than one. Undoing is an order like any other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.graphics import (
    Graphic,
    GraphicCued,
    GraphicListed,
    GraphicTaken,
    GraphicUnlisted,
    RundownOrder,
)

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
class Shown:
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
        self._on_air: dict[str, Shown] = {}

    @property
    def items(self) -> tuple[Item, ...]:
        """What is listed, in its order."""
        return tuple(sorted(self._items.values(), key=lambda one: (one.place, one.item)))

    @property
    def cued(self) -> Mapping[str, str]:
        """By channel the item that is next; a channel on which none is cued is not there."""
        return dict(sorted(self._cued.items()))

    @property
    def on_air(self) -> Mapping[str, Shown]:
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
        shown = Shown(order.graphic, order.item, order.by, order.at)
        if standing is None or (standing.graphic, standing.item) != (shown.graphic, shown.item):
            self._on_air[order.channel] = shown
        if order.item is None or order.item not in self._items:
            return
        names = [one.item for one in self.items]
        after = names[names.index(order.item) + 1 :]
        self._cued.pop(order.channel, None)
        if after:
            self._cued[order.channel] = after[0]
