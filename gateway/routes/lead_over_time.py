"""/v1/lead-over-time: how the first candidates of the units stood in the course of the night, as it was on air."""

from functools import partial
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from gateway.gateway import Gateway
from gateway.routes.answers import Answers, Asked, asked, refuse_more

MAX_COURSES_ANSWERED: Final = 50
"""Units times contests times sources in one answer, with some 14 KB each."""


class LeadOverTimeEndpoint:
    """The route of one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._answers = Answers()

    async def answer(self, request: Request) -> Response:
        """The courses of the units that are asked for: what was on air, for the control room as well."""
        question = asked(self._gateway, request)._replace(scope="public")
        wanted = _wanted(question)
        lead = question.run_state.lead_over_time
        about = [lead.began, lead.is_recalled]
        return self._answers.answer(request, question, partial(_answer, question, wanted), about=about)


def _wanted(question: Asked) -> list[tuple[str, str, str]]:
    """Raises `HTTPException` for more than one answer has."""
    run_state, filters = question.run_state, question.filters
    kept = run_state.lead_over_time.units
    wanted = [
        (contest, source, unit)
        for contest in filters.contests(run_state)
        for source in filters.sources(run_state)
        for unit in sorted(kept if filters.units is None else kept & filters.units)
    ]
    remedy = "Name a contest, a source or units, such as unit=tr/34."
    refuse_more(len(wanted), MAX_COURSES_ANSWERED, "courses", remedy)
    return wanted


def _answer(question: Asked, wanted: list[tuple[str, str, str]]) -> bytes:
    course = question.run_state.lead_over_time.course
    found = [
        {
            "contest": contest,
            "source": source,
            "unit": unit,
            "points": [point._asdict() for point in points],
        }
        for contest, source, unit in wanted
        if (points := course(contest, source, unit))
    ]
    return orjson.dumps(question.head() | {"courses": found})
