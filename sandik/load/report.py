"""Render the summary of a load test as one HTML page that needs no other file and no network.

Plots are drawn here as SVG; their colours are classes, and `report.css` has the hues.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10
from pathlib import Path
from typing import Any, Final

from sandik.load.outcome import TIMES
from sandik.quantities import decimal, grouped, percent

WIDTH: Final = 520
HEIGHT: Final = 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 16, 32
_GRID_LINES: Final = 4
_MAX_POINTS: Final = 360
"""Points of a line: two pixels each; a longer series shows the worst of each stretch."""

_MINUTE_S: Final = 60
_TIME_STEPS_S: Final = (1, 2, 5, 10, 20, 60, 120, 300, 600, 1_800, 3_600, 7_200, 14_400)
_MOST_TIME_MARKS: Final = 8

Point = tuple[float, float | None]


@dataclass(frozen=True, slots=True)
class PlotLine:
    """A series: its name, its class, and its points; `None` leaves a gap."""

    name: str
    style: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Axis:
    """The horizontal axis: its ends, and what is written where."""

    low: float
    high: float
    marks: Sequence[tuple[float, str]]


def plot(title: str, lines: Sequence[PlotLine], axis: Axis, *, shade: tuple[float, float] | None = None) -> str:
    """One plot, the vertical axis from 0 up. `shade` marks a stretch of the horizontal axis."""
    top = nice_above(max((y for line in lines for _, y in line.points if y is not None), default=0))

    def x_of(value: float) -> float:
        return _LEFT + (value - axis.low) / ((axis.high - axis.low) or 1) * (WIDTH - _LEFT - _RIGHT)

    def y_of(value: float) -> float:
        return HEIGHT - _BOTTOM - value / top * (HEIGHT - _TOP - _BOTTOM)

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">']
    if shade is not None:
        left, right = x_of(shade[0]), x_of(shade[1])
        parts.append(
            f'<rect class="shade" x="{left:.1f}" y="{_TOP}" width="{right - left:.1f}" '
            f'height="{HEIGHT - _TOP - _BOTTOM}"/>'
        )
    parts += _grid(top, y_of)
    parts += [
        f'<text class="mark" x="{x_of(at):.1f}" y="{HEIGHT - 12}" text-anchor="middle">{escape(text)}</text>'
        for at, text in axis.marks
    ]
    parts += [_draw(line, x_of, y_of) for line in lines]
    return "".join([*parts, "</svg>"])


def time_axis(seconds: float) -> Axis:
    """From 0 to so many seconds, marked at round times."""
    step = next((step for step in _TIME_STEPS_S if step * _MOST_TIME_MARKS >= seconds), _TIME_STEPS_S[-1])
    marks = [step * number for number in range(int(seconds / step) + 1)]
    return Axis(0, seconds, [(at, f"{at} s" if step < _MINUTE_S else f"{at // _MINUTE_S} min") for at in marks])


def legend(lines: Sequence[PlotLine]) -> str:
    """The names of the lines, each with its stroke."""
    return "".join(
        f'<span class="key"><svg width="24" height="8"><path class="{line.style}" d="M0 4H24"/></svg>'
        f"{escape(line.name)}</span>"
        for line in lines
    )


def thin(points: Sequence[Point], most: int = _MAX_POINTS) -> list[Point]:
    """At most so many points: of each stretch the highest, so that no spike is lost."""
    stride = ceil(len(points) / most) or 1
    return [
        max(points[at : at + stride], key=lambda point: -1.0 if point[1] is None else point[1])
        for at in range(0, len(points), stride)
    ]


def nice_above(value: float) -> float:
    """The next 1, 2, 4 or 8 times a power of ten (quarters of it are round), 1 at least of what is drawn from 0."""
    if value <= 0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next((step * power for step in (1, 2, 4, 8) if step * power >= value), 10 * power)


def _grid(top: float, y_of: Callable[[float], float]) -> list[str]:
    parts = []
    for number in range(_GRID_LINES + 1):
        value = top * number / _GRID_LINES
        y = y_of(value)
        text = decimal(value, 0 if top >= _GRID_LINES else 2)
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}"/>')
        parts.append(f'<text class="mark" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    return parts


def _draw(line: PlotLine, x_of: Callable[[float], float], y_of: Callable[[float], float]) -> str:
    path, pen = [], "M"
    for x, y in thin(line.points):
        if y is None:
            pen = "M"
            continue
        path.append(f"{pen}{x_of(x):.1f} {y_of(y):.1f}")
        pen = "L"
    return f'<path class="{line.style}" d="{"".join(path)}"/>'


_CSS: Final = Path(__file__).with_name("report.css")
_SHOWN: Final = ("p50", "p90", "p99", "p99.9", "p99.99", "max")
_TAIL_MARKS: Final = ((0.0, "0"), (1.0, "90"), (2.0, "99"), (3.0, "99,9"), (4.0, "99,99"))
"""Where the percentile curve's axis is marked: by how many nines."""

_US_PER_MS: Final = 1_000
_KIB: Final = 1_024

MEASURES: Final[Mapping[str, str]] = {
    "behind": (
        "From the moment at which a change was to be published, whether or not it was published in time, until a "
        "client shows it: every change, of every unit that the client follows, at every client that does not stall. "
        "Changes that were conflated count too, each from its own moment. A change of a district counts there, and "
        "again in its province and in the country where a client follows those."
    ),
    "newest": (
        "From the event time of the newest change in each entry until receipt. Changes that were conflated into it "
        "are older and are not counted, so this is optimistic; feed the run with --feed to measure every change. The "
        "clocks of the feed and of this machine are taken to agree."
    ),
    "none": "No latency was measured.",
}
"""What the latency at the top is."""

Summary = Mapping[str, Any]


def render(summary: Summary) -> str:
    """The page."""
    name = f"Load test of run {summary['run']['run']}"
    parts = [
        _head(name, summary),
        _latency(summary),
        *_plots(summary),
        _times(summary),
        _clients(summary),
        _settings(summary),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(name)}</title><style>{_CSS.read_text(encoding='utf-8')}</style></head>\n"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def _head(name: str, summary: Summary) -> str:
    wrong = summary["wrong"]
    verdict = f"Wrong: {'; '.join(wrong)}" if wrong else "No gap, no step back, no blank; every client ended current"
    cautions = "".join(f"<li>{escape(text)}</li>" for text in summary["cautions"])
    return (
        f"<header><h1>{escape(name)}</h1>"
        f'<p class="soft">{escape(summary["settings"]["url"])} · mode {escape(str(summary["run"]["mode"]))} · '
        f"{escape(summary['at'])}</p>"
        f'<p class="verdict{" wrong" if wrong else ""}">{escape(verdict)}</p>'
        f"{f'<ul class=cautions>{cautions}</ul>' if cautions else ''}</header>"
    )


def _latency(summary: Summary) -> str:
    latency, traffic, settings = summary["latency_ms"], summary["traffic"], summary["settings"]
    times = [
        _figure(decimal(latency[at]) if latency else "—", "ms", at.replace(".", ","))
        for at in ("p50", "p99", "p99.9", "p99.99")
    ]
    counts = [
        _figure(grouped(settings["clients"]), "", "clients"),
        _figure(grouped(round(traffic["frames_per_s"])), "/s", "frames"),
        _figure(grouped(round(traffic["bytes_per_s"] / _KIB)), "KiB/s", "received"),
    ]
    return _section(
        "Latency",
        f'<div class="figures">{"".join(times)}</div><p class="soft">{escape(_what(summary))}</p>'
        f'<div class="figures lesser">{"".join(counts)}</div>',
    )


def _what(summary: Summary) -> str:
    meaning = MEASURES[summary["measure"]]
    stalled = summary["settings"]["stalled_share"]
    return (
        f"{meaning} Clients that stall ({percent(round(stalled * 1000), 1000, 0)}) are not in it."
        if stalled
        else meaning
    )


def _figure(value: str, unit: str, name: str) -> str:
    return f'<div class="figure"><b>{value} <small>{unit}</small></b><span>{escape(name)}</span></div>'


def _plots(summary: Summary) -> list[str]:
    seconds, settings = summary["seconds"], summary["settings"]
    last = max((one["second"] for one in seconds), default=0) + 1
    axis = time_axis(last)
    shade = (min(settings["ramp_s"], last), min(settings["ramp_s"] + settings["duration_s"], last))
    over_time = [
        PlotLine("p50", "first", _series(seconds, "p50_us", _US_PER_MS)),
        PlotLine("p99", "second", _series(seconds, "p99_us", _US_PER_MS)),
    ]
    traffic = [PlotLine("frames/s", "first", _series(seconds, "frames", 1))]
    clients = [PlotLine("clients connected", "first", _series(seconds, "connected", 1))]
    return [
        _plot("Latency over time, ms", over_time, axis, shade),
        _plot(
            "Latency by percentile, ms",
            [PlotLine("latency", "first", _nines(summary["curve_ms"]))],
            _tail(summary),
            None,
        ),
        _plot("Frames received, each second", traffic, axis, shade),
        _plot("Clients connected", clients, axis, shade),
    ]


def _series(seconds: Sequence[Summary], name: str, divisor: int) -> list[tuple[float, float | None]]:
    return [(one["second"] + 0.5, None if one[name] is None else one[name] / divisor) for one in seconds]


def _nines(curve: Sequence[Sequence[float]]) -> list[tuple[float, float | None]]:
    """The curve against the number of nines, so that the tail is as wide as the rest."""
    return [(_nines_of(share), value) for share, value in curve]


def _nines_of(share: float) -> float:
    return -log10(1 - share)


def _tail(summary: Summary) -> Axis:
    reached = max((_nines_of(share) for share, _ in summary["curve_ms"]), default=1.0) or 1.0
    return Axis(0, reached, [(at, text) for at, text in _TAIL_MARKS if at <= reached])


def _plot(title: str, lines: Sequence[PlotLine], axis: Axis, shade: tuple[float, float] | None) -> str:
    keys = legend(lines) if len(lines) > 1 else ""
    return _section(title, plot(title, lines, axis, shade=shade) + keys, half=True)


def _times(summary: Summary) -> str:
    rows = [
        [label, grouped(times["count"]), *(decimal(times[at]) for at in _SHOWN)]
        for name, label in TIMES.items()
        if (times := summary["times_ms"][name]) is not None
    ]
    heads = ["milliseconds", "count", *(at.replace(".", ",") for at in _SHOWN)]
    return _section("All times", _table(heads, rows))


def _clients(summary: Summary) -> str:
    traffic, counts = summary["traffic"], summary["counts"]
    each = _table(
        ["per client, in all", "least", "p50", "p99", "most"],
        [
            [name, *(grouped(traffic[key][at]) for at in ("min", "p50", "p99", "max"))]
            for name, key in (("frames", "frames_per_client"), ("bytes", "bytes_per_client"))
        ],
    )
    rows = [
        ["connections opened", grouped(counts["opened"])],
        ["reconnects", grouped(counts["reconnects"])],
        *([f"closed with {code}", grouped(count)] for code, count in counts["closes_by_code"].items()),
        *([f"attempts failed: {why}", grouped(count)] for why, count in counts["failed_attempts"].items()),
        ["changes fed", grouped(counts["fed"])],
        ["changes never shown", grouped(counts["changes_never_shown"])],
        ["clients behind at the end", grouped(counts["clients_behind_at_the_end"])],
        ["times a stalled client caught up", grouped(counts["stalled_and_caught_up"])],
        ["frames that took, p50", grouped(counts["catch_up_frames"]["p50"])],
        *([f"faults: {kind}", grouped(count)] for kind, count in counts["faults"].items()),
    ]
    examples = "".join(f"<tr><td class=said>{escape(text)}</td></tr>" for text in summary["examples"])
    found = _section("The first faults", f"<table>{examples}</table>") if examples else ""
    return _section("Traffic", each, half=True) + _section("Counts", _table(None, rows), half=True) + found


def _settings(summary: Summary) -> str:
    settings, processes = summary["settings"], summary["processes"]
    elapsed = processes["elapsed_s"] or 1
    cpu = ", ".join(percent(round(1000 * used / elapsed), 1000, 0) for used in processes["cpu_s"])
    feeder = processes["feeder_cpu_s"]
    rows = [
        ["clients", f"{grouped(settings['clients'])} in {settings['processes']} processes"],
        ["ramp, measured, grace", f"{settings['ramp_s']:g} s, {settings['duration_s']:g} s, {settings['grace_s']:g} s"],
        ["stalled", percent(round(1000 * settings["stalled_share"]), 1000, 0)],
        ["feed", f"{grouped(round(settings['feed_hz']))} tallies/s" if settings["feed_hz"] else "somebody else's"],
        [
            "CPU of a core, by process",
            cpu + (f"; feeder {percent(round(1000 * feeder / elapsed), 1000, 0)}" if feeder else ""),
        ],
        ["machine of the load tester", summary["machine"]],
    ]
    mix = [
        [
            f"{one['contest']} · {one['source']} · {', '.join(one['units'])}",
            f"{one['max_rate_hz']:g}/s" if one.get("max_rate_hz") else "—",
            grouped(one["clients"]),
        ]
        for one in settings["subscriptions"]
    ]
    return _section("Settings", _table(None, rows), half=True) + _section(
        "Subscriptions", _table(["what", "at most", "clients"], mix), half=True
    )


def _section(title: str, content: str, *, half: bool = False) -> str:
    return f"<section{' class=half' if half else ''}><h2>{escape(title)}</h2>{content}</section>"


def _table(heads: Iterable[str] | None, rows: Iterable[Sequence[str]]) -> str:
    head = f"<tr>{''.join(f'<th>{escape(text)}</th>' for text in heads)}</tr>" if heads else ""
    body = "".join(f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table>{head}{body}</table></div>'
