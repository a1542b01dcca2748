"""The outcome of a load: what is measured, second by second and in all, and the summary of all processes as data. Pure.

Histograms and counters add up over time and over processes. A histogram has three significant digits, as HdrHistogram
has them, for times in microseconds or counts. It is log-linear: a value below 2,048 has a bucket of its own; above,
each doubling is divided into 1,024 buckets, so a bucket is never wider than a thousandth of its values. Ours, and not
the package of that name: that one needs setuptools and pbr at run time, and what is needed of it is little.
"""

import os
import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

import orjson

from sandik.load.plan import Plan

Fault = Literal["gap", "step back", "blank", "fall", "surplus", "differs", "error", "unreadable"]
"""What must never happen.

gap: a delta that begins beyond the cursor. step back: a seq below the cursor. blank: a unit that showed boxes shows
none. fall: with a feed of ours, fewer changes or boxes than were shown. surplus: with a feed of ours, more changes than
were ever due. differs: two clients at one cursor show different figures. error: the gateway refused the subscription.
unreadable: not a message of the protocol.
"""

Ordered = Literal["embargo", "hold", "figures set by hand"]
"""What operators may order, so that clients are rightly shown something else than the feed says."""

_HALF: Final = 1_024
"""Slots of one doubling: the power of two at or above 10 to the 3 digits."""

_EXACT_BITS: Final = 11
"""Values of so many bits have slots of their own: two halves."""

MICROSECONDS: Final = 1_000_000
"""In a second."""


class Histogram:
    """Counts by value. Slots are kept only where something fell, so an idle second costs nothing."""

    __slots__ = ("_counts", "count", "maximum", "minimum", "total")

    def __init__(self, values: Iterable[int] = ()) -> None:
        self._counts: dict[int, int] = {}
        self.count = 0
        self.total = 0
        self.minimum = 0
        self.maximum = 0
        for value in values:
            self.record(value)

    def record(self, value: int, count: int = 1) -> None:
        """Count a value so many times; a negative one counts as 0 (two clocks that differ by a hair)."""
        value = max(value, 0)
        shift = max(value.bit_length() - _EXACT_BITS, 0)
        slot = shift * _HALF + (value >> shift)
        self._counts[slot] = self._counts.get(slot, 0) + count
        self.minimum = min(value, self.minimum) if self.count else value
        self.maximum = max(value, self.maximum)
        self.count += count
        self.total += value * count

    def merge(self, other: "Histogram") -> None:
        """Add what another one counted."""
        if not other.count:
            return
        for slot, count in other._counts.items():  # noqa: SLF001  one of us
            self._counts[slot] = self._counts.get(slot, 0) + count
        self.minimum = min(other.minimum, self.minimum) if self.count else other.minimum
        self.maximum = max(other.maximum, self.maximum)
        self.count += other.count
        self.total += other.total

    def at(self, quantile: float) -> int:
        """The value that so large a share of the values does not exceed, rounded up within its slot; 0 of none."""
        return next(self.quantiles((quantile,)))

    def quantiles(self, wanted: Iterable[float]) -> Iterator[int]:
        """The values at rising quantiles, in one pass."""
        slots = iter(sorted(self._counts))
        reached, value = 0, 0
        for quantile in wanted:
            rank = max(1, _ceiling(quantile * self.count))
            while reached < min(rank, self.count):
                slot = next(slots)
                reached += self._counts[slot]
                value = min(_highest(slot), self.maximum)
            yield value

    @property
    def mean(self) -> float:
        """The mean of the values themselves; 0 of none."""
        return self.total / self.count if self.count else 0.0


def _highest(slot: int) -> int:
    """The highest value that falls into a slot."""
    shift = max(slot // _HALF - 1, 0)
    return ((slot - shift * _HALF + 1) << shift) - 1


def _ceiling(value: float) -> int:
    """The next whole number, but for the error of a product: 0.29 of 100 is 29, not 28.999999999999996 rounded up."""
    return -int(-round(value, 6) // 1)


MAX_EXAMPLES: Final = 20
"""Faults whose text is kept: the first few say what is wrong; a broken gateway makes millions."""


@dataclass(slots=True)
class LoadFigures:
    """Everything that is counted. Times are in microseconds."""

    behind: Histogram = field(default_factory=Histogram)
    """From when a change was to be published until a client showed it: each client and unit, each change."""
    newest: Histogram = field(default_factory=Histogram)
    """From the event time of the newest change in an entry until a client got it."""
    opening: Histogram = field(default_factory=Histogram)
    """From when a client was to connect until the WebSocket was open."""
    joining: Histogram = field(default_factory=Histogram)
    """From when a client was to connect until it showed its first figures."""
    returning: Histogram = field(default_factory=Histogram)
    """From when a connection was lost until the first answer on the next one, the wait that was asked for included."""
    catching_up: Histogram = field(default_factory=Histogram)
    """From when a stalled client read again until it showed what the others showed at that moment."""
    catch_up_frames: Histogram = field(default_factory=Histogram)
    """Frames that took, those that had waited in the network included."""
    own_lag: Histogram = field(default_factory=Histogram)
    """How late the load tester itself ran what was due: it is part of every time above."""
    feed_lag: Histogram = field(default_factory=Histogram)
    """From when a change was to be published until the log had it: part of `behind`."""
    frames_each: Histogram = field(default_factory=Histogram)
    """Text frames a client got in all."""
    bytes_each: Histogram = field(default_factory=Histogram)
    """Bytes a client got in all, frame heads included."""

    frames: int = 0
    size_bytes: int = 0
    opened: int = 0
    reconnects: int = 0
    unreal: int = 0
    """Entries whose event time was not about now, so that their age says nothing."""
    unshown: int = 0
    """Changes that clients should have shown by the end and did not."""
    late_clients: int = 0
    """Clients that lacked any."""
    never_joined: int = 0
    """Clients that never showed anything."""
    fed: int = 0
    closes: Counter[int] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faults: Counter[Fault] = field(default_factory=Counter)
    ordered: Counter[Ordered] = field(default_factory=Counter)
    """Messages that told of orders of operators, by what was ordered."""
    examples: list[str] = field(default_factory=list)

    def add(self, other: "LoadFigures") -> None:
        """Add what another one counted."""
        for one in fields(self):
            mine, theirs = getattr(self, one.name), getattr(other, one.name)
            if isinstance(mine, Histogram):
                mine.merge(theirs)
            elif isinstance(mine, Counter):
                mine.update(theirs)
            else:
                setattr(self, one.name, mine + theirs)
        del self.examples[MAX_EXAMPLES:]

    def fault(self, kind: Fault, text: str, clients: int = 1) -> None:
        """Count a fault that so many clients saw."""
        self.faults[kind] += clients
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(f"{kind}: {text}")


@dataclass(frozen=True, slots=True)
class Piece:
    """What a process measured in one second, counted from the beginning."""

    second: int
    connected: int
    figures: LoadFigures


Measure = Literal["behind", "newest", "none"]
"""Which latency counts: since a change was due (a feed of ours), since its event time (somebody's), or none."""

_SETTLED_AFTER_SECONDS: Final = 3
"""Pieces of one second come from all processes within so many; later ones only count in all."""

_LATE_US: Final = 20_000
"""A good delivery takes 20 ms: a load tester that is so late itself doubles it."""

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
        faults = [f"{count} × {kind}" for kind, count in sorted(figures.faults.items())]
        if figures.unshown:
            faults.append(f"{figures.unshown} changes were never shown, to {figures.late_clients} clients")
        elif figures.late_clients:
            faults.append(f"{figures.late_clients} stalled clients never caught up")
        if figures.never_joined:
            faults.append(f"{figures.never_joined} clients never showed anything")
        return [*faults, *self.errors]

    @property
    def own_limits(self) -> Sequence[str]:
        """Where the load tester, and not the gateway, was as fast as it could be; nothing, if nowhere."""
        limits = []
        elapsed_s, lag_us = self.elapsed_s or float("inf"), self.figures.own_lag.at(0.99)
        if max(self.cpu_s, default=0) / elapsed_s > _HOT:
            limits.append("a process of its clients used a whole core. Give it more --processes, or fewer --clients.")
        elif lag_us > _LATE_US:
            late = f"one in a hundred of its own looks came {lag_us // _US_PER_MS} ms late"
            limits.append(f"{late}, which is in every latency. Use a machine that is less busy.")
        if (self.feeder_cpu_s or 0) / elapsed_s > _HOT:
            limits.append("its feeder used a whole core, and may have fed later than was due. Lower --feed.")
        return limits

    @property
    def cautions(self) -> Sequence[str]:
        """What to keep in mind when reading the figures."""
        cautions = []
        cautions += [f"The load tester was the limit itself: {limit}" for limit in self.own_limits]
        late = self.plan.clients - min((one.connected for one in self._measured()), default=self.plan.clients)
        if late > 0:
            cautions.append(f"Up to {late} clients were not connected while it was measured.")
        if self.measure == "none":
            cautions.append("No latency: the feed's event times are not now (a replay, or a night at another speed).")
        if not self.feed_arrived:
            cautions.append("Nothing of the feed reached a client. Does an aggregator run for this run?")
        if self.figures.ordered:
            cautions.append(
                f"An operator's orders were in force ({', '.join(sorted(self.figures.ordered))}): figures that clients "
                "were not shown, or others than those of the feed, may be right, and count as wrong here."
            )
        if self.interrupted:
            cautions.append("It was stopped early.")
        return cautions

    def _measured(self) -> Iterator[Second]:
        """The whole seconds that count."""
        return (one for one in self.seconds if self.plan.ramp_s <= one.second <= self.plan.end_s - 1)

    def _settle(self) -> None:
        second = min(self._open)
        figures, connected = self._open.pop(second), self._connected_at.pop(second)
        latency = figures.behind if self.plan.schedule is not None else figures.newest
        median, high = latency.quantiles((0.5, 0.99)) if latency.count else (None, None)
        self.seconds.append(Second(second, connected, figures.frames, figures.size_bytes, figures.fed, median, high))


QUANTILES: Final = (0.5, 0.75, 0.9, 0.99, 0.999, 0.9999)

TIMES: Final[Mapping[str, str]] = {
    "behind": "a change was due → a client shows it",
    "newest": "event time of the newest change → receipt",
    "opening": "client was to connect → stream open",
    "joining": "client was to connect → first figures",
    "returning": "connection lost → back, and answered",
    "catching_up": "stalled client reads again → caught up",
    "feed_lag": "a change was due → the log has it",
    "own_lag": "the load tester's own delay",
}
"""What each histogram of times is called."""

_CURVE_STEPS: Final = 8
"""Points of the percentile curve for each halving of what is left, as HdrHistogram plots have them."""

_CURVE_HALVINGS: Final = 14
"""Down to one of 16,384: past p99.99."""

_US_PER_MS: Final = 1_000


def summarize(outcome: Outcome, *, at: datetime, run: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that was measured, with the settings and the machine; times in milliseconds. `run` is its `hello`."""
    figures = outcome.figures
    return {
        "v": 1,
        "at": at.isoformat(timespec="seconds"),
        "ok": not outcome.wrong,
        "wrong": list(outcome.wrong),
        "cautions": list(outcome.cautions),
        "examples": figures.examples,
        "run": {name: run.get(name) for name in ("run", "mode", "epoch")},
        "settings": _settings(outcome),
        "machine": machine(),
        "measure": outcome.measure,
        "latency_ms": times(outcome.latency) if outcome.measure != "none" else None,
        "curve_ms": curve(outcome.latency) if outcome.measure != "none" else [],
        "times_ms": {name: times(getattr(figures, name)) for name in TIMES},
        "traffic": _traffic(outcome),
        "counts": _counts(figures),
        "processes": {
            "elapsed_s": round(outcome.elapsed_s, 1),
            "cpu_s": [round(cpu, 1) for cpu in outcome.cpu_s],
            "feeder_cpu_s": None if outcome.feeder_cpu_s is None else round(outcome.feeder_cpu_s, 1),
        },
        "seconds": [asdict(second) for second in outcome.seconds],
    }


def times(histogram: Histogram) -> dict[str, Any] | None:
    """A histogram of microseconds in milliseconds; `None` where nothing was timed."""
    if not histogram.count:
        return None
    at = {
        f"p{format(100 * quantile, 'g')}": value / _US_PER_MS
        for quantile, value in zip(QUANTILES, histogram.quantiles(QUANTILES), strict=True)
    }
    return {
        "count": histogram.count,
        "mean": round(histogram.mean / _US_PER_MS, 3),
        "min": histogram.minimum / _US_PER_MS,
        **at,
        "max": histogram.maximum / _US_PER_MS,
    }


def curve(histogram: Histogram) -> list[tuple[float, float]]:
    """Points (quantile, milliseconds), closer together the nearer they come to 1, as far as there were values."""
    shares = [1 - 2 ** (-step / _CURVE_STEPS) for step in range(_CURVE_HALVINGS * _CURVE_STEPS + 1)]
    wanted = [share for share in shares if (1 - share) * histogram.count >= 1]
    return [(share, value / _US_PER_MS) for share, value in zip(wanted, histogram.quantiles(wanted), strict=True)]


def machine() -> str:
    """What the load tester ran on."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.machine())
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{model}, {os.cpu_count()} cores, {memory_gib:.0f} GiB, {platform.system()} "
        f"{platform.release().split('-')[0]}, Python {platform.python_version()}"
    )


def encode(summary: Mapping[str, Any]) -> bytes:
    """The JSON file."""
    return orjson.dumps(summary, option=orjson.OPT_INDENT_2)


def _settings(outcome: Outcome) -> dict[str, Any]:
    plan = outcome.plan
    return {
        "url": plan.url,
        "token": plan.token is not None,
        "clients": plan.clients,
        "processes": plan.processes,
        "ramp_s": plan.ramp_s,
        "duration_s": plan.duration_s,
        "grace_s": plan.grace_s,
        "stalled_share": plan.stalling.share,
        "stall_cycle_s": plan.stalling.cycle_s or None,
        "feed_hz": plan.schedule.rate_hz if plan.schedule else None,
        "subscriptions": [
            {**message, "clients": plan.allotted.count(index)} for index, message in enumerate(plan.subscriptions)
        ],
    }


def _traffic(outcome: Outcome) -> dict[str, Any]:
    figures = outcome.figures
    measured = [one for one in outcome.seconds if outcome.plan.ramp_s <= one.second < outcome.plan.end_s]
    seconds = len(measured) or 1
    return {
        "frames": figures.frames,
        "bytes": figures.size_bytes,
        "frames_per_s": round(sum(one.frames for one in measured) / seconds, 1),
        "bytes_per_s": round(sum(one.size_bytes for one in measured) / seconds, 1),
        "frames_per_client": _each(figures.frames_each),
        "bytes_per_client": _each(figures.bytes_each),
    }


def _each(histogram: Histogram) -> dict[str, Any]:
    low, median, high = histogram.quantiles((0.01, 0.5, 0.99))
    return {"min": histogram.minimum, "p1": low, "p50": median, "p99": high, "max": histogram.maximum}


def _counts(figures: LoadFigures) -> dict[str, Any]:
    return {
        "opened": figures.opened,
        "reconnects": figures.reconnects,
        "closes_by_code": {str(code): count for code, count in sorted(figures.closes.items())},
        "failed_attempts": dict(figures.refused.most_common()),
        "faults": dict(figures.faults.most_common()),
        "fed": figures.fed,
        "changes_never_shown": figures.unshown,
        "clients_behind_at_the_end": figures.late_clients,
        "clients_never_joined": figures.never_joined,
        "stalled_and_caught_up": figures.catching_up.count,
        "catch_up_frames": _each(figures.catch_up_frames),
        "event_times_not_now": figures.unreal,
        "messages_about_orders": dict(figures.ordered.most_common()),
    }
