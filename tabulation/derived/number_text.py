"""Numbers as a reader's language writes them: `11.360.000` and `%51,14`, or `11,360,000` and `51.14%`. Pure."""

from typing import Final, Literal

Language = Literal["tr", "en"]

_HUNDREDTHS: Final = 100


def count_text(number: int, language: Language) -> str:
    """A count of 0 or more, its thousands apart."""
    text = f"{number:,}"
    return text.replace(",", ".") if language == "tr" else text


def points_text(hundredths: int | None, language: Language) -> str:
    """Points from hundredths: `11,55`; nothing where there are none."""
    if hundredths is None:
        return ""
    whole, part = divmod(hundredths, _HUNDREDTHS)
    return f"{count_text(whole, language)}{',' if language == 'tr' else '.'}{part:02}"


def percent_text(hundredths: int | None, language: Language) -> str:
    """A share from hundredths of a per cent; nothing where there is none."""
    if hundredths is None:
        return ""
    number = points_text(hundredths, language)
    return f"%{number}" if language == "tr" else f"{number}%"
