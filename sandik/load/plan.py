"""What the processes are told: the plan of a load before it begins, and what they say to one another while it runs."""

import resource
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sandik.load.figures import LoadFigures
from sandik.load.schedule import Schedule

PIECE_S: Final = 1.0
"""How often a process reports what it has measured since."""


@dataclass(frozen=True, slots=True)
class Stalling:
    """Which share of the clients stops reading, and for how long at a time; 0: for as long as it is measured."""

    share: float = 0.0
    cycle_s: float = 0.0

    def chosen(self, client: int) -> bool:
        """Whether this client stalls: evenly among all of them."""
        return int((client + 1) * self.share) > int(client * self.share)


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole load. Times are in seconds after its beginning."""

    url: str
    token: str | None
    clients: int
    processes: int
    ramp_s: float
    duration_s: float
    grace_s: float
    stalling: Stalling
    subscriptions: tuple[Mapping[str, Any], ...]
    units: tuple[frozenset[str], ...]
    """What each subscription's patterns stand for; only known, and needed, with a feed."""
    allotted: tuple[int, ...]
    """The index of each client's subscription."""
    schedule: Schedule | None
    wall_s: float
    """Seconds since 1970 when the monotonic clock stood at 0."""
    seed: int

    @property
    def end_s(self) -> float:
        """When measuring ends, unless it is told to stop earlier."""
        return self.ramp_s + self.duration_s


@dataclass(frozen=True, slots=True)
class Ready:
    """A process could begin."""


@dataclass(frozen=True, slots=True)
class Begin:
    """To a process: the monotonic time at which the load begins."""

    at: float


@dataclass(frozen=True, slots=True)
class Stop:
    """To a process: end early, so many seconds after the beginning."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Piece:
    """What a process measured in one second, counted from the beginning."""

    second: int
    connected: int
    figures: LoadFigures


@dataclass(frozen=True, slots=True)
class Done:
    """The last that a process says: CPU time that it took, or what made it give up."""

    cpu_s: float
    error: str | None = None


def cpu_s() -> float:
    """CPU time of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
