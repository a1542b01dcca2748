"""How well one colour can be read on another: WCAG 2.2's contrast ratio (1.4.3), the same as in pages/hue.js."""

from typing import Final, NamedTuple

_LINEAR_BELOW: Final = 0.03928
"""Below it a channel of sRGB is linear (WCAG 2.2, "relative luminance")."""


class Channels(NamedTuple):
    """Red, green and blue, 0 to 255."""

    red: float
    green: float
    blue: float


BLACK: Final = Channels(0, 0, 0)
WHITE: Final = Channels(255, 255, 255)


def channels(color: str) -> Channels:
    """The channels of a colour such as `#1b222c`."""
    return Channels(*(int(color[at : at + 2], 16) for at in (1, 3, 5)))


def over(color: Channels, opacity: float, behind: Channels) -> Channels:
    """What is seen of a colour that lets something through."""
    pairs = zip(color, behind, strict=True)
    return Channels(*(one * opacity + other * (1 - opacity) for one, other in pairs))


def contrast(one: Channels, other: Channels) -> float:
    """The ratio, 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: Channels) -> float:
    red, green, blue = (_linear(channel / 255) for channel in color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return float(part / 12.92 if part <= _LINEAR_BELOW else ((part + 0.055) / 1.055) ** 2.4)
