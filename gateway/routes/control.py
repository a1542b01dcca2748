"""The control room: what an operator watches beside the figures (/v1/control), orders (/v1/orders), and works through.

An order is signed in the operator's browser, on its way into the control topic. What goes into the log are the bytes
that were sent: the signature is over them, and the gateway has no key of its own. An order that would not count is
refused here with the reason, before anything is written; whether it counts is then said by every reader for itself, as
ever. One that is to be confirmed is asked about: `?confirm=` with what the answer says confirms exactly that, so where
things have changed in between it is asked about anew. `?consider` asks what there would be to confirm, before anything
is signed, and writes nothing; `adds` are fields to add to the order.

Who is in the control room is whoever has looked at it in the last seconds; a page looks once a second. Each gateway
knows those that look at it: where several serve a run, operators of one room are sent to one of them, or each sees a
part.

The quarantine is worked through in groups of one reason, source and unit, and by page (/v1/quarantine). A night of one
broken feed sets aside hundreds of records at once. Groups are small enough for the control room to be told of all of
them each second; the records of one are asked for where somebody opens it. What is asked for is settled by orders, one
for each record: the positions of a whole selection are in its answer.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, Protocol

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from eventlog.port import Entry
from gateway.admission.access import Grant
from gateway.gateway import Gateway
from gateway.pages import graphic_fault
from gateway.routes.answers import RETRY_AFTER_S, Coded, json_answer, run_state_of
from gateway.routes.middleware import grant_of
from gateway.run_state import RunState
from schemas.asides import Override
from schemas.control import (
    Called,
    FigureOverridden,
    Order,
    OverrideWithdrawn,
    QuarantineReleased,
    Released,
    Taken,
    unknown_in,
)
from schemas.errors import LogError, UsageError
from schemas.graphics import GraphicListed, GraphicTaken, RundownOrder
from schemas.moments import epoch_ms
from schemas.quarantine import REPAIRABLE, Quarantined, statement_of
from schemas.tally import Tally, encode
from schemas.trust import Verdict
from schemas.wire import Scope
from tabulation.counting.quarantine import Quarantine
from tabulation.derived.alarms import race, shown_next
from tabulation.derived.facts import in_force_for
from tabulation.orders.confirmations import Question, changes, figure_of, impossible, instead_of, questions, unanswered
from tabulation.orders.control import Control, Rundown

HERE_FOR: Final = timedelta(seconds=10)
"""How long after its last look somebody still counts as here: as long as a page waits for an answer."""

MOST_HERE: Final = 50
"""More than a control room seats. Of more the newest are kept."""

MAX_NAME_CHARS: Final = 100


@dataclass(frozen=True, slots=True)
class Present:
    """Somebody in the room: whose token it is, and the name that they gave, which nobody has checked."""

    subject: str
    name: str
    scope: Scope


class Presence:
    """Who looked when."""

    def __init__(self) -> None:
        self._looked: dict[Present, datetime] = {}

    def note(self, grant: Grant, name: str, now: datetime) -> None:
        """Note that somebody looks."""
        who = Present(grant.subject or "", name.strip()[:MAX_NAME_CHARS], grant.scope)
        self._looked.pop(who, None)
        self._looked[who] = now
        while len(self._looked) > MOST_HERE:
            del self._looked[next(iter(self._looked))]

    def here(self, now: datetime) -> list[dict[str, object]]:
        """Who is here, by name."""
        self._looked = {who: looked for who, looked in self._looked.items() if now - looked <= HERE_FOR}
        return [asdict(who) for who in sorted(self._looked, key=lambda one: (one.name, one.subject, one.scope))]


SHOWN: Final = 100
"""Alarms and orders that one answer lists, the newest: as many as a screen can hold."""


class ControlEndpoint:
    """The route of one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._presence = Presence()

    async def answer(self, request: Request) -> Response:
        """How the run is held, and what waits for an operator."""
        grant = grant_of(request)
        _require_control_room(grant)
        run_state = run_state_of(self._gateway)
        now = self._gateway.clock.now()
        self._presence.note(grant, request.query_params.get("as", ""), now)
        who = {"scope": grant.scope, "subject": grant.subject, "here": self._presence.here(now)}
        body = orjson.dumps(self._state(run_state) | who)
        return json_answer(body, headers={"cache-control": "no-store"})

    def _state(self, run_state: RunState) -> dict[str, object]:
        gateway, run = self._gateway, run_state.run
        now = gateway.clock.now()
        return {
            "run": run.name,
            "mode": run.mode,
            "epoch": run.epoch,
            "seq": run_state.program.seq,
            "at": now,
            "signed_only": bool(gateway.settings.operators),
            "trusted": [
                key.fingerprint
                for key in gateway.settings.operators
                if key.trusted_until is None or now < key.trusted_until
            ],
            "unverified": [verdict.offset for verdict in gateway.unverified()],
            "unready": [reason.sentence for reason in gateway.unready()],
            "unready_because": [reason._asdict() for reason in gateway.unready()],
            "embargoed": gateway.embargo.is_in_force(now),
            "embargo": gateway.embargo.until,
            "hold": run_state.program.pending(),
            "overrides": [_standing(override, run_state) for override in run_state.program.overrides],
            "calls": [call.model_dump() for call in run_state.control.calls],
            "feeds": {source: feed.model_dump() for source, feed in gateway.feeds_now().items()},
            "alarms": [asdict(alarm) for alarm in islice(reversed(run_state.alarms.raised), SHOWN)],
            "quarantine": _of_quarantine(run_state.quarantine),
            "rundown": _rundown(run_state.control.rundown),
            "audit": [_described(verdict) for verdict in _newest(run_state.control)],
        }


def _rundown(rundown: Rundown) -> dict[str, object]:
    """What is listed, in its order; by channel which item is cued and what is on air."""
    return {
        "items": [{"item": one.item, "place": one.place, **one.graphic.model_dump()} for one in rundown.items],
        "cued": rundown.cued,
        "on_air": {
            channel: {**shown.graphic.model_dump(), "item": shown.item, "by": shown.by, "at": shown.at}
            for channel, shown in rundown.on_air.items()
        },
    }


def _newest(control: Control) -> list[Verdict]:
    """The newest orders, those of the rundown among them, which are counted apart."""
    found = [*islice(reversed(control.audit), SHOWN), *control.rundown_audit]
    return sorted(found, key=lambda verdict: verdict.offset, reverse=True)


def _standing(override: Override, run_state: RunState) -> dict[str, object]:
    """Figures set by hand, with what their source says of them now: `null` where it has reported nothing."""
    reported = run_state.program.on_air.reported(override.cell)
    now = None if reported is None else {name: figure_of(reported, name) for name in override.figures}
    return override.model_dump() | {"source_now": now}


def _described(verdict: Verdict) -> dict[str, object]:
    order = verdict.order.model_dump() if verdict.order is not None else {"type": None}
    return order | {
        "offset": verdict.offset,
        "key": verdict.key,
        "counts": verdict.counts,
        "kept": verdict.kept,
        "refusal": verdict.refusal,
    }


_CONFLICT: Final = 409
"""RFC 9110 section 15.5.10: it would be good, but not in the state that the run is in."""


NOT_CONFIRMED: Final = "not_confirmed"
"""The code of an answer that asks whether an order is meant."""


class OrderLog(Protocol):
    """Where orders are written: as much of an event log as that takes."""

    async def append(self, topic: str, entries: Sequence[Entry]) -> None:
        """Append durably, or raise a `LogError`."""
        ...


class OrdersEndpoint:
    """The route of one gateway."""

    def __init__(self, gateway: Gateway, log: OrderLog) -> None:
        self._gateway = gateway
        self._log = log
        self._letting_out = asyncio.Lock()

    async def answer(self, request: Request) -> Response:
        """Write the order, and do what of it is done by writing; or say what is to be confirmed."""
        grant = grant_of(request)
        if not grant.allows("operator"):
            raise Coded(
                403,
                "needs_operator",
                "Orders take a token of scope operator. Ask for one: sandik token --scope operator.",
            )
        value = await _body(request)
        if grant.has_expired(self._gateway.clock.now()):
            raise Coded(401, "expired", "The token expired before the whole order was here. Ask for a new one.")
        run_state = run_state_of(self._gateway)
        if "consider" in request.query_params:
            return json_answer(orjson.dumps(self._considered(run_state, _readable(self._judged(run_state, value)))))
        order = self._accepted(run_state, value)
        asked = unanswered(self._questions(run_state, order), _confirmed(request))
        if asked:
            return _not_confirmed(asked, _effect(run_state, order))
        answer = {
            "ordered": order.type,
            "id": order.id,
            "by": order.by,
            "changes": _effect(run_state, order)["changes"],
        }
        await self._write(run_state, order, value)
        return json_answer(orjson.dumps(answer), status=202)

    async def _write(self, run_state: RunState, order: Order, value: bytes) -> None:
        try:
            # One is let out after the other, so that the second has its place behind the first; nothing else waits.
            async with self._letting_out if isinstance(order, QuarantineReleased) else nullcontext():
                released = _released(run_state, order)
                await self._log.append(run_state.run.topics.control.name, [Entry(b"order", value)])
                if released is not None:
                    run_state.quarantine.apply_order(order)  # the next one comes after it, also before it is read
                    entry = Entry(released.district.encode(), encode(released))
                    await self._log.append(run_state.run.topics.tallies.name, [entry])
        except LogError as error:
            message = f"{error} The order may not have been carried out: look at the audit, then give it again."
            raise Coded(503, "log_failed", message, headers={"retry-after": RETRY_AFTER_S}) from error

    def _considered(self, run_state: RunState, order: Order) -> dict[str, object]:
        unknown = unknown_in(order, run_state.run.definition)
        if unknown is not None:
            raise Coded(_CONFLICT, "unknown", unknown)
        return {**_effect(run_state, order), **_asked(self._questions(run_state, order))}

    def _questions(self, run_state: RunState, order: Order) -> tuple[Question, ...]:
        """What is to be confirmed of an order that comes now. Raises `Coded` where it cannot be meant."""
        sentence = impossible(order) if isinstance(order, FigureOverridden) else None
        if sentence is not None:
            raise Coded(_CONFLICT, "impossible", sentence)
        if isinstance(order, RundownOrder):
            _check_rundown(run_state.control.rundown, order)
        _released(run_state, order)
        standing = in_force_for(order, run_state.program, run_state.control, self._gateway.clock.now())
        return questions(order, standing, run_state.run.mode)

    def _judged(self, run_state: RunState, value: bytes) -> Verdict | None:
        return run_state.control.consider(value, epoch_ms(self._gateway.clock.now()))

    def _accepted(self, run_state: RunState, value: bytes) -> Order:
        """The order, which would count if it came now. Raises `Coded` for one that would not."""
        verdict = self._judged(run_state, value)
        order = _readable(verdict)
        if verdict is not None and verdict.refusal is not None:
            raise Coded(_CONFLICT, "no_effect", f"The order has no effect: {verdict.refusal}.", why=verdict.refusal)
        return order


async def _body(request: Request) -> bytes:
    """The order's bytes: no more than one may have, the connection sees to that. Raises `Coded` for a part."""
    try:
        return await request.body()
    except ClientDisconnect:  # nobody is there to be told, and nothing is wrong with us
        raise Coded(400, "cut_off", "The order ended before its last byte. Send it again.") from None


def _readable(verdict: Verdict | None) -> Order:
    """The order that was judged. Raises `Coded` for what is none."""
    if verdict is None:
        message = "That is no order. See /v1/definition and docs/control-room.md for what orders say."
        raise Coded(400, "no_order", message)
    if verdict.order is None:
        raise Coded(400, "no_effect", f"The order has no effect: {verdict.refusal}.", why=verdict.refusal)
    return verdict.order


def _confirmed(request: Request) -> list[str]:
    return [one for given in request.query_params.getlist("confirm") for one in given.split(",")]


def _asked(asked: Sequence[Question]) -> dict[str, object]:
    """Questions as JSON, with what answers all of them."""
    return {
        "questions": [{"code": question.code, "sentence": question.sentence} for question in asked],
        "confirm": ",".join(question.token for question in asked),
    }


def _not_confirmed(asked: Sequence[Question], effect: dict[str, object]) -> Response:
    sentences = " ".join(question.sentence for question in asked)
    message = f"{sentences} Nothing was written. Ask again with ?confirm= and what 'confirm' says, if that is meant."
    body = {"error": message, "code": NOT_CONFIRMED, **effect, **_asked(asked)}
    return json_answer(orjson.dumps(body), status=_CONFLICT)


def _effect(run_state: RunState, order: Order) -> dict[str, object]:
    """Every figure that an order changes, before and after; how a race stands; fields that belong into the order."""
    on_air = run_state.program.on_air
    effect: dict[str, object] = {"changes": [], "adds": {}}
    if isinstance(order, FigureOverridden | OverrideWithdrawn):
        effect["changes"] = [change._asdict() for change in changes(order, on_air)]
    if isinstance(order, FigureOverridden):
        effect["adds"] = {"instead_of": instead_of(order, on_air)}
    if isinstance(order, Taken | Released):
        effect["changes"] = [change._asdict() for change in shown_next(order, run_state.program)]
    if isinstance(order, Called):
        effect["race"] = [standing._asdict() for standing in race(order, run_state.program)]
    return effect


def _check_rundown(rundown: Rundown, order: RundownOrder) -> None:
    """Raise `Coded` for an order of the rundown that would have no effect, or that no page could show."""
    why = rundown.why_not(order)
    if why is None and isinstance(order, GraphicListed | GraphicTaken):
        why = graphic_fault(order.overlay, order.parameters)
    if why is not None:
        raise Coded(_CONFLICT, "no_graphic", why, why=why)


def _released(run_state: RunState, order: Order) -> Tally | None:
    """What the order publishes again. Raises `Coded` where there is nothing that it could."""
    try:
        return run_state.quarantine.released_by(order)
    except UsageError as error:
        raise Coded(_CONFLICT, "not_releasable", str(error)) from error


_MAX_SHOWN_CHARS: Final = 500
"""How much of a quarantined record's bytes an answer repeats: a box with its 49 candidates."""

_FIELDS: Final = ("reason", "source", "unit", "text", "offset", "limit")


class QuarantineEndpoint:
    """The route of one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def answer(self, request: Request) -> Response:
        """A page of the records that wait and match, the newest first, with the positions of all that match."""
        _require_control_room(grant_of(request))
        queue = run_state_of(self._gateway).quarantine
        asked = _Asked.of(request.query_params)
        found = [record for record in queue.waiting if asked.matches(queue, record)]
        page = found[asked.offset : asked.offset + asked.limit]
        body = {
            "total": len(found),
            "offset": asked.offset,
            "records": [_waiting(queue, record) for record in page],
            "positions": [record.position.decode() for record in found],
            "releasable": [record.position.decode() for record in found if _is_releasable(queue, record)],
        }
        return json_answer(orjson.dumps(body), headers={"cache-control": "no-store"})


def _require_control_room(grant: Grant) -> None:
    """Raises `Coded` for whoever may not see what the public does not."""
    if not grant.allows("control_room"):
        raise Coded(
            403,
            "needs_control_room",
            "This is for the control room. Bring a token of scope control_room or operator.",
        )


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked for; `None` for any. A source or unit of "" is that of records of which it cannot be read."""

    reason: str | None
    source: str | None
    unit: str | None
    text: str
    offset: int
    limit: int

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "_Asked":
        """What a query says. Raises `HTTPException`."""
        unknown = sorted(query.keys() - {*_FIELDS, "token"})
        if unknown:
            raise HTTPException(400, f"There is no {', '.join(unknown)} here. Give any of {', '.join(_FIELDS)}.")
        return cls(
            query.get("reason"),
            query.get("source"),
            query.get("unit"),
            query.get("text", "").casefold(),
            _number("offset", query.get("offset", "0")),
            min(_number("limit", query.get("limit", str(SHOWN))), SHOWN),
        )

    def matches(self, queue: Quarantine, record: Quarantined) -> bool:
        reason, source, unit = _group_of(queue, record)
        if (self.reason or reason, self.source if self.source is not None else source) != (reason, source):
            return False
        if self.unit is not None and self.unit != unit:
            return False
        return not self.text or any(self.text in one.casefold() for one in _searched(record))


def _number(name: str, text: str) -> int:
    if not text.isdecimal() or len(text) > 6:  # noqa: PLR2004  no list here is a million long
        raise HTTPException(400, f"{text!r} is no {name}. Give a number, from 0 on.")
    return int(text)


def _searched(record: Quarantined) -> Iterator[str]:
    yield record.position.decode()
    yield record.detail
    yield record.original.decode(errors="replace")


def _group_of(queue: Quarantine, record: Quarantined) -> tuple[str, str, str]:
    found = queue.statement(record.position.decode())
    return (record.reason, "", "") if found is None else (record.reason, found.cell.source, found.cell.district)


def _groups(queue: Quarantine) -> list[dict[str, object]]:
    """What waits, by reason, source and unit, in an order that stays the same as records come and go."""
    counts: dict[tuple[str, str, str], list[int]] = {}
    for record in queue.waiting:
        found = counts.setdefault(_group_of(queue, record), [0, 0])
        found[0] += 1
        found[1] += _is_releasable(queue, record)
    return [
        {"reason": reason, "source": source, "unit": unit, "count": count, "releasable": releasable}
        for (reason, source, unit), (count, releasable) in sorted(counts.items())
    ]


def _of_quarantine(queue: Quarantine) -> dict[str, object]:
    """What the control room is told of the quarantine each second."""
    return {
        "waiting": queue.waiting_count,
        "skipped": queue.skipped,
        "changes": queue.changes,
        "reasons": queue.reasons,
        "groups": _groups(queue),
        "newest": [_waiting(queue, record) for record in islice(queue.waiting, SHOWN)],
        "uncounted": [_waiting(queue, record) for record in islice(queue.uncounted, SHOWN)],
    }


def _is_releasable(queue: Quarantine, record: Quarantined) -> bool:
    assessment = queue.assessment(record.position.decode())
    return record.reason in REPAIRABLE and (assessment is None or assessment.refusal is None)


def _waiting(queue: Quarantine, record: Quarantined) -> dict[str, object]:
    """One record: why it is set aside, what it says as far as it can be read, and what can be done about it."""
    position = record.position.decode()
    assessment, found = queue.assessment(position), queue.statement(position)
    return {
        "position": position,
        "reason": record.reason,
        "detail": record.detail,
        "releasable": _is_releasable(queue, record),
        "verdict": assessment.verdict if assessment is not None else None,
        "refusal": assessment.refusal if assessment is not None else None,
        "contest": found.cell.contest if found is not None else None,
        "source": found.cell.source if found is not None else None,
        "statement": statement_of(found).model_dump() if found is not None else None,
        "said": record.original[:_MAX_SHOWN_CHARS].decode(errors="replace"),
    }
