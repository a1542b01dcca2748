"""The address of a gateway's stream, when to connect to it again after a lost connection, and why it was refused. Pure.

`gateway/pages/client/retry.js` has the same rules in JavaScript.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit, urlunsplit

import orjson

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


FIRST_S: Final = 2.0
"""What docs/protocol.md asks of clients: a random moment of up to two seconds, twice as long after each failure."""

LONGEST_S: Final = 8.0
"""The longest pause: a screen should be right again soon, and by now the crowd is spread wide enough."""

_MOST_DOUBLINGS: Final = 16
_FIRST_SENT_AWAY: Final = 4500
_LAST_SENT_AWAY: Final = 4999


@dataclass(frozen=True, slots=True)
class Retry:
    """Full jitter: at random up to a limit that doubles with each failure, so that clients do not return in step."""

    first_s: float = FIRST_S
    longest_s: float = LONGEST_S

    def delay_s(self, failures: int, random: Callable[[], float]) -> float:
        """How long to wait after so many failures in a row; `random` gives numbers from 0 up to 1."""
        return random() * min(self.longest_s, self.first_s * (1 << min(failures, _MOST_DOUBLINGS)))


def may_reconnect(code: int) -> bool:
    """Whether a close code asks for another connection: 4500 to 4999 say that it would be no use."""
    return not _FIRST_SENT_AWAY <= code <= _LAST_SENT_AWAY


def reason_in(body: bytes) -> str:
    """What an answer over HTTP says: the gateway's own is {"error": …}; a proxy's is taken as it is."""
    reason = field_in("error", body)
    return str(reason) if reason is not None else body.decode(errors="replace")


def field_in(name: str, body: bytes) -> object:
    """A field of an answer over HTTP; `None` where it is no JSON object, or has none."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return answer.get(name) if isinstance(answer, dict) else None
