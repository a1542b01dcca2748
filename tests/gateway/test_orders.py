"""What operators order, as clients and HTTP see it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from consumers.aggregate import AggregateSettings, Aggregator
from eventlog.clock import Manual, Wall
from eventlog.loops import RetryPolicy
from eventlog.port import Entry, EventLog
from eventlog.run import Run, RunTopics, create_run, find_run
from eventlog.sqlite.log import SqliteLog
from gateway.admission.access import Grant
from gateway.admission.handshake import AccessSettings
from gateway.gateway import Gateway
from gateway.settings import GatewaySettings
from schemas.asides import Gate
from schemas.control import Called, CallWithdrawn, EmbargoLifted, EmbargoSet, Held, Released
from tests.builders import counted, small_election, value_of
from tests.gateway.gateways import FAST, RUN, get, night, publish, running, viewer
from tests.gateway.nights import START, Written, election, totals
from tests.gateway.test_gateway import SUBSCRIBE, Listener
from tests.gateway.tokens import HS256, token
from tests.gateway.unreliable import Unreliable
from tests.patience import LIMIT_S
from tests.schemas.orders import Kind, new_signer, written

SIGNER = new_signer()
CONTROL_ROOM = Grant("control_room", "desk", START + timedelta(days=1))
SETTINGS = GatewaySettings(operators=(SIGNER.public,))


@pytest.fixture
def clock() -> Manual:
    return Manual(START)


@pytest.fixture
def gateway(clock: Manual) -> Gateway:
    made = Gateway("night", clock=clock, settings=SETTINGS)
    made.begin(Run(RunTopics("night"), "live", "9f2c", election()))
    made.caught_up()
    return made


def command(gateway: Gateway, kind: Kind, **fields: Any) -> None:
    assert gateway.run_state is not None
    value = written(kind, SIGNER, epoch="9f2c", **fields)
    gateway.fold_control([Written(gateway.run_state.control.position, value)])


def tell(gateway: Gateway, *said: Any) -> None:
    assert gateway.run_state is not None
    for one in said:
        key = one.key if isinstance(one, Gate) else one.cell.key()
        gateway.fold([Written(gateway.run_state.view.seq, one.encode(), key=key)])
    gateway.turn()


def joined(gateway: Gateway, grant: Grant | None = None) -> Listener:
    listener = Listener(gateway)
    gateway.broadcaster.connect(listener, *([grant] if grant else []))
    gateway.broadcaster.receive(listener, SUBSCRIBE)
    gateway.turn()
    return listener


def last(listener: Listener, *types: str) -> Any:
    """The last message of one of these types."""
    return next(message for message in reversed(listener.messages) if message["type"] in types)


def votes(listener: Listener) -> object:
    (entry,) = last(listener, "snapshot", "delta")["totals"]
    return entry["votes"]


def gate(number: int, *, held: bool, **fields: Any) -> Gate:
    return Gate(contest="mayor", source="aa", district="tr/34/uskudar", gate=number, held=held, **fields)


def test_a_hold_freezes_the_public_and_not_the_control_room(gateway: Gateway) -> None:
    public, desk = joined(gateway), joined(gateway, CONTROL_ROOM)
    first, second = totals(votes={"kurum": 1}), totals(votes={"kurum": 2}, version=1)
    tell(gateway, first, gate(1, held=True, program=first), second)
    assert (votes(public), votes(desk)) == ({"imamoglu": 0, "kurum": 1}, {"imamoglu": 0, "kurum": 2})
    late = joined(gateway)
    assert votes(late) == {"imamoglu": 0, "kurum": 1}
    gateway.watch()
    assert last(public, "state")["hold"] == ["mayor/tr/34/uskudar"]
    tell(gateway, gate(2, held=False))
    assert votes(public) == votes(late) == {"imamoglu": 0, "kurum": 2}
    gateway.watch()
    assert last(public, "state")["hold"] == []


def test_a_connection_that_stopped_draining_is_held_as_well(gateway: Gateway) -> None:
    public, desk = joined(gateway), joined(gateway, CONTROL_ROOM)
    for listener in (public, desk):
        gateway.broadcaster.set_draining(listener, draining=False)
    first = totals(votes={"kurum": 1})
    tell(gateway, first, gate(1, held=True, program=first), totals(votes={"kurum": 2}, version=1))
    for listener in (public, desk):
        gateway.broadcaster.set_draining(listener, draining=True)
    gateway.turn()
    assert (votes(public), votes(desk)) == ({"imamoglu": 0, "kurum": 1}, {"imamoglu": 0, "kurum": 2})
    gateway.broadcaster.receive(desk, '{"type":"unsubscribe","id":"s1"}')
    assert last(desk, "unsubscribed")["id"] == "s1"
    for listener in (public, desk):
        gateway.broadcaster.disconnect(listener)
    tell(gateway, totals(votes={"kurum": 3}, version=2))


def test_calls_are_told_at_once_and_vanish_when_they_are_withdrawn(gateway: Gateway) -> None:
    public = joined(gateway)
    command(gateway, Called, contest="mayor", unit="tr/34", candidate="kurum")
    (call,) = last(public, "state")["calls"]
    assert (call["contest"], call["unit"], call["candidate"], call["by"]) == ("mayor", "tr/34", "kurum", "Ayşe")
    command(gateway, CallWithdrawn, contest="mayor", unit="tr/34")
    assert last(public, "state")["calls"] == []


def test_an_embargo_is_told_at_once_and_keeps_calls_from_the_public(gateway: Gateway) -> None:
    public, desk = joined(gateway), joined(gateway, CONTROL_ROOM)
    command(gateway, Called, contest="mayor", unit="tr/34", candidate="kurum")
    command(gateway, EmbargoSet, until=START + timedelta(hours=1))
    for listener, calls in ((public, 0), (desk, 1)):
        state = last(listener, "state")
        assert (state["embargoed"], state["embargo"]) == (True, "2024-03-31T18:00:00+00:00")
        assert len(state["calls"]) == calls
    command(gateway, EmbargoLifted)
    assert (last(public, "state")["embargoed"], len(last(public, "state")["calls"])) == (False, 1)


def test_an_order_that_does_not_count_is_not_obeyed(gateway: Gateway) -> None:
    public = joined(gateway)
    gateway.fold_control([Written(0, written(EmbargoSet, epoch="9f2c"))])
    assert (gateway.embargo.is_in_force(START), last(public, "state")["embargoed"]) == (False, False)


def test_a_run_may_begin_under_an_embargo(clock: Manual) -> None:
    definition = election().model_copy(update={"embargo_until": START + timedelta(hours=1)})
    gateway = Gateway("night", clock=clock, settings=SETTINGS)
    gateway.begin(Run(RunTopics("night"), "live", "9f2c", definition))
    assert gateway.embargo.is_in_force(START)
    gateway.begin(Run(RunTopics("night"), "live", "0000", election()))
    assert not gateway.embargo.is_in_force(START)


def test_our_own_misuse_is_an_exception(clock: Manual) -> None:
    with pytest.raises(RuntimeError, match="no run yet"):
        Gateway("night", clock=clock, settings=SETTINGS).fold_control([])


async def order(log: EventLog, kind: Kind, **fields: Any) -> None:
    value = written(kind, run=RUN, epoch="9f2c", **fields)
    await log.append(RunTopics(RUN).control.name, [Entry(b"order", value)])


async def test_orders_are_followed_before_anybody_is_let_in_and_while_it_runs(tmp_path: Path) -> None:
    async with night(tmp_path) as log:
        await publish(log, totals(votes={"kurum": 5}))
        await order(log, EmbargoSet)
        async with running(log) as gateway, viewer(gateway) as client:
            state = await client.next("state")
            assert (state["embargoed"], state["seq"]) == (True, 0)
            await client.subscribe("tr")
            await order(log, Called, contest="mayor", unit="tr", candidate="kurum")
            await order(log, EmbargoLifted)
            await client.until(lambda: "tr" in client.shown)
            assert client.messages[-1]["type"] == "snapshot"


async def test_orders_are_followed_across_an_outage_of_the_log(tmp_path: Path) -> None:
    async with night(tmp_path) as log:
        line = Unreliable(log)
        async with running(line, settings=replace(FAST, read_wait_ms=20)) as gateway, viewer(gateway) as client:
            await client.next("state")
            line.break_off()
            await order(log, EmbargoSet)
            line.come_back()
            async with asyncio.timeout(LIMIT_S):
                while not (await client.next("state"))["embargoed"]:
                    pass


async def test_a_hold_goes_all_the_way_from_the_control_topic_to_every_door(tmp_path: Path) -> None:
    settings = replace(FAST, access=AccessSettings(keys=(HS256,)))
    async with held_night(tmp_path) as log, running(log, settings=settings) as gateway, viewer(gateway) as client:
        run = RunTopics(RUN)
        await client.subscribe("tr/34/uskudar")
        await client.until(lambda: client.shown.get("tr/34/uskudar", {}).get("boxes_opened") == 1)
        await order(log, Held, contest="mayor")
        async with asyncio.timeout(LIMIT_S):
            while (await client.next("state"))["hold"] != ["mayor"]:
                pass
        await log.append(run.tallies.name, [Entry(b"tr/34/uskudar", value_of(counted(box=1002)))])
        bearer = token(runs=(RUN,))
        async with asyncio.timeout(LIMIT_S):
            while await opened(gateway, authorization=f"Bearer {bearer}") != 2:
                pass
        assert await opened(gateway) == 1
        assert client.shown["tr/34/uskudar"]["boxes_opened"] == 1
        await order(log, Released, contest="mayor")
        await client.until(lambda: client.shown["tr/34/uskudar"]["boxes_opened"] == 2)
        assert await opened(gateway) == 2


async def opened(gateway: Any, **headers: str) -> int:
    rows = (await get(gateway, "/v1/totals?unit=tr/34/uskudar", **headers)).json()["totals"]
    return int(rows[0]["boxes_opened"])


@asynccontextmanager
async def held_night(folder: Path) -> AsyncIterator[EventLog]:
    """A run with an aggregator at work, and one box counted."""
    async with night_with_boxes(folder) as log:
        run = await find_run(log, RUN)
        settings = AggregateSettings(tick_ms=5, checkpoint_ms=50, retry=RetryPolicy(0.01, 0.01))
        work = asyncio.create_task(Aggregator(log, run, Wall(), settings).run())
        try:
            yield log
        finally:
            work.cancel()
            await asyncio.wait({work}, timeout=LIMIT_S)


@asynccontextmanager
async def night_with_boxes(folder: Path) -> AsyncIterator[EventLog]:
    async with SqliteLog(folder / "night.db", Wall()) as log:
        run = await create_run(log, RUN, small_election(), mode="test", epoch="9f2c", clock=Wall())
        await log.append(run.topics.tallies.name, [Entry(b"tr/34/uskudar", value_of(counted()))])
        yield log


def test_what_is_held_has_no_event_for_the_public_before_its_release(gateway: Gateway) -> None:
    public, desk = joined(gateway), joined(gateway, CONTROL_ROOM)
    first, second = totals(votes={"kurum": 1}, boxes=1), totals(votes={"kurum": 2}, version=1, boxes=5)
    tell(gateway, first, gate(1, held=True, program=first), second)
    told = [[one["percent"] for one in listener.messages if one["type"] == "event"] for listener in (public, desk)]
    tell(gateway, gate(2, held=False))
    after = [one["percent"] for one in public.messages if one["type"] == "event"]
    assert (told, after) == ([[1], [25]], [1, 25])
