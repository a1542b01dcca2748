import resource
import socket
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from sandik.load import connection
from sandik.load.connection import (
    CLIENTS_PER_ADDRESS,
    STALLED_RECEIVE_BYTES,
    FrameReader,
    Handshake,
    Refused,
    allow_clients,
    open_socket,
    reason,
    resolve,
    stream_uri,
)
from sandik.process import SPARE_FILES
from schemas.errors import UsageError
from schemas.wire import PROTOCOL

SIZES = st.sampled_from([0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
FRAMES = st.lists(
    st.tuples(st.sampled_from([Opcode.TEXT, Opcode.BINARY, Opcode.PING, Opcode.CLOSE]), SIZES), max_size=5
)


def serialize(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin=fin).serialize(mask=False)


@given(FRAMES, st.lists(st.integers(0, 200_000), max_size=6))
def test_what_the_library_frames_is_read_however_it_is_cut(wanted: list[tuple[Opcode, int]], cuts: list[int]) -> None:
    messages = [(opcode, b"x" * (min(size, 125) if opcode >= Opcode.CLOSE else size)) for opcode, size in wanted]
    stream = b"".join(serialize(opcode, data) for opcode, data in messages)
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    reader = FrameReader()

    found = [message for a, b in pairwise(edges) for message in reader.feed(stream[a:b])]
    assert messages == found


def test_byte_by_byte_is_the_same() -> None:
    reader = FrameReader()
    stream = serialize(Opcode.TEXT, b"a" * 300) + serialize(Opcode.PING, b"")

    assert [(Opcode.TEXT, b"a" * 300), (Opcode.PING, b"")] == [
        message for byte in stream for message in reader.feed(bytes([byte]))
    ]


def test_a_message_in_parts_is_put_together_around_a_ping() -> None:
    stream = (
        serialize(Opcode.TEXT, b"one ", fin=False)
        + serialize(Opcode.PING, b"p")
        + serialize(Opcode.CONT, b"two ", fin=False)
        + serialize(Opcode.CONT, b"three")
        + serialize(Opcode.TEXT, b"next")
    )

    assert [(Opcode.PING, b"p"), (Opcode.TEXT, b"one two three"), (Opcode.TEXT, b"next")] == FrameReader().feed(stream)


@pytest.mark.parametrize(
    "stream",
    [
        b"\x81\x80\x00\x00\x00\x00",
        b"\xc1\x00",
        b"\x80\x00",
        b"\x01\x00\x81\x00",
        b"\x01\x00\x02\x00",
    ],
    ids=["masked", "compressed", "goes on from nothing", "text in a text", "binary in a text"],
)
def test_what_no_server_may_send_is_an_error(stream: bytes) -> None:
    with pytest.raises(ProtocolError):
        FrameReader().feed(stream)


def test_a_message_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAX_MESSAGE_BYTES", 10)
    for stream in (serialize(Opcode.TEXT, b"x" * 11), serialize(Opcode.TEXT, b"x" * 6, fin=False) + b"\x00\x06yyyyyy"):
        with pytest.raises(PayloadTooBig):
            FrameReader().feed(stream)


URL = "ws://127.0.0.1:8765/v1/stream"


def answer(handshake: Handshake, status: int = 101) -> tuple[Request, bytes]:
    """What the library's server makes of the request: the two sides joined without a socket."""
    server = ServerProtocol(subprotocols=[Subprotocol(PROTOCOL)])
    server.receive_data(handshake.request())
    (request,) = server.events_received()
    assert isinstance(request, Request)
    server.send_response(server.accept(request) if status == 101 else server.reject(status, "no"))
    return request, b"".join(server.data_to_send())


def test_the_stream_is_asked_for_and_what_follows_the_answer_is_kept() -> None:
    handshake = Handshake(stream_uri(URL), None)
    request, head = answer(handshake)
    frame = Frame(Opcode.TEXT, b"hello").serialize(mask=False)

    assert ("/v1/stream", PROTOCOL) == (request.path, request.headers["Sec-WebSocket-Protocol"])
    assert "Authorization" not in request.headers
    assert frame == handshake.feed(head + frame)


def test_an_answer_may_come_byte_by_byte() -> None:
    handshake = Handshake(stream_uri(URL), None)
    _, head = answer(handshake)

    assert [*[None] * (len(head) - 1), b""] == [handshake.feed(bytes([byte])) for byte in head]


def test_a_token_goes_into_the_header_alone() -> None:
    """The gateway refuses who brings two."""
    request, _ = answer(Handshake(stream_uri(URL), "a+b/c"))

    assert ("/v1/stream", "Bearer a+b/c") == (request.path, request.headers["Authorization"])


def test_a_refusal_says_how() -> None:
    handshake = Handshake(stream_uri(URL), None)
    _, head = answer(handshake, 403)

    with pytest.raises(Refused, match="HTTP 403"):
        handshake.feed(head)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"x" * 70_000,
    ],
    ids=["no proof", "no HTTP", "endless"],
)
def test_what_is_no_answer_is_refused(head: bytes) -> None:
    handshake = Handshake(stream_uri(URL), None)
    handshake.request()

    with pytest.raises(Refused):
        handshake.feed(head)


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "127.0.0.1:8765", "ws://"])
def test_a_url_of_something_else_says_what_one_looks_like(url: str) -> None:
    with pytest.raises(UsageError, match="/v1/stream"):
        stream_uri(url)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (TimeoutError(), "no answer in time"),
        (Refused("HTTP 503"), "HTTP 503"),
        (ValueError(), "ValueError"),
    ],
)
def test_errors_of_one_kind_have_one_text(error: Exception, text: str) -> None:
    assert text == reason(error)


@pytest.fixture
def limits() -> Iterator[tuple[int, int]]:
    """The limits of this process, put back afterwards."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_soft_limit_is_raised_as_far_as_is_needed(limits: tuple[int, int]) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, limits[1]))
    allow_clients(1000)

    assert 1000 + SPARE_FILES == resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_a_limit_that_is_enough_stays(limits: tuple[int, int]) -> None:
    allow_clients(1)

    assert limits == resource.getrlimit(resource.RLIMIT_NOFILE)


@pytest.mark.skipif(resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 0, reason="this machine has no limit")
def test_more_than_the_machine_allows_says_what_to_do(limits: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match="--processes"):
        allow_clients(limits[1])


def test_a_host_that_is_not_there_is_an_error() -> None:
    with pytest.raises(UsageError, match="cannot be found"):
        resolve("no-such-host.invalid", 80)


def test_many_clients_come_from_several_addresses_of_this_machine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = resolve("127.0.0.1", server.getsockname()[1])
        sources = []
        for number in (0, CLIENTS_PER_ADDRESS - 1, CLIENTS_PER_ADDRESS, 2 * CLIENTS_PER_ADDRESS):
            with open_socket(address, number, stalls=False) as client:
                client.setblocking(True)
                client.connect(address[1])
                sources.append(client.getsockname()[0])

    assert ["127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.3"] == sources


def test_a_client_that_stalls_holds_little_in_the_kernel() -> None:
    """Linux doubles what it is told, for its own bookkeeping."""
    with open_socket(resolve("127.0.0.1", 1), 0, stalls=True) as client:
        assert client.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) <= 2 * STALLED_RECEIVE_BYTES
