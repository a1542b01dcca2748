"""Numbers as Turks read them: `11.360.000`, `%51,14`."""

from typing import Final

_SEPARATORS: Final = str.maketrans(",.", ".,")


def grouped(number: int) -> str:
    """A whole number with its thousands apart: 11360000 is `11.360.000`."""
    return f"{number:,}".replace(",", ".")


def percent(part: int, whole: int, places: int = 2) -> str:
    """A share in percent, the sign in front: `%51,14`; a dash where there is nothing to divide by."""
    if whole == 0:
        return "—"
    return "%" + f"{100 * part / whole:,.{places}f}".translate(_SEPARATORS)


def decimal(number: float, places: int = 1) -> str:
    """A number with decimals: 1234.56 is `1.234,6`."""
    return f"{number:,.{places}f}".translate(_SEPARATORS)
