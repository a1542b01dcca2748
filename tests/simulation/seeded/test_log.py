"""The simulated log's faults: each does to a process what its name says. What it keeps without any is in `contract`."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from eventlog.port import Entry, Topic
from schemas.errors import LogUnavailable
from tests.simulation.seeded.faults import Fault, Kind
from tests.simulation.seeded.line import Line
from tests.simulation.seeded.log import SimulatedLog
from tests.simulation.seeded.loop import run
from tests.simulation.seeded.store import COMPACTION_LAG_S, LEASE_S, Store

TOPIC = Topic("topic", partitions=2, compacted=True)
ENTRIES = [Entry(b"a", b"1", 0), Entry(b"b", b"2", 0)]


def with_log(test: Callable[[SimulatedLog], Awaitable[None]]) -> None:
    """Run the test on a log with the topic in it, in a loop of its own."""

    async def work() -> None:
        now = asyncio.get_running_loop().time
        store = Store(lambda: int(now() * 1000), now)
        store.create([TOPIC])
        line = Line("process", random.Random(0), lambda: setattr(line, "is_dead", True))
        async with SimulatedLog(store, line) as log:
            await test(log)

    run(work(), 0)


def strike(log: SimulatedLog, kind: Kind, amount: float = 1.0) -> None:
    log.line.strike(Fault(0, kind, "process", amount), asyncio.get_running_loop().time())


def values(log: SimulatedLog) -> list[bytes | None]:
    return [record.value for record in log.store.partitions("topic")[0].records]


@pytest.mark.parametrize(
    ("kind", "written"),
    [("append_unwritten", []), ("append_torn", [b"1"]), ("ack_lost", [b"1", b"2"]), ("written_late", [])],
)
def test_an_append_that_fails_may_have_been_written(kind: Kind, written: list[bytes]) -> None:
    async def test(log: SimulatedLog) -> None:
        strike(log, kind)
        with pytest.raises(LogUnavailable):
            await log.append("topic", ENTRIES)
        assert values(log) == written
        await asyncio.sleep(2)
        assert values(log) == ([b"1", b"2"] if kind == "written_late" else written)

    with_log(test)


def test_an_append_may_be_written_twice_or_acknowledged_late() -> None:
    async def test(log: SimulatedLog) -> None:
        strike(log, "append_twice")
        await log.append("topic", ENTRIES)
        strike(log, "ack_late", 3.0)
        began = asyncio.get_running_loop().time()
        await log.append("topic", ENTRIES)
        assert asyncio.get_running_loop().time() - began >= 3
        assert values(log) == [b"1", b"2"] * 3

    with_log(test)


def test_a_cancellation_that_nobody_caused_comes_once() -> None:
    async def test(log: SimulatedLog) -> None:
        strike(log, "stray_cancel")
        with pytest.raises(asyncio.CancelledError):
            await log.end_offsets("topic")
        assert await log.end_offsets("topic") == {0: 0, 1: 0}

    with_log(test)


def test_an_outage_and_a_read_error_are_the_log_away_and_a_mute_one_brings_nothing() -> None:
    async def test(log: SimulatedLog) -> None:
        await log.append("topic", ENTRIES)
        async with log.reader("topic", {0: 0}) as reader:
            strike(log, "read_error")
            with pytest.raises(LogUnavailable):
                await reader.read(max_records=9, wait_ms=0)
            strike(log, "mute", 5.0)
            assert await reader.read(max_records=9, wait_ms=1000) == []
            strike(log, "outage", 5.0)
            with pytest.raises(LogUnavailable):
                await reader.read(max_records=9, wait_ms=0)
            await asyncio.sleep(6)
            assert await reader.read(max_records=9, wait_ms=0) != []

    with_log(test)


def test_whoever_stands_still_holds_partitions_that_others_have_got() -> None:
    async def test(log: SimulatedLog) -> None:
        async with (
            SimulatedLog(log.store) as other,
            log.member("topic", "g") as stalled,
            other.member("topic", "g") as one,
        ):
            await asyncio.sleep(2)
            strike(log, "stall", LEASE_S + 3)
            await asyncio.sleep(LEASE_S + 1.5)
            assert one.partitions == {0, 1}
            assert stalled.partitions
            await asyncio.sleep(4)
            assert not stalled.partitions & one.partitions

    with_log(test)


def test_a_process_that_crashes_reaches_nothing_more() -> None:
    async def test(log: SimulatedLog) -> None:
        strike(log, "crash", 3.0)
        await log.append("topic", ENTRIES)  # one way there, one back
        with pytest.raises(LogUnavailable):
            await log.append("topic", ENTRIES)
        assert log.line.is_dead
        with pytest.raises(LogUnavailable):
            await log.exists("topic")

    with_log(test)


def test_compaction_keeps_the_newest_of_each_key_and_all_that_is_young() -> None:
    async def test(log: SimulatedLog) -> None:
        for value in (b"1", b"2"):
            await log.append("topic", [Entry(b"a", value, 0)])
        await asyncio.sleep(COMPACTION_LAG_S)
        await log.append("topic", [Entry(b"a", b"3", 0)])
        log.store.compact()
        assert values(log) == [b"2", b"3"]
        assert await log.end_offsets("topic") == {0: 3, 1: 0}

    with_log(test)
