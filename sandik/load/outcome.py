"""How a load went: the figures of all processes together, second by second and in all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from sandik.load.figures import LoadFigures
from sandik.load.histogram import Histogram
from sandik.load.plan import Piece, Plan

Measure = Literal["behind", "newest", "none"]
"""Which latency counts: since a change was due (a feed of ours), since its event time (somebody's), or none."""

_SETTLED_AFTER_SECONDS: Final = 3
"""Pieces of one second come from all processes within so many; later ones only count in all."""

_HOT: Final = 0.9
"""A process that uses so much of a core is late itself."""


@dataclass(frozen=True, slots=True)
class Second:
    """One second of a load. Times in microseconds; `None` where nothing was timed."""

    second: int
    connected: int
    frames: int
    size_bytes: int
    fed: int
    p50_us: int | None
    p99_us: int | None


@dataclass(slots=True)
class Outcome:
    """Takes the processes' pieces while the load runs; then says how it went."""

    plan: Plan
    figures: LoadFigures = field(default_factory=LoadFigures)
    seconds: list[Second] = field(default_factory=list)
    elapsed_s: float = 0.0
    interrupted: bool = False
    cpu_s: list[float] = field(default_factory=list)
    feeder_cpu_s: float | None = None
    errors: list[str] = field(default_factory=list)
    _open: dict[int, LoadFigures] = field(default_factory=dict)
    _connected_at: dict[int, int] = field(default_factory=dict)
    _connected: dict[int, int] = field(default_factory=dict)

    def take(self, process: int, piece: Piece) -> None:
        """A process reported what it measured in a second."""
        self.figures.add(piece.figures)
        self._connected[process] = piece.connected
        settled = self.seconds[-1].second if self.seconds else -1
        if piece.second > settled:
            self._open.setdefault(piece.second, LoadFigures()).add(piece.figures)
            self._connected_at[piece.second] = self.connected
        while self._open and min(self._open) <= piece.second - _SETTLED_AFTER_SECONDS:
            self._settle()

    def lose(self, process: int) -> None:
        """A process died, and its clients with it."""
        self.errors.append("A process of the load tester died.")
        self._connected.pop(process, None)

    def settle(self) -> None:
        """Nothing more comes."""
        while self._open:
            self._settle()

    @property
    def connected(self) -> int:
        """How many clients are connected, as last heard."""
        return sum(self._connected.values())

    @property
    def measure(self) -> Measure:
        """Which latency this load can state."""
        if self.plan.schedule is not None:
            return "behind"
        return "newest" if self.figures.newest.count > self.figures.unreal else "none"

    @property
    def latency(self) -> Histogram:
        """The latency that counts."""
        return self.figures.behind if self.measure == "behind" else self.figures.newest

    @property
    def feed_arrived(self) -> bool:
        """Whether any change of the feed was ever seen."""
        return self.plan.schedule is None or self.figures.behind.count > 0

    @property
    def wrong(self) -> Sequence[str]:
        """What was wrong, in words; nothing, if all went well."""
        figures = self.figures
        said = [f"{count} × {kind}" for kind, count in sorted(figures.faults.items())]
        if figures.unshown:
            said.append(f"{figures.unshown} changes were never shown, to {figures.late_clients} clients")
        elif figures.late_clients:
            said.append(f"{figures.late_clients} stalled clients never caught up")
        if figures.never_joined:
            said.append(f"{figures.never_joined} clients never showed anything")
        return [*said, *self.errors]

    @property
    def cautions(self) -> Sequence[str]:
        """What to keep in mind when reading the figures."""
        said = []
        hottest = max(self.cpu_s, default=0) / self.elapsed_s if self.elapsed_s else 0
        if hottest > _HOT:
            said.append("A process of the load tester used a whole core: its own delays are in these figures.")
        late = self.plan.clients - min((one.connected for one in self._measured()), default=self.plan.clients)
        if late > 0:
            said.append(f"Up to {late} clients were not connected while it was measured.")
        if self.measure == "none":
            said.append("No latency: the feed's event times are not now (a replay, or a night at another speed).")
        if not self.feed_arrived:
            said.append("Nothing of the feed reached a client. Does an aggregator run for this run?")
        if self.figures.ordered:
            said.append(
                f"An operator's orders were in force ({', '.join(sorted(self.figures.ordered))}): figures that clients "
                "were not shown, or others than those of the feed, may be right, and count as wrong here."
            )
        if self.interrupted:
            said.append("It was stopped early.")
        return said

    def _measured(self) -> Iterator[Second]:
        """The whole seconds that count."""
        return (one for one in self.seconds if self.plan.ramp_s <= one.second <= self.plan.end_s - 1)

    def _settle(self) -> None:
        second = min(self._open)
        figures, connected = self._open.pop(second), self._connected_at.pop(second)
        latency = figures.behind if self.plan.schedule is not None else figures.newest
        median, high = latency.quantiles((0.5, 0.99)) if latency.count else (None, None)
        self.seconds.append(Second(second, connected, figures.frames, figures.size_bytes, figures.fed, median, high))
