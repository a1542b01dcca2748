"""Arithmetic facts about a unit: what follows from its figures and nothing else. Pure; integers in, integers out.

Nobody's judgement is in here. Who has *won* is an editor's word, which is an order in the control topic; that somebody
cannot be overtaken any more is a subtraction, which `in_force_for` holds against an order that calls somebody else.
A majority of the night is no result either: it is of the boxes opened, and the denominators are theirs.
Shares are in hundredths of a per cent (basis points, `_bp`).

A unit's seats follow from its figures as well: they are a projection until every vote is counted.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from schemas.contests import Majority, Ratio, SeatPlan
from schemas.control import Called, Order
from schemas.definition import Election, Unit
from tabulation.figures import Claims
from tabulation.orders.confirmations import InForce
from tabulation.orders.control import Control
from tabulation.program import Program
from tabulation.seats import Poll, Undecided, UnitSeats, divide_constituency, sum_up

WHOLE_BP: Final = 10_000
"""A hundred per cent, in hundredths of a per cent."""


class Counted(Protocol):
    """A unit's figures, as far as facts follow from them. `registered` and `cast` are of the opened boxes.

    `claims` is what may be said of the unit, as it follows from its districts.
    """

    unit: Unit
    boxes_total: int
    counts: dict[str, int]
    votes: dict[str, int]
    claims: Claims


class Ranked(NamedTuple):
    """A candidate's place. Equal votes share a rank, and the one after them is as far down as there are before it."""

    candidate: str
    rank: int
    tied: bool
    votes: int
    share_bp: int | None
    """Of everybody's votes and the unattributed, rounded so that all shares together are 100 %; see `shares_bp`."""
    valid_share_bp: int | None
    """The same of the valid votes, where sums that do not add up have left some of them to nobody."""


class Lead(NamedTuple):
    """Who has the most votes, and by how many. With several leaders, who are tied, it is 0 votes."""

    leaders: tuple[str, ...]
    over: str | None
    """Who is next; `None` in a tie, and where there is nobody else."""
    votes: int


class Turnout(NamedTuple):
    """How many voted, of the registered voters *of the opened boxes*: the denominator goes with the share.

    It can be over 100 %: officials vote where they serve, and are registered elsewhere. Such a share is only there
    where a box is flagged for it and the figures do not contradict each other. A count that the source does not give is
    `None`, and there is no share.
    """

    cast: int | None
    registered: int | None
    share_bp: int | None


class Facts(NamedTuple):
    """What follows from the figures of one unit."""

    ranking: tuple[Ranked, ...]
    unattributed_share_bp: int | None
    lead: Lead | None
    """`None` before the first vote."""
    margin_bp: int | None
    """The lead as points of the valid votes, rounded half up; of all votes where they are more than the valid ones."""
    turnout: Turnout
    votes_possible: int | None
    """Votes that the boxes not opened can hold at most; `None` where nobody can say. See `Claims`."""
    votes_unassigned: int
    """Votes in the opened boxes that may still go to anybody."""
    cannot_be_overtaken: bool
    complete: bool
    progress_bp: int | None
    contradictions: tuple[str, ...]


def facts(counted: Counted, ballot: Sequence[str]) -> Facts:
    """The facts of a unit whose candidates are in this order."""
    counts, votes, claims = counted.counts, counted.votes, counted.claims
    places = ranking(votes, ballot)
    numbers = [count for _, count in places]
    *shares, unattributed = shares_bp([*numbers, counts["unattributed"]])
    whole = base_of_shares(counts, votes)
    is_same = whole == sum(numbers) + counts["unattributed"]
    valid_shares = shares if is_same else valid_shares_bp(numbers, whole, counts["unattributed"])
    ahead = lead(votes, ballot)
    return Facts(
        ranking=tuple(
            Ranked(candidate, rank, tied, count, share, valid_share)
            for (candidate, count), (rank, tied), share, valid_share in zip(
                places, _ranks(numbers), shares, valid_shares, strict=True
            )
        ),
        unattributed_share_bp=unattributed,
        lead=ahead,
        margin_bp=share_bp(ahead.votes, whole) if ahead else None,
        turnout=turnout(counted),
        votes_possible=claims.possible,
        votes_unassigned=claims.unassigned,
        cannot_be_overtaken=beyond(counted, ahead) is not None,
        complete=claims.complete,
        progress_bp=progress_bp(counted),
        contradictions=claims.contradictions,
    )


def base_of_shares(counts: Mapping[str, int], votes: Mapping[str, int]) -> int:
    """What shares are of: the valid votes, or all that are told where those are more, or nobody counts the valid."""
    return max(counts.get("valid", 0), sum(votes.values()) + counts["unattributed"])


def ranking(votes: Mapping[str, int], ballot: Sequence[str]) -> list[tuple[str, int]]:
    """The candidates and their votes, most first; those with equal votes in ballot order.

    Who has votes without being on the ballot (a province's, where each district elects its own) comes after it, by id.
    """
    named = set(ballot)
    order = [*ballot, *sorted(candidate for candidate in votes if candidate not in named)]
    return sorted(((candidate, votes.get(candidate, 0)) for candidate in order), key=lambda place: -place[1])


def lead(votes: Mapping[str, int], ballot: Sequence[str]) -> Lead | None:
    """Who leads; `None` before the first vote."""
    counts = sorted(votes.values(), reverse=True)
    if not counts or counts[0] == 0:
        return None
    leaders = _with(counts[0], votes, ballot)
    if len(leaders) > 1:
        return Lead(leaders, None, 0)
    if len(counts) == 1:
        return Lead(leaders, None, counts[0])
    return Lead(leaders, _with(counts[1], votes, ballot)[0], counts[0] - counts[1])


def _with(count: int, votes: Mapping[str, int], ballot: Sequence[str]) -> tuple[str, ...]:
    """Those who have exactly so many votes, in the order of a ranking."""
    found = [candidate for candidate, held in votes.items() if held == count]
    if len(found) > 1:
        places = {candidate: place for place, candidate in enumerate(ballot)}
        found.sort(key=lambda candidate: (places.get(candidate, len(places)), candidate))
    return tuple(found)


def shares_bp(parts: Sequence[int]) -> list[int | None]:
    """The parts' shares of their sum, so that they add up to exactly `WHOLE_BP` (largest remainders, Hare quota).

    Each gets its share rounded down; what is left goes, one each, to the largest remainders. Of equal remainders, the
    part that is first gets it: of two tied candidates one may be shown 0.01 % higher. Without any votes there are no
    shares, which is not the same as 0 %.
    """
    whole = sum(parts)
    if whole == 0:
        return [None] * len(parts)
    shares, remainders = [], []
    for part in parts:
        share, remainder = divmod(part * WHOLE_BP, whole)
        shares.append(share)
        remainders.append(remainder)
    left = WHOLE_BP - sum(shares)
    for index in sorted(range(len(parts)), key=lambda index: -remainders[index])[:left]:
        shares[index] += 1
    return list(shares)


def valid_shares_bp(votes: Sequence[int], valid: int, unattributed: int) -> list[int | None]:
    """The shares of the valid votes, or of all votes where they are more, so that no share is over 100 %."""
    rest = max(valid - sum(votes), unattributed)
    return shares_bp([*votes, rest])[:-1]


def share_bp(part: int, whole: int) -> int | None:
    """One share by itself, rounded half up; `None` where there is nothing to divide by."""
    return (2 * part * WHOLE_BP + whole) // (2 * whole) if whole > 0 else None


def turnout(counted: Counted) -> Turnout:
    """The turnout of the opened boxes."""
    counts = counted.counts
    cast, registered = counts.get("cast"), counts.get("registered")
    share = turnout_bp(cast, registered, counts["flagged"], counted.claims.contradictions)
    return Turnout(cast, registered, share)


def turnout_bp(cast: int | None, registered: int | None, flagged: int, contradictions: Sequence[str]) -> int | None:
    """The share of those who voted; `None` where it would be over 100 % and is not known to be true and flagged.

    Nor is there one where the source does not give how many voted, or could.
    """
    if cast is None or registered is None:
        return None
    is_said = cast <= registered or (flagged > 0 and not contradictions)
    return share_bp(cast, registered) if is_said else None


def progress_bp(counted: Counted) -> int | None:
    """The share of the boxes opened: `WHOLE_BP` only where every district is complete, 0 only before the first box.

    A district's boxes count up to as many as it has, so that no surplus hides what is missing elsewhere.
    """
    part, whole = counted.counts["boxes_opened"] - counted.claims.boxes_surplus, counted.boxes_total
    share = share_bp(part, whole)
    if share is None or counted.claims.complete:
        return share
    return min(max(share, 1 if part > 0 else 0), WHOLE_BP - 1)


def beyond(counted: Counted, ahead: Lead | None) -> str | None:
    """Who leads so far that nothing which may still come makes anybody else equal; `None` where nobody does."""
    if ahead is None or len(ahead.leaders) > 1:
        return None
    leader = ahead.leaders[0]
    return leader if counted.claims.cannot_be_overtaken(counted.votes, leader) else None


def facts_in(definition: Election, contest: str, counted: Counted) -> Facts:
    """The facts of a unit, in the order of its ballot."""
    return facts(counted, definition.ballot_order(contest, counted.unit.id))


def beyond_in(definition: Election, contest: str, counted: Counted) -> str | None:
    """Who cannot be overtaken in a unit: whoever calls somebody else there is asked whether that is meant."""
    return beyond(counted, lead(counted.votes, definition.ballot_order(contest, counted.unit.id)))


def _ranks(counts: Sequence[int]) -> list[tuple[int, bool]]:
    """Each place's rank and whether it is shared; the counts come most first."""
    ranks: list[int] = []
    for index, count in enumerate(counts):
        ranks.append(ranks[-1] if index and count == counts[index - 1] else index + 1)
    holders = Counter(ranks)
    return [(rank, holders[rank] > 1) for rank in ranks]


def in_force_for(order: Order, program: Program, control: Control, now: datetime) -> InForce:
    """What is held, set by hand, called and under embargo at this moment, as far as the order is about it."""
    beyond = _beyond(order, program) if isinstance(order, Called) else {}
    return InForce(now, control.embargo, program.on_air, control.calls, beyond)


def _beyond(order: Called, program: Program) -> dict[str, str]:
    """Who cannot be overtaken where the call is made, by source."""
    view, definition = program.live, program.live.definition
    found = {}
    for source in definition.sources:
        figures = view.figures(order.contest, source.id, order.unit)
        candidate = beyond_in(definition, order.contest, figures) if figures is not None else None
        if candidate is not None:
            found[source.id] = candidate
    return found


class MajorityFacts(NamedTuple):
    """What is needed, and who has it."""

    of: int | None
    """What the share is taken of: the valid votes, the ballots cast, or the registered voters of the opened boxes.

    `None` where the source does not give it; then nothing is said of who has as many.
    """
    votes_needed: int | None
    """The fewest votes that are enough; `None` where there is nothing to take a share of."""
    reached_by: tuple[str, ...]
    """Who has as many, most votes first."""
    voters_needed: int | None
    """How many of the registered voters of the opened boxes must have voted; 0 where the law asks for none.

    `None` where the source does not give how many are registered.
    """
    turnout_reached: bool | None
    """`None` where the source does not give how many voted, or could."""
    met: bool | None
    """Whether somebody has the votes, and enough have voted."""


def majority_facts(counted: Counted, rule: Majority) -> MajorityFacts:
    """What a unit's figures say of the majority that is needed."""
    counts, votes = counted.counts, counted.votes
    of = counts.get(rule.of)
    if rule.of == "valid" and any(votes.values()):
        of = base_of_shares(counts, votes)
    needed = _fewest(of, rule.share, exceeding=rule.passed_by == "exceeding") if of else None
    reached = [name for name, count in sorted(votes.items()) if needed is not None and count >= needed]
    registered, cast = counts.get("registered"), counts.get("cast")
    voters: int | None = 0
    if rule.turnout[0]:
        voters = _fewest(registered, rule.turnout, exceeding=False) if registered is not None else None
    turnout_reached = True if voters == 0 else cast >= voters if cast is not None and voters is not None else None
    return MajorityFacts(
        of,
        needed,
        tuple(sorted(reached, key=lambda name: -votes[name])),
        voters,
        turnout_reached,
        _all((None if of is None else bool(reached), turnout_reached)),
    )


def _all(known: tuple[bool | None, ...]) -> bool | None:
    """Whether all hold; `None` where that is not known. What is missing of one is told whatever the others are."""
    if False in known:
        return False
    return None if None in known else True


def _fewest(of: int, share: Ratio, *, exceeding: bool) -> int:
    """The least number that is this share of it, or more than it."""
    part, whole = share
    return of * part // whole + 1 if exceeding else -(-of * part // whole)


class FindFigures(Protocol):
    """Looks up a unit's figures of one contest by one source."""

    def __call__(self, unit: str, /) -> Counted | None:
        """A unit's figures; `None` where nothing of it was reported."""


class OpenSeats(NamedTuple):
    """Seats that are undecided, and in which constituency."""

    unit: str
    undecided: Undecided


class SeatFacts(NamedTuple):
    """The seats of a unit: of its own constituency, or of all that lie in it."""

    unit: str
    constituencies: tuple[str, ...]
    total: UnitSeats
    undecided: tuple[OpenSeats, ...]
    complete: bool
    """Whether every vote that these seats depend on is counted: the threshold's too, where it is of the contest."""
    decided: Mapping[str, int]
    """The seats of everybody that no vote can change any more: those of complete constituencies, by the same rule."""
    counting: tuple[str, ...]
    """The constituencies in which not every box is opened."""


def units_with_seats(definition: Election, plan: SeatPlan) -> dict[str, tuple[str, ...]]:
    """The constituencies in each unit that has any, in the order of the plan; a constituency is in itself."""
    found: dict[str, list[str]] = {}
    for constituency in plan.seats:
        for unit in definition.path(constituency):
            found.setdefault(unit, []).append(constituency)
    return {unit: tuple(constituencies) for unit, constituencies in found.items()}


def seat_facts(
    definition: Election, contest: str, plan: SeatPlan, figures: FindFigures, units: Mapping[str, tuple[str, ...]]
) -> list[SeatFacts]:
    """The seats of these units with their constituencies, each constituency worked out once."""
    country = figures(definition.country)
    with_blank = plan.threshold is not None and plan.threshold.blank
    divided = {
        constituency: divide_constituency(
            plan,
            constituency,
            _poll(country, with_blank=with_blank),
            _poll(figures(constituency), with_blank=with_blank),
            _independents(definition, contest, constituency),
        )
        for constituency in dict.fromkeys(one for constituencies in units.values() for one in constituencies)
    }
    needs_all = plan.threshold is not None and plan.threshold.of == "contest"
    return [
        _facts(unit, constituencies, divided, figures, (definition.country,) if needs_all else ())
        for unit, constituencies in units.items()
    ]


def _facts(
    unit: str,
    constituencies: tuple[str, ...],
    divided: Mapping[str, UnitSeats],
    figures: FindFigures,
    beside: Iterable[str],
) -> SeatFacts:
    counting = dict.fromkeys(one for one in constituencies if not _is_complete(figures(one)))
    is_settled = all(_is_complete(figures(one)) for one in beside)
    settled = [one for one in constituencies if is_settled and one not in counting]
    return SeatFacts(
        unit,
        constituencies,
        sum_up(divided[one] for one in constituencies),
        tuple(OpenSeats(one, undecided) for one in constituencies for undecided in divided[one].undecided),
        len(settled) == len(constituencies),
        {name: many for name, many in sum_up(divided[one] for one in settled).seats.items() if many},
        tuple(counting),
    )


def _is_complete(counted: Counted | None) -> bool:
    return counted is not None and counted.claims.complete


def _poll(counted: Counted | None, *, with_blank: bool) -> Poll:
    """A unit's votes. Those that are not attributed yet are valid all the same, blank ones where the law says so."""
    if counted is None:
        return Poll({}, 0)
    blank = counted.counts.get("blank", 0) if with_blank else 0
    return Poll(counted.votes, base_of_shares(counted.counts, counted.votes) + blank)


def _independents(definition: Election, contest: str, unit: str) -> frozenset[str]:
    ballot = definition.ballot(contest, unit)
    return frozenset(candidate.id for candidate in ballot if candidate.party is None)
