"""What a crowd of clients is told, and what it tells."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple


class Look(Enum):
    """What the crowd reads in a message besides its length."""

    NOTHING = auto()
    SENT_AT = auto()
    """The microseconds at which the message was due, which the feed wrote into `registered`."""
    ENTRIES = auto()
    SEQ = auto()


@dataclass(frozen=True)
class Plan:
    """Who connects where, and what they say. Client i says `says[i % len(says)]` once it is connected."""

    port: int
    clients: int
    request: bytes = b""
    """The request to upgrade; empty for a server that expects none."""
    says: Sequence[bytes] = ()
    counted: tuple[bytes, ...] = (b"",)
    """How the messages begin that are waited for; the others are counted as frames only."""
    look: Look = Look.NOTHING
    window: int = 256
    """How many connect at once."""
    weak_every: int = 0
    """Every so manieth client is one that will stall: the kernel holds little for it, and its waits are not noted."""


@dataclass
class Seen:
    """What came since the crowd was last asked."""

    frames: int = 0
    counted: int = 0
    bytes: int = 0
    entries: int = 0
    pings: int = 0
    lost: int = 0
    refused: int = 0
    """Attempts to connect that the server turned away; each was tried again, as the protocol's page asks."""
    seconds: float = 0
    waits_us: list[int] = field(default_factory=list)

    def add(self, other: "Seen") -> None:
        for name in ("frames", "counted", "bytes", "entries", "pings", "lost", "refused"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.seconds = max(self.seconds, other.seconds)
        self.waits_us += other.waits_us


class Order(NamedTuple):
    """What the harness asks of a crowd: a method of `Members` and its arguments."""

    method: str
    arguments: tuple[object, ...] = ()
