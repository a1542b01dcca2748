"""A municipal council of Türkiye by Law 2972: how many members it has, and the plan by which they are divided. Pure."""

from collections.abc import Mapping
from typing import Final

from schemas.seats import SeatPlan

_MEMBERS: Final = (
    (10_000, 9),
    (20_000, 11),
    (50_000, 15),
    (100_000, 25),
    (250_000, 31),
    (500_000, 37),
    (1_000_000, 45),
)
"""Up to so many people, so many members (article 5)."""

_MOST_MEMBERS: Final = 55
DEDUCTED: Final = (1, 10)
"""A tenth of the constituency's valid votes is taken off everybody's (article 23)."""


def members_for(population: int) -> int:
    """How many members the council of a municipality with this population has (article 5)."""
    return next((members for most, members in _MEMBERS if population <= most), _MOST_MEMBERS)


def council_plan(members: Mapping[str, int], quota_seats: int) -> SeatPlan:
    """The plan of councils with these numbers of members, by unit, of which each has so many quota seats (article 10).

    Every municipality is a constituency of its own (article 3). Where a council has fewer members, all are quota seats.
    """
    quotas = {unit: min(quota_seats, many) for unit, many in members.items() if quota_seats}
    return SeatPlan(method="dhondt", seats=dict(members), deducted=DEDUCTED, quota_seats=quotas)
