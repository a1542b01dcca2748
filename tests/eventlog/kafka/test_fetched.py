"""Records of a fetch as `Fetched` hands them out, beside aiokafka's own class. No broker."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition

from eventlog.kafka.fetched import Fetched

WHERE = TopicPartition("tallies", 3)
(AIOKAFKAS,) = Fetched.__bases__

_BASE_BYTES = 8
_CRC_AT = 17
_ATTRIBUTES_AT = 21
_GZIP = 0x01
_APPEND_TIME = 0x08
_CONTROL = 0x20
"""Bits of a batch's attributes."""


def _batch(base: int, offsets: Sequence[int], *, codec: int = 0, attributes: int = 0) -> bytes:
    """A batch as a broker sends it: records at these offsets behind its first one, with what a broker sets in it."""
    builder = DefaultRecordBatchBuilder(2, codec, 0, 7, 0, 0, 1 << 20)
    for offset in offsets:
        builder.append(offset, 1_000 + offset, b"key" if offset % 2 else None, b"value " * (offset + 1), [])
    batch = bytearray(builder.build())
    batch[:_BASE_BYTES] = base.to_bytes(_BASE_BYTES)
    batch[_ATTRIBUTES_AT + 1] |= attributes
    batch[_CRC_AT:_ATTRIBUTES_AT] = calc_crc32c(bytes(batch[_ATTRIBUTES_AT:])).to_bytes(4)
    return bytes(batch)


def _shortened(batch: bytes, last: int) -> bytes:
    """A batch of which compaction took the last records: it still says up to which offset behind its first it went."""
    shorter = bytearray(batch)
    at = _ATTRIBUTES_AT + 2
    shorter[at : at + 4] = last.to_bytes(4)
    shorter[_CRC_AT:_ATTRIBUTES_AT] = calc_crc32c(bytes(shorter[_ATTRIBUTES_AT:])).to_bytes(4)
    return bytes(shorter)


class _Assignment:
    """As much of aiokafka's as a fetch asks for."""

    active = True

    def __init__(self, position: int) -> None:
        self.state = SimpleNamespace(paused=False, position=position, consumed_to=self._consumed_to)

    def state_value(self, _where: TopicPartition) -> SimpleNamespace:
        return self.state

    def _consumed_to(self, position: int) -> None:
        self.state.position = position


def _fetch(kind: Any, fetched: bytes, position: int) -> tuple[Any, _Assignment]:
    assignment = _Assignment(position)
    part = PartitionRecords(WHERE, MemoryRecords(fetched), None, position, None, None, True, fetcher.READ_UNCOMMITTED)
    return kind(WHERE, assignment=assignment, partition_records=part, backoff=0), assignment


def _read(kind: Any, fetched: bytes, position: int, max_records: int) -> tuple[list[object], int]:
    """The records of a fetch, up to where it is damaged, and the position behind them."""
    result, assignment = _fetch(kind, fetched, position)
    records: list[object] = []
    try:
        while result.has_more():
            got = result.getall(max_records)
            assert len(got) <= max_records
            records += [(one.offset, one.timestamp, one.key, one.value) for one in got]
    except CorruptRecordException:
        records.append("damaged")
        assert [] == result.getall(max_records)
        assert not result.has_more()
    return records, assignment.state.position


_DAMAGED = bytearray(_batch(5, range(4)))
_DAMAGED[-3] ^= 1

FETCHES = {
    "a batch": (_batch(0, range(5)), 0),
    "three batches": (_batch(0, range(5)) + _batch(5, range(4)) + _batch(9, range(1)), 0),
    "a position within a batch": (_batch(0, range(5)) + _batch(5, range(4)), 3),
    "a position behind a batch that compaction shortened": (_shortened(_batch(0, range(3)), 9), 5),
    "gaps": (_batch(0, (1, 3)) + _shortened(_batch(5, (0, 2)), 7) + _batch(20, range(2)), 0),
    "gzip, with the broker's append times": (_batch(0, range(5), codec=_GZIP, attributes=_APPEND_TIME), 0),
    "marks of transactions": (
        _batch(0, range(2)) + _batch(2, (0,), attributes=_CONTROL) + _batch(3, range(2)),
        0,
    ),
    "nothing but marks": (_batch(2, (0,), attributes=_CONTROL), 2),
    "the beginning of a batch at the end": (_batch(0, range(5)) + _batch(5, range(4))[:-4], 0),
    "damage": (_batch(0, range(5)) + bytes(_DAMAGED), 0),
    "damage at once": (bytes(_DAMAGED), 5),
}


@pytest.mark.parametrize("max_records", range(1, 12))
@pytest.mark.parametrize("name", FETCHES)
def test_records_and_positions_are_those_of_aiokafkas_own_class(name: str, max_records: int) -> None:
    fetched, position = FETCHES[name]
    theirs, ours = (_read(kind, fetched, position, max_records) for kind in (AIOKAFKAS, Fetched))
    assert theirs == ours


def test_a_fetch_for_a_position_that_was_left_meanwhile_brings_nothing() -> None:
    result, assignment = _fetch(Fetched, _batch(0, range(5)), 0)
    assignment.state.position = 2
    assert [] == result.getall(10)
    assert not result.has_more()


def test_every_fetch_of_aiokafkas_is_one_of_ours() -> None:
    assert Fetched is fetcher.FetchResult
