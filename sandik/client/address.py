"""Where a gateway's endpoints are, from any address of it: its page's, its stream's, or just its host. Pure."""

from typing import Final
from urllib.parse import parse_qs, urlsplit, urlunsplit

from schemas.errors import UsageError

_SCHEMES: Final = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


def stream_url(url: str) -> str:
    """The WebSocket's address.

    Raises:
        UsageError: `url` is no address of a gateway.
    """
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or not parts.netloc:
        raise UsageError(f"{url!r} is no address of a gateway. Give one such as ws://localhost:8765/v1/stream.")
    return urlunsplit((_SCHEMES[parts.scheme], parts.netloc, "/v1/stream", "", ""))


def token_in(url: str) -> str | None:
    """The read token that an address brings."""
    return next(iter(parse_qs(urlsplit(url).query).get("token", [])), None)
