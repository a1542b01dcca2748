"""Whether an order shows the public more than before: every such order is a lift, and is asked for as one. Pure.

By its kind an order is a lift also where nothing seems to be kept back at the moment: whoever gives it may be ahead of
what this reader has read. Which embargo is one depends on the embargo that stands.
"""

from datetime import datetime

from schemas.control import (
    EmbargoLifted,
    EmbargoSet,
    FigureOverridden,
    Order,
    OverrideWithdrawn,
    QuarantineReleased,
    Released,
    Taken,
)
from tabulation.on_air.cells import OnAir
from tabulation.orders.by_hand import cell_of
from tabulation.orders.embargo import Embargo


def lift(order: Order, embargo: Embargo, on_air: OnAir, now: datetime) -> str | None:
    """What an order shows the public that it does not see now, as a sentence; `None` where it shows nothing more.

    `embargo` is the one that stands, in force or not, and `on_air` what is held and set by hand.
    """
    sentence = None
    match order:
        case EmbargoLifted():
            sentence = f"It lifts the embargo{_end(embargo, now)}: everyone sees all figures."
        case EmbargoSet():
            sentence = _shorter(order, embargo, now)
        case Released():
            sentence = f"It releases {_where(order)}: everyone sees the newest figures there, and what follows."
        case Taken():
            sentence = f"It takes {_where(order)}: everyone sees the newest figures there, and they stay held."
        case QuarantineReleased():
            sentence = f"It lets out the record from {order.position}: what was set aside counts, and shows."
        case OverrideWithdrawn():
            sentence = f"It takes back what is set by hand in {_cell(order)}: the source's own figures show."
        case FigureOverridden():
            sentence = _replaces(order, on_air)
        case _:
            pass
    return sentence


def _shorter(order: EmbargoSet, embargo: Embargo, now: datetime) -> str | None:
    ordered = Embargo(order.until)
    if not ordered.is_in_force(now):
        return f"It ends at {order.until}, which is over: no embargo is left, and everyone sees all figures."
    if embargo.is_in_force(now) and ordered.ends_before(embargo):
        return f"It ends at {order.until}, earlier than the embargo that stands{_end(embargo, now)}."
    return None


def _end(embargo: Embargo, now: datetime) -> str:
    if not embargo.is_in_force(now):
        return ""
    return " (until an operator lifts it)" if embargo.until is None else f" (until {embargo.until})"


def _replaces(order: FigureOverridden, on_air: OnAir) -> str | None:
    """What was set by hand before and goes with this order, or that nothing was on air of the cell."""
    standing = on_air.override(cell_of(order))
    by_hand = standing.figures if standing is not None else {}
    replaced = [f"{name}={by_hand[name]}" for name in sorted(order.figures) if name in by_hand]
    if replaced:
        return f"It replaces what was set by hand in {_cell(order)}: {', '.join(replaced)}."
    if on_air.reported(cell_of(order)) is None and not by_hand:
        return f"Nothing was reported in {_cell(order)}: what is set by hand is all that shows there."
    return None


def _where(order: Released | Taken) -> str:
    return f"{order.contest} in {order.unit}" if order.unit is not None else f"{order.contest} everywhere"


def _cell(order: FigureOverridden | OverrideWithdrawn) -> str:
    return f"{order.contest} in {order.unit} by {order.source}"
