"""How a contest's votes become seats: the part of an election's definition that a parliament or a council needs.

A contest without it divides nothing. Every key has a default that changes nothing, so that a definition written before
it opens and means the same.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Annotated, Final, Literal

from pydantic import Field

from schemas.errors import DefinitionError
from schemas.fields import Frozen, Id, UnitId

MAX_SEATS: Final = 5_000
"""The most seats of one unit: the largest parliament has some 3,000 members."""

MAX_RATIO: Final = 1_000_000
"""The largest part of a ratio: a millionth is finer than any threshold or divisor of a law."""

Method = Literal["dhondt", "sainte_lague", "largest_remainder_hare", "largest_remainder_droop", "most_votes"]
"""How seats are divided; `tabulation.seats.methods` says how each is worked out, with its source."""

Ratio = tuple[Annotated[int, Field(ge=0, le=MAX_RATIO)], Annotated[int, Field(ge=1, le=MAX_RATIO)]]
"""An exact fraction as numerator and denominator: `[7, 100]` is 7 %."""

SeatNumber = Annotated[int, Field(ge=1, le=MAX_SEATS)]


class Threshold(Frozen):
    """The share of the valid votes without which a list takes no part in the division (baraj).

    `of` says where the share is taken: in the whole contest, or in each constituency. `passed_by` says what is enough:
    exactly the share (`reaching`), or only more than it (`exceeding`). Independents are held to no threshold of the
    contest, and neither is who is `exempt`: a minority's list, or one that has won a seat elsewhere.
    """

    share: Ratio
    of: Literal["contest", "constituency"] = "contest"
    passed_by: Literal["reaching", "exceeding"] = "reaching"
    exempt: tuple[Id, ...] = ()
    blank: Annotated[bool, Field(exclude_if=lambda blank: not blank)] = False
    """Whether the share is of the valid and the blank votes together, as in Spain, where blank votes are valid."""


class Alliance(Frozen):
    """Lists that enter the contest together (ittifak): the ids of their candidates on the ballot."""

    id: Id
    name: Annotated[str, Field(min_length=1, max_length=200)]
    members: Annotated[tuple[Id, ...], Field(min_length=1)]


class SeatPlan(Frozen):
    """How many seats each constituency has, and how they are divided.

    A constituency is a unit of any level. `alliances_count` says what an alliance is good for: its members' votes are
    added up for the threshold alone (`for_threshold`), or its seats are worked out first and then divided among its
    members by the same method (`for_seats`).
    """

    method: Method
    seats: Annotated[dict[UnitId, SeatNumber], Field(min_length=1)]
    first_divisor: Ratio = (1, 1)
    """The first divisor of Sainte-Laguë, in place of 1: `[7, 5]` or `[6, 5]` where it is modified."""
    threshold: Threshold | None = None
    alliances: tuple[Alliance, ...] = ()
    alliances_count: Literal["for_threshold", "for_seats"] = "for_threshold"
    deducted: Ratio = (0, 1)
    """The share of the constituency's valid votes that is taken off everybody's before seats are divided."""
    quota_seats: dict[UnitId, SeatNumber] = Field(default_factory=dict)
    """How many of a unit's seats are not divided and go to whoever is first there (kontenjan)."""


def check_seats(contest: str, plan: SeatPlan, candidates: Collection[str], units: Collection[str]) -> None:
    """Check that a plan fits its contest. Raises `DefinitionError` for the first thing that does not."""
    where = f"The seats of contest {contest!r}"
    for unit in [*plan.seats, *plan.quota_seats]:
        if unit not in units:
            raise DefinitionError(f"{where} name the unit {unit!r}, which this election does not have.")
    _check_quota_seats(where, plan.seats, plan.quota_seats)
    members = [member for alliance in plan.alliances for member in alliance.members]
    exempt = plan.threshold.exempt if plan.threshold else ()
    for name in [*members, *exempt]:
        if name not in candidates:
            raise DefinitionError(f"{where} name the candidate {name!r}, who is on no ballot of it.")
    twice = [name for name, times in Counter(members).items() if times > 1]
    if twice:
        raise DefinitionError(f"{where} put {twice[0]!r} into an alliance twice. A list is in one alliance at most.")
    ids = [alliance.id for alliance in plan.alliances]
    for name in ids:
        if ids.count(name) > 1 or name in candidates:
            raise DefinitionError(f"{where} have an alliance {name!r}, and something else of that id. Give it another.")
    if plan.alliances_count == "for_seats" and plan.method not in ("dhondt", "sainte_lague"):
        raise DefinitionError(
            f"{where} go to alliances first by {plan.method!r}, by which a party can lose a seat because its alliance "
            "gets one more. Use dhondt or sainte_lague."
        )
    if plan.first_divisor[0] == 0:
        raise DefinitionError(f"{where} have 0 for their first divisor, and nothing can be divided by it.")


def _check_quota_seats(where: str, seats: Mapping[str, int], quota_seats: Mapping[str, int]) -> None:
    for unit, many in quota_seats.items():
        if many > seats.get(unit, 0):
            raise DefinitionError(
                f"{where} set {many} aside for the first in {unit!r}, which has {seats.get(unit, 0)}. "
                "Quota seats are among the unit's seats."
            )
