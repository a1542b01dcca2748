"""Limits on what anybody may ask of a gateway, and what is counted for them: connections, and one client's rate."""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final, Literal

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
