"""What an order would do, and what it has to be confirmed for before it is written: one rule for all endpoints. Pure.

Every order that shows the public more than before is a lift, and is asked for as one. By its kind an order is a lift
also where nothing seems to be kept back at the moment: whoever gives it may be ahead of what this reader has read.
Which embargo is one depends on the embargo that stands.

Of figures set by hand it says old and new values, and what cannot be true afterwards. A person may know better than the
definition, so most of what looks wrong is asked about twice and not refused. Refused is what no district anywhere can
have: it is a slip of the hand, and would not fit where figures are read.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal, NamedTuple

from schemas.amendments import deserts
from schemas.asides import VOTES, overridden, unreported
from schemas.control import (
    Called,
    DefinitionAmended,
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
from schemas.definition import Election
from schemas.fields import MAX_DISTRICT_COUNT
from schemas.figures import COUNT_NAMED
from schemas.totals import Cell, Totals
from tabulation.on_air import OnAir
from tabulation.orders.effects import Embargo, HandOrder, cell_of


class FigureChange(NamedTuple):
    """One figure before and after an order. `before` or `after` is `None` where nothing was reported."""

    figure: str
    before: int | None
    after: int | None

    def __str__(self) -> str:
        before, after = ("nothing" if count is None else f"{count:,}" for count in (self.before, self.after))
        return f"{self.figure}: {before} → {after}"


def figure_of(totals: Totals, name: str) -> int:
    """A figure by the name that orders have for it: a count, or `votes.` and a candidate."""
    if name.startswith(VOTES):
        return totals.votes.get(name.removeprefix(VOTES), 0)
    count: int = getattr(totals, name)
    return count


def changes(order: HandOrder, on_air: OnAir) -> tuple[FigureChange, ...]:
    """Every figure that an order sets or gives back to its source, by name."""
    cell = cell_of(order)
    reported, standing = on_air.reported(cell), on_air.override(cell)
    by_hand = standing.figures if standing is not None else {}
    own = {name: figure_of(reported, name) for name in {*by_hand, *_set_by(order)}} if reported is not None else {}
    if isinstance(order, FigureOverridden):
        before = own | by_hand
        return tuple(FigureChange(name, before.get(name), count) for name, count in sorted(order.figures.items()))
    return tuple(FigureChange(name, count, own.get(name)) for name, count in sorted(by_hand.items()))


def instead_of(order: FigureOverridden, on_air: OnAir) -> dict[str, int]:
    """What the source itself says now of the figures that an order sets; 0 where it has reported nothing."""
    cell = cell_of(order)
    reported = on_air.reported(cell) or unreported(cell, order.at)
    return {name: figure_of(reported, name) for name in sorted(order.figures)}


class Moved(NamedTuple):
    """A figure that is set by hand, and of which the source says something else than when it was set."""

    cell: Cell
    figure: str
    before: int
    after: int


def moved(on_air: OnAir) -> tuple[Moved, ...]:
    """Every figure set by hand whose source has moved since, by cell and name."""
    found = []
    for override in on_air.overrides:
        reported = on_air.reported(override.cell)
        for name, before in sorted(override.instead_of.items()):
            after = before if reported is None else figure_of(reported, name)
            if after != before:
                found.append(Moved(override.cell, name, before, after))
    return tuple(found)


def _set_by(order: HandOrder) -> Iterable[str]:
    return order.figures if isinstance(order, FigureOverridden) else ()


def impossible(order: FigureOverridden) -> str | None:
    """Which figure no district anywhere can have, as a sentence; `None` where there is none."""
    for name, count in sorted(order.figures.items()):
        limit = MAX_DISTRICT_COUNT if name.startswith(VOTES) else COUNT_NAMED[name].most_in_district
        if count > limit:
            return f"{name}={count} is more than any district can have, which is {limit}. Look at the number again."
    return None


def excesses(order: FigureOverridden, on_air: OnAir) -> tuple[str, ...]:
    """What contradicts itself or the definition once the order stands, as far as it sets a figure of it, each in words.

    Judged is the whole cell as it is then: figures that are not set by this order are those that stand there now.
    """
    cell = cell_of(order)
    after = overridden(on_air.truth(cell) or unreported(cell, order.at), order.figures)
    touched = {VOTES if name.startswith(VOTES) else name for name in order.figures}
    absent = frozenset(on_air.definition.given(cell.contest, cell.source).absent)
    return tuple(
        f"{smaller.name} is {smaller.size:,}, and {larger.name} {larger.size:,}"
        for smaller, larger in _pairs(after, cell, on_air.definition)
        if smaller.size > larger.size
        and touched & (smaller.parts | larger.parts)
        and not absent & (smaller.parts | larger.parts)
    )


class _Quantity(NamedTuple):
    """A figure or a sum of figures: what it is called, how many it is, which figures that can be set are in it."""

    name: str
    size: int
    parts: frozenset[str]


def _pairs(after: Totals, cell: Cell, definition: Election) -> Iterator[tuple[_Quantity, _Quantity]]:
    """Yield pairs of quantities of the cell as it is `after` the order; the first cannot be more than the second."""
    boxes_total = definition.boxes_of(cell.contest)[cell.district]
    on_roll = definition.roll_of(cell.contest, cell.district)
    opened = _quantity(after, "boxes_opened")
    registered, cast, valid = (_quantity(after, name) for name in ("registered", "cast", "valid"))
    papers = [
        name for name in ("valid", "invalid", "blank") if name in definition.given(cell.contest, cell.source).kept
    ]
    spoiled = _Quantity(" + ".join(papers), sum(figure_of(after, name) for name in papers), frozenset(papers))
    given = sum(after.votes.values()) + after.unattributed
    votes = _Quantity("the sum of votes and unattributed", given, frozenset({VOTES, "unattributed"}))
    yield opened, _Quantity("the district's boxes", boxes_total, frozenset())
    if on_roll is not None:
        roll = _Quantity("the district's roll", on_roll, frozenset())
        yield registered, roll
        yield cast, roll
    yield cast, registered
    yield valid, cast
    if valid.size <= cast.size:  # else that is told already, and this would tell it again
        yield spoiled, cast
    many = definition.contest_by_id[cell.contest].votes_per_voter
    yield votes, valid if many == 1 else _Quantity(f"valid × {many}", valid.size * many, valid.parts)
    if not after.boxes_opened:
        for counted in (registered, cast, valid, votes):
            yield counted, _Quantity("the boxes opened", 0, opened.parts)


def _quantity(totals: Totals, name: str) -> _Quantity:
    return _Quantity(name, figure_of(totals, name), frozenset({name}))


BEYOND_LIMITS: Final = "Figures set by hand contradict each other or the definition"
"""What the excesses have in common, as the beginning of a sentence."""


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


Code = Literal["lift", "call", "limits", "amendment"]
"""Why an order is asked about: it shows more, it calls against what is known, it sets figures that cannot be true, or
it amends the definition."""

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
        if isinstance(order, DefinitionAmended):
            found += [Question("amendment", sentence) for sentence in _amends(order, standing.on_air.definition)]
    if isinstance(order, FigureOverridden):
        beyond = excesses(order, standing.on_air)
        found += [Question("limits", f"{BEYOND_LIMITS}: {'; '.join(beyond)}.")] if beyond else []
    return tuple(found)


def _amends(order: DefinitionAmended, definition: Election) -> list[str]:
    """What an amendment does, and which ballots it leaves without anybody; one of another version has no effect."""
    kinds = ", ".join(dict.fromkeys(change.kind for change in order.changes))
    made = (
        f"It makes version {order.version} of the definition ({kinds}), which cannot be taken back: "
        "totals follow from it, and everyone's connection is made anew."
    )
    return [made, *(deserts(definition, order.changes) if order.amends == definition.digest else ())]


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
