"""The read token that a client brings, and when it has to be replaced."""

import base64
import binascii
import inspect
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import orjson

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
