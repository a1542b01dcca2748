"""A request to upgrade: read from its bytes where it is plainly written, and answered.

`read_plain` reads what browsers and libraries send, and nothing else: whatever is odd about a request is left to the
parser of HTTP, which then says what is wrong with it. `answer` has the library judge a request (RFC 6455 section 4.2),
once for all that say the same: of two clients of one kind only the keys differ.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Final, NamedTuple, cast

from uvicorn import Config
from uvicorn.server import ServerState
from websockets.datastructures import Headers
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.utils import accept_key

from gateway.admission.handshake import STREAM_PATH, Limits, RequestHead, refuse_head
from schemas.wire import PROTOCOL

LIBRARY_LOGGER: Final = logging.getLogger(__name__)
LIBRARY_LOGGER.setLevel(logging.WARNING)  # below that it writes down every connection, and every URL with its token

_EXTENSIONS: Final = (ServerPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True),)
"""Compression of each message by itself: our frames are shared, and no connection keeps a window of 32 KiB either way.

A client's message is unpacked up to `MAX_MESSAGE_BYTES` and no further.
"""


class UpgradeRequest(NamedTuple):
    """A request to upgrade as far as its empty line. Header names are in lower case."""

    method: str
    target: str
    """Path and query, as they were sent."""

    headers: Sequence[tuple[str, str]]

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for known, value in self.headers if known == name]

    def for_library(self) -> Request:
        """The request in the library's words. Raises `InvalidHeaderValue` for what no header may hold."""
        return Request(self.target, Headers(self.headers), self.method)


class Upgraded(asyncio.Protocol):
    """What takes a connection over whose request to upgrade was read."""

    __slots__ = ()

    def upgrade(self, request: UpgradeRequest) -> None:
        """Answer the request: let the client in, or say why not and end the connection."""
        raise NotImplementedError


def hand_over(
    transport: asyncio.Transport,
    request: UpgradeRequest,
    behind: bytes,
    config: Config,
    server_state: ServerState,
    app_state: dict[str, object],
) -> None:
    """Give a connection and its request to upgrade to whatever uvicorn was configured to have for that.

    `behind` is what came in one read with the request: frames of a client that does not wait for the answer.
    """
    make = cast("Callable[..., Upgraded]", config.ws_protocol_class)
    stream = make(config=config, server_state=server_state, app_state=app_state)
    stream.connection_made(transport)
    transport.set_protocol(stream)
    stream.upgrade(request)
    if behind and not transport.is_closing():
        stream.data_received(behind)


_PLAIN: Final = re.compile(
    rb"GET (%b(?:\?[A-Za-z0-9._~%%&=+*/,:;@!$'()-]*)?) HTTP/1\.1\r\n"
    rb"((?:[A-Za-z0-9-]+: [!-~](?:[ -~]*[!-~])?\r\n)+)\r\n" % re.escape(STREAM_PATH.encode())
)
_HEADER: Final = re.compile(rb"([^:]+): ([^\r]+)\r\n")
_CONNECTIONS: Final = ([b"Upgrade"], [b"upgrade"], [b"keep-alive, Upgrade"])
"""What Chromium, proxies and Firefox send."""


def read_plain(data: bytes, limits: Limits) -> UpgradeRequest | None:
    """The request for a stream that these bytes are; `None` for whatever else they are, and for one to be refused."""
    found = _PLAIN.fullmatch(data)
    if found is None:
        return None
    target = found[1]
    headers = [(name.lower(), value) for name, value in _HEADER.findall(found[2])]
    head = RequestHead("1.1", STREAM_PATH, len(target), headers)
    if (
        head.all(b"connection") not in _CONNECTIONS
        or head.all(b"upgrade") != [b"websocket"]
        or head.all(b"content-length")
        or refuse_head(head, limits) is not None
    ):
        return None
    return UpgradeRequest("GET", target.decode(), [(name.decode(), value.decode()) for name, value in headers])


class Accepted(NamedTuple):
    """The answer that lets a client in, and the extensions that were agreed on.

    Others that say the same have the same extensions: who uses one keeps its state in a copy.
    """

    answer: bytes
    extensions: Sequence[Extension]


_KEY: Final = re.compile(r"[A-Za-z0-9+/]{22}==")
"""Sixteen bytes in base64, as they are mostly written: the library takes a few more spellings."""

_ANY_KEY: Final = "AAAAAAAAAAAAAAAAAAAAAA=="
_KEY_HEADER: Final = "sec-websocket-key"
_JUDGED: Final = (
    "connection",
    "upgrade",
    "sec-websocket-version",
    "sec-websocket-extensions",
    "sec-websocket-protocol",
)
"""What the library looks at beside the key; which origins may come is for admission to say."""

_MAX_KINDS: Final = 64
"""Kinds of clients whose answer is kept: a browser or library in one release is one or two."""


def answer(request: UpgradeRequest, date: str | None) -> Accepted | Response:
    """Let the client in, or say with which answer it is turned away. `date` is the answer's, where it is known."""
    keys = request.all(_KEY_HEADER)
    if date is not None and len(keys) == 1 and _KEY.fullmatch(keys[0]):
        judged = tuple((name, value) for name, value in request.headers if name in _JUDGED)
        kind = _kind(request.method, judged)
        if kind is not None:
            parts = (kind.before_date, date, kind.before_key, accept_key(keys[0]), kind.rest)
            return Accepted("".join(parts).encode(), kind.extensions)
    library = handshake()
    response = library.accept(request.for_library())
    if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
        return response
    return Accepted(response.serialize(), library.extensions)


class _Kind(NamedTuple):
    """The answer to all clients that say the same, in its parts around the date and what is made of the key."""

    before_date: str
    before_key: str
    rest: str
    extensions: Sequence[Extension]
    """As they are negotiated: without context takeover none has a state before its first message."""


@lru_cache(maxsize=_MAX_KINDS)
def _kind(method: str, judged: tuple[tuple[str, str], ...]) -> _Kind | None:
    """How the library answers a request with these headers; `None` where it turns it away."""
    library = handshake()
    response = library.accept(UpgradeRequest(method, STREAM_PATH, [*judged, (_KEY_HEADER, _ANY_KEY)]).for_library())
    if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
        return None
    before_date, _, behind = response.serialize().decode().partition(response.headers["Date"])
    before_key, _, rest = behind.partition(accept_key(_ANY_KEY))
    return _Kind(before_date, before_key, rest, tuple(library.extensions))


def handshake() -> ServerProtocol:
    """What judges one request to upgrade."""
    return ServerProtocol(select_subprotocol=_select_subprotocol, extensions=_EXTENSIONS, logger=LIBRARY_LOGGER)


def _select_subprotocol(_: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Ours if the client names it; none otherwise, which a client that named another one takes as a refusal."""
    return Subprotocol(PROTOCOL) if PROTOCOL in offered else None
