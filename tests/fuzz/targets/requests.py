"""Bytes on a real socket of a gateway: request lines, headers, queries, orders, streams of either kind.

Whatever comes, every answer is a good one of HTTP with a documented status; none is a 500, none shows a traceback;
what was not accepted has written nothing; and whoever else is connected is answered meanwhile.
"""

import asyncio
import logging
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import orjson

from eventlog.clock import Manual
from eventlog.run import RunTopics
from eventlog.sqlite.log import SqliteLog
from gateway.admission.handshake import AccessSettings, Limits, proxies
from schemas.control import Called, FigureOverridden, Held
from schemas.trust import encode_order
from tests.builders import counted
from tests.fuzz.target import Broken, Opened, Target, expect
from tests.gateway.attackers import OPENING, frame
from tests.gateway.gateways import FAST, RUN, make_run, publish, running, set_aside
from tests.gateway.nights import START, totals
from tests.gateway.tokens import HS256, token
from tests.patience import LIMIT_S
from tests.schemas.orders import order

STATUSES: Final = frozenset(
    {
        b"101",
        *(
            b"%d" % n
            for n in (
                200,
                202,
                204,
                206,
                304,
                400,
                401,
                403,
                404,
                405,
                406,
                409,
                413,
                414,
                416,
                421,
                426,
                429,
                431,
                451,
                503,
                505,
            )
        ),
    }
)
"""What docs/protocol.md and docs/security.md list, and what the server itself says of files and requests."""

SECRETS: Final = (b"Traceback", b'File "', b'.py"', b"site-packages", b"object at 0x")
"""What no answer holds."""

_LIMITS: Final = Limits(connections=4_096, connections_per_address=4_096)
_SETTINGS: Final = replace(
    FAST, access=AccessSettings(keys=(HS256,), trusted_proxies=proxies(["127.0.0.0/8"])), limits=_LIMITS
)
_NOW: Final = START + timedelta(minutes=10)
_PING: Final = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def _request(line: str, *headers: str) -> str:
    return "\r\n".join([f"{line} HTTP/1.1", *headers, "", ""])


def corpus() -> tuple[bytes, ...]:
    """Requests of every kind."""
    secret = token("operator", runs=("*",), now=START, lasts=timedelta(days=36_500))
    bearer = f"Authorization: Bearer {secret}"
    paths = (
        *("/", "/control", "/healthz", "/readyz", "/metrics", "/v1/totals", "/v1/definition", "/v1/boundaries"),
        *("/overlays/lead-board", "/static/client/index.js", "/v1/facts?contest=mayor&source=aa&unit=tr/34"),
        *("/v1/totals?contest=mayor&source=aa&unit=tr/34&at=2024-03-31T20:00:00%2B03:00", f"/v1/totals?token={secret}"),
        *("/v1/compare?one=aa&other=anka&contest=mayor&unit=tr/34", "/v1/rows.json?contest=mayor&source=aa&units=tr/*"),
        *("/v1/rows.csv?contest=mayor&top=3&decimal=,", "/v1/flat.json?contest=mayor&source=aa&unit=tr/34"),
        *("/v1/seats?contest=mayor&source=aa&unit=tr/34&members=12&quota=droop", "/v1/seats?members=45"),
    )
    host, sse = "Host: x", "Accept: text/event-stream"
    gets = [_request(f"GET {path}", host) for path in paths]
    gets += [
        _request("GET /v1/control", host, bearer),
        _request("GET /v1/totals", "Host: example.org:8765", 'If-None-Match: "9f2c-1", W/"x"', "Accept-Encoding: gzip"),
        _request("HEAD /v1/definition", host, "If-None-Match: *", "Range: bytes=0-4"),
        _request(
            "GET /static/main.js", host, "Range: bytes=0-4, 6-9", "If-Modified-Since: Sun, 31 Mar 2024 19:00:00 GMT"
        ),
        _request("OPTIONS /v1/totals", host, "Origin: http://x", "Access-Control-Request-Method: GET"),
        "GET /readyz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + _request("GET /healthz", host, "Connection: close"),
        _request("GET /v1/rows.json", host, "X-Forwarded-For: 1.2.3.4, [::1]:80", "Forwarded: for=_a"),
        _request("GET /v1/stream?contest=mayor&source=aa&units=tr,tr/*", host, sse, "Last-Event-ID: 9f2c:1"),
        _request("GET /v1/stream?id=s1&contest=mayor&source=aa&unit=tr", host, sse),
    ]
    called: dict[str, Any] = {"run": RUN, "epoch": "9f2c", "contest": "mayor"}
    figures = {"votes.kurum": 1}
    orders = (
        order(Held, **called, unit="tr/34"),
        order(Called, **called, unit="tr/34", candidate="kurum"),
        order(FigureOverridden, **called, source="aa", unit="tr/34/uskudar", figures=figures),
    )
    bodies = [encode_order(one, None).decode() for one in orders]
    posts = [
        _request(f"POST /v1/orders{query}", host, bearer, f"Content-Length: {len(body.encode())}") + body
        for body in bodies
        for query in ("?consider", "?confirm=a,b")
    ]
    ask = orjson.dumps({"type": "subscribe", "id": "s1", "contest": "mayor", "units": ["tr"], "source": "aa"})
    streams = [
        OPENING + b"\r\n" + frame(ask) + frame(b"", 0x89) + frame(b"\x03\xe8", 0x88),
        OPENING
        + b"Sec-WebSocket-Protocol: sandik.v1\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
        + frame(ask[:20], 0x01)
        + frame(ask[20:], 0x80),
        OPENING + bearer.encode() + b"\r\nOrigin: http://x\r\n\r\n" + frame(ask.replace(b"tr", b"tr/34/*")),
    ]
    return (*(one.encode() for one in (*gets, *posts)), *streams)


class Site:
    """A gateway with a night in it, and somebody else who is connected."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = AsyncExitStack()
        self.problems: list[str] = []
        self._may_be_written: deque[bytes] = deque(maxlen=200)
        """Inputs that were not refused: answered with an acceptance, or with nothing before somebody hung up."""

    async def begin(self) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self.problems.append(str(context)))
        clock = Manual(_NOW)
        self._log = await self._stack.enter_async_context(SqliteLog(self._folder / "night.db", clock))
        await make_run(self._log)
        await publish(
            self._log, totals(votes={"kurum": 3, "imamoglu": 4}), totals("tr/06/cankaya", {"kurum": 9}, version=1)
        )
        await set_aside(self._log, counted())
        gateway = await self._stack.enter_async_context(running(self._log, settings=_SETTINGS))
        self._port = gateway.port
        self._other = await asyncio.open_connection("127.0.0.1", self._port)
        self._control = RunTopics(RUN).control.name
        self._orders = (await self._log.end_offsets(self._control))[0]

    async def end(self) -> None:
        self._other[1].close()
        await self._stack.aclose()

    async def ask(self, data: bytes) -> None:
        """Send this on a connection of its own, and look at what comes back."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(data)
            await self._is_answered()
            await self._is_answered()
            if writer.can_write_eof() and not writer.transport.is_closing():
                writer.write_eof()
            received = await asyncio.wait_for(_rest(reader), LIMIT_S)
        except ConnectionError:
            received = b""
        finally:
            writer.transport.abort()
        await self._is_answered()
        accepted = judge(received)
        if accepted or not received:
            self._may_be_written.append(data)
        written = await self._written()
        expect(len(written) >= accepted, "an order was accepted, and not written")
        for value in written:
            expect(any(value in one for one in self._may_be_written), "an order was refused, and written")
        problems, self.problems = self.problems, []
        expect(not problems, f"on the loop: {problems}")

    async def _written(self) -> list[bytes]:
        """The orders that were written since the last look; of who has hung up, perhaps only some time later."""
        end = (await self._log.end_offsets(self._control))[0]
        found: list[bytes] = []
        async with self._log.reader(self._control, {0: self._orders}) as reader:
            while reader.positions[0] < end:
                for batch in await reader.read(max_records=100, wait_ms=1_000):
                    found += [record.value or b"" for record in batch.records]
        self._orders = end
        return found

    async def _is_answered(self) -> None:
        """Somebody else asks, and is answered."""
        reader, writer = self._other
        writer.write(_PING)
        answer = await asyncio.wait_for(reader.readuntil(b'{"alive":true}'), LIMIT_S)
        expect(answer.startswith(b"HTTP/1.1 200"), "somebody else is answered otherwise")


async def _rest(reader: asyncio.StreamReader) -> bytes:
    received = b""
    try:
        while data := await reader.read(1 << 16):
            received += data
    except ConnectionError:
        pass
    return received


def judge(received: bytes) -> int:
    """Whether all of it is answers as they are documented; how many of them accept an order."""
    for secret in SECRETS:
        expect(secret not in _heads_and_errors(received), f"an answer shows {secret!r}")
    accepted, left = 0, received
    while left.startswith(b"HTTP/1."):
        status = left[9:12]
        expect(status in STATUSES, f"an answer has the status {status!r}")
        accepted += status == b"202"
        if status == b"101":
            return accepted
        left = _behind_first(left)
    expect(not left, "what comes back is no answer of HTTP")
    return accepted


def _heads_and_errors(received: bytes) -> bytes:
    """What is no page and no script."""
    head, _, body = received.partition(b"\r\n\r\n")
    return head + (body if b"application/json" in head or b"text/plain" in head else b"")


def _behind_first(received: bytes) -> bytes:
    """What comes behind the first answer."""
    head, _, body = received.partition(b"\r\n\r\n")
    headers = {
        line.partition(b":")[0].strip().lower(): line.partition(b":")[2].strip() for line in head.split(b"\r\n")[1:]
    }
    if b"transfer-encoding" in headers:
        return b"" if b"\r\nHTTP/1." not in body else body[body.index(b"\r\nHTTP/1.") + 2 :]
    size = int(headers.get(b"content-length", b"0"))
    return body[size:] if not body.startswith(b"HTTP/1.") else body


@contextmanager
def opened() -> Iterator[Opened]:
    """With a gateway that listens on a loop of its own."""
    complaints: list[str] = []

    class Ears(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            complaints.append(self.format(record))

    ears = Ears(logging.ERROR)
    logging.getLogger().addHandler(ears)
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        site = Site(Path(folder))
        runner.run(site.begin())

        def check(data: bytes) -> None:
            runner.run(site.ask(data))
            if complaints:
                found = complaints.copy()
                complaints.clear()
                raise Broken(f"an error is logged: {found[0][-800:]}")

        try:
            yield Opened(corpus(), check)
        finally:
            runner.run(site.end())
            logging.getLogger().removeHandler(ears)
            logging.disable(before)


TARGET: Final = Target("requests", "bytes on a socket of a gateway", 30, opened, cpu_s=10)
