"""The log on Kafka where it meets other clients, missing brokers and brokers that go away."""

import asyncio
import gc
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from operator import attrgetter
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c

from eventlog.clock import Wall
from eventlog.kafka import log as kafka_log
from eventlog.kafka.administration import Security
from eventlog.kafka.connection import Connection
from eventlog.kafka.log import Fetched, KafkaLog, KafkaReader
from eventlog.kafka.topics import Topics
from eventlog.port import Entry, EventLog, Topic, read_until
from eventlog.run import RunTopics
from sandik.wiring import open_log
from schemas.errors import LogError, LogUnavailable, PositionLost, UnknownTopic, UsageError
from tests.eventlog.reading import read_to_end, values
from tests.kafka.broker import Broker
from tests.patience import LIMIT_S

LONG_MS = LIMIT_S * 1_000


@pytest.fixture
async def log(kafka: str) -> AsyncIterator[EventLog]:
    async with open_log(f"kafka://{kafka}", Wall()) as opened:
        yield opened


async def test_no_broker_at_the_address_is_said_within_seconds() -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        servers = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(LogUnavailable, match=f"No Kafka broker answers at {servers}"):
            async with asyncio.timeout(LIMIT_S), KafkaLog(servers):
                pass


async def test_a_listener_that_never_answers_is_no_broker() -> None:
    """Something else listens there, or a firewall swallows what is sent."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        servers = f"127.0.0.1:{deaf.getsockname()[1]}"
        with pytest.raises(LogUnavailable, match="No Kafka broker answers"):
            async with asyncio.timeout(LIMIT_S), KafkaLog(servers):
                pass


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What the garbage collector finds still open."""
    found: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", found.append)
    return found


def openings(log: KafkaLog, kafka: str, topic: str) -> list[AbstractAsyncContextManager[object]]:
    """One of each kind of client, to be opened."""
    return [KafkaLog(kafka), log.reader(topic, {0: 0}), log.member(topic, "group")]


async def cancel_after(turns: int, task: asyncio.Task[None]) -> None:
    """Cancel it after so many turns of the loop, and wait until it is over."""
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=LIMIT_S)


@pytest.mark.kafka
async def test_who_is_cancelled_while_it_connects_leaves_no_connection(
    kafka: str, unique: str, forgotten: list[object]
) -> None:
    """Wherever it is cancelled: before it begins, at its first step, at each of the next thousand."""

    async def work(opening: AbstractAsyncContextManager[object]) -> None:
        async with opening:
            await asyncio.Event().wait()

    async with KafkaLog(kafka) as log:
        await log.create([Topic(unique)])
        for turns in range(0, 1_000, 50):
            for opening in openings(log, kafka, unique):
                await cancel_after(turns, asyncio.create_task(work(opening)))
        gc.collect()
    assert forgotten == []


@pytest.mark.kafka
async def test_who_is_cancelled_while_it_lets_go_leaves_no_connection(
    kafka: str, unique: str, forgotten: list[object]
) -> None:
    """At any of the first steps, when nothing of the stop may have begun."""
    opened, leave = asyncio.Event(), asyncio.Event()

    async def work(opening: AbstractAsyncContextManager[object]) -> None:
        async with opening as it:
            if isinstance(it, KafkaLog):
                await it.append(unique, [Entry(b"k", b"v")])
            opened.set()
            await leave.wait()

    async with KafkaLog(kafka) as log:
        await log.create([Topic(unique)])
        for turns in range(6):
            for opening in openings(log, kafka, unique):
                opened.clear()
                leave.clear()
                task = asyncio.create_task(work(opening))
                async with asyncio.timeout(LIMIT_S):
                    await opened.wait()
                leave.set()
                await cancel_after(turns, task)
        gc.collect()
    assert forgotten == []


class _Damaged:
    """A consumer that has a partition's records in hand when it meets another's damaged batch: it forgets them."""

    def __init__(self) -> None:
        self.sought: dict[TopicPartition, int] = {}

    async def getmany(self, **_: object) -> object:
        raise CorruptRecordException("Invalid CRC")

    def seek(self, where: TopicPartition, position: int) -> None:
        self.sought[where] = position

    async def stop(self) -> None:
        """Nothing was started."""


async def test_behind_a_damaged_batch_every_partition_is_read_from_what_was_handed_out() -> None:
    connection, consumer = Connection("127.0.0.1:9", Security()), _Damaged()
    reader = KafkaReader(connection, Topics(connection), "tallies", {0: 5, 3: 7})
    reader._consumer, reader._entered = consumer, True
    with pytest.raises(LogError):
        await reader.read(max_records=10, wait_ms=0)
    assert {TopicPartition("tallies", 0): 5, TopicPartition("tallies", 3): 7} == consumer.sought


class _Electing:
    """As much of aiokafka's client for administrators as a look-up takes; the topic's leader is elected meanwhile."""

    def __init__(self) -> None:
        self.leaders = [[0, -1], [0, -1], [0, 1]]

    async def describe_topics(self) -> list[dict[str, object]]:
        leaders = self.leaders.pop(0)
        return [{"topic": "tallies", "partitions": [{"leader": leader} for leader in leaders]}]

    async def describe_configs(self, _: object) -> list[object]:
        return []


async def test_a_topic_that_has_no_leader_at_the_moment_is_there_all_the_same() -> None:
    """Taken for one that nobody had created, it ended whoever asked for it while a broker was restarted."""
    topics = Topics(Connection("127.0.0.1:9", Security()))
    topics._admin = electing = _Electing()
    assert Topic("tallies", 2) == await topics.find("tallies")
    assert [] == electing.leaders
    electing.leaders = [[0, 1]]
    with pytest.raises(UnknownTopic):
        await topics.find("totals")


async def test_tls_files_that_are_not_there_are_refused() -> None:
    security = Security(protocol="SSL", ca_file="/nowhere/ca.pem")  # type: ignore[arg-type]  # a path all the same
    with pytest.raises(UsageError, match="TLS files cannot be used"):
        async with KafkaLog("127.0.0.1:9", security=security):
            pass


@pytest.mark.kafka
async def test_other_clients_choose_the_same_partitions(log: EventLog, kafka: str, unique: str) -> None:
    keys = [f"tr/{n % 81}/{n}".encode() for n in range(100)]
    await log.create([Topic(unique, partitions=5)])
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    async with producer:
        for key in keys:
            await (await producer.send(unique, b"theirs", key))
    await log.append(unique, [Entry(key, b"ours") for key in keys])
    for records in (await read_to_end(log, unique)).values():
        theirs = [record.key for record in records if record.value == b"theirs"]
        assert theirs == [record.key for record in records if record.value == b"ours"]


@pytest.mark.kafka
@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_what_other_clients_compress_is_read(log: EventLog, kafka: str, unique: str, codec: str) -> None:
    """One such batch stopped its partition for good, where the codec was not installed."""
    await log.create([Topic(unique)])
    producer = AIOKafkaProducer(bootstrap_servers=kafka, compression_type=codec)
    async with producer:
        for number in range(100):
            await producer.send(unique, f"a ballot box, {number}".encode() * 9, b"k")
    await log.append(unique, [Entry(b"k", b"ours")])
    read = await values(log, unique)
    assert [f"a ballot box, {number}".encode() * 9 for number in range(100)] == read[:-1]
    assert b"ours" == read[-1]


@pytest.mark.kafka
@pytest.mark.timeout(600)
async def test_a_password_and_a_right_that_are_missing_are_told_apart(kafka_guarded_broker: Broker) -> None:
    """Neither is retried: nobody types another password because we wait."""

    def as_user(name: str, password: str) -> KafkaLog:
        assert kafka_guarded_broker.guarded is not None
        security = Security(protocol="SASL_PLAINTEXT", mechanism="PLAIN", username=name, password=password)
        return KafkaLog(kafka_guarded_broker.guarded, security=security)

    with pytest.raises(LogError, match="user name or the password") as refused:
        async with as_user("clerk", "wrong"):
            pass
    assert not refused.value.retriable
    async with as_user("clerk", "right") as log:
        with pytest.raises(LogError, match="AuthorizationFailed") as refused:
            await log.create([Topic("forbidden")])
        assert not refused.value.retriable


@pytest.mark.kafka
async def test_a_runs_topics_have_the_settings_that_the_design_relies_on(
    log: EventLog, kafka: str, unique: str
) -> None:
    run = RunTopics(unique)
    await log.create(run.all())
    kept = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
    compacted = {"cleanup.policy": "compact", "min.compaction.lag.ms": "600000"}
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        for topic in run.all():
            expected = {**(compacted if topic.compacted else kept), "message.timestamp.type": "LogAppendTime"}
            wanted = ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=dict.fromkeys(expected))
            [response] = await admin.describe_configs([wanted])
            assert {name: value for name, value, *_ in response.resources[0][4]} == expected
    finally:
        await admin.close()
    assert [await log.partitions(topic.name) for topic in run.all()] == [8, 1, 8, 1, 1, 1]


@pytest.mark.kafka
async def test_behind_what_another_client_wrote_in_a_transaction_there_is_nothing_to_wait_for(
    log: EventLog, kafka: str, unique: str
) -> None:
    """A broker marks its end with an offset that no record has: who read up to the log's end waited for it for ever."""
    await log.create([Topic(unique)])
    async with AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=unique) as theirs, theirs.transaction():
        await theirs.send(unique, b"theirs", b"k")
    ends = await log.end_offsets(unique)
    assert {0: 2} == ends
    async with log.reader(unique, {0: 0}) as reader, asyncio.timeout(LIMIT_S):
        found = [record.value async for batch in read_until(reader, ends) for record in batch.records]
        assert ([b"theirs"], ends) == (found, dict(reader.positions))
        await log.append(unique, [Entry(b"k", b"ours")])
        (batch,) = await reader.read(max_records=9, wait_ms=LONG_MS)
        assert [(2, b"ours")] == [(record.offset, record.value) for record in batch.records]


@pytest.mark.kafka
async def test_the_beginning_is_where_the_log_begins_now(log: EventLog, kafka: str, unique: str) -> None:
    """Offset 0 always means the beginning; another offset that an operator deleted is lost."""
    await log.create([Topic(unique)])
    await log.append(unique, [Entry(b"k", str(n).encode()) for n in range(10)])
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(unique, 0): RecordsToDelete(before_offset=6)})
    finally:
        await admin.close()
    async with log.reader(unique, {0: 0}) as reader:
        [batch] = await reader.read(max_records=99, wait_ms=LONG_MS)
        assert [record.offset for record in batch.records] == [6, 7, 8, 9]
    async with log.reader(unique, {0: 2}) as reader:
        with pytest.raises(PositionLost, match="offset 2 of partition 0"):
            await reader.read(max_records=99, wait_ms=LONG_MS)


@pytest.mark.kafka
@pytest.mark.timeout(600)
async def test_a_log_outlives_its_broker(kafka_broker: Broker, unique: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was acknowledged stays; the same log and the same reader go on once the broker is back.

    An append meanwhile is reported as failed, and may arrive twice when it is sent again.
    """
    with kafka_broker as broker:
        async with open_log(f"kafka://{broker.servers}", Wall()) as log:
            await log.create([Topic(unique)])
            await log.append(unique, [Entry(b"k", b"before")])
            assert await log.end_offsets(unique) == {0: 1}
            async with log.reader(unique, {0: 0}) as reader, log.member(unique, "group") as member:
                assert [b.records[0].value for b in await reader.read(max_records=9, wait_ms=LONG_MS)] == [b"before"]
                await asyncio.to_thread(broker.kill)
                monkeypatch.setattr(kafka_log, "APPEND_DEADLINE_S", 2.0)
                for _ in range(2):
                    with pytest.raises(LogUnavailable) as gone:
                        await log.append(unique, [Entry(b"k", b"meanwhile")])
                    assert gone.value.retriable
                assert await reader.read(max_records=9, wait_ms=100) == []
                with pytest.raises(LogUnavailable):
                    await log.exists(f"{unique}-other")
                await asyncio.to_thread(broker.start)
                monkeypatch.setattr(kafka_log, "APPEND_DEADLINE_S", 2.0 * LIMIT_S)
                await log.append(unique, [Entry(b"k", b"after")] * 20)
                seen: list[bytes | None] = []
                while b"after" not in seen:
                    for batch in await reader.read(max_records=999, wait_ms=1000):
                        seen += [record.value for record in batch.records]
                async with asyncio.timeout(LIMIT_S):  # its session may have ended meanwhile
                    while member.partitions != {0}:  # noqa: ASYNC110  a membership tells nobody when it changes
                        await asyncio.sleep(0.02)
            everything = await values(log, unique)
            assert everything[0] == b"before"
            assert everything[-20:] == [b"after"] * 20
            assert set(everything[1:-20]) <= {b"meanwhile"}
            assert not await log.exists(f"{unique}-other")


@pytest.mark.kafka
@pytest.mark.parametrize("task", ["_fetcher._fetch_task", "_client._sync_task"])
async def test_a_reader_whose_client_has_stopped_fetching_begins_anew_where_it_was(
    log: EventLog, unique: str, task: str
) -> None:
    """As a task of aiokafka's does of an error that it does not expect; it then brings nothing, and raises nothing."""
    await log.create([Topic(unique)])
    await log.append(unique, [Entry(b"k", str(n).encode()) for n in range(4)])
    async with log.reader(unique, {0: 0}) as reader, asyncio.timeout(LIMIT_S):
        assert isinstance(reader, KafkaReader)
        seen = [*(await reader.read(max_records=2, wait_ms=LONG_MS))[0].records]
        ended = attrgetter(task)(reader._consumer)
        ended.cancel()
        await asyncio.wait({ended})
        while len(seen) < 4:
            for batch in await reader.read(max_records=2, wait_ms=LONG_MS):
                seen += batch.records
        await log.append(unique, [Entry(b"k", b"4")])
        seen += (await reader.read(max_records=2, wait_ms=LONG_MS))[0].records
    assert [b"0", b"1", b"2", b"3", b"4"] == [record.value for record in seen]


@pytest.mark.kafka
@pytest.mark.timeout(600)
async def test_a_log_closes_while_its_broker_is_gone(
    kafka_broker: Broker, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an append under way, a reader and a member open."""
    with kafka_broker as broker:
        async with asyncio.timeout(None) as closing, open_log(f"kafka://{broker.servers}", Wall()) as log:
            await log.create([Topic(unique)])
            await log.append(unique, [Entry(b"k", b"before")])
            async with log.reader(unique, {0: 0}), log.member(unique, "group"):
                await asyncio.to_thread(broker.kill)
                monkeypatch.setattr(kafka_log, "APPEND_DEADLINE_S", 1.0)
                with pytest.raises(LogUnavailable):
                    await log.append(unique, [Entry(b"k", b"v")])
                closing.reschedule(asyncio.get_running_loop().time() + LIMIT_S)


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
