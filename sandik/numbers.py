"""Numbers as Turks read them: `11.360.000`, `%51,14`."""

from typing import Final

NOTHING: Final = "—"
"""What stands where there is no number."""

_SEPARATORS: Final = str.maketrans(",.", ".,")


def grouped(number: int) -> str:
    """A whole number with its thousands apart: 11360000 is `11.360.000`."""
    return f"{number:,}".replace(",", ".")


def percent(part: int, whole: int, places: int = 2) -> str:
    """A share in percent, the sign in front: `%51,14`; a dash where there is nothing to divide by.

    Exact, and rounded half up, as shares on the board are.
    """
    if whole <= 0:
        return NOTHING
    units = 10**places
    rounded = (200 * units * part + whole) // (2 * whole)
    after = f",{rounded % units:0{places}}" if places else ""
    return f"%{grouped(rounded // units)}{after}"


def share(hundredths: int | None) -> str:
    """A share in hundredths of a per cent, as it is written: 5114 is `%51,14`; a dash where there is none."""
    return NOTHING if hundredths is None else percent(hundredths, 10_000)


def decimal(number: float, places: int = 1) -> str:
    """A number with decimals: 1234.56 is `1.234,6`."""
    return f"{number:,.{places}f}".translate(_SEPARATORS)
