import asyncio
from dataclasses import replace
from typing import Any

import pytest

from consumers.aggregate import Aggregator
from eventlog.clock import Wall
from eventlog.port import Entry, EventLog
from eventlog.run import Run, create_run
from schemas.control import EmbargoLifted, Held, Mode, Released
from schemas.gate import Gate, is_gate, parse_gate
from schemas.totals import Cell
from schemas.trust import OperatorKey, OperatorSeal
from tests.builders import DISTRICTS, counted, small_election
from tests.consumers.test_aggregate import FAST, USKUDAR, publish, reach, records, until_end
from tests.patience import LIMIT_S
from tests.schemas.orders import Kind, new_seal, written


@pytest.fixture
async def run(log: EventLog, unique: str) -> Run:
    return await made(log, unique)


async def made(log: EventLog, name: str, mode: Mode = "test") -> Run:
    return await create_run(log, name, small_election(), mode=mode, epoch="e1e1", clock=Wall(), partitions=4)


async def command(log: EventLog, run: Run, kind: Kind, seal: OperatorSeal | None = None, **fields: Any) -> None:
    value = written(kind, seal, run=run.name, epoch=run.epoch, **fields)
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
    keys = [record.key for record in await records(log, run.topics.totals)]
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


async def test_a_gate_that_a_zombie_overwrote_is_said_again(log: EventLog, run: Run) -> None:
    await command(log, run, Held, contest="mayor", unit="tr/34/uskudar")
    await until_end(log, run)
    (aa, _) = await gates(log, run)
    stale = aa.model_copy(update={"held": False, "gate": 0})
    await log.append(run.topics.totals.name, [Entry(stale.key, stale.encode())])
    await publish(log, run, counted())
    await until_end(log, run)
    assert (await gates(log, run))[-1] == aa.model_copy(update={"again": 1})


@pytest.mark.parametrize("trusted", [True, False])
async def test_on_a_live_run_only_a_trusted_operator_holds(log: EventLog, unique: str, trusted: bool) -> None:
    run = await made(log, unique, "live")
    seal = new_seal()
    for kind, key in ((EmbargoLifted, None), (Held, seal if trusted else new_seal())):
        await command(log, run, kind, key, **({"contest": "mayor"} if kind is Held else {}))
    await log.append(run.topics.control.name, [Entry(b"order", b"junk")])
    await aggregate(log, run, seal.public)
    assert len(await gates(log, run)) == (2 * len(DISTRICTS) if trusted else 0)


async def aggregate(log: EventLog, run: Run, *operators: OperatorKey) -> None:
    async with asyncio.timeout(LIMIT_S):
        await Aggregator(log, run, Wall(), replace(FAST, operators=operators)).run_until_end()


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


async def all_gated(log: EventLog, run: Run, *, held: bool) -> None:
    """Return once the newest gate of every cell of the contest says so."""
    wanted = {Cell("mayor", source, district) for source in ("aa", "anka") for district in DISTRICTS}
    async with asyncio.timeout(LIMIT_S), log.reader(run.topics.totals.name, {0: 0}) as reader:
        while wanted:
            for batch in await reader.read(max_records=100, wait_ms=1000):
                found = [parse_gate(record.value or b"") for record in batch.records if is_gate(record.key)]
                wanted -= {gate.cell for gate in found if gate.held == held}
