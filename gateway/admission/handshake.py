"""The decision on admission: who is let in, from where, with what, and how much of it. No I/O.

Headers in, a grant or a refusal out. Both ways in ask here: HTTP requests in `routes.middleware`, requests for the
stream in `connections.websocket`.

`Limits` are on what anybody may ask of a gateway; what is counted for them are connections, and one client's rate.

Before all else, `refuse_head` holds every request over HTTP to one rule, for pages, figures and streams alike (RFC
9112, sections 2.3, 3.2 and 6):

- HTTP/1.1 with one proper Host, or HTTP/1.0 with one at most; nothing older, nothing newer.
- Streams of either kind are for HTTP/1.1 alone: HTTP/1.0 knows neither chunks nor upgrades.
- Not too long, and without a body, unless it is an order.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Literal, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import orjson

from gateway.admission.access import PUBLIC, Grant, Key, PublicAccess, RefusalCode, TokenCheck, TokenRefused
from schemas.errors import UsageError
from schemas.trust import MAX_ORDER_BYTES
from schemas.wire import MAX_MESSAGE_BYTES, MAX_SUBSCRIPTIONS

KIB: Final = 1024

_ROUNDING_S: Final = 1e-6
"""What may get lost when a burst is added up in seconds of a clock that has run for months."""

_V6_HOME_BITS: Final = 64
"""What one household or machine is given in IPv6: 2^64 addresses are one customer."""

_ADDRESSES_KEPT: Final = 1_024
"""Addresses that are not parsed again: each connection asks twice, and whoever comes back comes from where it was."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one gateway process takes. Times are of the gateway's clock."""

    connections: int = 16_000
    """Of 20,000 descriptors, a common limit per process, this leaves a fifth for files, the log and what is closing."""

    connections_per_address: int = 500
    """A newsroom or a university behind one address has some hundreds of screens. Loopback is not counted."""

    messages_per_s: float = 20
    """A person who clicks through districts makes two a second; a page that follows a slider, ten."""

    message_burst: int = 4 * MAX_SUBSCRIPTIONS
    """A reconnect sends every subscription at once (32), an impatient one again; pongs and fragments count as well."""

    bytes_per_s: float = 64 * KIB
    """Twenty messages a second of 3 KB, which is 30 unit ids each."""

    byte_burst: int = MAX_SUBSCRIPTIONS * MAX_MESSAGE_BYTES
    """Every subscription as long as it may be."""

    url_bytes: int = 4 * KIB
    """A token has up to 2 KiB, the 81 provinces as `unit=` 0.8 KiB."""

    header_bytes: int = 16 * KIB
    """Browsers send 1 to 2 KiB, a proxy adds as much; cookies of others on the same host up to 8 KiB."""

    headers: int = 100
    """Browsers and proxies together send some thirty."""


class Meter:
    """One client's rate limit: two token buckets, each kept as the one moment at which it will be full again."""

    __slots__ = ("_bytes_full_at", "_limits", "_messages_full_at")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._messages_full_at = 0.0
        self._bytes_full_at = 0.0

    def takes_message(self, now: float) -> bool:
        """Count one message or frame at `now` seconds; whether it is within the limits."""
        limits = self._limits
        self._messages_full_at = max(self._messages_full_at, now) + 1 / limits.messages_per_s
        return self._messages_full_at - now <= limits.message_burst / limits.messages_per_s + _ROUNDING_S

    def takes_bytes(self, size: int, now: float) -> bool:
        """Count so many bytes at `now` seconds; whether they are within the limits."""
        limits = self._limits
        self._bytes_full_at = max(self._bytes_full_at, now) + size / limits.bytes_per_s
        return self._bytes_full_at - now <= limits.byte_burst / limits.bytes_per_s + _ROUNDING_S


class ConnectionCounts:
    """Who is connected: counts by address, and of all."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._by_address: Counter[str] = Counter()
        self.total = 0

    def enter(self, address: str | None) -> Literal["full", "too_many"] | None:
        """Count a connection in, unless there are too many; then say of which kind.

        `None` stands for an address that is not to be limited: our own machine's, or a proxy's.
        """
        if self.total >= self._limits.connections:
            return "full"
        if address is not None:
            if self._by_address[address] >= self._limits.connections_per_address:
                return "too_many"
            self._by_address[address] += 1
        self.total += 1
        return None

    def leave(self, address: str | None) -> None:
        """Count out a connection that was counted in."""
        self.total -= 1
        if address is None:
            return
        self._by_address[address] -= 1
        if self._by_address[address] <= 0:
            del self._by_address[address]


@lru_cache(maxsize=_ADDRESSES_KEPT)
def counted_address(address: str | None) -> str | None:
    """What a client's address is counted as: an IPv6 network for its members, `None` for what is not limited."""
    try:
        parsed = ip_address((address or "").partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address):
        mapped = parsed.ipv4_mapped
        if mapped is None:
            return None if parsed.is_loopback else _home(parsed)
        parsed = mapped
    return None if parsed.is_loopback else str(parsed)


def _home(address: IPv6Address) -> str:
    return f"{IPv6Address(int(address) >> (128 - _V6_HOME_BITS) << (128 - _V6_HOME_BITS))}/{_V6_HOME_BITS}"


STREAM_PATH: Final = "/v1/stream"
ORDERS_PATH: Final = "/v1/orders"
"""The one place where something can be changed."""

ANY_ORIGIN: Final = "*"
NULL_ORIGIN: Final = "null"
"""What a browser says for a page from a file, as OBS shows them, and for whatever hides where it comes from."""

TOKEN_FIELD: Final = "token"  # noqa: S105  the name of a field
"""Where in the URL a token is brought: graphics tools cannot set headers, and neither can a browser for a stream."""

VIEW_FIELD: Final = "view"
"""Where in the URL a control room says that it wants to see what everybody sees."""

PROGRAM_VIEW: Final = "program"

_MAX_FIELDS: Final = 200
"""Fields in a query: 81 provinces, their districts by pattern, and a few more."""

_RETRY_AFTER_S: Final = "10"
"""A heartbeat: by then connections that are gone have been noticed."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_FORBIDDEN: Final = frozenset({"wrong_run", "wrong_audience"})
"""The bearer is known, but this is not for them: 403, where all other refusals of a token are 401."""

Network = IPv4Network | IPv6Network
Code = (
    RefusalCode
    | Literal["wrong_origin", "bad_request", "http_version", "too_large", "too_many", "full", "unknown_path"]
)


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """Who is let in. As it stands: everybody as the public, from pages of our own and from tools."""

    keys: tuple[Key, ...] = ()
    """By which tokens are checked; with none there is no control room."""

    public: PublicAccess = "open"
    origins: frozenset[str] = frozenset()
    """Whose pages may connect beside our own. The stream is the public's, but its bandwidth is the operator's."""

    trusted_proxies: tuple[Network, ...] = ()
    """Whose X-Forwarded-For is believed."""


@dataclass(frozen=True)
class Credentials:
    """What a request brings: its query, its headers, where it comes from. Header names are in lower case."""

    query: str
    headers: Sequence[tuple[str, str]]
    peer: str | None

    @cached_property
    def _fields(self) -> list[tuple[str, str]]:
        """The query's fields. Raises `ValueError` where they are too many."""
        return parse_qsl(self.query, keep_blank_values=True, max_num_fields=_MAX_FIELDS) if self.query else []

    @property
    def tokens(self) -> list[str]:
        """The tokens in the URL and in the header. Raises `ValueError` for a query with too many fields."""
        found = [value for name, value in self._fields if name == TOKEN_FIELD]
        for value in self.all("authorization"):
            scheme, _, token = value.strip().partition(" ")
            if scheme.lower() == "bearer":
                found.append(token.strip())
        return found

    @property
    def views(self) -> set[str]:
        """What is to be shown: `PROGRAM_VIEW`, or nothing for whatever whoever asks may see."""
        return {value for name, value in self._fields if name == VIEW_FIELD}

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for known, value in self.headers if known == name]


class Refusal(NamedTuple):
    """Why somebody is not let in, as HTTP says it."""

    status: int
    code: Code
    message: str
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def body(self) -> bytes:
        """The refusal as JSON."""
        return orjson.dumps({"error": self.message, "code": self.code})


class Handshake:
    """Decides for one gateway."""

    def __init__(self, settings: AccessSettings, run: str) -> None:
        self._settings = settings
        self._tokens = TokenCheck(settings.keys, run)

    def admit(self, brought: Credentials, now: datetime) -> Grant | Refusal:
        """What the token that somebody brings, or does not bring, lets them do."""
        try:
            tokens = brought.tokens
        except ValueError:
            return Refusal(400, "bad_request", f"The URL has more than {_MAX_FIELDS} fields. Use patterns for units.")
        if len(tokens) > 1:
            return Refusal(400, "two_tokens", "Bring one token: in the Authorization header or as ?token=, not both.")
        views = brought.views
        if not views <= {PROGRAM_VIEW}:
            message = f"Give {VIEW_FIELD}={PROGRAM_VIEW}, which is what is on air, or no {VIEW_FIELD}."
            return Refusal(400, "bad_request", message)
        try:
            grant = self._tokens.grant(tokens[0], now) if tokens else self._without_token()
        except TokenRefused as error:
            if error.code in _FORBIDDEN:
                return Refusal(403, error.code, str(error))
            return Refusal(401, error.code, str(error), (("www-authenticate", 'Bearer realm="sandik"'),))
        return replace(grant, program=True) if views and grant.allows("control_room") else grant

    def admit_to_stream(self, path: str, brought: Credentials, now: datetime) -> Grant | Refusal:
        """The same for whoever wants to have the stream: the right one, from a page that may."""
        if path != STREAM_PATH:
            return Refusal(404, "unknown_path", f"There is no stream at {path}. Connect to {STREAM_PATH}.")
        return self.refuse_origin(brought) or self.admit(brought, now)

    def refuse_origin(self, brought: Credentials) -> Refusal | None:
        """Whether a page of this origin may not connect. Whoever names none is no page."""
        if not brought.all("origin") or self.allowed_origin(brought):
            return None
        message = "Pages of this origin may not connect. The gateway's operator can allow it with --origin."
        return Refusal(403, "wrong_origin", message)

    def allowed_origin(self, brought: Credentials) -> str | None:
        """The page's origin, if it is allowed."""
        origins = brought.all("origin")
        if len(origins) != 1:
            return None
        origin = _plain_origin(origins[0])
        allowed = self._settings.origins
        if origin is not None and (origin in allowed or ANY_ORIGIN in allowed or _is_own(origin, brought.all("host"))):
            return origins[0]
        return None

    def counted_address(self, brought: Credentials) -> str | None:
        """The address that a connection counts for: the nearest that no proxy of ours has. `None` is not limited."""
        if not self.is_proxy(brought.peer):
            return counted_address(brought.peer)
        for part in reversed([part for line in brought.all("x-forwarded-for") for part in line.split(",")]):
            address = forwarded(part) if part.strip() else brought.peer
            if address is None:  # so that nobody gets around the limit with what is no address
                return brought.peer
            if not self.is_proxy(address):
                return counted_address(address)
        return None

    def is_proxy(self, address: str | None) -> bool:
        """Whether the address is one of our own proxies'."""
        if address is None or not self._settings.trusted_proxies:
            return False
        try:
            parsed = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(parsed, "ipv4_mapped", None)
        return any((mapped or parsed) in network for network in self._settings.trusted_proxies)

    def _without_token(self) -> Grant:
        if self._settings.public == "open":
            return PUBLIC
        raise TokenRefused("missing_token", "Bring a read token: Authorization: Bearer TOKEN, or ?token=TOKEN.")


def forwarded(text: str) -> str | None:
    """The address in one part of X-Forwarded-For, where it may stand with its port; `None` for what is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return text


def over_limit(connection_counts: ConnectionCounts, address: str | None) -> Refusal | None:
    """Count a connection in; or why it is not."""
    match connection_counts.enter(address):
        case "full":
            message = "This gateway has as many connections as it takes. Try another one, or come back later."
            return Refusal(503, "full", message, (("retry-after", _RETRY_AFTER_S),))
        case "too_many":
            message = "There are too many connections from this address. Close some, or share one."
            return Refusal(429, "too_many", message, (("retry-after", _RETRY_AFTER_S),))
        case _:
            return None


def peer_of(peername: object) -> str | None:
    """The address in what a transport calls its peer."""
    return str(peername[0]) if isinstance(peername, tuple) and peername else None


def origins(given: Iterable[str]) -> frozenset[str]:
    """Origins as an operator writes them. Raises `UsageError` for what is none."""
    return frozenset(_checked_origin(origin) for origin in given)


def proxies(given: Iterable[str]) -> tuple[Network, ...]:
    """Addresses and networks of proxies as an operator writes them. Raises `UsageError` for what is none."""
    try:
        return tuple(ip_network(text.strip()) for text in given)
    except ValueError as error:
        raise UsageError(f"{error}. Give a proxy's address or network, such as 10.0.0.0/24.") from error


def _checked_origin(text: str) -> str:
    if text == ANY_ORIGIN:
        return text
    plain = _plain_origin(text.rstrip("/"))
    if plain is None:
        raise UsageError(f"{text!r} is no origin. Give one such as https://results.example.org, or null, or *.")
    return plain


def _plain_origin(text: str) -> str | None:
    """The origin in lower case and without a port that goes without saying; `None` if it is none."""
    if text == NULL_ORIGIN:
        return text
    try:
        parts = urlsplit(text.lower())
        port = parts.port
    except ValueError:
        return None
    if not parts.scheme or not parts.hostname or parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return (
        f"{parts.scheme}://{host}"
        if port in {None, _DEFAULT_PORTS.get(parts.scheme)}
        else f"{parts.scheme}://{host}:{port}"
    )


def _is_own(origin: str, hosts: Sequence[str]) -> bool:
    """Whether the page came from where it now asks. Not by scheme: a proxy in front may have taken off the TLS."""
    scheme = origin.partition(":")[0]
    return len(hosts) == 1 and scheme in _DEFAULT_PORTS and _plain_origin(f"{scheme}://{hosts[0]}") == origin


_HOST: Final = re.compile(rb"(?:\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]*)?")
"""RFC 9110 section 7.2: `uri-host [ ":" port ]`, which may be empty."""


@dataclass(frozen=True, slots=True)
class RequestHead:
    """One request as far as its empty line. Header names are in lower case, `path` is decoded and has no query."""

    version: str
    """Such as `1.1`."""

    path: str
    url_bytes: int
    headers: Sequence[tuple[bytes, bytes]]

    def all(self, name: bytes) -> list[bytes]:
        """Every value of a header, without the blanks around it."""
        return [value.strip() for known, value in self.headers if known == name]


def refuse_head(head: RequestHead, limits: Limits) -> Refusal | None:
    """Why a request is not answered; `None` where it may be."""
    return _refuse_size(head, limits) or _refuse_version(head) or _refuse_host(head) or _refuse_body(head)


def too_large(what: str, status: int, limits: Limits) -> Refusal:
    """The refusal of a head with too much of something."""
    message = (
        f"The {what} of this request are over the limit: {limits.url_bytes} bytes of URL, "
        f"{limits.header_bytes} bytes in {limits.headers} headers. Send less."
    )
    return Refusal(status, "too_large", message)


def _refuse_size(head: RequestHead, limits: Limits) -> Refusal | None:
    if head.url_bytes > limits.url_bytes:
        return too_large("URL", 414, limits)
    size_bytes = sum(len(name) + len(value) for name, value in head.headers)
    if size_bytes > limits.header_bytes or len(head.headers) > limits.headers:
        return too_large("headers", 431, limits)
    return None


def _refuse_version(head: RequestHead) -> Refusal | None:
    if head.version == "1.1":
        return None
    if head.version != "1.0":
        return Refusal(505, "http_version", f"HTTP/{head.version} is not spoken here. Use HTTP/1.1.")
    if head.path == STREAM_PATH or head.all(b"upgrade"):
        message = "A stream needs HTTP/1.1. Where a proxy asks for you, set it to that (nginx: proxy_http_version 1.1)."
        return Refusal(505, "http_version", message)
    return None


def _refuse_host(head: RequestHead) -> Refusal | None:
    hosts = head.all(b"host")
    if len(hosts) > 1 or (not hosts and head.version == "1.1"):
        return Refusal(400, "bad_request", "A request over HTTP/1.1 names its host once. Send one Host header.")
    if hosts and not _HOST.fullmatch(hosts[0]):
        return Refusal(
            400, "bad_request", "The Host header is no host with an optional port, such as example.org:8765."
        )
    return None


def _refuse_body(head: RequestHead) -> Refusal | None:
    """Only an order has a body, and it says how long it is."""
    sizes = head.all(b"content-length")
    if head.all(b"transfer-encoding") or (head.path != ORDERS_PATH and any(size != b"0" for size in sizes)):
        return Refusal(413, "too_large", "Nothing here takes a body. Send the request without one.")
    if any(int(size) > MAX_ORDER_BYTES for size in sizes):  # the parser has seen to it that they are numbers
        return Refusal(413, "too_large", f"An order has at most {MAX_ORDER_BYTES} bytes. Give a shorter reason.")
    return None
