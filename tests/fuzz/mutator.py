"""Changes sound inputs: by bytes, by lines, and where they are JSON by their values. Seeded: the same input each time.

JSON is changed as a tree of pairs and written by hand, since what is asked for (a key twice, NaN, half a surrogate, ten
thousand levels) is what no library writes.
"""

import json
import random
from collections.abc import Callable, Sequence
from json.encoder import encode_basestring
from typing import Final

MAX_INPUT_BYTES: Final = 256 * 1024
"""Above every limit of a record or message (64 KiB, 16 KiB); no input is longer."""

_MAX_CHANGES: Final = 4
_DEEP: Final = 10_000


class _Object(list[tuple[str, object]]):
    """A JSON object as its pairs, in order, each key as often as it is there."""


class _Raw(bytes):
    """A value that is written as it is."""


EXTREMES: Final[tuple[bytes, ...]] = (
    *(b"0", b"-0", b"-0.0", b"-1", b"1", b"255", b"256", b"65536", b"0.5", b"1.0", b"1e3", b"1e-400", b"1e400"),
    *(b"-1e400", b"2147483647", b"2147483648", b"4294967296", b"9007199254740991", b"9007199254740993"),
    *(b"9223372036854775807", b"9223372036854775808", b"18446744073709551615", b"18446744073709551616"),
    *(b"-9223372036854775809", b"9" * 30, b"9" * 400, b"9" * 5_000, b"1." + b"0" * 400, b"0" * 40 + b"1", b"01"),
    *(b"NaN", b"Infinity", b"-Infinity", b"null", b"true", b"false", b"[]", b"{}", b'""', b'" "', b'"\\u0000"'),
    *(b'"\\ud800"', b'"\\udfff\\ud800"', b'"\xed\xa0\x80"', b'"\xff"', b'"\xc3\xa9"', b'"\\u0130\\u0131"', b'"1"'),
    *(b'"' + b"x" * 97 + b'"', b'"' + b"x" * 70_000 + b'"', b'"' + "ş".encode() * 5_000 + b'"', b'"2024-02-30T19:00Z"'),
    *(b'"0001-01-01T00:00:00+14:00"', b'"9999-12-31T23:59:59-14:00"', b'"2024-03-31T19:00:00+99:99"', b"1711900800"),
    *(b'"2024-03-31T19:00:00.1234567890123+03:00"', b'"2024-03-31T24:00:00Z"', b'"2024-03-31"', b'"aa/../.."'),
    *(b'"tr/34/uskudar"', b'"mayor"', b'"aa"', b'"kurum"', b'"\\u202eabc"', b"[[[]]]", b'[{}, null, "", 0]', b"[0, 0]"),
    *(b'{"": {"": []}}', b'{"__proto__": 1}', b"[" * _DEEP + b"]" * _DEEP, b'{"a":' * _DEEP + b"1" + b"}" * _DEEP),
    *(b"[" + b"0," * 20_000 + b"0]", b"{" + b'"a":1,' * 5_000 + b'"a":1}', b"[" * _DEEP, b"", b"'x'", b"0x10", b"1_0"),
)
"""JSON values, and what some take for such."""

TOKENS: Final[tuple[bytes, ...]] = (
    *(b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\n", b"\r\n", b"\r", b"\t", b" ", b"\x00", b"\xff", b"\xfe"),
    *(b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc3", b"\\ud800", b"%00", b"%", b"%2e%2e/", b"../", b"/", b"//", b"?", b"&"),
    *(
        b"=",
        b";",
        b"#",
        b"@",
        b"*",
        b"'",
        b"--",
        b"-",
        b"+",
        b".",
        b"1e400",
        b"NaN",
        b"-1",
        b"0",
        b"9" * 25,
        b"9" * 5_000,
    ),
    *(
        "ı".encode(),
        "İ".encode(),
        "٣".encode(),
        "²".encode(),
        "\u2028".encode(),
        "\u200f".encode(),
        b"\x1b[2J",
        b"\x85",
    ),
    *(b"\x00" * 9, b"A" * 300, b"A" * 70_000, b"[" * _DEEP, b"null", b"\n\n", b"2024-03-31T19:00:00+03:00", b"24:60"),
)
"""Pieces that something somewhere takes for a sign."""


def mutated(chance: random.Random, corpus: Sequence[bytes]) -> bytes:
    """An input that a seed makes of a corpus: a few changes to one of its inputs, now and then none at all."""
    data = chance.choice(corpus)
    for _ in range(chance.randint(0 if chance.random() < 0.05 else 1, _MAX_CHANGES)):
        data = chance.choice(_CHANGES)(chance, data, corpus)
    return data[:MAX_INPUT_BYTES]


_Change = Callable[[random.Random, bytes, Sequence[bytes]], bytes]


def _flip(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    if not data:
        return bytes([chance.randrange(256)])
    changed, at = bytearray(data), chance.randrange(len(data))
    changed[at] = chance.randrange(256) if chance.random() < 0.5 else changed[at] ^ 1 << chance.randrange(8)
    return bytes(changed)


def _cut(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    begin, end = _stretch(chance, data)
    return data[:begin] + data[end:]


def _cut_end(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    return data[: chance.randint(0, len(data))]


def _repeat(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    begin, end = _stretch(chance, data)
    return data[:end] + data[begin:end] * chance.choice([1, 1, 2, 50]) + data[end:]


def _insert(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = chance.randint(0, len(data))
    end = min(len(data), at + chance.choice([0, 0, 1, 4]))
    return data[:at] + chance.choice(TOKENS) + data[end:]


def _splice(chance: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    other = chance.choice(corpus)
    return data[: chance.randint(0, len(data))] + other[chance.randint(0, len(other)) :]


def _change_line(chance: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    lines = data.splitlines(keepends=True)
    if len(lines) < 2:
        return _flip(chance, data, corpus)
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    match chance.randrange(4):
        case 0:
            del lines[one]
        case 1:
            lines.insert(other, lines[one])
        case 2:
            lines[one], lines[other] = lines[other], lines[one]
        case _:
            lines[one] = _change_value(chance, lines[one], corpus)
    return b"".join(lines)


def _change_value(chance: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    """A value of JSON, or a number or a quoted text of anything else, becomes another."""
    ending = data[len(data.rstrip(b"\r\n")) :]
    try:
        tree = json.loads(data, object_pairs_hook=_Object)
    except (ValueError, RecursionError):
        return _change_word(chance, data)
    return _written(_changed(chance, tree, corpus)) + ending


def _change_word(chance: random.Random, data: bytes) -> bytes:
    """A word between signs becomes another."""
    begin = end = chance.randint(0, len(data))
    signs = b' \t\r\n,;:="{}[]&?/|'
    while begin and data[begin - 1] not in signs:
        begin -= 1
    while end < len(data) and data[end] not in signs:
        end += 1
    return data[:begin] + chance.choice(EXTREMES).strip(b'"') + data[end:]


def _changed(chance: random.Random, tree: object, corpus: Sequence[bytes]) -> object:
    """The tree with one node changed: found by walking down from the root, so that no part is too rare."""
    if not isinstance(tree, list) or not tree or chance.random() < 0.15:
        return _other(chance, tree, corpus)
    at = chance.randrange(len(tree))
    if isinstance(tree, _Object):
        return _changed_pair(chance, tree, at, corpus)
    copy = list(tree)
    match chance.randrange(8):
        case 0:
            del copy[at]
        case 1:
            copy.insert(at, copy[chance.randrange(len(copy))])
        case _:
            copy[at] = _changed(chance, copy[at], corpus)
    return copy


def _changed_pair(chance: random.Random, tree: _Object, at: int, corpus: Sequence[bytes]) -> _Object:
    copy = _Object(tree)
    key, value = copy[at]
    match chance.randrange(12):
        case 0:
            del copy[at]
        case 1:
            copy.append((key, _other(chance, value, corpus)))  # the key twice
        case 2:
            copy[at] = chance.choice([key.upper(), key + "x", "", "\x00", "v", "type", key * 50]), value
        case 3:
            copy.append((chance.choice(["x", "v", "released", "overridden", "excess", "signature", "epoch"]), value))
        case 4:
            copy[at] = key, copy[chance.randrange(len(copy))][1]
        case _:
            copy[at] = key, _changed(chance, value, corpus)
    return copy


def _other(chance: random.Random, value: object, corpus: Sequence[bytes]) -> object:
    match chance.randrange(8):
        case 0 if isinstance(value, str):
            return chance.choice([value + "\x00", value.upper(), value[:-1], value * 40, value[::-1], value + "é", ""])
        case 1 if isinstance(value, int):
            return value + chance.choice([-1, 1, 2**31, 2**53, 2**63, -(2**63), 10**20])
        case 2:
            return [value]
        case 3:
            return _Object([("a", value)])
        case 4:
            return _part(chance, corpus)
        case _:
            return _Raw(chance.choice(EXTREMES))


def _part(chance: random.Random, corpus: Sequence[bytes]) -> object:
    """A part of another input."""
    try:
        found = json.loads(chance.choice(corpus), object_pairs_hook=_Object)
    except (ValueError, RecursionError):
        return _Raw(chance.choice(EXTREMES))
    while isinstance(found, list) and found and chance.random() < 0.8:
        found = chance.choice(found)
        found = found[1] if isinstance(found, tuple) else found
    return found


def _written(tree: object) -> bytes:
    """JSON, or nearly."""
    match tree:
        case _Raw():
            return tree
        case _Object():
            return b"{" + b",".join(_text(key) + b":" + _written(value) for key, value in tree) + b"}"
        case list():
            return b"[" + b",".join(map(_written, tree)) + b"]"
        case str():
            return _text(tree)
        case _:
            return _WORDS[tree] if tree is None or isinstance(tree, bool) else str(tree).encode()


def _text(text: str) -> bytes:
    return encode_basestring(text).encode(errors="surrogatepass")


_WORDS: Final[dict[object, bytes]] = {None: b"null", True: b"true", False: b"false"}


def _stretch(chance: random.Random, data: bytes) -> tuple[int, int]:
    begin = chance.randint(0, len(data))
    return begin, min(len(data), begin + chance.choice([1, 1, 2, 4, 8, 64, 1_024]))


_CHANGES: Final[Sequence[_Change]] = (
    *(_change_value,) * 6,
    *(_flip,) * 3,
    _cut,
    _cut_end,
    _repeat,
    *(_insert,) * 2,
    _splice,
    *(_change_line,) * 3,
)
