"""Orders over HTTP, from the browser's bytes to what every screen shows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from consumers.aggregate import AggregateSettings, Aggregator
from eventlog.clock import Wall
from eventlog.port import Entry, EventLog
from eventlog.run import RunTopics, create_run, find_run
from eventlog.sqlite.log import SqliteLog
from gateway.admission.handshake import AccessSettings
from gateway.pages import PAGES
from gateway.settings import GatewaySettings
from schemas.control import (
    DELIVERY,
    Called,
    EmbargoLifted,
    EmbargoSet,
    FigureOverridden,
    Held,
    OverrideWithdrawn,
    QuarantineRejected,
    QuarantineReleased,
    Released,
    Taken,
)
from schemas.trust import MAX_ORDER_BYTES
from tests.builders import NIGHT, counted, small_election, value_of
from tests.gateway.gateways import FAST, RUN, Running, Viewer, connect, http_client, is_ready, running
from tests.gateway.test_orders import held_night
from tests.gateway.tokens import HS256, token
from tests.gateway.unreliable import Unreliable
from tests.patience import LIMIT_S
from tests.schemas.orders import Kind, new_signer, written

USKUDAR = "tr/34/uskudar"
CELL: dict[str, Any] = {"contest": "mayor", "source": "aa", "unit": USKUDAR}
SIGNER = new_signer()
SETTINGS = replace(FAST, access=AccessSettings(keys=(HS256,)), read_wait_ms=20)
OPERATOR = token("operator", runs=(RUN,), lasts=timedelta(days=1))  # longer than any run of the suite
DESK = token("control_room", runs=(RUN,), lasts=timedelta(days=1))


@dataclass(frozen=True)
class Room:
    """A gateway with its log, and an operator in front of it."""

    log: EventLog
    gateway: Running
    client: httpx.AsyncClient

    async def post(self, body: bytes, bearer: str | None = OPERATOR, query: str = "", **headers: str) -> httpx.Response:
        said = {"authorization": f"Bearer {bearer}"} if bearer else {}
        return await self.client.post(f"/v1/orders{query}", content=body, headers=said | headers)

    async def order(self, kind: Kind, query: str = "", **fields: Any) -> None:
        answer = await self.post(written(kind, run=RUN, epoch="9f2c", **fields), query=query)
        assert (answer.status_code, answer.json().get("error")) == (202, None)

    async def ask(self, path: str, bearer: str | None = None) -> Any:
        headers = {"authorization": f"Bearer {bearer}"} if bearer else {}
        return (await self.client.get(path, headers=headers)).json()

    async def row(self, bearer: str | None = None) -> Any:
        rows = (await self.ask(f"/v1/totals?contest=mayor&source=aa&unit={USKUDAR}", bearer)).get("totals")
        return rows[0] if rows else {"votes": {}, "overridden": [], "boxes_opened": 0}

    async def until(self, path: str, holds: Any, bearer: str | None = None) -> Any:
        """The answer, once this is so."""
        async with asyncio.timeout(LIMIT_S):
            while not holds(found := await self.ask(path, bearer)):
                pass
        return found

    async def control(self, holds: Any) -> Any:
        return await self.until("/v1/control", holds, DESK)

    async def shows(self, holds: Any, bearer: str | None = None) -> Any:
        async with asyncio.timeout(LIMIT_S):
            while not holds(found := await self.row(bearer)):
                pass
        return found


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with held_night(tmp_path) as log, entered(log) as room:
        yield room


@asynccontextmanager
async def entered(
    log: EventLog, settings: GatewaySettings = SETTINGS, line: EventLog | None = None
) -> AsyncIterator[Room]:
    """A gateway on the log, behind a line that may break, ready to take orders."""
    async with running(line or log, settings=settings) as gateway:
        await is_ready(gateway)
        async with http_client(gateway) as client:
            yield Room(log, gateway, client)


async def test_a_figure_set_by_hand_shows_everywhere_with_its_mark_until_it_is_taken_back(room: Room) -> None:
    before = await room.shows(lambda row: row["boxes_opened"] == 1)
    await room.order(FigureOverridden, "?confirm=limits", **CELL, figures={"votes.kurum": 99_999})

    shown = await room.shows(lambda row: row["overridden"])
    assert (99_999, ["votes.kurum"]) == (shown["votes"]["kurum"], shown["overridden"])
    (country,) = (await room.ask("/v1/totals?contest=mayor&source=aa&unit=tr"))["totals"]
    assert (99_999, ["votes.kurum"]) == (country["votes"]["kurum"], country["overridden"])
    (standing,) = (await room.ask("/v1/control", DESK))["overrides"]
    assert ({"votes.kurum": 99_999}, USKUDAR) == (standing["figures"], standing["district"])

    await room.order(OverrideWithdrawn, **CELL)
    assert before == await room.shows(lambda row: not row["overridden"])


async def test_what_is_held_is_counted_and_taken_in_one_step_and_stays_held(room: Room) -> None:
    await room.shows(lambda row: row["boxes_opened"] == 1)
    await room.order(Held, contest="mayor")
    await room.control(lambda found: found["hold"] == {"mayor": 0})
    await room.log.append(RunTopics(RUN).tallies.name, [Entry(USKUDAR.encode(), value_of(counted(box=1002)))])
    await room.control(lambda found: found["hold"] == {"mayor": 1})
    assert 1 == (await room.row())["boxes_opened"]

    await room.order(Taken, contest="mayor")
    await room.shows(lambda row: row["boxes_opened"] == 2)
    assert {"mayor": 0} == (await room.ask("/v1/control", DESK))["hold"]

    await room.order(Released, contest="mayor")
    await room.control(lambda found: found["hold"] == {})


async def test_the_control_room_may_watch_the_program_too(room: Room) -> None:
    await room.shows(lambda row: row["boxes_opened"] == 1)
    await room.order(Held, contest="mayor")
    await room.control(lambda found: found["hold"] == {"mayor": 0})
    await room.log.append(RunTopics(RUN).tallies.name, [Entry(USKUDAR.encode(), value_of(counted(box=1002)))])
    await room.control(lambda found: found["hold"] == {"mayor": 1})

    opened = {}
    for view in ("&view=program", ""):
        async with connect(f"{room.gateway.ws}?token={DESK}{view}", compression=None) as socket:
            client = Viewer(socket)
            await client.subscribe(USKUDAR)
            await client.until(lambda client=client: USKUDAR in client.shown)  # type: ignore[misc]  # a default binds it
            opened[view] = client.shown[USKUDAR]["boxes_opened"]
    assert {"&view=program": 1, "": 2} == opened


async def test_of_two_statements_the_operator_lets_the_other_one_stand(room: Room) -> None:
    await room.shows(lambda row: row["boxes_opened"] == 1)
    waits = await conflict_of(room)
    assert ("conflict", True, "contradicts") == (waits["reason"], waits["releasable"], waits["verdict"])
    assert ("aa", 1001, {"kurum": 77}) == (
        waits["source"],
        waits["statement"]["box"],
        waits["statement"]["figures"]["votes"],
    )

    await room.order(QuarantineReleased, position=waits["position"])

    assert 77 == (await room.shows(lambda row: row["votes"].get("kurum") == 77))["votes"]["kurum"]
    found = await room.control(
        lambda found: found["quarantine"]["waiting"] == len(found["quarantine"]["uncounted"]) == 0
    )
    assert ("quarantine_released", True) == (found["audit"][0]["type"], found["audit"][0]["counts"])
    again = await room.post(written(QuarantineReleased, run=RUN, epoch="9f2c", position=waits["position"]))
    assert (409, True) == (again.status_code, "Nothing waits" in again.json()["error"])


async def conflict_of(room: Room, *, votes: int = 77) -> Any:
    """What waits in quarantine once the counted box is said again with other counts, as the aggregator sees it."""
    other = counted({"kurum": votes}, box=1001)
    await room.log.append(RunTopics(RUN).tallies.name, [Entry(USKUDAR.encode(), value_of(other))])
    found = await room.control(
        lambda found: (
            found["quarantine"]["newest"]
            and f'"kurum":{votes}' in found["quarantine"]["newest"][0]["said"]
            and found["quarantine"]["newest"][0]["verdict"]
        )
    )
    return found["quarantine"]["newest"][0]


async def test_what_can_no_longer_count_is_refused_with_what_stands_instead_of_ordered(room: Room) -> None:
    await room.shows(lambda row: row["boxes_opened"] == 1)
    waits = await conflict_of(room)
    await room.log.append(
        RunTopics(RUN).tallies.name, [Entry(USKUDAR.encode(), value_of(counted({"kurum": 80}, box=1001, revision=4)))]
    )
    await room.control(lambda found: found["quarantine"]["newest"][0]["verdict"] == "superseded")

    order = written(QuarantineReleased, run=RUN, epoch="9f2c", position=waits["position"])
    refused, considered = (
        await room.post(order),
        await room.client.post("/v1/orders?consider", content=order, headers={"authorization": f"Bearer {OPERATOR}"}),
    )
    for answer in (refused, considered):
        assert (409, True) == (answer.status_code, "revision 4 of box 1001 stands" in answer.json()["error"])
    found = await room.ask("/v1/control", DESK)
    (shown,) = found["quarantine"]["newest"]
    assert (False, [], 80) == (shown["releasable"], found["audit"], (await room.row())["votes"]["kurum"])


async def test_the_same_counts_in_another_revision_are_refused_as_counted(room: Room) -> None:
    await room.shows(lambda row: row["boxes_opened"] == 1)
    waits = await conflict_of(room)
    again = counted({"kurum": 77}, box=1001, revision=2)
    await room.log.append(RunTopics(RUN).tallies.name, [Entry(USKUDAR.encode(), value_of(again))])
    await room.control(lambda found: found["quarantine"]["newest"][0]["verdict"] == "counted")

    answer = await room.post(written(QuarantineReleased, run=RUN, epoch="9f2c", position=waits["position"]))
    assert (409, True) == (answer.status_code, "it says the same" in answer.json()["error"])


async def test_an_order_whose_statement_was_not_written_is_seen_and_can_be_given_again(room: Room) -> None:
    """As after a crash between the two: the order counts, and what it lets out is in no log."""
    await room.shows(lambda row: row["boxes_opened"] == 1)
    waits = await conflict_of(room)
    order = written(QuarantineReleased, run=RUN, epoch="9f2c", position=waits["position"])
    await room.log.append(RunTopics(RUN).control.name, [Entry(b"order", order)])

    found = await room.control(lambda found: found["quarantine"]["uncounted"])
    assert (0, waits["position"]) == (found["quarantine"]["waiting"], found["quarantine"]["uncounted"][0]["position"])
    await room.order(QuarantineReleased, position=waits["position"])
    await room.shows(lambda row: row["votes"].get("kurum") == 77)
    found = await room.control(lambda found: not found["quarantine"]["uncounted"])
    assert (0, 0) == (found["quarantine"]["waiting"], found["feeds"]["aa"]["set_aside"])


async def test_of_two_that_are_let_out_at_one_revision_the_later_one_stands(room: Room) -> None:
    await room.shows(lambda row: row["boxes_opened"] == 1)
    first, second = await conflict_of(room, votes=77), await conflict_of(room, votes=78)
    for waits in (first, second):
        await room.order(QuarantineReleased, position=waits["position"])

    await room.shows(lambda row: row["votes"].get("kurum") == 78)
    own = counted({"kurum": 79}, box=1001, revision=2)
    await room.log.append(RunTopics(RUN).tallies.name, [Entry(USKUDAR.encode(), value_of(own))])
    await room.shows(lambda row: row["votes"].get("kurum") == 79)
    assert 0 == (await room.ask("/v1/control", DESK))["quarantine"]["waiting"]


async def test_what_nobody_can_mend_can_only_be_rejected(room: Room) -> None:
    await room.log.append(RunTopics(RUN).tallies.name, [Entry(USKUDAR.encode(), b"junk")])
    found = await room.control(lambda found: found["quarantine"]["waiting"] == 1)
    (waits,) = found["quarantine"]["newest"]

    refused = await room.post(written(QuarantineReleased, run=RUN, epoch="9f2c", position=waits["position"]))
    assert (409, False) == (refused.status_code, waits["releasable"])
    assert "Nothing could make it count" in refused.json()["error"]
    await room.order(QuarantineRejected, position=waits["position"])
    await room.control(lambda found: found["quarantine"]["waiting"] == 0)


async def test_who_may_not_order_is_told_so(room: Room) -> None:
    good = written(Held, run=RUN, epoch="9f2c", contest="mayor")
    for bearer, status in ((None, 403), (DESK, 403), ("a.b.c", 401)):
        assert status == (await room.post(good, bearer)).status_code
    assert 403 == (await room.post(good, origin="https://elsewhere.example")).status_code
    assert 405 == (await room.client.get("/v1/orders")).status_code
    assert 403 == (await room.client.get("/v1/control")).status_code
    assert [] == (await room.ask("/v1/control", DESK))["audit"]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"junk", 400, "no JSON object"),
        (b'{"type":"run_created"}', 400, "That is no order"),
        (b'{"type":"held"}', 400, "cannot be read"),
        (b"x" * (MAX_ORDER_BYTES + 1), 413, "at most"),
        (written(Held, run=RUN, epoch="9f2c", contest="president"), 409, "no contest 'president'"),
        (written(Held, run=RUN, epoch="0000", contest="mayor"), 409, "another epoch"),
    ],
    ids=["junk", "no order", "half an order", "too long", "unknown contest", "another epoch"],
)
async def test_an_order_that_would_not_count_is_not_written(room: Room, body: bytes, status: int, says: str) -> None:
    answer = await room.post(body)

    assert (status, True) == (answer.status_code, says in answer.json()["error"])
    assert [] == (await room.ask("/v1/control", DESK))["audit"]


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Room]:
    """A live night in which this operator is trusted, with one box counted."""
    async with SqliteLog(tmp_path / "night.db", Wall()) as log:
        run = await create_run(log, RUN, small_election(), mode="live", epoch="9f2c", clock=Wall())
        await log.append(run.topics.tallies.name, [Entry(USKUDAR.encode(), value_of(counted()))])
        await Aggregator(log, run, Wall()).run_until_end()
        async with entered(log, replace(SETTINGS, operators=(SIGNER.public,))) as room:
            yield room


def signed(kind: Kind, **fields: Any) -> bytes:
    return written(kind, SIGNER, run=RUN, epoch="9f2c", **fields)


SOON = datetime.now(UTC) + timedelta(days=1)
LIFTS: list[tuple[Kind, dict[str, Any], str]] = [
    (EmbargoLifted, {}, "It lifts the embargo"),
    (EmbargoSet, {"until": NIGHT}, "no embargo is left"),
    (Released, {"contest": "mayor"}, "It releases mayor everywhere"),
    (Taken, {"contest": "mayor", "unit": USKUDAR}, "It takes mayor in tr/34/uskudar"),
    (OverrideWithdrawn, CELL, "It takes back what is set by hand"),
]


@pytest.mark.parametrize(("kind", "fields", "says"), LIFTS, ids=lambda one: getattr(one, "__name__", ""))
async def test_on_a_live_run_what_shows_more_is_written_once_it_is_confirmed(
    live: Room, kind: Kind, fields: dict[str, Any], says: str
) -> None:
    body = signed(kind, **fields)
    asked = await live.post(body)
    assert (409, "not_confirmed") == (asked.status_code, asked.json()["code"])
    assert says in asked.json()["questions"][0]["sentence"]
    assert says in asked.json()["error"]
    assert 409 == (await live.post(body, query="?confirm=call,limits")).status_code
    assert [] == (await live.ask("/v1/control", DESK))["audit"]

    given = await live.post(body, query=f"?confirm={asked.json()['confirm']}")
    assert (202, None) == (given.status_code, given.json().get("error"))
    found = await live.control(lambda found: found["audit"])
    assert (kind.model_fields["type"].default, True) == (found["audit"][0]["type"], found["audit"][0]["counts"])


async def test_before_a_release_and_a_call_it_says_what_stands_there(live: Room) -> None:
    release = await live.post(signed(Released, contest="mayor", unit=USKUDAR), query="?consider")
    call = await live.post(signed(Called, contest="mayor", unit=USKUDAR, candidate="kurum"), query="?consider")

    assert [] == release.json()["changes"]
    [standing] = call.json()["race"]
    assert ("aa", 1) == (standing["source"], standing["boxes_opened"])


async def test_a_confirmation_by_its_code_alone_is_enough(live: Room) -> None:
    assert 202 == (await live.post(signed(EmbargoLifted), query="?confirm=lift")).status_code


async def test_an_embargo_is_confirmed_against_the_one_that_stands_by_then(live: Room) -> None:
    """It was longer than nothing when the operator looked, and shortens what another operator has set meanwhile."""
    shorter = signed(EmbargoSet, until=SOON)
    assert 202 == (await live.post(signed(EmbargoSet))).status_code
    await live.control(lambda found: found["embargoed"])
    asked = await live.post(shorter)
    assert (409, True) == (asked.status_code, "earlier than the embargo that stands" in asked.json()["error"])

    assert (
        202 == (await live.post(signed(EmbargoSet, until=SOON + timedelta(hours=1)), query="?confirm=lift")).status_code
    )
    await live.control(lambda found: found["embargo"] is not None)
    again = await live.post(shorter, query=f"?confirm={asked.json()['confirm']}")
    assert 409 == again.status_code, "what was confirmed was another embargo"
    assert 202 == (await live.post(shorter, query=f"?confirm={again.json()['confirm']}")).status_code


async def test_a_call_in_the_place_of_another_is_confirmed(live: Room) -> None:
    where = {"contest": "mayor", "unit": "tr/34"}
    assert 202 == (await live.post(signed(Called, candidate="kurum", **where))).status_code
    await live.control(lambda found: found["calls"])
    asked = await live.post(signed(Called, candidate="imamoglu", **where))
    assert (409, "call") == (asked.status_code, asked.json()["questions"][0]["code"])
    assert "It replaces a call: kurum" in asked.json()["error"]


async def test_a_call_against_a_lead_that_cannot_be_overtaken_is_confirmed(live: Room) -> None:
    tallies = RunTopics(RUN).tallies.name
    boxes = [counted({"imamoglu": 250, "kurum": 50}, box=box, registered=300) for box in range(1002, 1021)]
    await live.log.append(tallies, [Entry(USKUDAR.encode(), value_of(box)) for box in boxes])
    run = await find_run(live.log, RUN)
    await Aggregator(live.log, run, Wall(), AggregateSettings(operators=(SIGNER.public,))).run_until_end()
    await live.shows(lambda row: row["boxes_opened"] == 20)
    where = {"contest": "mayor", "unit": USKUDAR}
    asked = await live.post(signed(Called, candidate="kurum", **where))
    assert (409, True) == (
        asked.status_code,
        "By aa imamoglu leads there and cannot be overtaken" in asked.json()["error"],
    )
    assert 202 == (await live.post(signed(Called, candidate="imamoglu", **where))).status_code


async def test_figures_beyond_their_limits_are_confirmed_and_each_change_is_told(room: Room) -> None:
    await room.shows(lambda row: row["boxes_opened"] == 1)
    body = written(FigureOverridden, run=RUN, epoch="9f2c", **CELL, figures={"boxes_opened": 99_999, "votes.kurum": 7})
    asked = await room.post(body)
    assert (409, ["limits"]) == (asked.status_code, [one["code"] for one in asked.json()["questions"]])
    assert "boxes_opened is 99,999, and the district's boxes 20" in asked.json()["error"]
    given = await room.post(body, query=f"?confirm={asked.json()['confirm']}")
    expected = [
        {"figure": "boxes_opened", "before": 1, "after": 99_999},
        {"figure": "votes.kurum", "before": 100, "after": 7},
    ]
    assert (202, expected) == (given.status_code, given.json()["changes"])


@pytest.mark.parametrize(("count", "status"), [(99_999_999_999_999_999_999, 400), (9_999_999_999, 409)])
async def test_figures_that_no_district_can_have_are_never_written(room: Room, count: int, status: int) -> None:
    await room.shows(lambda row: row["boxes_opened"] == 1)
    body = written(FigureOverridden, run=RUN, epoch="9f2c", **CELL, figures={"votes.kurum": 7, "valid": 8})
    body = body.replace(b'"votes.kurum":7', f'"votes.kurum":{count}'.encode())
    assert status == (await room.post(body, query="?confirm=limits,lift")).status_code
    assert [] == (await room.ask("/v1/control", DESK))["audit"]


async def test_what_an_order_would_do_is_told_before_anybody_signs_it(live: Room) -> None:
    await live.shows(lambda row: row["boxes_opened"] == 1)
    unsigned = written(FigureOverridden, run=RUN, epoch="9f2c", **CELL, figures={"votes.kurum": 900})
    told = await live.post(unsigned, query="?consider")
    assert (200, ["limits"]) == (told.status_code, [one["code"] for one in told.json()["questions"]])
    assert [{"figure": "votes.kurum", "before": 100, "after": 900}] == told.json()["changes"]
    plain = await live.post(written(Held, run=RUN, epoch="9f2c", contest="mayor"), query="?consider")
    assert {"changes": [], "adds": {}, "questions": [], "confirm": ""} == plain.json()
    unknown = await live.post(written(Held, run=RUN, epoch="9f2c", contest="president"), query="?consider")
    assert (409, True) == (unknown.status_code, "no contest" in unknown.json()["error"])
    assert 400 == (await live.post(b"junk", query="?consider")).status_code
    assert 403 == (await live.post(unsigned, DESK, query="?consider")).status_code
    assert [] == (await live.ask("/v1/control", DESK))["audit"]


async def test_what_the_source_goes_on_to_say_under_a_figure_set_by_hand_is_told(room: Room) -> None:
    await room.shows(lambda row: row["boxes_opened"] == 1)
    body = written(FigureOverridden, run=RUN, epoch="9f2c", **CELL, figures={"votes.kurum": 99})
    adds = (await room.post(body, query="?consider")).json()["adds"]
    assert {"instead_of": {"votes.kurum": 100}} == adds
    await room.order(FigureOverridden, **CELL, figures={"votes.kurum": 99}, **adds)
    found = await room.control(lambda found: found["overrides"])
    assert ({"votes.kurum": 100}, []) == (found["overrides"][0]["source_now"], found["alarms"])

    await room.log.append(RunTopics(RUN).tallies.name, [Entry(USKUDAR.encode(), value_of(counted(box=1002)))])
    found = await room.control(lambda found: found["alarms"])
    assert ("moved", "votes.kurum", 100, 200) == tuple(
        found["alarms"][0][name] for name in ("kind", "figure", "before", "after")
    )
    assert {"votes.kurum": 200} == found["overrides"][0]["source_now"]


async def test_an_order_that_comes_too_late_is_not_written(room: Room) -> None:
    """Somebody kept it back, or a clock is wrong: both times are told."""
    answer = await room.post(written(Released, run=RUN, epoch="9f2c", contest="mayor", deliver_by=NIGHT))
    assert (409, True) == (answer.status_code, "it was to be delivered by 2024-03-31" in answer.json()["error"])
    assert [] == (await room.ask("/v1/control", DESK))["audit"]


def test_the_page_gives_its_orders_as_long_to_be_delivered_as_the_command_line_does() -> None:
    milliseconds = f"{DELIVERY // timedelta(milliseconds=1):_}"
    assert f"DELIVERY_MS = {milliseconds};" in (PAGES / "control" / "ordering.js").read_text(encoding="utf-8")


async def test_a_log_that_is_away_is_said(tmp_path: Path) -> None:
    async with held_night(tmp_path) as log:
        line = Unreliable(log)
        async with entered(log, line=line) as room:
            await room.shows(lambda row: row["boxes_opened"] == 1)
            line.break_off()
            answer = await room.post(written(Held, run=RUN, epoch="9f2c", contest="mayor"))
            assert (503, True) == (answer.status_code, "give it again" in answer.json()["error"])
            line.come_back()


async def test_with_operators_keys_only_what_they_signed_is_written(tmp_path: Path) -> None:
    signer = new_signer()
    settings = replace(SETTINGS, operators=(signer.public,))
    async with held_night(tmp_path) as log, entered(log, settings) as room:
        await room.shows(lambda row: row["boxes_opened"] == 1)
        for who in (None, new_signer()):
            refused = await room.post(written(Held, who, run=RUN, epoch="9f2c", contest="mayor"))
            assert (409, True) == (refused.status_code, "no trusted operator" in refused.json()["error"])
        assert 202 == (await room.post(written(Held, signer, run=RUN, epoch="9f2c", contest="mayor"))).status_code
        found = await room.control(lambda found: len(found["audit"]) == 1)
        assert ([signer.public.fingerprint], True) == (found["trusted"], found["signed_only"])
