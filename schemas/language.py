"""Names in the language of an election: their case and their order. Pure.

Turkish and Azerbaijani have two letters i; see `turkish`. Other languages have Unicode's case, and an order that puts
letters with marks beside those without, as most alphabets do.
"""

import re
from typing import Annotated, Final

from pydantic import StringConstraints

from schemas import turkish
from schemas.spelling import fold, same_text

LanguageTag = Annotated[str, StringConstraints(max_length=35, pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]
"""A language as BCP 47 names it: `tr`, `id`, `pt-BR`, `sr-Latn`."""

TURKISH: Final = "tr"

_DOTTED: Final = {"tr", "az"}
_WORD: Final = re.compile(r"[^\W\d_]+(?:[\u0300-\u036f]+[^\W\d_]*)*")

CollationKey = tuple[turkish.CollationKey, str] | tuple[str, str]


def upper(text: str, language: str) -> str:
    """In capitals: `Diyarbakır İli` is `DİYARBAKIR İLİ` in Turkish, `Bali` is `BALI` in Indonesian."""
    return turkish.upper(text) if _is_dotted(language) else same_text(text).upper()


def title(name: str, language: str) -> str:
    """A name in capitals as it is read: `BALI` is `Bali`, in Turkish `Balı`. With a small letter it stays as it is."""
    if _is_dotted(language):
        return turkish.title(name)
    if any(letter.islower() for letter in name):
        return name
    return _WORD.sub(lambda word: word[0][0] + word[0][1:].lower(), same_text(name))


def collation_key(text: str, language: str) -> CollationKey:
    """Return the key to sort names by; keys of two languages are not to be compared."""
    return (turkish.collation_key(text), "") if _is_dotted(language) else (fold(text), same_text(text))


def _is_dotted(language: str) -> bool:
    return language.partition("-")[0].lower() in _DOTTED
