import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from consumers.aggregate import Aggregator
from consumers.order_relay import OrderRelay
from eventlog.clock import Wall
from eventlog.port import Batch, Entry, EventLog, Reader
from eventlog.run import Run, create_run
from schemas.asides import GATE_PREFIX, Gate, is_gate, parse_gate
from schemas.control import EmbargoLifted, Held, Mode, Released
from schemas.quarantine import Quarantined
from schemas.totals import Cell
from schemas.trust import OperatorKey, OrderSigner
from tests.builders import DISTRICTS, counted, small_election
from tests.consumers.test_aggregate import FAST, USKUDAR, keys_of_totals, publish, reach, records, until_end
from tests.gateway.unreliable import PassingReader, Unreliable
from tests.patience import LIMIT_S
from tests.schemas.orders import Kind, new_signer, written


@pytest.fixture
async def run(log: EventLog, unique: str) -> Run:
    return await made(log, unique)


async def made(log: EventLog, name: str, mode: Mode = "test") -> Run:
    return await create_run(log, name, small_election(), mode=mode, epoch="e1e1", clock=Wall(), partitions=4)


async def command(log: EventLog, run: Run, kind: Kind, signer: OrderSigner | None = None, **fields: Any) -> None:
    value = written(kind, signer, run=run.name, epoch=run.epoch, **fields)
    await log.append(run.topics.control.name, [Entry(b"order", value)])


async def gates(log: EventLog, run: Run) -> list[Gate]:
    return [parse_gate(one.value or b"") for one in await records(log, run.topics.totals) if is_gate(one.key)]


async def test_a_hold_is_relayed_before_anything_else_is_published(log: EventLog, run: Run) -> None:
    """What the feeds reported while no aggregator ran is not shown past a hold."""
    await publish(log, run, counted())
    await until_end(log, run)
    await publish(log, run, counted(box=1002))
    await command(log, run, Held, contest="mayor", unit="tr/34/uskudar")
    await until_end(log, run)

    aa, anka = await gates(log, run)
    assert (aa.cell, aa.held) == (USKUDAR, True)
    assert aa.program is not None
    assert (aa.program.boxes_opened, anka.program) == (1, None)
    keys = [(key or b"").partition(b".")[0] for key in await keys_of_totals(log, run)]  # without when it was said
    assert keys == [USKUDAR.key(), aa.key, anka.key, USKUDAR.key()]


async def test_a_restart_relays_only_what_is_missing(log: EventLog, run: Run) -> None:
    await publish(log, run, counted())
    await command(log, run, Held, contest="mayor")
    await until_end(log, run)
    before = await gates(log, run)
    assert len(before) == 2 * len(DISTRICTS)
    await until_end(log, run)
    assert await gates(log, run) == before
    await command(log, run, Released, contest="mayor", unit="tr/34/uskudar")
    await until_end(log, run)
    assert [(gate.cell, gate.held) for gate in (await gates(log, run))[len(before) :]] == [
        (USKUDAR, False),
        (USKUDAR._replace(source="anka"), False),
    ]


async def test_a_gate_that_a_zombie_overwrote_is_relayed_again(log: EventLog, run: Run) -> None:
    await command(log, run, Held, contest="mayor", unit="tr/34/uskudar")
    await until_end(log, run)
    (aa, _) = await gates(log, run)
    stale = aa.model_copy(update={"held": False, "gate": 0})
    shared_key = GATE_PREFIX + stale.cell.key()  # as an aggregator of an older version writes it
    await log.append(run.topics.totals.name, [Entry(aa.key, aa.encode()), Entry(shared_key, stale.encode())])
    await publish(log, run, counted())
    await until_end(log, run)
    assert (await gates(log, run))[-1] == aa.model_copy(update={"again": 1})


async def test_on_a_live_run_an_unsigned_order_holds_nothing(log: EventLog, unique: str) -> None:
    run, signer = await made(log, unique, "live"), new_signer()
    await command(log, run, EmbargoLifted)
    await command(log, run, Held, contest="mayor")
    await log.append(run.topics.control.name, [Entry(b"order", b"junk")])
    assert 0 == await aggregate(log, run, signer.public)
    assert [] == await gates(log, run)


@pytest.mark.parametrize("keys", ["right", "wrong", "none"])
async def test_a_hold_is_held_with_whichever_keys_an_aggregator_is_started(
    log: EventLog, unique: str, keys: str
) -> None:
    """What an operator has kept back is not let out because the key that says so is missing."""
    run, signer = await made(log, unique, "live"), new_signer()
    given = {"right": [signer.public], "wrong": [new_signer().public], "none": []}[keys]
    await publish(log, run, counted())
    await aggregate(log, run, *given)
    await command(log, run, Held, signer, contest="mayor")
    await publish(log, run, counted(box=1002))
    assert (0 if keys == "right" else 1) == await aggregate(log, run, *given)
    found = await gates(log, run)
    assert {True} == {gate.held for gate in found}
    assert {1} == {gate.program.boxes_opened for gate in found if gate.program is not None}


async def test_a_hold_that_cannot_be_verified_is_let_go_by_a_trusted_operator_alone(log: EventLog, unique: str) -> None:
    run, trusted, unknown = await made(log, unique, "live"), new_signer(), new_signer()
    await command(log, run, Held, unknown, contest="mayor")
    await command(log, run, Released, unknown, contest="mayor")
    assert 1 == await aggregate(log, run, trusted.public)
    assert {True} == {gate.held for gate in await gates(log, run)}
    await command(log, run, Released, trusted, contest="mayor")
    assert 0 == await aggregate(log, run, trusted.public)
    newest = {gate.cell: gate.held for gate in await gates(log, run)}
    assert {False} == set(newest.values())


async def aggregate(log: EventLog, run: Run, *operators: OperatorKey) -> int:
    """Fold what the log holds; how many orders could not be verified."""
    async with asyncio.timeout(LIMIT_S):
        return (await Aggregator(log, run, Wall(), replace(FAST, operators=operators)).run_until_end()).unverified


async def test_members_share_the_gates_and_hear_of_holds_while_they_run(log: EventLog, run: Run) -> None:
    async with asyncio.TaskGroup() as group:
        members = [group.create_task(Aggregator(log, run, Wall(), FAST).run()) for _ in range(2)]
        await publish(log, run, counted())
        await reach(log, run, 1)
        await command(log, run, Held, contest="mayor")
        await all_gated(log, run, held=True)
        await publish(log, run, counted(box=1002))
        await reach(log, run, 2)
        members[0].cancel()
        await command(log, run, Released, contest="mayor")
        await all_gated(log, run, held=False)
        members[1].cancel()


class SendsLate(Unreliable):
    """A log whose readers get of one topic only what they wait for, as from Kafka before the first fetch."""

    def __init__(self, below: EventLog, topic: str) -> None:
        super().__init__(below)
        self._late = topic

    def reader(self, topic: str, positions: Mapping[int, int]) -> Reader:
        reader = super().reader(topic, positions)
        return WaitedFor(reader) if topic == self._late else reader


class WaitedFor(PassingReader):
    """A reader that brings nothing to whoever does not wait."""

    async def read(self, *, max_records: int, wait_ms: int) -> list[Batch]:
        return await super().read(max_records=max_records, wait_ms=wait_ms) if wait_ms else []


async def test_what_was_said_after_a_hold_is_not_shown_though_the_hold_is_sent_late(log: EventLog, run: Run) -> None:
    """The hold was acknowledged before the tally was appended, but the tally comes first to the aggregator."""
    late = SendsLate(log, run.topics.control.name)
    async with asyncio.TaskGroup() as group:
        working = group.create_task(Aggregator(late, run, Wall(), FAST).run())
        await publish(log, run, counted())
        await reach(log, run, 1)
        await command(log, run, Held, contest="mayor", unit="tr/34/uskudar")
        await publish(log, run, counted(box=1002))
        await reach(log, run, 2)
        working.cancel()

    said = [one for one in await records(log, run.topics.totals) if USKUDAR.key() in (one.key or b"")]
    assert [False, True, False] == [is_gate(one.key) for one in said]
    (gate,) = [gate for gate in await gates(log, run) if gate.cell == USKUDAR]
    assert gate.program is not None
    assert 1 == gate.program.boxes_opened


async def all_gated(log: EventLog, run: Run, *, held: bool) -> None:
    """Return once the newest gate of every cell of the contest says so."""
    wanted = {Cell("mayor", source, district) for source in ("aa", "anka") for district in DISTRICTS}
    async with asyncio.timeout(LIMIT_S), log.reader(run.topics.totals.name, {0: 0}) as reader:
        while wanted:
            for batch in await reader.read(max_records=100, wait_ms=1000):
                found = [parse_gate(record.value or b"") for record in batch.records if is_gate(record.key)]
                wanted -= {gate.cell for gate in found if gate.held == held}


async def test_a_control_record_that_cannot_be_read_is_quarantined_once(log: EventLog, run: Run) -> None:
    """However often aggregators start; and the next order counts."""
    broken = [b"junk", b'{"type": "epoch_begun", "epoch": []}']
    for value in broken:
        await log.append(run.topics.control.name, [Entry(b"order", value)])
    await command(log, run, Held, contest="mayor", unit="tr/34/uskudar")
    await until_end(log, run)
    await until_end(log, run)
    await log.append(run.topics.control.name, [Entry(b"order", b"more junk")])
    await until_end(log, run)

    found = [Quarantined.model_validate_json(one.value or b"") for one in await records(log, run.topics.quarantine)]
    assert [*broken, b"more junk"] == [one.original for one in found]
    assert [1, 2, 4] == [one.offset for one in found]
    assert {run.topics.control.name} == {one.topic for one in found}
    assert [True, True] == [gate.held for gate in await gates(log, run)]


async def test_what_is_no_longer_ours_to_set_aside_is_left_to_the_owner_of_the_first_partition(
    log: EventLog, run: Run
) -> None:
    await log.append(run.topics.control.name, [Entry(b"order", b"junk")])
    async with OrderRelay(log, run, Wall()) as keeper:
        await keeper.take_over(frozenset({1, 2, 3}))
        await keeper.settle()
        assert [] == await records(log, run.topics.quarantine)
        await keeper.take_over(frozenset({0}))
        await keeper.settle()
    assert 1 == len(await records(log, run.topics.quarantine))
