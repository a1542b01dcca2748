"""What an order has to be confirmed for before it is written, at every endpoint: one rule for all of them. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal

from schemas.control import Called, FigureOverridden, Mode, Order
from tabulation.on_air.cells import OnAir
from tabulation.orders.by_hand import BEYOND_LIMITS, excesses
from tabulation.orders.embargo import Embargo
from tabulation.orders.lifts import lift

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
