"""Names in any script and language: which spellings are equal, the ASCII identifier of a name, case and order. Pure.

A key never leaves out what tells two names apart in their own script: accents are dropped from Latin and Greek letters
alone. In Cyrillic й is no и, and in Arabic, Indic and other scripts a mark is a vowel or part of a letter.

Turkish and Azerbaijani have two letters i, whatever the machine's locale: the capital of i is İ, that of ı is I, and
ASCII's rules get both wrong. Their order is that of the 29 letters of the Turkish alphabet. q, w and x, which names
from elsewhere have, stand where Unicode's collation for Turkish has them: q after p, w and x after v. â, î and û are a,
i and u with a mark that counts only between words that are otherwise the same. Other languages have Unicode's case, and
an order that puts letters with marks beside those without, as most alphabets do.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import groupby
from typing import Annotated, Final

from pydantic import StringConstraints

_WITHOUT_DECOMPOSITION: Final = str.maketrans(
    {
        **dict(zip("ıłđðøħŧŋƒəɛɔĸ", "ilddohtnfeeok", strict=True)),
        **dict(zip("ŁĐÐØĦŦŊƑƏƐƆ", "lddohtnfeeo", strict=True)),
        "æ": "ae",
        "Æ": "ae",
        "œ": "oe",
        "Œ": "oe",
        "þ": "th",
        "Þ": "th",
        "ß": "ss",
        "ẞ": "ss",
    }
)
"""Letters that Unicode does not take apart into an ASCII letter and a mark, as passports write them (ICAO Doc 9303,
part 3, section 6), except ø, which names in ASCII have as o."""

_APOSTROPHES: Final = frozenset(map(chr, range(0x02B9, 0x02C0)))
"""Signs between letters that Unicode calls letters, such as ʼ and ʻ; Кам'янець is written with any of them."""

_DOTLESS: Final = str.maketrans("ıİ", "ii")
"""Capitals do not say which i is meant unless their language is known."""

_ASCII_SEPARATORS: Final = re.compile(r"[^a-z0-9]+")
_STRIPPED_SCRIPTS: Final = ("LATIN ", "GREEK ")
_REMEMBERED_NAMES: Final = 65_536
"""How many keys are kept: every district and candidate of a country's night in a dozen spellings; some 20 MB."""


@lru_cache(maxsize=_REMEMBERED_NAMES)
def fold(name: str) -> str:
    """Return the key that every spelling of a name has: `İSTANBUL`, `Istanbul` and `istanbul` are `istanbul`.

    Case and, on Latin and Greek letters, accents do not matter; ı and I are i, ł is l, ß is ss. Whatever is no letter,
    mark or digit becomes one `-`. A name of nothing else, such as `#`, is its own key, so that a key is never empty
    where the name is not blank.
    """
    if name.isascii():
        return _ASCII_SEPARATORS.sub("-", name.lower()).strip("-") or name.strip()
    text = _bare(_bare(name).translate(_WITHOUT_DECOMPOSITION).casefold()).translate(_WITHOUT_DECOMPOSITION)
    words = ("".join(group) for is_sign, group in groupby(text, _is_separator) if not is_sign)
    return unicodedata.normalize("NFC", "-".join(words)) or unicodedata.normalize("NFC", name.strip())


def slug(name: str) -> str:
    """Return the name as an ASCII identifier: `ÇATALCA` is `catalca`, `San José` is `san-jose`.

    It is empty where the name's key is not ASCII (`Київ`) or has no letter or digit: such a name needs a code.
    """
    key = fold(name)
    return key if key.isascii() and not _ASCII_SEPARATORS.fullmatch(key) else ""


def same_text(name: str) -> str:
    """Return the name as it is compared letter by letter: without blanks around it, each accent one way (NFC)."""
    return unicodedata.normalize("NFC", name.strip())


def same_letters(name: str) -> str:
    """Return the name as it is compared letter by letter, in any case: `Şile` and `ŞİLE` are equal, `Sile` is not."""
    return same_text(same_text(name).translate(_DOTLESS).lower())


def _bare(name: str) -> str:
    """Return a name decomposed, without the combining marks of Latin and Greek letters and without invisible signs."""
    kept: list[str] = []
    is_stripped = False
    for letter in unicodedata.normalize("NFKD", name):
        kind = unicodedata.category(letter)
        if kind == "Cf":  # soft hyphens, marks of direction and joiners are seen by nobody
            continue
        if kind == "Mn":
            if is_stripped and unicodedata.name(letter, "").startswith("COMBINING "):
                continue
        else:
            is_stripped = unicodedata.name(letter, "").startswith(_STRIPPED_SCRIPTS)
        kept.append(_digit(letter) if kind == "Nd" else letter)
    return "".join(kept)


def _digit(letter: str) -> str:
    return str(unicodedata.decimal(letter))


def _is_separator(letter: str) -> bool:
    return letter in _APOSTROPHES or unicodedata.category(letter)[0] not in "LMN"


LanguageTag = Annotated[str, StringConstraints(max_length=35, pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]
"""A language as BCP 47 names it: `tr`, `id`, `pt-BR`, `sr-Latn`."""

TURKISH: Final = "tr"

_DOTTED: Final = {"tr", "az"}
_TO_CAPITALS: Final = str.maketrans("ıi", "Iİ")
_TO_SMALL: Final = str.maketrans("Iİ", "ıi")
_WORD: Final = re.compile(r"[^\W\d_]+(?:[\u0300-\u036f]+[^\W\d_]*)*")


def upper(text: str, language: str) -> str:
    """In capitals: `Diyarbakır İli` is `DİYARBAKIR İLİ` in Turkish, `Bali` is `BALI` in Indonesian."""
    text = same_text(text)
    return (text.translate(_TO_CAPITALS) if _is_dotted(language) else text).upper()


def lower(text: str, language: str) -> str:
    """In small letters: `IĞDIR` is `ığdır` in Turkish, `BALI` is `bali` in Indonesian."""
    text = unicodedata.normalize("NFC", text)
    return (text.translate(_TO_SMALL) if _is_dotted(language) else text).lower()


def title(name: str, language: str) -> str:
    """A name in capitals as it is read: `BALI` is `Bali`, in Turkish `Balı`. With a small letter it stays as it is."""
    if any(letter.islower() for letter in name):
        return name
    return _WORD.sub(lambda word: word[0][0] + lower(word[0][1:], language), same_text(name))


def _is_dotted(language: str) -> bool:
    return language.partition("-")[0].lower() in _DOTTED


TURKISH_ORDER: Final = "abcçdefgğhıijklmnoöpqrsştuüvwxyz"
"""The letters of the Turkish alphabet, and three guests, in their order."""

CollationKey = tuple[tuple[tuple[int, int], ...] | str, str]

_PLACES: Final = {letter: place for place, letter in enumerate(TURKISH_ORDER)}
_MARKED: Final = str.maketrans("âîû", "aiu")
_SIGN, _DIGIT, _LETTER, _FOREIGN = range(4)


def collation_key(text: str, language: str) -> CollationKey:
    """Return the key to sort names by; keys of two languages are not to be compared.

    In Turkish: signs and spaces, digits, the alphabet, other scripts; then case and marks.
    """
    if not _is_dotted(language):
        return fold(text), same_text(text)
    small = lower(text, language)
    return tuple(map(_place, small.translate(_MARKED))), small + text


@lru_cache(maxsize=1_024)
def _place(letter: str) -> tuple[int, int]:
    place = _PLACES.get(letter)
    if place is not None:
        return _LETTER, place
    if letter.isdigit():
        return _DIGIT, ord(letter)
    return (_FOREIGN if letter.isalpha() else _SIGN), ord(letter)
