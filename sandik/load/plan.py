"""The plan of a load, the mix of subscriptions it is made from, and the messages between its processes.

A mix is a TOML file. The conductor and each of its processes send one another objects through a pipe (`PipeEnd`).
Call order for a process: `Ready`, wait for `Begin`, then a `Piece` each second, and `Done` as the last.
"""

import asyncio
import resource
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import Field, ValidationError

from producers.input_files import FileSection, parse_toml
from sandik.load.measurements import LoadFigures
from sandik.load.schedule import Schedule
from schemas.errors import UsageError
from schemas.fields import Id, first_fault
from schemas.wire import MAX_RATE_HZ, MAX_UNITS, Subscribe, SubscriptionId, UnitPattern

DEFAULT_MIX: Final = Path(__file__).with_name("mix.toml")
"""A night's newsrooms, for the simulator's İstanbul."""


class Share(FileSection):
    """`[[subscription]]`: what a client asks for; `weight` is its share of the clients, against the other weights."""

    weight: Annotated[float, Field(gt=0, le=1_000_000, strict=False)] = 1.0
    id: SubscriptionId = "load"
    contest: Id
    source: Id
    units: Annotated[tuple[UnitPattern, ...], Field(min_length=1, max_length=MAX_UNITS, strict=False)]
    max_rate_hz: Annotated[float, Field(gt=0, le=MAX_RATE_HZ, strict=False)] | None = None

    def message(self) -> Subscribe:
        """The subscription as the protocol has it."""
        return Subscribe(
            type="subscribe",
            id=self.id,
            contest=self.contest,
            source=self.source,
            units=self.units,
            max_rate_hz=self.max_rate_hz,
        )


class Mix(FileSection):
    """All shares of a mix."""

    subscription: Annotated[tuple[Share, ...], Field(min_length=1, max_length=1_000, strict=False)]

    def allot(self, clients: int) -> Iterator[int]:
        """The index of each client's share: every stretch of clients holds them as near to their weights as it can."""
        whole = sum(share.weight for share in self.subscription)
        owed = [0.0] * len(self.subscription)
        for _ in range(clients):
            for index, share in enumerate(self.subscription):
                owed[index] += share.weight / whole
            most = max(range(len(owed)), key=owed.__getitem__)
            owed[most] -= 1
            yield most


def read_mix(path: Path) -> Mix:
    """Read a mix. Raises `UsageError` for a file that is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read ({error}). --subscriptions wants a TOML file.") from error
    return parse_mix(text, str(path))


def parse_mix(text: str, name: str = "the mix") -> Mix:
    """Parse a mix. Raises `UsageError` that names the first thing that is wrong."""
    try:
        tree = parse_toml(text)
    except ValueError as error:
        raise UsageError(f"{name} is not TOML: {error}.") from error
    try:
        return Mix.model_validate(tree)
    except ValidationError as error:
        raise UsageError(
            f"{name}: {first_fault(error)}. Each [[subscription]] has contest, source and units, and may have "
            "weight, id and max_rate_hz; examples/load-mix.toml is one."
        ) from error


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


class PipeClosed(Exception):
    """The other side is gone."""


class PipeEnd:
    """One end. Use as a context manager; it closes the pipe."""

    def __init__(self, pipe: "Pipe[object, object]") -> None:
        self._pipe = pipe
        self._came: asyncio.Queue[object | PipeClosed] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()

    def __enter__(self) -> Self:
        self._loop.add_reader(self._pipe.fileno(), self._take)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.remove_reader(self._pipe.fileno())
        self._pipe.close()

    def send(self, message: object) -> None:
        """Send an object. Raises `PipeClosed` where the other side is gone."""
        try:
            self._pipe.send(message)
        except OSError as error:
            raise PipeClosed from error

    async def receive(self) -> object:
        """Return the next object. Raises `PipeClosed` once the other side is gone."""
        came = await self._came.get()
        if isinstance(came, PipeClosed):
            self._came.put_nowait(came)
            raise came
        return came

    def _take(self) -> None:
        try:
            while self._pipe.poll():
                self._came.put_nowait(self._pipe.recv())
        except (EOFError, OSError):
            self._loop.remove_reader(self._pipe.fileno())
            self._came.put_nowait(PipeClosed())
