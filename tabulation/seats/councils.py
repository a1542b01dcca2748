"""A municipal council of Türkiye by Law 2972: the plan by which its members are divided. Pure."""

from collections.abc import Mapping
from typing import Final

from schemas.contests import SeatPlan

DEDUCTED: Final = (1, 10)
"""A tenth of the constituency's valid votes is taken off everybody's (article 23)."""


def council_plan(members: Mapping[str, int], quota_seats: int) -> SeatPlan:
    """The plan of councils with these numbers of members, by unit, of which each has so many quota seats (article 10).

    Every municipality is a constituency of its own (article 3). Where a council has fewer members, all are quota seats.
    """
    quotas = {unit: min(quota_seats, many) for unit, many in members.items() if quota_seats}
    return SeatPlan(method="dhondt", seats=dict(members), deducted=DEDUCTED, quota_seats=quotas)
