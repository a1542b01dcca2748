"""What an order has to be confirmed for before it is written, at every endpoint: one rule for all of them. Pure.

Every order that shows the public more than before is a lift, and is asked for as one. By its kind an order is a lift
also where nothing seems to be kept back at the moment: whoever gives it may be ahead of what this reader has read.
Which embargo is one depends on the embargo that stands.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal

from schemas.control import (
    Called,
    EmbargoLifted,
    EmbargoSet,
    FigureOverridden,
    Mode,
    Order,
    OverrideWithdrawn,
    QuarantineReleased,
    Released,
    Taken,
)
from tabulation.on_air.cells import OnAir
from tabulation.orders.by_hand import BEYOND_LIMITS, cell_of, excesses
from tabulation.orders.restrictions import Embargo


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


Code = Literal["lift", "call", "limits"]
"""Why an order is asked about: it shows more, it calls against what is known, it sets figures that cannot be true."""

_DIGEST_CHARS: Final = 12


@dataclass(frozen=True, slots=True)
class InForce:
    """What an order comes upon: the moment, the embargo, what is on air, and who is called.

    `beyond` is who cannot be overtaken where a call is made, by source.
    """

    now: datetime
    embargo: Embargo
    on_air: OnAir
    calls: Collection[Called] = ()
    beyond: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to be confirmed, with the sentence that says it."""

    code: Code
    sentence: str

    @property
    def token(self) -> str:
        """What confirms this sentence and no other one: by the code alone whatever it says is confirmed."""
        return f"{self.code}.{sha256(self.sentence.encode()).hexdigest()[:_DIGEST_CHARS]}"

    def is_answered_by(self, confirmed: Collection[str]) -> bool:
        """Whether one of these confirms it."""
        return self.code in confirmed or self.token in confirmed


def questions(order: Order, standing: InForce, mode: Mode) -> tuple[Question, ...]:
    """What is to be confirmed. A rehearsal asks about figures alone: it shows nothing to anybody."""
    found = []
    if mode == "live":
        shown = lift(order, standing.embargo, standing.on_air, standing.now)
        found += [Question("lift", shown)] if shown is not None else []
        if isinstance(order, Called):
            found += [Question("call", sentence) for sentence in _against(order, standing)]
    if isinstance(order, FigureOverridden):
        beyond = excesses(order, standing.on_air)
        found += [Question("limits", f"{BEYOND_LIMITS}: {'; '.join(beyond)}.")] if beyond else []
    return tuple(found)


def unanswered(asked: Iterable[Question], confirmed: Collection[str]) -> tuple[Question, ...]:
    """The questions that none of these answers."""
    return tuple(question for question in asked if not question.is_answered_by(confirmed))


def _against(order: Called, standing: InForce) -> list[str]:
    """What a call contradicts."""
    replaced = [
        f"It replaces a call: {call.candidate}, by {call.by}."
        for call in standing.calls
        if (call.contest, call.unit) == (order.contest, order.unit) and call.candidate != order.candidate
    ]
    beaten = [
        f"By {source} {candidate} leads there and cannot be overtaken."
        for source, candidate in sorted(standing.beyond.items())
        if candidate != order.candidate
    ]
    return [*replaced, *beaten]
