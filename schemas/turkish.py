"""Turkish letters: their case and their order, whatever the machine's locale. Pure.

The alphabet has 29 letters: a b c ç d e f g ğ h ı i j k l m n o ö p r s ş t u ü v y z. The capital of i is İ, that of ı
is I; ASCII's rules get both wrong. q, w and x, which names from elsewhere have, stand where Unicode's collation for
Turkish has them: q after p, w and x after v. â, î and û are a, i and u with a mark that counts only between words
that are otherwise the same.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

ALPHABET: Final = "abcçdefgğhıijklmnoöpqrsştuüvwxyz"
"""The letters in their order."""

_PLACES: Final = {letter: place for place, letter in enumerate(ALPHABET)}
_MARKED: Final = str.maketrans("âîû", "aiu")
_LOWER: Final = str.maketrans("Iİ", "ıi")
_UPPER: Final = str.maketrans("ıi", "Iİ")
_WORD: Final = re.compile(r"[^\W\d_]+")
_SIGN, _DIGIT, _LETTER, _FOREIGN = range(4)

CollationKey = tuple[tuple[tuple[int, int], ...], str]


def upper(text: str) -> str:
    """In capitals: `Diyarbakır İli` is `DİYARBAKIR İLİ`."""
    return unicodedata.normalize("NFC", text).translate(_UPPER).upper()


def lower(text: str) -> str:
    """In small letters: `IĞDIR` is `ığdır`, `İZMİR` is `izmir`."""
    return unicodedata.normalize("NFC", text).translate(_LOWER).lower()


def title(name: str) -> str:
    """A name in capitals as it is read: `KIRKLARELİ` is `Kırklareli`. A name with any small letter stays as it is."""
    if any(letter.islower() for letter in name):
        return name
    return _WORD.sub(lambda word: upper(word[0][0]) + lower(word[0][1:]), name)


def collation_key(text: str) -> CollationKey:
    """Return the key to sort names by: signs and spaces, digits, the alphabet, other scripts; then case and marks."""
    small = lower(text)
    return tuple(map(_place, small.translate(_MARKED))), small + text


@lru_cache(maxsize=1_024)
def _place(letter: str) -> tuple[int, int]:
    place = _PLACES.get(letter)
    if place is not None:
        return _LETTER, place
    if letter.isdigit():
        return _DIGIT, ord(letter)
    return (_FOREIGN if letter.isalpha() else _SIGN), ord(letter)
