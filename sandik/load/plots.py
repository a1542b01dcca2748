"""Plots as SVG, drawn here so that a report needs nothing from anywhere. Colours are classes; the page has the hues."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10
from typing import Final

from sandik.numbers import decimal

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
