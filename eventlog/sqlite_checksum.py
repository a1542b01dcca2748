"""The checksum of a record in the embedded log: it shows what a disk, a cable or another program did to its bytes.

CRC-32, as Kafka has for its batches: it finds what happens by accident, and nothing that is meant. Rows that an earlier
release wrote have none.
"""

import struct
from typing import Final
from zlib import crc32

_frame: Final = struct.Struct(">qqi").pack


def checksum(record_id: int, timestamp: int, key: bytes, value: bytes) -> int:
    """The checksum over a row: where it lies, when it came (ms since 1970), its key and its value.

    The key's length is in it too, so that no byte can move from one to the other.
    """
    return crc32(value, crc32(key, crc32(_frame(record_id, timestamp, len(key)))))


def fits(record_id: int, timestamp: int, key: bytes, value: bytes, written: int | None) -> bool:
    """Whether a row is what was appended, as far as its checksum tells; without one, whether it is a row at all.

    In a file that is damaged, SQLite may give anything for a column.
    """
    try:
        found = checksum(record_id, timestamp, key, value)
    except (TypeError, struct.error):
        return False
    return written is None or written == found
