"""/v1/totals: what the view holds, for whoever would rather ask than listen; with `at=…`, the totals of then.

Whoever asks about the past must be let in now, as for the present. They are then given what they were shown then: the
public what was on air, the control room all there was.
"""

from typing import Final
from zoneinfo import ZoneInfo

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.gateway import Gateway
from gateway.recall import Busy, Moments, Past
from gateway.routes.answers import Answers, Asked, Pieces, Place, Whole, answer_in_pieces, asked, digest_of, unless_held
from gateway.routes.middleware import embargoed, grant_of
from schemas.errors import LogError, UsageError
from schemas.moments import epoch_ms, parse_moment
from schemas.totals import Row
from tabulation.on_air import HeldUnits
from tabulation.view.figures import UnitFigures


class TotalsEndpoint:
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

        def ask() -> tuple[Asked, tuple[()]]:
            return asked(self._gateway, request, (AT,)), ()

        pieces = Pieces(_found, lambda _: _encoded)
        return await answer_in_pieces(self._gateway, request, self._answers, ask, pieces, _totals)


def _totals(question: Asked, rows: list[bytes]) -> Whole:
    return Whole.of(question.head(), "totals", rows, {})


def _encoded(contest: str, source: str, figures: UnitFigures) -> bytes:
    return orjson.dumps(figures.row(contest, source).fields())


def _found(question: Asked) -> list[Place]:
    contest, source, units = question.filters
    return question.view.reported(contest=contest, source=source, units=units)


AT: Final = "at"
"""The field of the query that asks for the past."""

_RETRY_AFTER_S: Final = "5"


async def answer_of_then(gateway: Gateway, moments: Moments | None, request: Request, question: Asked) -> Response:
    """The totals at the moment that the request names."""
    if moments is None:
        raise HTTPException(404, "This gateway knows the present only. Ask one that was started by sandik gateway.")
    given = request.query_params.getlist(AT)
    if len(given) != 1:
        raise HTTPException(400, "Give one moment, such as at=22:14.")
    zone = ZoneInfo(question.run_state.run.definition.timezone)
    try:
        moment = parse_moment(given[0], zone, gateway.clock.now())
        past = await moments.at(moment, question.run_state.epoch)
    except UsageError as error:
        raise HTTPException(400, str(error)) from error
    except (Busy, LogError) as error:
        raise HTTPException(503, str(error), headers={"retry-after": _RETRY_AFTER_S}) from error
    if not gateway.may_see_numbers(grant_of(request)):  # an embargo began while it was worked out
        return embargoed(gateway.embargo.until)
    body = _body(question, past)
    etag = f'"{question.run_state.epoch}-{epoch_ms(past.at)}-{digest_of(body)}"'
    return unless_held(request, body, etag)


def _body(question: Asked, past: Past) -> bytes:
    is_public = question.scope == "public"
    rows = past.on_air if is_public else past.control_room
    run, hold = question.run_state.run, () if is_public and past.embargoed else past.hold
    return orjson.dumps(
        {
            "run": run.name,
            "mode": run.mode,
            "epoch": question.run_state.epoch,
            "at": past.at,
            "take": past.take,
            "told": question.told,
            "embargoed": past.embargoed,
            "hold": hold,
            "held_in_part": HeldUnits(run.definition).above(hold),
            "graphics": {channel: graphic.model_dump() for channel, graphic in past.graphics.items()},
            "totals": [row.fields() for row in rows if _is_asked(question, row)],
        }
    )


def _is_asked(question: Asked, row: Row) -> bool:
    contest, source, units = question.filters
    return contest in {None, row.contest} and source in {None, row.source} and (units is None or row.unit in units)
