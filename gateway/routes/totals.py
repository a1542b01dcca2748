"""/v1/totals: what the view holds, for whoever would rather ask than listen; with `at=…`, the totals of then.

Whoever asks about the past must be let in now, as for the present. They are then given what they were shown then: the
public what was on air, the control room all there was.

A gateway holds the present. The past is worked out from the log by whoever implements `History`, outside of the
gateway's event loop; here it is rationed: a night takes seconds of a processor, and anybody may ask.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Final, Protocol, Self
from zoneinfo import ZoneInfo

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.gateway import Gateway
from gateway.routes.answers import Answers, Asked, asked, digest_of, unless_held
from gateway.routes.middleware import embargoed, grant_of
from schemas.errors import LogError, LogUnavailable, SandikError, UsageError
from schemas.moments import epoch_ms, parse_moment
from schemas.totals import Row
from tabulation.on_air.held_units import HeldUnits

WAIT_S: Final = 20.0
"""How long one request waits for the answer: a night of İstanbul, two million tallies, takes about that."""

LIMIT_S: Final = 300.0
"""How long one moment may take: all of Türkiye, with two sources and three contests, some 2.5 million tallies."""

MAX_KEPT: Final = 4
"""Moments kept: at some 10 MB for a whole country each."""


@dataclass(frozen=True, slots=True)
class Past:
    """The totals as they stood at a moment: what was on air, and what the control room had.

    `hold` names what was held, `held` is each contest and unit of which a part was, and during an embargo nothing was
    on air. Of a replay one `take` is told, the present one: what an earlier one showed at that moment is not in it.
    `complaint` says which restrictions could not be verified, and count as if they had been.
    """

    at: datetime
    embargoed: bool
    hold: tuple[str, ...]
    held: frozenset[tuple[str, str]]
    on_air: tuple[Row, ...]
    control_room: tuple[Row, ...]
    take: int = 0
    complaint: str | None = None


class History(Protocol):
    """Works out the past of one run."""

    async def at(self, moment: datetime) -> Past:
        """The totals as they stood then. Raises `UsageError` where the run had not begun, `LogError` where it fails."""
        ...


class Busy(SandikError):
    """Another moment is being worked out, or this one is not ready yet. Ask again."""

    retriable = True


class Moments:
    """Rations a history. Use as an async context manager: on leaving, nothing goes on."""

    def __init__(self, history: History, *, wait_s: float = WAIT_S, limit_s: float = LIMIT_S) -> None:
        self._history = history
        self._wait_s = wait_s
        self._limit_s = limit_s
        self._kept: dict[tuple[str, datetime], Past] = {}
        self._asked: tuple[str, datetime] | None = None
        self._work: asyncio.Task[Past | SandikError] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait({self._work})

    async def at(self, moment: datetime, epoch: str) -> Past:
        """The totals as they stood at this moment. Raises `Busy`, or what the history raises.

        What is kept is of one `epoch`: a replay that goes back tells another take of the same moment.
        """
        asked = epoch, moment
        kept = self._kept.get(asked)
        if kept is not None:
            return kept
        if self._work is None or self._work.done():
            self._asked = asked
            self._work = asyncio.create_task(self._work_out(epoch, moment))
        elif self._asked != asked:
            raise Busy("Another moment is being worked out, and there is one at a time. Ask again in a while.")
        work = self._work
        await asyncio.wait({work}, timeout=self._wait_s)
        if not work.done():
            raise Busy("That moment is being worked out. Ask for it again in a while.")
        found = work.result()
        if isinstance(found, SandikError):
            raise found
        return found

    async def _work_out(self, epoch: str, moment: datetime) -> Past | SandikError:
        try:
            async with asyncio.timeout(self._limit_s):
                past = await self._history.at(moment)
        except TimeoutError:
            return LogUnavailable(f"That moment was not worked out within {self._limit_s:g} s. Try sandik at instead.")
        except SandikError as error:
            return error
        while len(self._kept) >= MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[epoch, moment] = past
        return past


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
        return self._answers.answer(request, question, lambda: _totals(question))


def _totals(question: Asked) -> bytes:
    contest, source, units = question.filters
    rows = question.view.rows(contest=contest, source=source, units=units)
    return orjson.dumps(question.head() | {"totals": [row._asdict() for row in rows]})


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
            "totals": [row._asdict() for row in rows if _is_asked(question, row)],
        }
    )


def _is_asked(question: Asked, row: Row) -> bool:
    contest, source, units = question.filters
    return contest in {None, row.contest} and source in {None, row.source} and (units is None or row.unit in units)
