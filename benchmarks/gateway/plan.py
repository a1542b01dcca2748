"""What a crowd of clients is told, and what it tells."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple


class Look(Enum):
    """What the crowd reads in a message besides its length."""

    NOTHING = auto()
    SENT_AT = auto()
    """The microseconds at which the message was due, which the feed wrote into `registered`."""
    ENTRIES = auto()
    POSITION = auto()
    """The number that a client comes back with."""


Resume = Callable[[int], bytes]
"""What a client says that comes back with this position; it can be pickled."""


@dataclass(frozen=True)
class Dialect:
    """How a server's clients speak with it. Client i says `says[i % len(says)]` once it is connected."""

    request: bytes = b""
    """The request to upgrade; empty for a server that expects none."""
    says: Sequence[bytes] = ()
    counted: tuple[bytes, ...] = (b"",)
    """How the messages begin that are waited for; the others are counted as frames only."""
    shares_frames: bool = False
    """Whether the server puts several messages into one frame when they wait for the same client."""
    position: bytes = b'"seq":'
    """What stands before a position in a message."""


@dataclass(frozen=True)
class Plan:
    """How many clients connect where, and what the crowd looks at."""

    port: int
    clients: int
    dialect: Dialect = Dialect()
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
