"""The plan of a load: the mix of subscriptions, which change of its feed is due when, what its processes are told.

A mix is a TOML file. The feed's schedule says which box changes when; it is known to the feeder and to every client
without a word between them. A change raises its box's `invalid` by exactly one. So the `invalid` of any unit, less what
was there before, is the number of its changes that are folded in, however many were left out on the way; and the
schedule says when each of them was meant to be published. Pure.

The conductor and each of its processes send one another objects through a pipe. Call order for a process: `Ready`, wait
for `Begin`, then a `Piece` of what it measured each second (see `outcome`), and `Done` as the last.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

from pydantic import Field, ValidationError

from producers.chance import seeded
from producers.input_files import FileSection, parse_toml
from schemas.definition import Election
from schemas.errors import UsageError
from schemas.fields import Id, first_fault
from schemas.totals import Cell
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


COUNTER: Final = "invalid"
"""The figure that counts changes: it is summed at every level, and nothing is derived from it."""


class BoxChange(NamedTuple):
    """One change: the `turn`-th (from 0) of the box that is `box`-th in its district."""

    cell: Cell
    box: int
    turn: int


@dataclass(frozen=True, slots=True)
class Track:
    """The changes of one unit in one contest and source, by one source: the places it has in the cycle."""

    places: tuple[int, ...]
    cycle: int
    base: int
    """What the counter showed before the first change."""

    def numbers(self, first: int, last: int) -> Iterable[int]:
        """The schedule's numbers of this unit's changes from the `first`-th up to, not including, the `last`-th."""
        for index in range(first, last):
            rounds, place = divmod(index, len(self.places))
            yield rounds * self.cycle + self.places[place]

    def among(self, changes: int) -> int:
        """How many of the schedule's first `changes` changes are this unit's."""
        rounds, rest = divmod(changes, self.cycle)
        return rounds * len(self.places) + bisect_left(self.places, rest)


@dataclass(frozen=True)
class Schedule:
    """Every change of a feed, in a cycle that is gone through again and again; `rate_hz` of them a second.

    Districts come as often as their boxes are many. Times are seconds after the first change.
    """

    rate_hz: float
    cells: tuple[Cell, ...]
    boxes: tuple[int, ...]
    above: Mapping[str, tuple[str, ...]]
    cycle: tuple[int, ...]
    bases: Mapping[Cell, int] = field(default_factory=dict)

    @classmethod
    def of(cls, definition: Election, rate_hz: float, seed: int, bases: Mapping[Cell, int] | None = None) -> "Schedule":
        """The schedule for every contest, source and district of a definition; `bases` is what the counters show."""
        districts = [unit for unit in definition.districts if unit.boxes_total]
        boxes_of = {unit.id: unit.boxes_total for unit in districts}
        smallest = min(boxes_of.values())
        cells = tuple(
            Cell(contest.id, source.id, unit.id)
            for contest in definition.contests
            for source in definition.sources
            for unit in districts
        )
        cycle = [index for index, cell in enumerate(cells) for _ in range(round(boxes_of[cell.district] / smallest))]
        seeded(seed, "load").shuffle(cycle)
        above = {unit.id: definition.ancestors[unit.id] for unit in districts}
        return cls(rate_hz, cells, tuple(boxes_of[cell.district] for cell in cells), above, tuple(cycle), bases or {})

    def due_s(self, number: int) -> float:
        """When a change is to be published."""
        return number / self.rate_hz

    def due_by(self, seconds: float) -> int:
        """How many changes are to be published before so many seconds are over."""
        return max(0, -int(-seconds * self.rate_hz // 1))

    def walk(self) -> Iterable[BoxChange]:
        """Every change, for ever."""
        turns = [0] * len(self.cells)
        while True:
            for index in self.cycle:
                turn, box = divmod(turns[index], self.boxes[index])
                turns[index] += 1
                yield BoxChange(self.cells[index], box, turn)

    def tracks(self, contest: str, source: str, units: Iterable[str]) -> dict[str, Track]:
        """The tracks of these units; a unit without boxes has none."""
        places: dict[str, list[int]] = {unit: [] for unit in units}
        bases = dict.fromkeys(places, 0)
        mine = [(cell.contest, cell.source) == (contest, source) for cell in self.cells]
        for place, index in enumerate(self.cycle):
            if mine[index]:
                for unit in self._units(index) & places.keys():
                    places[unit].append(place)
        for index, cell in enumerate(self.cells):
            if mine[index]:
                for unit in self._units(index) & places.keys():
                    bases[unit] += self.bases.get(cell, 0)
        return {unit: Track(tuple(at), len(self.cycle), bases[unit]) for unit, at in places.items() if at}

    def _units(self, index: int) -> set[str]:
        district = self.cells[index].district
        return {district, *self.above[district]}


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
class Done:
    """The last that a process says: CPU time that it took, or what made it give up."""

    cpu_s: float
    error: str | None = None
