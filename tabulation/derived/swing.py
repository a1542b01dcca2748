"""The change since the last time: swing, who held a unit, gain and hold, flipped units. Pure; integers in and out.

Like is compared with like: of a unit above counting units only those are compared that have reported, and whose last
result is known. A counting unit that is partly opened counts with that part of its last result, so that no place that
counts early weighs more then than now. The base is always named.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from schemas.contests import Previous, PreviousResult
from schemas.definition import Election
from tabulation.derived.facts import Counted, FindFigures, base_of_shares, lead, share_bp

Outcome = Literal["hold", "gain"]


class Swing(NamedTuple):
    """One candidate's change, over what is compared."""

    candidate: str
    of: tuple[str, ...]
    """Who stood then and is compared; nobody where the candidate is new, or has no predecessor."""
    votes_then: int
    votes_change: int
    share_then_bp: int | None
    swing_bp: int | None
    """The change of the share of the valid votes, in hundredths of a point."""


class Flip(NamedTuple):
    """A counting unit that is led by another than held it."""

    unit: str
    held_by: str
    leader: str


class SwingFacts(NamedTuple):
    """What has changed in a unit since an earlier contest."""

    previous: str
    held_by: tuple[str, ...]
    """Who had most votes in the whole unit then; several in a tie, nobody where that is not known."""
    margin_then: int | None
    margin_then_bp: int | None
    turnout_then_bp: int | None
    outcome: Outcome | None
    """Whether who leads now is whose it was; `None` in a tie, before the first vote, and where nobody knows."""
    compared: int
    """How many counting units are compared, of so many in which the contest is held."""
    units: int
    turnout_change_bp: int | None
    swings: tuple[Swing, ...]
    flipped: tuple[Flip, ...]


class _Sum:
    """Results and figures of the counting units that are compared, added up."""

    def __init__(self) -> None:
        self.units = 0
        self.votes_then: dict[str, int] = {}
        self.votes_now: dict[str, int] = {}
        self.base_then: int | None = 0
        self.base_now = 0
        self.turnout_then: tuple[int, int] | None = (0, 0)
        self.turnout_now = (0, 0)

    def add(self, result: PreviousResult, counted: Counted) -> None:
        """Add a counting unit: its figures of now, and as great a part of its last result as of its boxes is opened.

        Where one unit does not have the base of the shares, or the figures of turnout, the sum has none.
        """
        opened = counted.counts["boxes_opened"] - counted.claims.boxes_surplus
        part, whole = (opened, counted.boxes_total) if counted.boxes_total else (1, 1)
        self.units += 1
        for name, votes in result.votes.items():
            self.votes_then[name] = self.votes_then.get(name, 0) + _part(votes, part, whole)
        for name, votes in counted.votes.items():
            self.votes_now[name] = self.votes_now.get(name, 0) + votes
        if result.base is None or self.base_then is None:
            self.base_then = None
        else:
            self.base_then += _part(result.base, part, whole)
        self.base_now += _base(counted)
        cast, registered = counted.counts.get("cast"), counted.counts.get("registered")
        if cast is None or registered is None or result.cast is None or result.registered is None:
            self.turnout_then = None
            return
        self.turnout_now = self.turnout_now[0] + cast, self.turnout_now[1] + registered
        if self.turnout_then is not None:
            then = _part(result.cast, part, whole), _part(result.registered, part, whole)
            self.turnout_then = self.turnout_then[0] + then[0], self.turnout_then[1] + then[1]


class LastTime:
    """An earlier contest beside the figures of now, by one election's definition."""

    def __init__(self, definition: Election, previous: Previous) -> None:
        self._definition = definition
        self.previous = previous
        self._results: dict[str, PreviousResult | None] = {}

    def result(self, unit: str) -> PreviousResult | None:
        """The last result of a whole unit: as it is given, or the sum where each counting unit in it has one."""
        if unit not in self._results:
            given = self.previous.results.get(unit)
            self._results[unit] = given if given is not None else self._sum(unit)
        return self._results[unit]

    def facts(self, unit: str, figures: FindFigures, cells: Sequence[str] | None = None) -> SwingFacts:
        """What has changed in a unit; `cells` are the units that make it up for the source, if not the districts."""
        contest = self.previous.contest
        districts = self._definition.districts_of(contest, unit) if cells is None else cells
        compared, flipped = _Sum(), []
        for district in districts:
            result, counted = self.result(district), figures(district)
            if result is None or counted is None or counted.counts["boxes_opened"] <= counted.claims.boxes_surplus:
                continue
            compared.add(result, counted)
            flip = self._flip(district, result, counted)
            if flip is not None:
                flipped.append(flip)
        then, now = self.result(unit), figures(unit)
        if not compared.units and then is not None and now is not None and now.claims.complete:
            compared.add(then, now)
            compared.units = len(districts)
        held_by = _first(then.votes) if then else ()
        ahead = lead(then.votes, ()) if then else None
        return SwingFacts(
            self.previous.id,
            held_by,
            ahead.votes if ahead else None,
            share_bp(ahead.votes, then.base) if ahead and then and then.base is not None else None,
            share_bp(then.cast, then.registered) if then and then.cast is not None and then.registered else None,
            self._outcome(held_by, now),
            compared.units,
            len(districts),
            _change(compared),
            tuple(self._swings(unit, compared)),
            tuple(flipped),
        )

    def _sum(self, unit: str) -> PreviousResult | None:
        parts = [self.previous.results.get(one) for one in self._definition.districts_of(self.previous.contest, unit)]
        known = [part for part in parts if part is not None]
        if not known or len(known) < len(parts):
            return None
        names = sorted({name for part in known for name in part.votes})
        return PreviousResult(
            registered=_total(part.registered for part in known),
            cast=_total(part.cast for part in known),
            valid=_total(part.valid for part in known),
            invalid=_total(part.invalid for part in known),
            votes={name: sum(part.votes.get(name, 0) for part in known) for name in names},
        )

    def _swings(self, unit: str, compared: _Sum) -> Iterable[Swing]:
        for candidate in self._definition.ballot_order(self.previous.contest, unit):
            own = self.previous.own(candidate)
            then = sum(compared.votes_then.get(name, 0) for name in own)
            now = compared.votes_now.get(candidate, 0)
            share_then = share_bp(then, compared.base_then) if own and compared.base_then is not None else None
            share_now = share_bp(now, compared.base_now)
            swing = share_now - share_then if share_now is not None and share_then is not None else None
            yield Swing(candidate, own, then, now - then if own else 0, share_then, swing)

    def _leader(self, counted: Counted | None) -> str | None:
        """Who leads alone."""
        first = _first(counted.votes) if counted is not None else ()
        return first[0] if len(first) == 1 else None

    def _outcome(self, held_by: tuple[str, ...], counted: Counted | None) -> Outcome | None:
        leader = self._leader(counted)
        if leader is None or len(held_by) != 1:
            return None
        return "hold" if held_by[0] in self.previous.own(leader) else "gain"

    def _flip(self, unit: str, result: PreviousResult, counted: Counted) -> Flip | None:
        held_by, leader = _first(result.votes), self._leader(counted)
        if leader is None or self._outcome(held_by, counted) != "gain":
            return None
        return Flip(unit, held_by[0], leader)


def base_of(definition: Election, contest: str) -> Previous | None:
    """The earlier contest that swing is told against: the first that was not annulled, or the first."""
    found = definition.previous_of(contest)
    return next((one for one in found if not one.annulled), found[0] if found else None)


def _part(number: int, part: int, whole: int) -> int:
    """The part of a number, rounded half up; all of it where everything is opened."""
    return number if part >= whole else (2 * number * part + whole) // (2 * whole)


def _base(counted: Counted) -> int:
    return base_of_shares(counted.counts, counted.votes)


def _first(votes: dict[str, int]) -> tuple[str, ...]:
    """Who has most votes; nobody where there are none."""
    most = max(votes.values(), default=0)
    return tuple(sorted(name for name, count in votes.items() if count == most)) if most else ()


def _total(numbers: Iterable[int | None]) -> int | None:
    known = list(numbers)
    found = [number for number in known if number is not None]
    return sum(found) if len(found) == len(known) else None


def _change(compared: _Sum) -> int | None:
    """The change of turnout over what is compared."""
    then = share_bp(*compared.turnout_then) if compared.turnout_then is not None else None
    now = share_bp(*compared.turnout_now)
    return now - then if now is not None and then is not None else None
