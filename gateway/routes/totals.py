"""/v1/totals: what the view holds, filtered by contest, source and unit, for whoever would rather ask than listen."""

import orjson
from starlette.requests import Request
from starlette.responses import Response

from gateway.gateway import Gateway
from gateway.routes.answers import Answers, Asked, asked
from gateway.routes.history import Moments
from gateway.routes.past import AT, answer_of_then


class TotalsDoor:
    """The route of one gateway; with `at`, its past."""

    def __init__(self, gateway: Gateway, moments: Moments | None = None) -> None:
        self._gateway = gateway
        self._moments = moments
        self._answers = Answers()

    async def answer(self, request: Request) -> Response:
        """The units of which anything was ever reported."""
        question = asked(self._gateway, request, (AT,))
        if AT in request.query_params:
            return await answer_of_then(self._gateway, self._moments, request, question)
        return self._answers.answer(request, question, lambda: _totals(question))


def _totals(question: Asked) -> bytes:
    contest, source, units = question.filters
    rows = question.view.rows(contest=contest, source=source, units=units)
    return orjson.dumps(question.head() | {"totals": [row._asdict() for row in rows]})
