"""The opening handshake of one connection, by the library; what comes after it is left to the frame reader."""

from typing import Final

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, InvalidURI
from websockets.protocol import OPEN
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI, parse_uri

from schemas.errors import UsageError
from schemas.wire import PROTOCOL

_HEAD_ENDS: Final = b"\r\n\r\n"

_MAX_HEAD_BYTES: Final = 64 * 1024
"""Response headers: some 200 bytes are usual; proxies add a few more."""


def stream_uri(url: str) -> WebSocketURI:
    """Where to connect. Raises `UsageError` for a URL that is none of a WebSocket."""
    try:
        return parse_uri(url)
    except InvalidURI as error:
        raise UsageError(f"{url!r} is no stream. Give for example ws://127.0.0.1:8765/v1/stream.") from error


def bearer(token: str) -> str:
    """The value of the Authorization header. In the URL the token would be a second one, which the gateway refuses."""
    return f"Bearer {token}"


class Refused(Exception):
    """The server did not open the stream; the text says how it answered, for example `HTTP 403`."""


class Handshake:
    """Asks for the stream; then takes bytes until the answer is whole."""

    __slots__ = ("_held", "_protocol")

    def __init__(self, uri: WebSocketURI, token: str | None) -> None:
        self._protocol = ClientProtocol(uri, subprotocols=[Subprotocol(PROTOCOL)])
        self._held = b""
        request = self._protocol.connect()
        if token is not None:
            request.headers["Authorization"] = bearer(token)
        self._protocol.send_request(request)

    def request(self) -> bytes:
        """What to send."""
        return b"".join(self._protocol.data_to_send())

    def feed(self, data: bytes) -> bytes | None:
        """The bytes after the answer, once that is whole; until then `None`. Raises `Refused`."""
        self._held += data
        end = self._held.find(_HEAD_ENDS)
        if end < 0:
            if len(self._held) > _MAX_HEAD_BYTES:
                raise Refused("endless headers")
            return None
        head, rest = self._held[: end + len(_HEAD_ENDS)], self._held[end + len(_HEAD_ENDS) :]
        status = head.split(b"\r\n", 1)[0].split(b" ")
        if status[1:2] != [b"101"]:
            raise Refused(f"HTTP {b' '.join(status[1:2]).decode(errors='replace')}")
        self._protocol.receive_data(head)
        if self._protocol.state is not OPEN:
            raise Refused(reason(self._protocol.handshake_exc))
        return rest


def reason(error: BaseException | None) -> str:
    """An error of opening, in a word or two: one kind of it is one text, so that kinds can be counted."""
    if isinstance(error, InvalidStatus):
        return f"HTTP {error.response.status_code}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
