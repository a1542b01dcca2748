"""Ways to damage a record so that nobody can take it for a tally: what broken feeds send."""

from collections.abc import Callable
from typing import Final, Literal

import orjson

from eventlog.port import Entry
from schemas.fields import MAX_BOX_NUMBER
from schemas.tally import MAX_TALLY_BYTES

Damage = Literal[
    "malformed",
    "oversized",
    "misrouted",
    "negative",
    "unknown_contest",
    "unknown_source",
    "unknown_district",
    "unknown_box",
    "unknown_candidate",
]

NOBODY: Final = "nobody"
"""An id that no definition should have: what the unknown ids are replaced by."""


def damaged(entry: Entry, damage: Damage) -> Entry:
    """The record with this damage. One that cannot have it (a withdrawal has no votes) is cut short instead."""
    if damage == "misrouted":
        return Entry(entry.key + b"/astray", entry.value, entry.partition)
    return Entry(entry.key, _BYTES[damage](entry.value), entry.partition)


def _cut_short(value: bytes) -> bytes:
    text = value.rstrip()  # cut in its padding, an oversized one would be intact again
    return text[: len(text) // 2]


def _pad(value: bytes) -> bytes:
    return value + b" " * MAX_TALLY_BYTES


def _rewritten(value: bytes, **fields: object) -> bytes:
    try:
        record = orjson.loads(value)
    except orjson.JSONDecodeError:
        return _cut_short(value)
    if not isinstance(record, dict) or not fields.keys() <= record.keys():
        return _cut_short(value)
    return orjson.dumps(record | fields)


_BYTES: Final[dict[str, Callable[[bytes], bytes]]] = {
    "malformed": _cut_short,
    "oversized": _pad,
    "negative": lambda value: _rewritten(value, cast=-1),
    "unknown_contest": lambda value: _rewritten(value, contest=NOBODY),
    "unknown_source": lambda value: _rewritten(value, source=NOBODY),
    "unknown_district": lambda value: _rewritten(value, district=NOBODY),
    "unknown_box": lambda value: _rewritten(value, box=MAX_BOX_NUMBER),
    "unknown_candidate": lambda value: _rewritten(value, votes={NOBODY: 1}),
}
