"""/v1/seats: how many seats everybody has by the votes counted so far, and which are undecided."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Final

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.gateway import Gateway
from gateway.routes.answers import Answers, Asked, asked
from schemas.contests import MAX_SEATS, SeatPlan
from schemas.definition import Election
from tabulation.derived.facts import SeatFacts, seat_facts, units_with_seats
from tabulation.seats import council_plan

MAX_CONSTITUENCIES_ANSWERED: Final = 2_000
"""Constituencies worked out for one answer: the councils of all of Türkiye's 973 districts by two sources.

Each takes 0.1 ms with 20 lists and 40 seats, and nothing else is served meanwhile.
"""

_MEMBERS: Final = re.compile(r"[1-9][0-9]{0,3}")
_OPTIONS: Final = ("members", "quota")


class SeatsEndpoint:
    """The route of one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._answers = Answers()

    async def answer(self, request: Request) -> Response:
        """The seats of the units that have any, by contest and source."""
        question = asked(self._gateway, request, _OPTIONS)
        asked_for = {name: request.query_params.get(name) for name in _OPTIONS}
        plans = _plans(question, asked_for["members"], asked_for["quota"])
        return self._answers.answer(request, question, partial(_answer, question, plans), about=[asked_for])


def _plans(question: Asked, members: str | None, quota: str | None) -> dict[str, SeatPlan]:
    """The plan of each contest that is asked for and has one: the definition's, or a council's with these members."""
    definition, filters = question.run_state.run.definition, question.filters
    if members is None and quota is None:
        plans = {name: definition.contest_by_id[name].seats for name in filters.contests(question.run_state)}
        return {name: plan for name, plan in plans.items() if plan is not None}
    units = filters.units
    if filters.contest is None or not units or members is None:
        raise HTTPException(400, "members needs a contest and units, each a municipality: members=37&unit=tr/34/fatih.")
    return {
        filters.contest: council_plan(
            dict.fromkeys(sorted(units), _number("members", members)), _number("quota", quota or "0")
        )
    }


def _number(name: str, text: str) -> int:
    if text == "0" and name == "quota":
        return 0
    if not _MEMBERS.fullmatch(text) or int(text) > MAX_SEATS:
        raise HTTPException(400, f"{name} is a whole number up to {MAX_SEATS}, not {text!r}.")
    return int(text)


def _answer(question: Asked, plans: dict[str, SeatPlan]) -> bytes:
    definition, filters = question.run_state.run.definition, question.filters
    wanted = {
        contest: {
            unit: constituencies
            for unit, constituencies in sorted(units_with_seats(definition, plan).items())
            if filters.units is None or unit in filters.units
        }
        for contest, plan in plans.items()
    }
    heard = [
        (contest, source)
        for contest in plans
        for source in filters.sources(question.run_state)
        if question.view.figures(contest, source, definition.country) is not None
    ]
    many = sum(len({one for found in wanted[contest].values() for one in found}) for contest, _ in heard)
    if many > MAX_CONSTITUENCIES_ANSWERED:
        raise HTTPException(
            400,
            f"That is {many} constituencies, and an answer has {MAX_CONSTITUENCIES_ANSWERED} at most. "
            "Name a contest, a source or units, such as unit=tr/34.",
        )
    entries = [
        _entry(definition, contest, source, facts, plans[contest].seats)
        for contest, source in heard
        for facts in seat_facts(
            definition, contest, plans[contest], partial(question.view.figures, contest, source), wanted[contest]
        )
    ]
    return orjson.dumps(question.head() | {"seats": entries})


def _entry(
    definition: Election, contest: str, source: str, facts: SeatFacts, house_of: Mapping[str, int]
) -> dict[str, object]:
    total = facts.total
    place = {name: number for number, name in enumerate(definition.ballot_order(contest, facts.unit))}
    order = sorted(total.seats, key=lambda name: (-total.seats[name], place.get(name, len(place)), name))
    return {
        "contest": contest,
        "source": source,
        "unit": facts.unit,
        "level": definition.unit_by_id[facts.unit].level,
        "constituencies": len(facts.constituencies),
        "house": total.house,
        "seats": [
            {"candidate": name, "seats": total.seats[name], "decided": facts.decided.get(name, 0)}
            for name in order
            if total.seats[name]
        ],
        "open": total.open,
        "undecided": [
            {
                "unit": one.unit,
                "seats": one.undecided.seats,
                "between": one.undecided.between,
                "reason": one.undecided.reason,
            }
            for one in facts.undecided
        ],
        "barred": sorted(total.barred),
        "complete": facts.complete,
        "counting": [{"unit": one, "seats": house_of[one]} for one in facts.counting],
    }
