"""Each unit's seats as they follow from its figures: a projection until every vote is counted. Pure."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from schemas.contests import SeatPlan
from schemas.definition import Election
from tabulation.derived.facts import Counted, base_of_shares
from tabulation.seats.division import Poll, UnitSeats, divide_constituency, sum_up
from tabulation.seats.methods import Undecided


class Figures(Protocol):
    """Where the figures of a contest by one source are looked up."""

    def __call__(self, unit: str) -> Counted | None:
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
    definition: Election, contest: str, plan: SeatPlan, figures: Figures, units: Mapping[str, tuple[str, ...]]
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
    figures: Figures,
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
