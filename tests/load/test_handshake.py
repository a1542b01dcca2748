import pytest
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from sandik.load.handshake import Handshake, Refused, reason, stream_uri
from schemas.errors import UsageError
from schemas.wire import PROTOCOL

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
