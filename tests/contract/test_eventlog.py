"""What the port promises, on both logs and on the one that simulations run on."""

import asyncio
from collections.abc import Callable

import pytest

from eventlog.clock import Wall
from eventlog.port import Entry, EventLog, Membership, Topic, partition_of
from schemas.errors import PositionLost, RecordTooLarge, UnknownTopic, UsageError
from schemas.moments import epoch_ms
from tests.contract.opening import open_log
from tests.eventlog.reading import read_to_end, values
from tests.patience import LIMIT_S

LONG_MS = 10 * LIMIT_S * 1_000
"""Longer than any test lasts: who waits it out has failed."""


@pytest.fixture
async def topic(log: EventLog, unique: str) -> Topic:
    """A topic of three partitions."""
    topic = Topic(unique, partitions=3)
    await log.create([topic])
    return topic


@pytest.fixture
async def single(log: EventLog, unique: str) -> Topic:
    """A topic of one partition, compacted."""
    topic = Topic(f"{unique}-single", compacted=True)
    await log.create([topic])
    return topic


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what others do in their own time; bounded."""
    async with asyncio.timeout(LIMIT_S):
        while not condition():  # noqa: ASYNC110  a membership tells nobody when it changes
            await asyncio.sleep(0.02)


async def test_a_created_topic_exists_with_its_partitions(log: EventLog, topic: Topic) -> None:
    assert await log.exists(topic.name)
    assert await log.partitions(topic.name) == 3
    assert await log.end_offsets(topic.name) == {0: 0, 1: 0, 2: 0}


async def test_creating_again_leaves_what_is_there(log: EventLog, topic: Topic) -> None:
    await log.append(topic.name, [Entry(b"k", b"v", 0)])
    await log.create([Topic(topic.name, partitions=7), Topic(f"{topic.name}-new")])
    assert await log.partitions(topic.name) == 3
    assert await log.end_offsets(topic.name) == {0: 1, 1: 0, 2: 0}
    assert await log.exists(f"{topic.name}-new")


async def test_creating_at_once_from_two_logs_creates_one_topic(log: EventLog, log_url: str, unique: str) -> None:
    topics = [Topic(f"{unique}-{n}", partitions=2) for n in range(3)]
    async with open_log(log_url, Wall()) as other, asyncio.TaskGroup() as tasks:
        tasks.create_task(log.create(topics))
        tasks.create_task(other.create(topics))
    assert [await log.partitions(topic.name) for topic in topics] == [2, 2, 2]


async def test_an_unknown_topic_is_named(log: EventLog, unique: str) -> None:
    assert not await log.exists(unique)
    with pytest.raises(UnknownTopic, match=unique):
        await log.partitions(unique)
    with pytest.raises(UnknownTopic, match=unique):
        await log.end_offsets(unique)
    with pytest.raises(UnknownTopic, match=unique):
        await log.offsets_at(unique, 0)
    with pytest.raises(UnknownTopic, match=unique):
        await log.append(unique, [Entry(b"k", b"v")])
    with pytest.raises(UnknownTopic, match=unique):
        async with log.reader(unique, {0: 0}):
            pass
    with pytest.raises(UnknownTopic, match=unique):
        async with log.member(unique, "group"):
            pass
    assert not await log.exists(unique)


async def test_a_topic_that_another_log_creates_is_seen(log: EventLog, log_url: str, unique: str) -> None:
    """That it did not exist is not remembered."""
    assert not await log.exists(unique)
    async with open_log(log_url, Wall()) as other:
        await other.create([Topic(unique)])
    assert await log.exists(unique)


async def test_what_was_appended_is_read_in_order_within_its_partition(log: EventLog, topic: Topic) -> None:
    entries = [Entry(f"key-{n % 10}".encode(), f"value-{n}".encode()) for n in range(2500)]
    for start in range(0, 2500, 500):
        await log.append(topic.name, entries[start : start + 500])
    records = await read_to_end(log, topic.name)
    for partition, mine in records.items():
        expected = [e for e in entries if log.partition_of(e.key, 3) == partition]
        assert [(e.key, e.value) for e in expected] == [(r.key, r.value) for r in mine]
        assert list(range(len(expected))) == [r.offset for r in mine]


async def test_small_and_large_appends_keep_their_order(log: EventLog, single: Topic) -> None:
    """They may take different ways inside, and still come out as they went in."""
    sizes = [1, 40, 2, 17, 16, 100, 1]
    expected: list[bytes | None] = []
    for turn, size in enumerate(sizes):
        batch = [f"{turn}-{n}".encode() for n in range(size)]
        await log.append(single.name, [Entry(b"k", value) for value in batch])
        expected += batch
    assert await values(log, single.name) == expected


async def test_an_explicit_partition_wins_over_the_key(log: EventLog, topic: Topic) -> None:
    await log.append(topic.name, [Entry(b"same", str(n).encode(), n % 3) for n in range(30)])
    records = await read_to_end(log, topic.name)
    assert {p: [int(r.value or b"") for r in mine] for p, mine in records.items()} == {
        p: list(range(p, 30, 3)) for p in range(3)
    }


async def test_an_explicit_partition_that_is_not_there_is_refused(log: EventLog, topic: Topic) -> None:
    with pytest.raises(UsageError, match="has no partition 3"):
        await log.append(topic.name, [Entry(b"k", b"v", 0), Entry(b"k", b"v", 3)])
    assert sum((await log.end_offsets(topic.name)).values()) == 0


async def test_a_key_has_the_partition_that_murmur2_gives_it(log: EventLog) -> None:
    keys = [f"tr/34/{n}".encode() for n in range(200)]
    assert [log.partition_of(key, 8) for key in keys] == [partition_of(key, 8) for key in keys]


async def test_appending_nothing_does_nothing(log: EventLog, topic: Topic) -> None:
    await log.append(topic.name, [])
    assert sum((await log.end_offsets(topic.name)).values()) == 0


async def test_empty_keys_and_values_are_kept(log: EventLog, single: Topic) -> None:
    await log.append(single.name, [Entry(b"", b""), Entry(b"\x00\xff", b"\xff\x00")])
    records = (await read_to_end(log, single.name))[0]
    assert [(r.key, r.value) for r in records] == [(b"", b""), (b"\x00\xff", b"\xff\x00")]


async def test_concurrent_appends_all_arrive_each_in_its_order(log: EventLog, single: Topic) -> None:
    async def append(writer: int) -> None:
        for turn in range(20):
            await log.append(single.name, [Entry(b"k", f"{writer} {turn} {n}".encode()) for n in range(3)])

    async with asyncio.TaskGroup() as tasks:
        for writer in range(10):
            tasks.create_task(append(writer))
    got = [tuple(map(int, (value or b"").split())) for value in await values(log, single.name)]
    assert len(got) == 600
    for writer in range(10):
        assert [g[1:] for g in got if g[0] == writer] == [(turn, n) for turn in range(20) for n in range(3)]


async def test_a_reader_starts_at_its_positions_and_moves_them(log: EventLog, topic: Topic) -> None:
    await log.append(topic.name, [Entry(b"k", str(n).encode(), n % 2) for n in range(20)])
    async with log.reader(topic.name, {0: 7, 1: 10, 2: 0}) as reader:
        assert dict(reader.positions) == {0: 7, 1: 10, 2: 0}
        batches = await reader.read(max_records=100, wait_ms=LONG_MS)
        assert [(b.partition, [r.value for r in b.records]) for b in batches] == [(0, [b"14", b"16", b"18"])]
        assert dict(reader.positions) == {0: 10, 1: 10, 2: 0}


async def test_a_read_returns_no_more_than_asked_for(log: EventLog, topic: Topic) -> None:
    await log.append(topic.name, [Entry(b"k", b"v", n % 3) for n in range(90)])
    sizes = []
    async with log.reader(topic.name, dict.fromkeys(range(3), 0)) as reader:
        while sum(reader.positions.values()) < 90:
            sizes.append(sum(len(b.records) for b in await reader.read(max_records=7, wait_ms=LONG_MS)))
    assert max(sizes) <= 7
    assert sum(sizes) == 90


async def test_every_partition_gets_its_turn(log: EventLog, topic: Topic) -> None:
    """A partition with much to read does not starve the others."""
    for _ in range(4):  # 8 MB, more than one look at a partition takes
        await log.append(topic.name, [Entry(b"k", bytes(10_000), 0)] * 200)
    await log.append(topic.name, [Entry(b"k", b"v", 2)])
    async with log.reader(topic.name, dict.fromkeys(range(3), 0)) as reader:
        while reader.positions[2] == 0:
            assert reader.positions[0] < 800
            await reader.read(max_records=100, wait_ms=LONG_MS)


async def test_a_wait_for_nothing_ends_with_nothing(log: EventLog, topic: Topic) -> None:
    async with log.reader(topic.name, {0: 0}) as reader:
        assert await reader.read(max_records=10, wait_ms=0) == []
        assert await reader.read(max_records=10, wait_ms=50) == []
        assert dict(reader.positions) == {0: 0}


async def test_a_waiting_reader_is_woken_by_an_append(log: EventLog, topic: Topic) -> None:
    async with asyncio.timeout(LIMIT_S), log.reader(topic.name, {1: 0}) as reader:
        reading = asyncio.create_task(reader.read(max_records=10, wait_ms=LONG_MS))
        await asyncio.sleep(0.05)  # lets it begin to wait; nothing depends on it
        await log.append(topic.name, [Entry(b"k", b"v", 1)])
        assert [b.partition for b in await reading] == [1]


async def test_a_waiting_reader_is_woken_by_another_logs_append(log: EventLog, log_url: str, topic: Topic) -> None:
    async with (
        asyncio.timeout(LIMIT_S),
        open_log(log_url, Wall()) as other,
        log.reader(topic.name, {1: 0}) as reader,
    ):
        reading = asyncio.create_task(reader.read(max_records=10, wait_ms=LONG_MS))
        await asyncio.sleep(0.05)  # as above
        await other.append(topic.name, [Entry(b"k", b"v", 1)])
        assert [b.partition for b in await reading] == [1]


async def test_a_cancelled_read_loses_nothing(log: EventLog, topic: Topic) -> None:
    async with log.reader(topic.name, {0: 0}) as reader:
        reading = asyncio.create_task(reader.read(max_records=10, wait_ms=LONG_MS))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await log.append(topic.name, [Entry(b"k", b"v", 0)])
        assert len(await reader.read(max_records=10, wait_ms=LONG_MS)) == 1


async def test_a_position_beyond_the_end_is_lost(log: EventLog, topic: Topic) -> None:
    await log.append(topic.name, [Entry(b"k", b"v", 0)])
    with pytest.raises(PositionLost) as lost:
        async with log.reader(topic.name, {0: 5}) as reader:
            await reader.read(max_records=10, wait_ms=LONG_MS)
    assert (lost.value.topic, lost.value.partition, lost.value.offset) == (topic.name, 0, 5)


async def test_a_partition_that_is_not_there_holds_no_position(log: EventLog, topic: Topic) -> None:
    with pytest.raises(PositionLost):
        async with log.reader(topic.name, {3: 0}):
            pass


async def test_a_reader_of_no_partitions_reads_nothing(log: EventLog, topic: Topic) -> None:
    """A member that has no share yet reads like this."""
    async with log.reader(topic.name, {}) as reader:
        assert await reader.read(max_records=10, wait_ms=10) == []


async def test_end_offsets_count_what_was_appended(log: EventLog, topic: Topic) -> None:
    await log.append(topic.name, [Entry(b"k", b"v", p) for p in (0, 0, 2)])
    assert await log.end_offsets(topic.name) == {0: 2, 1: 0, 2: 1}


async def test_timestamps_are_append_times(log: EventLog, single: Topic) -> None:
    before = epoch_ms(Wall().now())
    await log.append(single.name, [Entry(b"k", b"v")] * 3)
    after = epoch_ms(Wall().now())
    stamps = [record.timestamp for record in (await read_to_end(log, single.name))[0]]
    assert before <= stamps[0] == stamps[-1] <= after


async def test_offsets_at_a_time_are_of_the_first_record_then_or_later(log: EventLog, topic: Topic) -> None:
    for partition in (0, 0, 1):
        await log.append(topic.name, [Entry(b"k", b"v", partition)] * 2)
        await asyncio.sleep(0.003)  # timestamps are of one millisecond
    records = await read_to_end(log, topic.name)
    for timestamp in (0, *(r.timestamp + d for p in (0, 1) for r in records[p] for d in (-1, 0, 1)), 2**42):
        expected = {
            p: next((r.offset for r in mine if r.timestamp >= timestamp), len(mine)) for p, mine in records.items()
        }
        assert await log.offsets_at(topic.name, timestamp) == expected


async def test_a_record_at_the_limit_fits_and_one_above_it_does_not(log: EventLog, unique: str) -> None:
    topic = Topic(unique, max_record_bytes=2048)
    await log.create([topic])
    await log.append(topic.name, [Entry(b"key", bytes(2045))] * 20)
    with pytest.raises(RecordTooLarge) as refused:
        await log.append(topic.name, [Entry(b"key", b"small"), Entry(b"key", bytes(2046))])
    assert (refused.value.topic, refused.value.size_bytes, refused.value.limit_bytes) == (topic.name, 2049, 2048)
    assert await log.end_offsets(topic.name) == {0: 20}


async def test_the_limit_stays_with_the_topic(log: EventLog, log_url: str, unique: str) -> None:
    """A process that did not create it knows it."""
    await log.create([Topic(unique, max_record_bytes=100)])
    async with open_log(log_url, Wall()) as other:
        with pytest.raises(RecordTooLarge):
            await other.append(unique, [Entry(b"", bytes(101))])


async def test_a_record_of_eight_mebibytes_goes_through(log: EventLog, unique: str) -> None:
    """A definition of all Türkiye is one control record."""
    topic = Topic(unique, max_record_bytes=8 * 1024 * 1024)
    await log.create([topic])
    value = bytes(range(256)) * (8 * 4096 - 1)
    await log.append(topic.name, [Entry(b"run", value), Entry(b"run", b"after")])
    assert await values(log, topic.name) == [value, b"after"]


async def test_a_log_that_is_opened_again_holds_what_was_acknowledged(
    log: EventLog, log_url: str, topic: Topic
) -> None:
    await log.append(topic.name, [Entry(b"k", str(n).encode(), 0) for n in range(100)])
    async with open_log(log_url, Wall()) as again:
        assert await values(again, topic.name) == [str(n).encode() for n in range(100)]


async def test_one_member_has_all_partitions(log: EventLog, topic: Topic) -> None:
    member = log.member(topic.name, "group")
    async with member:
        await until(lambda: member.partitions == {0, 1, 2})
    assert member.partitions == frozenset()


async def test_two_members_share_and_the_one_who_stays_takes_over(log: EventLog, log_url: str, topic: Topic) -> None:
    def shared(one: Membership, two: Membership) -> bool:
        all_are_shared = one.partitions | two.partitions == {0, 1, 2}
        return all_are_shared and bool(one.partitions and two.partitions) and not one.partitions & two.partitions

    async with open_log(log_url, Wall()) as other, log.member(topic.name, "group") as stays:
        async with other.member(topic.name, "group") as leaves:
            await until(lambda: shared(stays, leaves))
        await until(lambda: stays.partitions == {0, 1, 2})


async def test_a_member_that_comes_under_a_name_takes_the_place_of_the_one_before(
    log: EventLog, log_url: str, topic: Topic
) -> None:
    """The one before has not left, as after a `kill -9`: who comes owns its partitions, and waits for nobody.

    If it lives after all, it goes on without a name, and the two share.
    """
    async with open_log(log_url, Wall()) as before, before.member(topic.name, "group", "host-1") as older:
        await until(lambda: older.partitions == {0, 1, 2})
        async with log.member(topic.name, "group", "host-1") as newer:
            await until(lambda: len(newer.partitions | older.partitions) == 3 and are_apart(newer, older))
        await until(lambda: older.partitions == {0, 1, 2})


async def test_members_of_two_names_share(log: EventLog, log_url: str, topic: Topic) -> None:
    async with (
        open_log(log_url, Wall()) as other,
        log.member(topic.name, "group", "host-1") as one,
        other.member(topic.name, "group", "host-2") as two,
    ):
        await until(lambda: len(one.partitions | two.partitions) == 3 and are_apart(one, two))


def are_apart(one: Membership, two: Membership) -> bool:
    """Whether both own something, and nothing together."""
    return bool(one.partitions and two.partitions) and not one.partitions & two.partitions


async def test_a_name_that_left_is_free_again(log: EventLog, topic: Topic) -> None:
    for _ in range(2):
        async with log.member(topic.name, "group", "host-1") as member:
            await until(lambda: member.partitions == {0, 1, 2})


async def test_members_of_different_groups_and_topics_do_not_share(log: EventLog, topic: Topic, single: Topic) -> None:
    async with (
        log.member(topic.name, "one") as one,
        log.member(topic.name, "two") as two,
        log.member(single.name, "one") as three,
    ):
        await until(lambda: [len(m.partitions) for m in (one, two, three)] == [3, 3, 1])


async def test_a_log_that_is_not_open_says_so(log_url: str) -> None:
    closed = open_log(log_url, Wall())
    with pytest.raises(RuntimeError, match="not open"):
        await closed.exists("topic")
    async with closed:
        pass
    with pytest.raises(RuntimeError, match="not open"):
        await closed.append("topic", [Entry(b"k", b"v")])
