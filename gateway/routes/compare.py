"""/v1/compare: how far two sources are apart in a unit, and why."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.clients.session import Unknown
from gateway.gateway import Gateway
from gateway.routes.answers import NOT_ASKED, digest_of, run_state_of, unless_held
from gateway.routes.middleware import grant_of
from gateway.run_state import RunState
from schemas.quarantine import SetAsideHere
from schemas.totals import Told
from tabulation.derived.explain import GapQuestion, explain, set_aside

FRESH_S: Final = 1.0
"""How long an answer is given again: comparisons come every few seconds, and a country's takes some 20 ms to add up."""

MAX_ANSWERS_KEPT: Final = 256
"""Answers kept, at some 10 KB each: every district of a province, with room."""

_FIELDS: Final = ("contest", "unit", "a", "b")


class _Kept(NamedTuple):
    until: float
    set_aside: Mapping[str, SetAsideHere]
    etag: str
    body: bytes


class CompareEndpoint:
    """The route of one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._kept: dict[tuple[str, bool, GapQuestion], _Kept] = {}

    async def answer(self, request: Request) -> Response:
        """How far the two are apart. The public is not told while a part of the unit is on hold."""
        run_state = run_state_of(self._gateway)
        question = _question(request, run_state)
        is_public = grant_of(request).watches == "public"
        if is_public and run_state.program.is_held(question.contest, question.unit):
            raise HTTPException(
                403,
                f"A part of {question.unit!r} is on hold in {question.contest!r}, so its sources are compared for the "
                "control room only. Ask again once it is released.",
            )
        kept = self._fresh(run_state, question, is_public=is_public)
        return unless_held(request, kept.body, kept.etag)

    def _fresh(self, run_state: RunState, question: GapQuestion, *, is_public: bool) -> _Kept:
        now = self._gateway.clock.monotonic()
        key = (run_state.epoch, is_public, question)
        kept = self._kept.get(key)
        aside = set_aside(run_state.quarantine.open, question, is_public=is_public)
        if kept is None or kept.until <= now or kept.set_aside != aside:
            view = run_state.view_for("public" if is_public else "control_room")
            held = run_state.program.is_held(question.contest, question.unit)
            told = Told.ON_AIR if is_public else Told.CONTROL_ROOM
            about = run_state.run, run_state.epoch, view, run_state.comparisons, question
            answer = explain(*about, told=told, held=held, set_aside=aside)
            body = answer.model_dump_json().encode()
            etag = f'"{run_state.epoch}-{digest_of(body)}"'
            if len(self._kept) >= MAX_ANSWERS_KEPT:
                self._kept.clear()
            kept = self._kept[key] = _Kept(now + FRESH_S, aside, etag, body)
        return kept


def _question(request: Request, run_state: RunState) -> GapQuestion:
    query = request.query_params
    unknown = sorted(set(query) - {*_FIELDS, *NOT_ASKED})
    if unknown:
        raise HTTPException(400, f"There is no field {unknown[0]!r}. Give contest, unit, a and b.")
    missing = [name for name in _FIELDS if len(query.getlist(name)) != 1]
    if missing:
        raise HTTPException(
            400, f"Give one {missing[0]}. An example: /v1/compare?contest=mayor&unit=tr/34&a=aa&b=anka."
        )
    question = GapQuestion(*(query[name] for name in _FIELDS))
    try:
        run_state.catalogue.contest(question.contest)
        run_state.catalogue.source(question.a)
        run_state.catalogue.source(question.b)
        units = run_state.catalogue.units([question.unit])
    except Unknown as error:
        raise HTTPException(404, str(error)) from error
    if units != {question.unit}:
        raise HTTPException(400, f"{question.unit!r} is several units. Give one, such as {min(units)!r}.")
    if question.a == question.b:
        raise HTTPException(400, f"a and b are both {question.a!r}. Give two sources.")
    return question
