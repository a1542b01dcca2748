"""/v1/orders: an operator's order, signed in their browser, on its way into the control topic.

What goes into the log are the bytes that were sent: the signature is over them, and the gateway has no key of its own.
An order that would not count is refused here with the reason, before anything is written; whether it counts is then
said by every reader for itself, as ever.
"""

from collections.abc import Sequence
from typing import Final, Protocol

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from eventlog.clock import epoch_ms
from eventlog.port import Entry
from gateway.doors.answers import RETRY_AFTER_S, json_answer, world_of
from gateway.doors.doorkeeper import grant_of
from gateway.gateway import Gateway
from gateway.world import World
from schemas.control import Order
from schemas.errors import LogError, UsageError
from schemas.tally import Tally, encode

_CONFLICT: Final = 409
"""RFC 9110 section 15.5.10: it would be good, but not in the state that the run is in."""


class OrderLog(Protocol):
    """Where orders are written: as much of an event log as that takes."""

    async def append(self, topic: str, entries: Sequence[Entry]) -> None:
        """Append durably, or raise a `LogError`."""
        ...


class OrdersDoor:
    """The route of one gateway."""

    def __init__(self, gateway: Gateway, log: OrderLog) -> None:
        self._gateway = gateway
        self._log = log

    async def answer(self, request: Request) -> Response:
        """Write the order, and do what of it is done by writing."""
        if not grant_of(request).allows("operator"):
            raise HTTPException(
                403, "Orders take a token of scope operator. Ask for one: sandik token --scope operator."
            )
        world = world_of(self._gateway)
        value = await request.body()  # no longer than an order may be: the connection sees to that
        order = self._accepted(world, value)
        released = _released(world, order)
        try:
            await self._log.append(world.run.topics.control.name, [Entry(b"order", value)])
            if released is not None:
                entry = Entry(released.district.encode(), encode(released))
                await self._log.append(world.run.topics.tallies.name, [entry])
        except LogError as error:
            message = f"{error} The order may not have been carried out: look at the audit, then give it again."
            raise HTTPException(503, message, headers={"retry-after": RETRY_AFTER_S}) from error
        return json_answer(orjson.dumps({"ordered": order.type, "id": order.id, "by": order.by}), status=202)

    def _accepted(self, world: World, value: bytes) -> Order:
        """The order, which would count if it came now. Raises `HTTPException` for one that would not."""
        verdict = world.control.consider(value, epoch_ms(self._gateway.clock.now()))
        if verdict is None:
            message = "That is no order. See /v1/definition and docs/control-room.md for what orders say."
            raise HTTPException(400, message)
        if verdict.order is None:
            raise HTTPException(400, f"The order has no effect: {verdict.refusal}.")
        if verdict.refusal is not None:
            raise HTTPException(_CONFLICT, f"The order has no effect: {verdict.refusal}.")
        return verdict.order


def _released(world: World, order: Order) -> Tally | None:
    """What the order publishes again. Raises `HTTPException` where there is nothing that it could."""
    try:
        return world.quarantine.released_by(order)
    except UsageError as error:
        raise HTTPException(_CONFLICT, str(error)) from error
