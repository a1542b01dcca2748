"""Reading a topic to where it ends, once and again and again, on both logs."""

import asyncio
from collections.abc import Mapping
from typing import Self

import pytest

from eventlog.port import (
    SILENT_READS,
    Batch,
    CatchingUp,
    Entry,
    EventLog,
    Silence,
    Standstill,
    Topic,
    read_to_end,
    read_until,
)
from schemas.errors import LogSilent, LogUnavailable, UnknownTopic
from tests.patience import LIMIT_S


async def test_a_topic_is_read_to_its_end_in_order_and_an_empty_one_brings_nothing(log: EventLog, unique: str) -> None:
    await log.create([Topic(unique)])
    assert [] == [record async for record in read_to_end(log, unique)]
    await log.append(unique, [Entry(b"k", b"%d" % n) for n in range(7)])
    assert [b"%d" % n for n in range(7)] == [record.value async for record in read_to_end(log, unique)]


async def test_what_comes_while_a_topic_is_read_is_not_waited_for(log: EventLog, unique: str) -> None:
    await log.create([Topic(unique)])
    await log.append(unique, [Entry(b"k", b"before")])
    found = []
    async with asyncio.timeout(LIMIT_S):
        async for record in read_to_end(log, unique):
            found.append(record.value)
            await log.append(unique, [Entry(b"k", b"meanwhile")])
    assert [b"before"] == found


async def test_a_reader_goes_on_from_where_it_is_to_each_partitions_end(log: EventLog, unique: str) -> None:
    await log.create([Topic(unique, partitions=2)])
    await log.append(unique, [Entry(b"k", b"%d" % n, n % 2) for n in range(10)])
    async with log.reader(unique, {0: 4, 1: 0}) as reader:
        batches = [batch async for batch in read_until(reader, await log.end_offsets(unique), max_records=3)]
    found: dict[int, list[int]] = {0: [], 1: []}
    for batch in batches:
        found[batch.partition] += [record.offset for record in batch.records]
    assert {0: [4], 1: [0, 1, 2, 3, 4]} == found
    assert max(len(batch.records) for batch in batches) <= 3


async def test_a_topic_that_is_not_there_is_named(log: EventLog, unique: str) -> None:
    with pytest.raises(UnknownTopic, match=unique):
        _ = [record async for record in read_to_end(log, unique)]


class Silent:
    """A reader whose connections are gone: it brings nothing, and says nothing."""

    positions: Mapping[int, int] = {0: 0}

    def __init__(self) -> None:
        self.reads: list[tuple[int, int]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def read(self, *, max_records: int, wait_ms: int) -> list[Batch]:
        self.reads.append((max_records, wait_ms))
        return []


async def test_who_reads_what_is_there_does_not_wait_for_ever_for_a_reader_that_brings_nothing() -> None:
    silent = Silent()
    with pytest.raises(LogUnavailable, match="nothing has come"):
        _ = [batch async for batch in read_until(silent, {0: 1})]
    assert SILENT_READS == len(silent.reads)


def test_what_comes_ends_the_silence() -> None:
    silence = Silence()
    for _ in range(3):
        for _ in range(SILENT_READS - 1):
            silence.heard([])
        silence.heard([Batch(0, [])])


def test_tallies_that_stand_still_although_the_log_has_more_are_noticed() -> None:
    """Not at once, nor where one of them moves, nor where there is nothing more."""
    looked, ends = Standstill(), {0: 5, 1: 5}
    assert {0: 0, 1: 0} == looked.behind(ends, ends, 0)
    assert {0: 0, 1: 0} == looked.behind(ends, ends, 100)
    for now, at in ((200, 1), (230, 2), (240, 2), (250, 2)):
        assert {0: 3, 1: 5 - at} == looked.behind({0: 2, 1: at}, ends, now)
    with pytest.raises(LogSilent, match="holds 6 records more"):
        looked.behind({0: 2, 1: 2}, ends, 261)


def test_who_was_away_for_long_is_given_time_to_read() -> None:
    looked = Standstill()
    assert [{0: 1}] * 3 == [looked.behind({0: 4}, {0: 5}, now) for now in (0, 500, 501)]


async def append(log: EventLog, topic: str, *values: bytes) -> None:
    await log.append(topic, [Entry(b"k", value) for value in values])


async def test_each_look_finds_what_has_come_since_the_last(log: EventLog, unique: str) -> None:
    await log.create([Topic(unique)])
    async with asyncio.timeout(LIMIT_S), CatchingUp(log, unique) as topic:
        assert [] == [record.value async for record in topic.to_end(10)]
        await append(log, unique, b"one", b"two", b"three")
        assert [b"one", b"two", b"three"] == [record.value async for record in topic.to_end(2)]
        assert [] == [record.value async for record in topic.to_end(10)]


async def test_it_is_read_step_by_step_to_where_it_ended_at_the_look(log: EventLog, unique: str) -> None:
    """What comes meanwhile may be read as well, but is not waited for."""
    await log.create([Topic(unique)])
    await append(log, unique, b"one", b"two")
    async with asyncio.timeout(LIMIT_S), CatchingUp(log, unique) as topic:
        assert (False, ()) == (topic.is_behind, await topic.read(1))
        await topic.begin()
        found = []
        while topic.is_behind:
            (record,) = await topic.read(1)
            found.append(record.value)
            await append(log, unique, b"meanwhile")
        assert [b"one", b"two"] == found
        assert () == await topic.read(1)


async def test_closed_it_begins_at_the_beginning_again(log: EventLog, unique: str) -> None:
    await log.create([Topic(unique)])
    await append(log, unique, b"one")
    topic = CatchingUp(log, unique)
    for _ in range(2):
        async with asyncio.timeout(LIMIT_S), topic:
            assert [b"one"] == [record.value async for record in topic.to_end(10)]
