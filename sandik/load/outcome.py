"""The outcome of a load: the measurements of all processes, second by second and in all, and its summary as data."""

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

import orjson

from sandik.load.measurements import Histogram, LoadFigures
from sandik.load.plan import Piece, Plan

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
