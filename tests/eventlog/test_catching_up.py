"""Reading a topic again and again to where it ends, on both logs."""

import asyncio

from eventlog.catching_up import CatchingUp
from eventlog.port import Entry, EventLog, Topic
from tests.patience import LIMIT_S


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
