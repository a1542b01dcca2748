"""/v1/compare: how far two sources are apart in a unit, and why."""

import asyncio
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
from tabulation.counting.comparisons import Rolled
from tabulation.derived.explain import GapQuestion, explain, set_aside
from tabulation.view import View

FRESH_S: Final = 1.0
"""How long an answer is given again: comparisons come every few seconds, and a country takes some 20 ms to add up."""

MAX_ANSWERS_KEPT: Final = 256
"""Answers kept, at some 10 KB each: every district of a province, with room."""

_MAX_ROUNDS: Final = 3
"""How often a comparison is added up with turns for others between, in which something may come; then it is at once."""

_FIELDS: Final = ("contest", "unit", "a", "b")


class _Asked(NamedTuple):
    """A question: about which state of the run, and whether the public asks it."""

    run_state: RunState
    question: GapQuestion
    is_public: bool

    @property
    def view(self) -> View:
        """The view that answers it."""
        return self.run_state.view_for("public" if self.is_public else "control_room")

    @property
    def position(self) -> tuple[str, int, int]:
        """How far totals and comparisons are read."""
        return self.run_state.epoch, self.view.seq, self.run_state.comparisons.seq

    def set_aside(self) -> dict[str, SetAsideHere]:
        """By source, what it has said of the unit that is not in its figures."""
        return set_aside(self.run_state.quarantine.open, self.question, is_public=self.is_public)

    def roll_up(self) -> Rolled:
        """The unit's comparison, added up at once."""
        return self.run_state.comparisons.roll_up(*self.question, self.view.version)

    async def rolled_up(self) -> Rolled:
        """The same with turns for others between: true where the position is still the same."""
        rolling = self.run_state.comparisons.rolling_up(*self.question, self.view.version)
        while True:
            try:
                next(rolling)
            except StopIteration as ended:
                rolled: Rolled = ended.value
                return rolled
            await asyncio.sleep(0)


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
        asked = self._ask(request)
        kept = self._fresh(asked)
        for _ in range(_MAX_ROUNDS):
            if kept is not None:
                break
            position, rolled = asked.position, await asked.rolled_up()
            asked = self._ask(request)
            kept = self._fresh(asked) or (self._explain(asked, rolled) if asked.position == position else None)
        kept = kept or self._explain(asked, asked.roll_up())
        return unless_held(request, kept.body, kept.etag)

    def _ask(self, request: Request) -> _Asked:
        run_state = run_state_of(self._gateway)
        question = _question(request, run_state)
        is_public = grant_of(request).watches == "public"
        if is_public and run_state.program.is_held(question.contest, question.unit):
            raise HTTPException(
                403,
                f"A part of {question.unit!r} is on hold in {question.contest!r}, so its sources are compared for the "
                "control room only. Ask again once it is released.",
            )
        return _Asked(run_state, question, is_public)

    def _fresh(self, asked: _Asked) -> _Kept | None:
        """Return the answer that was given a moment ago, where it still holds."""
        kept = self._kept.get((asked.run_state.epoch, asked.is_public, asked.question))
        if kept is None or kept.until <= self._gateway.clock.monotonic() or kept.set_aside != asked.set_aside():
            return None
        return kept

    def _explain(self, asked: _Asked, rolled: Rolled) -> _Kept:
        run_state, question, is_public = asked
        aside = asked.set_aside()
        held = run_state.program.is_held(question.contest, question.unit)
        told = Told.ON_AIR if is_public else Told.CONTROL_ROOM
        about = run_state.run, run_state.epoch, asked.view, rolled, question
        body = explain(*about, told=told, held=held, set_aside=aside).model_dump_json().encode()
        if len(self._kept) >= MAX_ANSWERS_KEPT:
            self._kept.clear()
        etag = f'"{run_state.epoch}-{digest_of(body)}"'
        kept = _Kept(self._gateway.clock.monotonic() + FRESH_S, aside, etag, body)
        self._kept[run_state.epoch, is_public, question] = kept
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
