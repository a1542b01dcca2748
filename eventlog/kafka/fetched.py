"""What a fetch brought of one partition, handed out as the records that aiokafka decodes in C.

aiokafka makes a second object of every record, in Python, with eleven fields of which we read four: two thirds of the
time of reading. The first one has all that `schemas.fields.Record` asks for, so batches are handed out as they decode.
There is no public way to that: `Fetched` is put into the place of aiokafka's own class, for every consumer of this
process, and does what that does. `tests/eventlog/kafka/test_fetched.py` compares the two, and fails where a release has
other private parts; so pyproject.toml has an upper bound.
"""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException

from schemas.fields import Record


class Fetched(fetcher.FetchResult):  # type: ignore[misc]  # aiokafka has no types
    """One partition's records, for `getmany` without transactions."""

    _partition_records: Any

    _batch: Any = None
    """The batch that is handed out in part."""
    _rest: Iterator[Record] = iter(())
    """What is left of it; a batch may be iterated over once."""

    def getall(self, max_records: int) -> list[Record]:
        """Return the next records, so many at most. Raises `CorruptRecordException`; then they are fetched again."""
        if not self.has_more() or not self.check_assignment(self._topic_partition):
            return []
        part = self._partition_records
        self._partition_records = None  # for good, where a batch is damaged
        records: list[Record] = []
        while (room := max_records - len(records)) and self._has_batch(part):
            taken = [*islice(self._rest, room)]
            if len(taken) < room:  # behind the batch, whose last records compaction may have taken
                position, self._batch = self._batch.next_offset, None
            else:
                position = taken[-1].offset + 1
            if taken and taken[0].offset < part.next_fetch_offset:  # the fetch began within the batch
                taken = [record for record in taken if record.offset >= part.next_fetch_offset]
            part.next_fetch_offset = max(position, part.next_fetch_offset)
            records += taken
        if not room:
            self._partition_records = part
        self._assignment.state_value(self._topic_partition).consumed_to(part.next_fetch_offset)
        return records

    def _has_batch(self, part: Any) -> bool:  # noqa: ANN401  aiokafka has no types
        """Whether there is a batch to hand out; begin the next one where there is none."""
        batches = part._records  # noqa: SLF001  see the module
        while self._batch is None and batches.has_next():
            batch = batches.next_batch()
            if not batch.validate_crc():
                raise CorruptRecordException(f"Invalid CRC - {self._topic_partition}")
            if batch.is_control_batch:  # a broker's marks of transactions
                part.next_fetch_offset = batch.next_offset
            else:
                self._batch, self._rest = batch, chain(batch)
        return self._batch is not None


fetcher.FetchResult = Fetched
