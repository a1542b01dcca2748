"""What happens while an answer is being worked out: it is given only if it may still be when it is ready."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eventlog.clock import Manual
from eventlog.run import Run, RunTopics
from gateway.admission.handshake import AccessSettings
from gateway.gateway import Gateway
from gateway.recall import Moments, Past
from gateway.routes.application import application
from gateway.routes.middleware import AdmissionMiddleware
from gateway.settings import GatewaySettings
from tabulation.orders.effects import Embargo
from tests.gateway.nights import START, Written, election, totals
from tests.gateway.tokens import HS256, token

SECRET = "votes 1136"  # noqa: S105  a figure


class Night:
    """A gateway on a clock by hand, and doors that take their time: meanwhile `happens` is done."""

    def __init__(self, happens: str) -> None:
        self.clock = Manual(START)
        self.gateway = Gateway("night", clock=self.clock, settings=GatewaySettings(access=AccessSettings((HS256,))))
        self.gateway.begin(Run(RunTopics("night"), "live", "9f2c", election()))
        self.gateway.fold([Written(0, totals().encode(), key=totals().cell.key())])
        self.gateway.caught_up()
        self.happens = happens

    def wait(self) -> None:
        if self.happens == "an embargo begins":
            self.gateway.set_embargo(Embargo())
        elif self.happens == "the token expires":
            self.clock.advance(7_200)

    async def at(self, moment: datetime) -> Past:
        self.wait()
        return Past(moment, embargoed=False, hold=(), held=frozenset(), on_air=(), control_room=())

    async def slow_door(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.wait()
        await Response(SECRET)(scope, receive, send)

    async def door_in_parts(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def parts() -> Any:
            for word in SECRET.split():
                yield word

        self.wait()
        await StreamingResponse(parts())(scope, receive, send)

    async def ask(self, app: ASGIApp, path: str, *, brings: str | None = None, method: str = "GET") -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        headers = {"authorization": f"Bearer {brings}"} if brings else {}
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.request(method, path, headers=headers)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/v1/totals", "/v1/added-later"])
async def test_no_door_answers_the_public_once_an_embargo_has_begun(path: str, method: str) -> None:
    night = Night("an embargo begins")
    for app in (night.slow_door, night.door_in_parts):
        night.gateway.set_embargo(replace(Embargo(), lifted=True))
        answer = await night.ask(AdmissionMiddleware(app, night.gateway), path, method=method)

        assert 451 == answer.status_code
        assert SECRET.split(maxsplit=1)[0] not in answer.text
        assert "no-store" == answer.headers["cache-control"]


async def test_an_answer_in_blocks_is_cut_off_where_an_embargo_begins() -> None:
    """What was sent before it had begun was true then; nothing follows."""
    night = Night("an embargo begins")
    sent: list[Message] = []

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"before", "more_body": True})
        night.wait()
        await send({"type": "http.response.body", "body": SECRET.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def receive() -> Message:
        raise AssertionError("nothing is read")

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/v1/totals", "headers": [], "query_string": b""}
    await AdmissionMiddleware(app, night.gateway)(scope, receive, send)
    assert [b"", b"before"] == [message.get("body", b"") for message in sent]


async def test_a_moment_that_took_long_is_not_told_once_an_embargo_has_begun() -> None:
    night = Night("an embargo begins")
    async with Moments(night) as moments:
        app = application(night.gateway, moments=moments)
        public = await night.ask(app, "/v1/totals?at=20:00")
        inside = await night.ask(app, "/v1/totals?at=20:00", brings=token(now=START))

    assert (451, 200) == (public.status_code, inside.status_code)


async def test_nobody_is_answered_by_a_grant_that_has_expired_meanwhile() -> None:
    night = Night("the token expires")
    text = token(now=START, lasts=timedelta(hours=1))
    answer = await night.ask(AdmissionMiddleware(night.slow_door, night.gateway), "/v1/control", brings=text)

    assert (401, "expired") == (answer.status_code, answer.json()["code"])
    assert SECRET not in answer.text


async def test_what_is_free_of_figures_is_answered_during_an_embargo() -> None:
    night = Night("an embargo begins")
    answer = await night.ask(AdmissionMiddleware(night.slow_door, night.gateway), "/v1/definition")

    assert (200, SECRET) == (answer.status_code, answer.text)


async def test_an_order_is_refused_where_the_token_expired_before_it_was_all_there() -> None:
    night = Night("the token expires")
    written: list[object] = []

    class Log:
        async def append(self, topic: str, entries: object) -> None:
            written.append((topic, entries))

    async def body() -> Any:
        yield b"{"
        night.wait()
        yield b"}"

    transport = httpx.ASGITransport(app=application(night.gateway, log=Log()))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        headers = {"authorization": f"Bearer {token('operator', now=START)}"}
        answer = await client.post("/v1/orders", content=body(), headers=headers)

    assert (401, []) == (answer.status_code, written)
