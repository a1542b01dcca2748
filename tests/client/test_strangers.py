"""The Python client and servers that are not as they should be."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from sandik.client import LiveNight, Retry, Wanted, connect
from sandik.client.connection import Settings
from schemas.errors import StreamRefused
from schemas.wire import Error, Event, Hello, State
from tests.patience import LIMIT_S
from tests.proxy import proxy

SOON = Settings(Retry(0.01, 0.02), opening_s=LIMIT_S, hello_s=LIMIT_S)
HELLO = {"type": "hello", "protocol": "sandik.v1", "run": "r", "mode": "test", "epoch": "e", "seq": 0, "heartbeat_s": 9}
Answer = Callable[[ServerConnection, Request], Response | None]


@asynccontextmanager
async def server(*said: object, close: int = 1000, answer: Answer | None = None) -> AsyncIterator[str]:
    """A server that says this to everybody who comes, and then listens, or closes with a code."""

    async def speak(socket: ServerConnection) -> None:
        for message in said:
            await socket.send(message if isinstance(message, str) else orjson.dumps(message).decode())
        if close == 1000:
            await socket.wait_closed()
        else:
            await socket.close(close, "because")

    async with serve(speak, "127.0.0.1", 0, process_request=answer) as running:
        yield f"ws://127.0.0.1:{running.sockets[0].getsockname()[1]}"


async def hears(client: LiveNight, kind: type[Any]) -> Any:
    """The next news of a kind."""
    news: asyncio.Queue[Any] = asyncio.Queue()
    off = client.on(kind, news.put_nowait)
    async with asyncio.timeout(LIMIT_S):
        heard = await news.get()
    off()
    off()
    return heard


async def test_what_is_not_known_is_ignored_and_what_is_broken_is_told() -> None:
    said = ["[1", "[1]", {"type": "weather"}, {"type": "hello", "mode": 5}, HELLO]
    async with server(*said) as url, connect(url, settings=SOON) as client:
        fault, _ = await asyncio.gather(hears(client, Error), hears(client, Hello))
        assert ("malformed", None) == (fault.code, fault.id)
        assert "r" == client.run


async def test_a_word_of_a_newer_server_does_not_cost_the_message() -> None:
    """A state of a feed, a kind of event and a code that are not known yet are passed on as they came."""
    at = "2024-03-31T19:00:00+03:00"
    feeds = {
        "aa": {"state": "paused", "last_event": at, "age_s": 1},
        "anka": {"state": "live", "last_event": at, "age_s": 2},
    }
    state = {"type": "state", "seq": 1, "at": at, "feeds": feeds, "hold": ["mayor"]}
    event = {
        "type": "event",
        "event": "recount",
        "contest": "mayor",
        "source": "aa",
        "unit": "tr",
        "seq": 1,
        "as_of": at,
    }
    error = {"type": "error", "code": "too_tired", "message": "Come back tomorrow."}
    async with server(HELLO, state, event, error) as url, connect(url, settings=SOON) as client:
        heard = await asyncio.gather(hears(client, State), hears(client, Event), hears(client, Error))
        assert ["paused", "live"] == [feed.state for feed in client.feeds.values()]
        assert ("mayor",) == client.held
        assert ("recount", "too_tired") == (heard[1].event, heard[2].code)


async def test_a_code_from_4500_on_ends_it_with_the_reason() -> None:
    async with server(HELLO, close=4501) as url, connect(url, settings=SOON) as client:
        with pytest.raises(StreamRefused, match="4501: because") as refused:
            await asyncio.wait_for(anext(client), LIMIT_S)
        assert (4501, "refused") == (refused.value.code, client.status)


async def test_a_server_that_is_full_is_asked_again_when_it_said() -> None:
    asked: list[str | None] = []

    def answer(socket: ServerConnection, request: Request) -> Response | None:
        asked.append(request.headers.get("Authorization"))
        if len(asked) > 2:
            return None
        response = socket.respond(503, "full")
        response.headers["Retry-After"] = "0" if len(asked) == 1 else "Sun, 31 Mar 2024 19:00:00 GMT"
        return response

    issued = iter(["one", "two", None])
    async with server(HELLO, answer=answer) as url, connect(url, token=lambda: next(issued), settings=SOON) as client:
        await hears(client, Hello)
    assert ["Bearer one", "Bearer two", None] == asked


@pytest.mark.parametrize("said", ["no way", '{"error": "no way"}'])
async def test_who_is_sent_away_hears_what_the_answer_says(said: str) -> None:
    async with (
        server(answer=lambda socket, _: socket.respond(403, said)) as url,
        connect(url, subscriptions=[Wanted("mayor", "aa", ("tr",))], settings=SOON) as client,
    ):
        with pytest.raises(StreamRefused, match=r"403: no way\. Mend"):
            await asyncio.wait_for(anext(client), LIMIT_S)


async def test_a_fault_of_ours_is_raised_where_changes_are_read(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> float:
        raise ZeroDivisionError

    async with proxy(1) as line, connect(f"ws://127.0.0.1:{line.port}", random=broken, settings=SOON) as client:
        with pytest.raises(ZeroDivisionError):
            await asyncio.wait_for(anext(client), LIMIT_S)
    assert "fault of ours" in caplog.text


async def test_a_message_that_says_nothing_new_changes_nothing() -> None:
    """An answer for a subscription that nobody knows any more, and a delta without totals."""
    wanted = Wanted("mayor", "aa", ("tr",))
    about = {"contest": "mayor", "source": "aa", "epoch": "e", "seq": 4, "as_of": None, "totals": []}
    said = [
        HELLO,
        {"type": "snapshot", "id": "gone", **about},
        {"type": "delta", "id": "gone", "from": 0, "seq": 9, "as_of": None, "totals": []},
        {"type": "snapshot", "id": wanted.id, **about},
        {"type": "delta", "id": wanted.id, "from": 4, "seq": 6, "as_of": None, "totals": []},
        {"type": "error", "code": "unknown_unit", "message": "The end.", "id": None},
    ]
    async with server(*said) as url, connect(url, subscriptions=[wanted], settings=SOON) as client:
        assert "The end." == (await hears(client, Error)).message
        assert () == (await anext(client)).units
        assert 0 == client.gaps


@pytest.mark.parametrize(
    "message",
    [
        {"type": []},
        {"type": {}},
        {"type": "goodbye", "code": 1012, "retry_after_s": 1e300},
        {**HELLO, "heartbeat_s": 1e300},
        {**HELLO, "heartbeat_s": -1},
        {**HELLO, "heartbeat_s": 0},
    ],
)
async def test_nothing_that_a_server_says_freezes_a_client(message: dict[str, object]) -> None:
    """It goes on reading, and comes back in time."""
    async with server(message, HELLO, close=1012) as url, connect(url, settings=SOON) as client:
        for _ in range(2):
            assert "r" == (await hears(client, Hello)).run
        assert client.patience_s in {None, 27}
