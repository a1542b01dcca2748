"""Texts in any encoding: the one that the mapping names, or UTF-8, or UTF-16 where the first bytes show it."""

import codecs
import io
from typing import IO, Final

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_EXAMPLES: Final = (
    '"cp1254" (Turkish Windows), "cp1252" or "latin-1" (Western Windows), "cp1251" (Cyrillic), '
    '"cp932" (Japanese Windows)'
)


def check_encoding(name: str) -> str:
    """Return the name of an encoding if there is such a one. Raises `ValueError`."""
    try:
        "0".encode(name)
    except (LookupError, UnicodeError):
        raise ValueError(f"there is no encoding {name!r}; there are {_EXAMPLES}, and more") from None
    return name


def encoding_of(begin: bytes, named: str | None) -> str:
    """Return the encoding of a text that begins with these bytes: what is certain, else `named`, else UTF-8.

    A byte order mark says what it is. Without one, a NUL among the first two bytes is half of a letter in UTF-16.
    """
    for mark, encoding in _MARKS:
        if begin.startswith(mark):
            return encoding
    if named is not None:
        return named
    if begin[1:2] == b"\0" != begin[:1]:
        return "utf-16-le"
    if begin[:1] == b"\0" != begin[1:2]:
        return "utf-16-be"
    return "utf-8"


def open_text(raw: IO[bytes], named: str | None) -> io.TextIOWrapper:
    """Return the text of a binary file that can be peeked into; line ends stay as they are."""
    begin: bytes = raw.peek(4)[:4]  # type: ignore[attr-defined]  # readers of files, gzip and ZIP have it
    return io.TextIOWrapper(raw, encoding=encoding_of(begin, named), newline="")


def as_utf8(data: bytes, named: str | None) -> bytes:
    """Return the bytes of a text in UTF-8, without a byte order mark."""
    encoding = encoding_of(data[:4], named)
    return data if encoding == "utf-8" else data.decode(encoding).encode()


def not_that(file: str, error: UnicodeError) -> str:
    """Return a message on a file that is not written in the encoding that it was read in."""
    encoding = str(getattr(error, "encoding", "")).replace("charmap", "") or "the encoding that the mapping names"
    encoding = "UTF-8" if encoding.replace("-", "").lower().startswith("utf8") else encoding
    place = f" (byte {error.start})" if isinstance(error, UnicodeDecodeError) else ""
    return (
        f"{file} is not {encoding}{place}. Say as table.encoding in the mapping how it is written: {_EXAMPLES}; or "
        "save it as UTF-8."
    )
