"""Trying to get a number out while an embargo is in force, through every door."""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx
import orjson
import pytest

from eventlog.clock import Manual
from eventlog.port import Entry
from eventlog.run import Run, RunTopics
from gateway.admission.access import Grant
from gateway.admission.handshake import AccessSettings
from gateway.gateway import Gateway
from gateway.routes.application import application
from gateway.settings import GatewaySettings
from schemas.asides import Gate
from schemas.control import EmbargoLifted, EmbargoSet
from schemas.moments import epoch_ms
from tabulation.orders.effects import NO_EMBARGO, Embargo
from tests.gateway.gateways import FAST, RUN, connect, get, night, publish, running
from tests.gateway.nights import START, Written, election, totals
from tests.gateway.test_gateway import Listener
from tests.gateway.tokens import HS256, token
from tests.patience import LIMIT_S
from tests.schemas.orders import written

VOTES: Final = {"imamoglu": 734_511, "kurum": 561_937}
BOXES: Final = 8_641
FIGURES: Final = (*VOTES.values(), sum(VOTES.values()), BOXES, 350 * BOXES)
"""The night's figures: numbers that are nowhere else in what a gateway sends."""

LIFT: Final = START + timedelta(hours=2)
SUBSCRIBE: Final = '{"type":"subscribe","id":"s1","contest":"mayor","units":["tr","tr/34/*"],"source":"aa"}'
CONTROL_ROOM: Final = Grant("control_room", "desk", START + timedelta(days=1))


def record(version: int = 0) -> Written:
    """A record of the night, later by the version in minutes, at an offset that would give a count away."""
    found = totals(votes=VOTES, boxes=BOXES, version=version, minute=7 + version)
    return Written(90_000 + version, found.encode(), timestamp=epoch_ms(found.as_of) + 12_345)


@pytest.fixture
def clock() -> Manual:
    return Manual(START + timedelta(minutes=10))


@pytest.fixture
def gateway(clock: Manual) -> Gateway:
    made = Gateway("night", clock=clock, settings=GatewaySettings())
    made.begin(Run(RunTopics("night"), "live", "9f2c", election()))
    made.set_embargo(Embargo(until=LIFT))
    made.fold([record()])
    made.caught_up()
    return made


def connected(gateway: Gateway, grant: Grant = Grant()) -> Listener:  # noqa: B008  it is frozen
    listener = Listener(gateway)
    gateway.broadcaster.connect(listener, grant)
    gateway.broadcaster.receive(listener, SUBSCRIBE)
    gateway.turn()
    return listener


def said(listener: Listener) -> str:
    return orjson.dumps(listener.messages).decode()


def assert_nothing_is_told(text: str) -> None:
    for figure in (*FIGURES, 90_000, 90_001):
        assert str(figure) not in text, f"{figure} got out"
    assert '"last_event":"' not in text
    assert "2024-03-31T17:0" not in text


def test_the_public_is_told_the_embargo_and_nothing_else(gateway: Gateway) -> None:
    listener = connected(gateway)
    gateway.fold([record(1)])
    gateway.turn()
    gateway.watch()
    assert set(listener.types()) == {"hello", "state"}
    assert_nothing_is_told(said(listener))
    hello, state = listener.messages[:2]
    assert (hello["seq"], hello["scope"]) == (0, "public")
    assert (state["seq"], state["embargo"], state["embargoed"]) == (0, LIFT.isoformat(), True)


def test_the_control_room_sees_everything(gateway: Gateway) -> None:
    listener = connected(gateway, CONTROL_ROOM)
    hello, state, snapshot = listener.messages
    assert (hello["seq"], hello["scope"]) == (90_001, "control_room")
    assert (state["seq"], state["embargoed"]) == (90_001, True)
    assert str(VOTES["imamoglu"]) in orjson.dumps(snapshot).decode()


def test_nothing_more_is_sent_once_the_clock_is_set_back_to_before_the_lift(gateway: Gateway, clock: Manual) -> None:
    clock.advance((LIFT - clock.now()).total_seconds())
    gateway.watch()
    listener = connected(gateway)
    assert listener.types()[-1] == "snapshot"
    told = len(listener.messages)

    clock.set(LIFT - timedelta(hours=1))
    gateway.fold([record(1)])
    gateway.turn()

    assert ["state"] == listener.types()[told:]
    assert listener.messages[-1]["embargoed"]


def test_at_the_time_of_the_lift_the_public_gets_its_snapshot(gateway: Gateway, clock: Manual) -> None:
    listener = connected(gateway)
    clock.advance((LIFT - clock.now()).total_seconds() - 0.001)
    gateway.watch()
    gateway.turn()
    assert "snapshot" not in listener.types()
    clock.advance(0.001)
    gateway.watch()
    gateway.turn()
    state, snapshot = listener.messages[-2:]
    assert (state["type"], state["embargo"], state["embargoed"]) == ("state", None, False)
    assert (snapshot["type"], snapshot["seq"]) == ("snapshot", 90_001)


def test_an_operator_lifts_it_at_once(gateway: Gateway) -> None:
    listener = connected(gateway)
    gateway.set_embargo(Embargo(until=LIFT, lifted=True))
    gateway.turn()
    assert listener.types()[-1] == "snapshot"


def test_an_embargo_that_begins_takes_the_stream_from_the_public(gateway: Gateway) -> None:
    """Who had numbers keeps them; nothing newer comes until the lift, and then a snapshot."""
    gateway.set_embargo(NO_EMBARGO)
    public, desk = connected(gateway), connected(gateway, CONTROL_ROOM)
    gateway.set_embargo(Embargo())
    told = len(public.messages)
    gateway.fold([record(1)])
    gateway.turn()
    gateway.watch()
    assert "delta" in desk.types()
    assert all(message["type"] == "state" for message in public.messages[told - 1 :])
    assert (public.messages[-1]["embargo"], public.messages[-1]["embargoed"]) == (None, True)
    gateway.set_embargo(NO_EMBARGO)
    gateway.turn()
    assert (public.types()[-1], public.messages[-1]["seq"]) == ("snapshot", 90_002)


def test_who_does_not_drain_when_an_embargo_begins_gets_nothing_of_it_after(gateway: Gateway) -> None:
    gateway.set_embargo(NO_EMBARGO)
    public = connected(gateway)
    gateway.broadcaster.set_draining(public, draining=False)
    gateway.fold([record(1)])
    gateway.set_embargo(Embargo())
    gateway.broadcaster.set_draining(public, draining=True)
    gateway.turn()
    assert "delta" not in public.types()


def test_a_subscription_that_is_taken_back_is_not_there_after_the_lift(gateway: Gateway) -> None:
    listener = connected(gateway)
    gateway.broadcaster.receive(listener, '{"type":"unsubscribe","id":"s1"}')
    gateway.set_embargo(NO_EMBARGO)
    gateway.turn()
    assert "snapshot" not in listener.types()


def test_a_cursor_does_not_help(gateway: Gateway) -> None:
    """Whether it is ahead of the view would tell how much has come in."""
    listener = Listener(gateway)
    gateway.broadcaster.connect(listener)
    for seq in (1, 90_000, 90_001, 90_002):
        ask = orjson.loads(SUBSCRIBE) | {"since": {"epoch": "9f2c", "seq": seq}, "id": f"s{seq}"}
        gateway.broadcaster.receive(listener, orjson.dumps(ask).decode())
        gateway.turn()
    assert listener.types() == ["hello", "state"]


def test_a_token_that_expires_closes_its_connection(gateway: Gateway, clock: Manual) -> None:
    desk = connected(gateway, Grant("control_room", "desk", clock.now() + timedelta(seconds=30)))
    viewer = connected(gateway)
    clock.advance(29.9)
    gateway.watch()
    assert desk.closed == []
    clock.advance(0.1)
    gateway.watch()
    assert (desk.closed, viewer.closed) == ([4003], [])


def test_a_token_that_expires_is_sent_nothing_more_not_even_before_anybody_looks_at_the_clock(
    gateway: Gateway, clock: Manual
) -> None:
    desk = connected(gateway, Grant("control_room", "desk", clock.now() + timedelta(seconds=30)))
    before = len(desk.messages)
    clock.advance(30)
    gateway.fold([record(1)])
    gateway.turn()

    assert ([4003], before) == (desk.closed, len(desk.messages))


def test_what_is_held_is_not_named_to_who_may_not_see_its_figures(gateway: Gateway, clock: Manual) -> None:
    viewer, desk = connected(gateway), connected(gateway, CONTROL_ROOM)
    gate = Gate(contest="mayor", source="aa", district="tr/34/uskudar", gate=1, held=True)
    gateway.fold([Written(90_001, gate.encode(), key=gate.key)])
    gateway.watch()

    assert [[], ["mayor/tr/34/uskudar"]] == [one.messages[-1]["hold"] for one in (viewer, desk)]

    clock.advance(7_200)
    gateway.watch()
    assert ["mayor/tr/34/uskudar"] == next(one["hold"] for one in reversed(viewer.messages) if one["type"] == "state")


# Over HTTP: every byte of every answer

PATHS: Final = (
    *("/", "/healthz", "/readyz", "/metrics", "/v1/definition", "/v1/totals", "/v1/totals?unit=tr", "/v1/nothing"),
    *("/v1/totals?contest=mayor&source=aa&unit=tr/34/*", "/v1/totals?contest=president", "/v1/totals?format=csv"),
    *("/v1/seats?contest=mayor&source=aa&unit=tr&members=9", "/v1/lead-over-time?contest=mayor&unit=tr"),
    *("/v1/totals.csv", "/v1/calls", "/v1/control", "/v1/totals/", "//v1/totals", "/static/../v1/totals"),
)
GUESSES: Final[tuple[dict[str, str], ...]] = (
    {},
    {"if-none-match": "*"},
    {"if-none-match": ", ".join(f'"9f2c-{seq}-{digest}"' for seq in (90_000, 90_001) for digest in ("x", "*"))},
    {"range": "bytes=0-10"},
    {"origin": "https://evil.example"},
    {"authorization": "Bearer x.y.z"},
    {"x-forwarded-for": "127.0.0.1", "x-original-url": "/v1/totals", "x-http-method-override": "GET"},
)


async def asked(gateway: Gateway, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=application(gateway))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        return await client.request(method, path, headers=headers)


def bytes_of(answer: httpx.Response) -> str:
    return f"{answer.status_code} {answer.headers!r} {answer.text}"


@pytest.mark.parametrize("path", PATHS)
async def test_no_answer_over_http_holds_a_number(gateway: Gateway, path: str) -> None:
    connected(gateway, CONTROL_ROOM)
    for method in ("GET", "HEAD", "OPTIONS", "POST"):
        for headers in GUESSES:
            answer = await asked(gateway, path, method, **headers)
            assert_nothing_is_told(bytes_of(answer))
            assert "90001" not in answer.headers.get("etag", "")


async def test_the_scrape_would_find_the_figures(gateway: Gateway) -> None:
    """Without an embargo they are there; else the tests above would prove nothing."""
    gateway.set_embargo(NO_EMBARGO)
    told = bytes_of(await asked(gateway, "/v1/totals"))
    assert all(str(figure) in told for figure in FIGURES)
    assert "90001" in (await asked(gateway, "/v1/totals")).headers["etag"]


async def test_metrics_are_readable_during_an_embargo_and_count_nothing_for_the_public(gateway: Gateway) -> None:
    """Else every Prometheus without a token would take all gateways for dead when the ban begins."""
    public = await asked(gateway, "/metrics")

    assert (public.status_code, public.headers["cache-control"]) == (200, "no-store")
    assert 'sandik_gateway_ready{run="night",worker="1"} 1.0' in public.text
    assert 'sandik_gateway_withheld{run="night",worker="1"} 1.0' in public.text
    assert "sandik_gateway_seq" not in public.text
    assert [False, True] == [gateway.may_be_counted_by(grant) for grant in (Grant(), CONTROL_ROOM)]

    gateway.set_embargo(NO_EMBARGO)
    assert 'sandik_gateway_seq{run="night",worker="1"} 90001.0' in (await asked(gateway, "/metrics")).text


async def test_before_the_orders_are_read_metrics_count_nothing(clock: Manual) -> None:
    made = Gateway("night", clock=clock, settings=GatewaySettings())
    made.begin(Run(RunTopics("night"), "live", "9f2c", election()))
    made.fold([record()])

    told = await asked(made, "/metrics")
    assert (told.status_code, "sandik_gateway_seq" in told.text) == (200, False)


async def test_readiness_does_not_tell_when_something_came_in(gateway: Gateway, clock: Manual) -> None:
    """Every record makes the log's last answer young."""
    ages = set()
    for _ in range(9):
        clock.advance(1)
        ages.add((await asked(gateway, "/readyz")).json()["log_age_s"])
    assert len(ages) == 1


async def test_totals_say_when_the_embargo_ends(gateway: Gateway) -> None:
    answer = await asked(gateway, "/v1/totals")
    assert (answer.status_code, answer.headers["cache-control"]) == (451, "no-store")
    assert (answer.json()["code"], answer.json()["until"]) == ("embargo", LIFT.isoformat())
    gateway.set_embargo(Embargo())
    assert (await asked(gateway, "/v1/totals")).json()["until"] is None


async def test_the_first_request_at_the_lift_gets_the_numbers(gateway: Gateway, clock: Manual) -> None:
    """Before the gateway has looked at the time itself."""
    clock.advance((LIFT - clock.now()).total_seconds())
    assert (await asked(gateway, "/v1/totals")).json()["totals"][0]["votes"] == VOTES


async def test_a_token_of_the_control_room_opens_http(clock: Manual) -> None:
    made = Gateway("night", clock=clock, settings=GatewaySettings(access=AccessSettings(keys=(HS256,))))
    made.begin(Run(RunTopics("night"), "live", "9f2c", election()))
    made.set_embargo(Embargo())
    made.fold([record()])
    made.caught_up()
    for scope, status in (("public", 451), ("control_room", 200), ("operator", 200)):
        text = token(scope, now=clock.now())  # type: ignore[arg-type]  # they are literals
        assert (await asked(made, f"/v1/totals?token={text}")).status_code == status
        answer = await asked(made, "/v1/totals", authorization=f"Bearer {text}")
        assert answer.status_code == status
        assert answer.headers["cache-control"].startswith("private")


async def test_a_gateway_that_has_not_read_its_orders_yet_tells_the_public_nothing(clock: Manual) -> None:
    """There may be an embargo among them."""
    made = Gateway("night", clock=clock, settings=GatewaySettings())
    made.begin(Run(RunTopics("night"), "live", "9f2c", election()))
    made.fold([record()])
    for path in PATHS:
        assert_nothing_is_told(bytes_of(await asked(made, path)))
    listener = connected(made)
    assert listener.messages == []


# Over real sockets, from the order in the log to the bytes on the wire


async def test_no_byte_on_the_wire_tells_a_figure_until_the_lift(tmp_path: Path) -> None:
    settings = replace(FAST, heartbeat_s=0.02)
    async with night(tmp_path) as log:
        await publish(
            log, *(totals(votes=VOTES, boxes=BOXES, version=version, minute=version) for version in range(777))
        )
        await log.append(RunTopics(RUN).control.name, [Entry(b"", written(EmbargoSet, epoch="9f2c"))])
        async with running(log, settings=settings) as server, connect(server.ws) as socket:
            ask = orjson.loads(SUBSCRIBE)
            received = b""
            for number, since in enumerate((None, {"epoch": "9f2c", "seq": 776}, {"epoch": "9f2c", "seq": 778})):
                await socket.send(orjson.dumps(ask | {"id": f"s{number}", "since": since}).decode())
            await socket.send("garbage")
            await socket.send(orjson.dumps(ask | {"contest": "president"}).decode())
            for _ in range(20):
                received += (await asyncio.wait_for(socket.recv(decode=False), LIMIT_S)) + b"\n"
            for path in PATHS[1:]:
                answer = await get(server, path)
                received += f"{answer.status_code} {answer.headers!r} {answer.text}\n".encode()
            told = received.decode()
            assert_nothing_is_told(told)
            for count in ("776", "777", "778"):
                assert count not in re.sub(r'"at":"[^"]*"', "", told)
            await log.append(RunTopics(RUN).control.name, [Entry(b"", written(EmbargoLifted, epoch="9f2c"))])
            snapshot = b""
            while b'"snapshot"' not in snapshot:
                snapshot = await asyncio.wait_for(socket.recv(decode=False), LIMIT_S)
            assert all(str(figure) in snapshot.decode() for figure in FIGURES)


def test_the_public_is_told_no_event_of_an_embargo_neither_then_nor_after(gateway: Gateway) -> None:
    public, desk = connected(gateway), connected(gateway, CONTROL_ROOM)
    most = totals(votes={"imamoglu": 1, "kurum": 900_000}, boxes=BOXES, version=1, minute=8)
    gateway.fold([Written(90_001, most.encode(), timestamp=epoch_ms(START))])
    gateway.turn()
    assert "leader_changed" in [message.get("event") for message in desk.messages]
    gateway.set_embargo(NO_EMBARGO)
    gateway.turn()
    assert "event" not in public.types()
