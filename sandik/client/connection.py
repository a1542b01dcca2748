"""A night that a WebSocket feeds: it comes back by itself, goes on where it stopped, and notices silence.

The read token that a client brings is replaced before it expires. The election's definition is asked for by HTTP, the
one in force or an earlier version, as `gateway/pages/client/definition.js` does.
"""

import asyncio
import base64
import binascii
import inspect
import logging
import random as chance
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final, NamedTuple, Self, TypeVar
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit, urlunsplit
from urllib.request import Request, urlopen

import orjson
from pydantic import ValidationError
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.http11 import Response
from websockets.typing import Subprotocol

from eventlog.clock import Clock, Wall
from sandik.client.night import Change, News, Night, Retry, field_in, reason_in, stream_url, token_in
from sandik.client.subscription import Wanted
from schemas.definition import Election
from schemas.errors import StreamRefused
from schemas.wire import FROM_THE_SERVER, MAX_PAUSE_S, PROTOCOL, SERVER_MESSAGE, Error, Subscribe, Unsubscribe

Token = str | Path | Callable[[], str | Awaitable[str | None] | None] | None
"""The read token, or where to get the one of the moment: a file, or a function, which may be a coroutine's.

Files and functions are asked at each connection, and before the token that is in use expires.
"""

LEAD_S: Final = 60.0
"""How long before a token's end the next one is asked for: whoever makes tokens may be slow, or away for a moment."""

_LEAD_SHARE: Final = 0.1
"""Of a token that holds for less than ten minutes, the last tenth."""

_SHORTEST_S: Final = 1.0
_PARTS: Final = 3


async def current_token(token: Token) -> str | None:
    """The token of the moment, without the blanks around it.

    Raises whatever the file or the function does, and `ValueError` where it is nothing that a header can have.
    """
    given: object = token
    if isinstance(token, Path):
        given = token.read_text(encoding="utf-8-sig")
    elif callable(token):
        given = token()
        given = await given if inspect.isawaitable(given) else given
    if given is None:
        return None
    if not isinstance(given, str) or not given.strip().isascii() or len(given.split()) > 1:
        raise ValueError("what was given is not one word of ASCII, as a token is")
    return given.strip() or None


def is_asked_for(token: Token) -> bool:
    """Whether another one may come from where this one was got."""
    return isinstance(token, Path) or callable(token)


def expires_at(token: str | None) -> datetime | None:
    """When a token expires by its own words (`exp` of RFC 7519), unchecked; `None` where it does not say."""
    parts = (token or "").split(".")
    if len(parts) != _PARTS:
        return None
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (binascii.Error, ValueError, TypeError, LookupError, OverflowError, OSError):
        return None


def lead_s(token: str | None, now: datetime) -> float | None:
    """How long to wait before the next token is asked for, from now on; `None` where the token does not expire."""
    expires = expires_at(token)
    if expires is None:
        return None
    left_s = (expires - now).total_seconds()
    return max(0.0, left_s - min(LEAD_S, left_s * _LEAD_SHARE))


def pause_s(token: str | None, now: datetime) -> float:
    """How long to wait before it is asked for again, where there was no other one: half of the time that is left."""
    expires = expires_at(token)
    left_s = 0.0 if expires is None else (expires - now).total_seconds()
    return min(LEAD_S, max(_SHORTEST_S, left_s / 2))


OPENING_S: Final = 10.0
"""How long an attempt to connect may take: the gateway's own limit for the request."""

HELLO_S: Final = 30.0
"""How long a gateway that has no run yet may be silent; it says hello once it has one."""

CLOSING_S: Final = 1.0
"""How long a close may wait for its answer: nothing depends on it."""

MAX_MESSAGE_BYTES: Final = 64 * 1024 * 1024
"""A snapshot of every district of Türkiye with 49 candidates is 1.5 MiB; more than this is no message of ours."""

NOT_CLEAN: Final = 1006
"""What RFC 6455 section 7.4.1 calls a connection that ended without a close frame."""

_SENT_AWAY: Final = frozenset({400, 401, 403, 404})
"""Answers over HTTP that another attempt would only get again."""

_NOT_NOW: Final = frozenset({"expired", "not_yet"})
"""Codes of such an answer that another token would not get (docs/security.md)."""

_log = logging.getLogger(__name__)

Said = TypeVar("Said", bound=Any)


class _Dialled(NamedTuple):
    """A connection, and the token that it was opened with."""

    socket: ClientConnection
    token: str | None


class _Ended(NamedTuple):
    """How a connection ended: its close code and reason."""

    code: int
    reason: str


_NOT_CONNECTED: Final = (OSError, TimeoutError, InvalidHandshake, EOFError)
"""What keeps a connection from being opened, and may be over at the next attempt."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How long a connection waits for what. The defaults are what docs/protocol.md asks for."""

    retry: Retry = field(default_factory=Retry)
    opening_s: float = OPENING_S
    hello_s: float = HELLO_S


@asynccontextmanager
async def connect(
    url: str,
    *,
    subscriptions: Iterable[Wanted] = (),
    token: Token = None,
    clock: Clock | None = None,
    random: Callable[[], float] = chance.random,
    settings: Settings | None = None,
) -> AsyncIterator["LiveNight"]:
    """Connect to a gateway and stay connected until the block is left. `url` may be any address of it.

    `token` is the read token, or the file or the function that gives the one of the moment: asked at each connection,
    and before the token in use expires; then a connection with the next one takes this one's place.

    Raises:
        UsageError: `url` is no address of a gateway.
    """
    night = LiveNight(url, token=token, clock=clock or Wall(), random=random, settings=settings or Settings())
    for wanted in subscriptions:
        night.subscribe(wanted)
    following = asyncio.create_task(night.follow(), name="sandik.client")
    try:
        yield night
    finally:
        following.cancel()
        await asyncio.wait({following})
        night.closed()


class LiveNight(Night):
    """A `Night` with a connection. Iterate over it for changes: those that wait for the reader come as one."""

    def __init__(
        self, url: str, *, token: Token, clock: Clock, random: Callable[[], float], settings: Settings
    ) -> None:
        super().__init__(send=self._post, tell=self._hear, now=clock.monotonic, random=random, retry=settings.retry)
        self._url = stream_url(url)
        self._token = token if token is not None else token_in(url)
        self._renewed = asyncio.Event()
        self._sockets: set[ClientConnection] = set()
        self._clock = clock
        self._settings = settings
        self._outbox: deque[Subscribe | Unsubscribe] = deque()
        self._posted = asyncio.Event()
        self._changes: dict[tuple[str, str], dict[str, None]] = {}
        self._changed_or_ended = asyncio.Event()
        self._failure: Exception | None = None
        self._listeners: list[tuple[type[Any], Callable[[Any], None]]] = []

    def on(self, kind: type[Said], listener: Callable[[Said], None]) -> Callable[[], None]:
        """Hear of news of a kind (`Change`, `Pending`, `StatusChange`, `Hello`, `State`, `Event`, `Error`).

        Returns how to stop. What a listener raises is logged: whoever listens cannot end the connection.
        """
        pair = (kind, listener)
        self._listeners.append(pair)
        return lambda: self._listeners.remove(pair) if pair in self._listeners else None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Change:
        """The next change of what is shown; all changes of one contest and source since the last are one.

        Raises:
            StreamRefused: the gateway sent us away for good. What is shown stands.
        """
        while not self._changes:
            if self._failure is not None:
                raise self._failure
            if self.status == "closed":
                raise StopAsyncIteration
            self._changed_or_ended.clear()
            await self._changed_or_ended.wait()
        contest, source = next(iter(self._changes))
        return Change(contest, source, tuple(self._changes.pop((contest, source))))

    def closed(self) -> None:
        super().closed()
        self._changed_or_ended.set()

    def renew(self, token: Token = None) -> None:
        """Take a new read token, or without one ask for it where the last one came from.

        The connection stays until one with the new token is open and goes on from the cursors: nothing is shown as
        lost. Where there is none, it is tried at once.
        """
        if token is not None:
            self._token = token
        self._renewed.set()

    async def follow(self) -> None:
        """Stay connected until cancelled, or sent away. `connect` runs this."""
        try:
            while (delay_s := await self._connection_once()) is not None:
                await self._wait(delay_s)
        except Exception as error:  # noqa: BLE001  whoever iterates gets it, instead of a silence that never ends
            _log.exception("The connection to the gateway ended by a fault of ours.")
            self._failure = error
        self._changed_or_ended.set()

    async def _connection_once(self) -> float | None:
        """One connection from its beginning to its end. Returns how long to wait before the next; none for no next."""
        self.connecting()
        try:
            code, reason = await self._converse()
        except InvalidStatus as refused:
            response = refused.response
            if response.status_code in _SENT_AWAY and not self._may_bring_another(response):
                self.refuse(response.status_code)
                self._failure = StreamRefused(response.status_code, reason_in(_body(response)))
                return None
            self._heed(response.headers.get("Retry-After", ""))
            code, reason = NOT_CLEAN, ""
        except _NOT_CONNECTED:
            code, reason = NOT_CLEAN, ""
        delay_s = self.lose(code)
        if delay_s is None:
            self._failure = StreamRefused(code, reason)
        return delay_s

    def _may_bring_another(self, response: Response) -> bool:
        """Whether a token was refused only because of the hour, and there may be another one by now."""
        return is_asked_for(self._token) and field_in("code", _body(response)) in _NOT_NOW

    def _heed(self, retry_after: str) -> None:
        """RFC 9110 section 10.2.3; a date, which no gateway of ours sends, is not heeded."""
        if retry_after.isdecimal():
            self.come_back_after(min(float(retry_after), MAX_PAUSE_S))

    async def _converse(self) -> _Ended:
        """Connect and listen until the connection ends, or the last of those that took its place.

        Raises what `_dial` does, of the first.
        """
        now = await self._dial(await self._current_token())
        try:
            async with asyncio.TaskGroup() as farewells:
                while True:
                    self._outbox.clear()
                    self.opened()
                    after = await self._until_ended_or_succeeded(now)
                    if isinstance(after, _Ended):
                        return after
                    farewells.create_task(self._close(now.socket))
                    now = after
        finally:
            while self._sockets:
                await self._close(next(iter(self._sockets)))

    async def _close(self, socket: ClientConnection) -> None:
        self._sockets.discard(socket)
        await socket.close()

    async def _current_token(self) -> str | None:
        self._renewed.clear()
        try:
            async with asyncio.timeout(self._settings.opening_s):
                return await current_token(self._token)
        except Exception as error:
            _log.warning("No read token was given; it is asked for again. %s: %s", type(error).__name__, error)
            raise ConnectionError from error

    async def _dial(self, token: str | None) -> _Dialled:
        async with asyncio.timeout(self._settings.opening_s):
            socket = await open_socket(
                self._url,
                subprotocols=[Subprotocol(PROTOCOL)],
                additional_headers={"Authorization": f"Bearer {token}"} if token else {},
                ping_interval=None,  # the server's heartbeats are the sign of life
                open_timeout=None,
                close_timeout=CLOSING_S,
                max_size=MAX_MESSAGE_BYTES,
            )
        self._sockets.add(socket)
        return _Dialled(socket, token)

    async def _until_ended_or_succeeded(self, now: _Dialled) -> _Ended | _Dialled:
        """How this connection ended, or the one with a newer token that is to take its place."""
        talking = asyncio.create_task(self._talk(now.socket))
        succeeding = asyncio.create_task(self._successor(now.token))
        try:
            await asyncio.wait({talking, succeeding}, return_when=asyncio.FIRST_COMPLETED)
            return await (succeeding if succeeding.done() else talking)
        finally:
            talking.cancel()
            succeeding.cancel()
            await asyncio.wait({talking, succeeding})

    async def _talk(self, socket: ClientConnection) -> _Ended:
        async with asyncio.TaskGroup() as group:
            speaking = group.create_task(self._speak(socket))
            try:
                return await self._listen(socket)
            finally:
                speaking.cancel()

    async def _successor(self, token: str | None) -> _Dialled:
        """Connect beside the connection that there is, once its token is about to expire or another one was given."""
        delay_s = lead_s(token, self._clock.now()) if is_asked_for(self._token) else None
        while True:
            await self._wait(delay_s)
            try:
                following = await self._current_token()
                if following not in (None, token):
                    return await self._dial(following)
            except _NOT_CONNECTED:
                _log.warning("No connection with another read token yet; the one that there is goes on.")
            delay_s = pause_s(token, self._clock.now()) if is_asked_for(self._token) else None

    async def _wait(self, delay_s: float | None) -> None:
        """Return after so long (never, without a delay), or once another token was given."""
        renewed = asyncio.create_task(self._renewed.wait())
        timer = asyncio.create_task(self._ring_after(delay_s))
        try:
            await asyncio.wait({renewed, timer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            renewed.cancel()
            timer.cancel()
            await asyncio.wait({renewed, timer})

    async def _ring_after(self, delay_s: float | None) -> None:
        if delay_s is None:
            await asyncio.Event().wait()
        else:
            await self._clock.sleep(delay_s)

    async def _listen(self, socket: ClientConnection) -> _Ended:
        while True:
            try:
                async with asyncio.timeout(self.patience_s or self._settings.hello_s):
                    text = await socket.recv()
            except TimeoutError:
                socket.transport.abort()  # nobody is there to answer a close
                return _Ended(NOT_CLEAN, "")
            except ConnectionClosed as closed:
                return _Ended(*((closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (NOT_CLEAN, "")))
            self._read(text)

    async def _speak(self, socket: ClientConnection) -> None:
        try:
            while True:
                while self._outbox:
                    message = self._outbox.popleft()
                    await socket.send(message.model_dump_json(exclude_none=True))
                self._posted.clear()
                await self._posted.wait()
        except ConnectionClosed:
            pass  # the listener knows

    def _read(self, text: str | bytes) -> None:
        try:
            message = SERVER_MESSAGE.validate_json(text, context=FROM_THE_SERVER)
        except ValidationError as error:
            kind = _kind(text)
            if isinstance(kind, str) and kind in _KINDS:
                sentence = f"The gateway said something that is not in {PROTOCOL}: {error.errors()[0]['msg']}."
                self._hear(Error(type="error", code="malformed", message=sentence))
            return  # of a kind that we do not know: a newer server may say more
        self.receive(message)

    def _post(self, message: Subscribe | Unsubscribe) -> None:
        self._outbox.append(message)
        self._posted.set()

    def _hear(self, news: News) -> None:
        if isinstance(news, Change):
            units = self._changes.setdefault((news.contest, news.source), {})
            units.update(dict.fromkeys(news.units))
            self._changed_or_ended.set()
        for kind, listener in tuple(self._listeners):
            if isinstance(news, kind):
                try:
                    listener(news)
                except Exception:  # noqa: BLE001  whoever listens must not be able to end the connection
                    _log.exception("A listener for %s failed.", kind.__name__)


_KINDS: Final = frozenset(SERVER_MESSAGE.json_schema()["discriminator"]["mapping"])
"""Every type of message that this client knows."""


def _kind(text: str | bytes) -> object:
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return message.get("type") if isinstance(message, dict) else None


def _body(response: Response) -> bytes:
    return bytes(response.body or b"")


TIMEOUT_S: Final = 20.0
"""A definition of all Türkiye is some MiB: more than this is a stuck connection."""


def definition_url(url: str, version: int | None = None) -> str:
    """The address of the definition beside any address of a gateway. Raises `UsageError` where `url` is none."""
    parts = urlsplit(stream_url(url))
    scheme = {"ws": "http", "wss": "https"}[parts.scheme]
    query = urlencode({} if version is None else {"version": version})
    return urlunsplit((scheme, parts.netloc, "/v1/definition", query, ""))


async def fetch_definition(url: str, version: int | None = None, *, token: str | None = None) -> Election:
    """The definition in force, or an earlier version of it. `url` is any address of the gateway.

    Raises:
        UsageError: `url` is no address of a gateway.
        StreamRefused: the gateway has no such version, no run yet, or does not take the token.
        OSError: there is no gateway, or it does not answer in time.
    """
    given = token if token is not None else token_in(url)
    headers = {"Authorization": f"Bearer {given}"} if given else {}
    request = Request(definition_url(url, version), headers=headers)  # noqa: S310  a gateway's address alone
    return Election.model_validate_json(await asyncio.to_thread(_answer, request))


def _answer(request: Request) -> bytes:
    try:
        with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310  as above
            body: bytes = answer.read()
            return body
    except HTTPError as error:
        with error:
            raise StreamRefused(error.code, reason_in(error.read())) from error
    except HTTPException as error:
        raise ConnectionError(str(error)) from error
