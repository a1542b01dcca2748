"""What a client says first: the request to upgrade, and a masked frame."""

from typing import Final

import orjson

DEFLATE: Final = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
"""What browsers offer."""

CONTEST: Final = "mayor"
SOURCE: Final = "aa"
GREETING: Final = bytes([0x8A, 0])
"""How a server without a protocol says that it has accepted a client: a pong, which means nothing."""

PONG: Final = bytes([0x8A, 0x80, 0, 0, 0, 0])
"""An answer to a ping without a payload, masked with zeros."""


def bearer(token: str) -> dict[str, str]:
    """The header that a client proves itself with; none without a token."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def request(*, deflate: bool = False, token: str = "") -> bytes:
    """The request to upgrade."""
    extra = "".join(f"{name}: {value}\r\n" for name, value in bearer(token).items()) + (DEFLATE if deflate else "")
    return (
        "GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n{extra}\r\n"
    ).encode()


def subscribe(*units: str, since: tuple[str, int] | None = None) -> bytes:
    """A `subscribe`, as a masked frame."""
    ask: dict[str, object] = {
        "type": "subscribe",
        "id": "s1",
        "contest": CONTEST,
        "units": list(units),
        "source": SOURCE,
    }
    if since is not None:
        ask["since"] = {"epoch": since[0], "seq": since[1]}
    return masked(orjson.dumps(ask))


def masked(payload: bytes) -> bytes:
    """One text frame as a client sends it; a mask of zeros is a mask."""
    size = len(payload)
    length = bytes([0x80 | size]) if size <= 125 else bytes([0x80 | 126]) + size.to_bytes(2, "big")
    return bytes([0x81]) + length + bytes(4) + payload
