"""Turkish names: as identifiers, and in the case in which they are read. ASCII rules of case get both i's wrong."""

import re
from typing import Final

from schemas.turkish import lower, upper

_FOLD: Final = str.maketrans("çğıöşüâîûÇĞIİÖŞÜÂÎÛ", "cgiosuaiucgiiosuaiu")
_NOT_ID: Final = re.compile(r"[^a-z0-9]+")
_WORD: Final = re.compile(r"[^\W\d_]+")


def slug(name: str) -> str:
    """The name as an ASCII identifier: `ÇATALCA` is `catalca`, `KIRKLARELİ MERKEZ` is `kirklareli-merkez`."""
    return _NOT_ID.sub("-", name.translate(_FOLD).lower()).strip("-")


def title(name: str) -> str:
    """A name in capitals as it is read: `KIRKLARELİ` is `Kırklareli`. A name with any small letter stays as it is."""
    if any(letter.islower() for letter in name):
        return name
    return _WORD.sub(lambda word: upper(word[0][0]) + lower(word[0][1:]), name)
