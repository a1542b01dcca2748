"""The chain that makes an archive tamper-evident: each record's link is a digest of the link before it and the record.

Whoever knows a partition's last link knows every record up to it: none can be changed, left out, added or moved
without all later links being others.
"""

import struct
from hashlib import blake2b
from typing import Final

LINK_BYTES: Final = 16
"""128 bits: two records with one link cannot be found by trying, and a million links are 16 MB."""

START: Final = bytes(LINK_BYTES)
"""The link before a partition's first record."""

_FRAME: Final = struct.Struct(">16sqqII")
"""Link, offset, append time, length of the key, length of the value: so no byte can move from one field to another."""


def link(before: bytes, offset: int, append_ms: int, key: bytes, value: bytes) -> bytes:
    """The link of a record: BLAKE2b-128 over the link before it, its offset, append time (ms), key and value."""
    frame = _FRAME.pack(before, offset, append_ms, len(key), len(value))
    return blake2b(frame + key + value, digest_size=LINK_BYTES).digest()
