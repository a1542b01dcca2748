"""Numbers as Turks read them: `11.360.000`, `%51,14`."""


def grouped(number: int) -> str:
    """A whole number with its thousands apart: 11360000 is `11.360.000`."""
    return f"{number:,}".replace(",", ".")


def percent(part: int, whole: int, places: int = 2) -> str:
    """A share in percent, the sign in front: `%51,14`; a dash where there is nothing to divide by."""
    if whole == 0:
        return "—"
    return "%" + f"{100 * part / whole:,.{places}f}".translate(str.maketrans(",.", ".,"))
