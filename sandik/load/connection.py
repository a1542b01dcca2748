"""One client's WebSocket connection: its socket, the opening handshake, the frames, and the asyncio protocol.

The handshake and the few frames that a client sends are the `websockets` library's. The reader of the server's frames
(RFC 6455 section 5.2: unmasked, no extension negotiated) is ours for its speed: with 10,000 clients on a machine, what
a library spends on a frame is taken from the gateway that is measured.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from typing import Final, cast

import orjson
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, InvalidURI, PayloadTooBig, ProtocolError
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import OPEN
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI, parse_uri

from sandik.load.clients import Client, LoadClients
from sandik.process import SPARE_FILES, allow_files
from schemas.errors import UsageError
from schemas.wire import PROTOCOL

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
"""The largest message taken: a snapshot of all of Türkiye's 1,055 units with 49 candidates each is 1 MB."""

_FINAL: Final = 0x80
_RESERVED: Final = 0x70
_OPCODE: Final = 0x0F
_MASKED: Final = 0x80
_WHOLE_TEXT: Final = _FINAL | Opcode.TEXT
_LENGTH_IN_16_BITS: Final = 126
_LENGTH_IN_64_BITS: Final = 127
_SHORT_HEAD: Final = 2
_CONTROL: Final = 0x8


class FrameReader:
    """Bytes in, messages out, each with its opcode: text, binary, ping, pong or close."""

    __slots__ = ("_held", "_message", "_opcode")

    def __init__(self) -> None:
        self._held = b""
        self._message: bytearray | None = None
        self._opcode = 0

    @property
    def is_between_messages(self) -> bool:
        """Whether the next byte begins a message: nothing is held of one that is not whole."""
        return not self._held and self._message is None

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The messages that are whole now. Raises `ProtocolError` or `PayloadTooBig` for what is no such frame."""
        if self._held:
            data = self._held + data
        messages: list[tuple[int, bytes]] = []
        at, size = 0, len(data)
        while size - at >= _SHORT_HEAD:
            first, length, start = data[at], data[at + 1], at + _SHORT_HEAD
            if length == _LENGTH_IN_16_BITS:
                start += 2
                length = int.from_bytes(data[at + 2 : start], "big")
            elif length == _LENGTH_IN_64_BITS:
                start += 8
                length = int.from_bytes(data[at + 2 : start], "big")
            elif length & _MASKED:
                raise ProtocolError("a server must not mask its frames")
            if size < start:
                break
            if length > MAX_MESSAGE_BYTES:
                raise PayloadTooBig(length, MAX_MESSAGE_BYTES)
            end = start + length
            if size < end:
                break
            at = end
            if first == _WHOLE_TEXT and self._message is None:
                messages.append((Opcode.TEXT, data[start:end]))
            else:
                messages += self._other(first, data[start:end])
        self._held = data[at:]
        return messages

    def _other(self, first: int, payload: bytes) -> list[tuple[int, bytes]]:
        """Anything but a whole text: control frames, and messages in several frames."""
        opcode = first & _OPCODE
        if first & _RESERVED:
            raise ProtocolError("reserved bits are set, but no extension was agreed")
        if opcode & _CONTROL:
            return [(opcode, payload)]
        if (opcode == Opcode.CONT) == (self._message is None):
            raise ProtocolError("a message begins within another, or goes on without a beginning")
        if self._message is None:
            self._message, self._opcode = bytearray(), opcode
        self._message += payload
        if len(self._message) > MAX_MESSAGE_BYTES:
            raise PayloadTooBig(len(self._message), MAX_MESSAGE_BYTES)
        if not first & _FINAL:
            return []
        message, self._message = bytes(self._message), None
        return [(self._opcode, message)]


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


CLIENTS_PER_ADDRESS: Final = 20_000
"""Linux gives connections to one address and port 28,232 ports by default; some may still be waiting to be free."""

STALLED_RECEIVE_BYTES: Final = 32 * 1024
"""What the kernel takes for a client that stalls. By default it is megabytes, and most stalls would go unnoticed."""

_LOOPBACK_ADDRESSES: Final = 254
_BIND_ADDRESS_NO_PORT: Final = 24
"""IP_BIND_ADDRESS_NO_PORT of Linux: bind the address now and leave the port to connect(), which can share them."""

Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


def allow_clients(clients: int) -> None:
    """Let this process open so many connections. Raises `UsageError` where the machine does not."""
    needed = clients + SPARE_FILES
    allowed = allow_files(needed)
    if allowed < needed:
        raise UsageError(
            f"{clients} clients in one process need {needed} open files, and this machine allows {allowed}. Use more "
            "--processes, or raise the limit (ulimit -Hn)."
        )


def resolve(host: str, port: int) -> Address:
    """Where to connect. Raises `UsageError` where there is no such host."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise UsageError(f"{host!r} cannot be found ({error.strerror}). Is the URL right?") from error
    return family, address


def open_socket(address: Address, client: int, *, stalls: bool) -> socket.socket:
    """A socket for a client, not connected yet; on loopback, each 20,000 clients come from an address of their own."""
    family, where = address
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setblocking(False)  # noqa: FBT003  the socket module's own
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if stalls:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, STALLED_RECEIVE_BYTES)
        source = client // CLIENTS_PER_ADDRESS
        if source and family == socket.AF_INET and ipaddress.ip_address(where[0]).is_loopback:
            made.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
            made.bind((f"127.0.0.{1 + source % _LOOPBACK_ADDRESSES}", 0))
    except OSError:
        made.close()
        raise
    return made


NOT_CLEAN: Final = 1006
"""What RFC 6455 section 7.4.1 calls a connection that ended without a close frame."""

_NORMAL: Final = 1000

OnLost = Callable[[Client, int], None]
"""Told when an open connection ended, with its close code."""


class Connection(asyncio.Protocol):
    """Opens with the handshake, subscribes from the client's cursor, and hands every text to the clients."""

    __slots__ = (
        "_client",
        "_code",
        "_handshake",
        "_leaving",
        "_load_clients",
        "_now",
        "_on_lost",
        "_reader",
        "_transport",
        "opened",
    )

    def __init__(
        self,
        client: Client,
        clients: LoadClients,
        handshake: Handshake | None,
        now: Callable[[], float],
        on_lost: OnLost,
    ) -> None:
        """A connection that opens with this handshake; without one, a stream that is open already."""
        self._client = client
        self._load_clients = clients
        self._handshake = handshake
        self._now = now
        self._on_lost = on_lost
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._code = NOT_CLEAN
        self._leaving = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if self._handshake is not None:
            self._transport.write(self._handshake.request())

    def data_received(self, data: bytes) -> None:
        now = self._now()
        client = self._client
        if self._reader.is_between_messages and self._load_clients.take_same(client, data, now):
            return
        client.size_bytes += len(data)
        self._load_clients.figures.size_bytes += len(data)
        try:
            if self._handshake is not None:
                data = self._open(self._handshake, data)
            begins = self._reader.is_between_messages
            messages = self._reader.feed(data)
            is_one = begins and len(messages) == 1 and self._reader.is_between_messages
            for opcode, payload in messages:
                if opcode == Opcode.TEXT:
                    self._load_clients.figures.frames += 1
                    self._load_clients.take(client, payload, now, data if is_one else None)
                else:
                    self._control(opcode, payload)
        except Refused as refused:
            self._fail(refused)
        except (ProtocolError, PayloadTooBig) as error:
            self._load_clients.figures.fault("unreadable", str(error))
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._handshake is not None:
            self._fail(exc or ConnectionResetError("closed before the stream was open"))
        elif not self._leaving:
            self._on_lost(self._client, self._code)

    # What the worker calls

    def pause(self) -> None:
        """Stop reading."""
        if self._transport is not None and not self._transport.is_closing() and self._transport.is_reading():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self._transport is not None and not self._transport.is_closing() and not self._transport.is_reading():
            self._transport.resume_reading()

    def leave(self) -> None:
        """Say goodbye and go, without waiting for an answer."""
        self._leaving = True
        if self._transport is not None:
            self._transport.write(_frame(Opcode.CLOSE, Close(_NORMAL, "").serialize()))
            self._transport.close()

    def abort(self) -> None:
        """Drop the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _open(self, handshake: Handshake, data: bytes) -> bytes:
        rest = handshake.feed(data)
        if rest is None:
            return b""
        self._handshake = None
        state = self._client.state
        ask = dict(state.subject.message)
        cursor = state.cursor
        if cursor is not None:
            ask["since"] = cursor.model_dump()
        self._send(Opcode.TEXT, orjson.dumps(ask))
        if not self.opened.done():
            self.opened.set_result(None)
        return rest

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == Opcode.PING:
            self._send(Opcode.PONG, payload)
        elif opcode == Opcode.CLOSE:
            self._code = Close.parse(payload).code
            self._send(Opcode.CLOSE, payload[:2])
            if self._transport is not None:
                self._transport.close()
        elif opcode == Opcode.BINARY:
            self._load_clients.figures.fault("unreadable", "a binary message")

    def _send(self, opcode: Opcode, payload: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(_frame(opcode, payload))

    def _fail(self, error: Exception) -> None:
        if not self.opened.done():
            self.opened.set_exception(error)
        self.abort()


def _frame(opcode: Opcode, payload: bytes) -> bytes:
    return Frame(opcode, payload).serialize(mask=True)
