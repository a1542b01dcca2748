"""The quarantine by groups and pages, over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from consumers.aggregate import Aggregator
from eventlog.clock import Wall
from eventlog.port import Entry
from eventlog.run import create_run
from eventlog.sqlite.log import SqliteLog
from schemas.control import QuarantineRejected
from tests.builders import counted, small_election, value_of
from tests.gateway.gateways import RUN
from tests.gateway.routes.test_orders import DESK, USKUDAR, Room, entered

CONFLICTS = 30
JUNK = 3


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    """A box said again with other counts, over and over, and what nobody can read."""
    async with SqliteLog(tmp_path / "night.db", Wall()) as log:
        run = await create_run(log, RUN, small_election(), mode="test", epoch="9f2c", clock=Wall())
        first = counted()
        said = [
            value_of(first),
            *(value_of(counted(votes={"kurum": number})) for number in range(200, 200 + CONFLICTS)),
        ]
        entries = [Entry(USKUDAR.encode(), value) for value in said]
        entries += [Entry(USKUDAR.encode(), f"junk {number}".encode()) for number in range(JUNK)]
        await log.append(run.topics.tallies.name, entries)
        await Aggregator(log, run, Wall()).run_until_end()
        async with entered(log) as room:
            yield room


async def test_what_waits_is_told_in_groups_and_shown_by_page(room: Room) -> None:
    state = await room.control(lambda found: found["quarantine"]["waiting"] == CONFLICTS + JUNK)
    groups = {(one["reason"], one["source"], one["unit"]): one["count"] for one in state["quarantine"]["groups"]}
    assert {("conflict", "aa", USKUDAR): CONFLICTS, ("malformed", "", ""): JUNK} == groups

    page = await room.ask(f"/v1/quarantine?reason=conflict&source=aa&unit={USKUDAR}&offset=20&limit=20", DESK)
    assert (CONFLICTS, CONFLICTS - 20, CONFLICTS) == (page["total"], len(page["records"]), len(page["positions"]))
    unreadable = await room.ask("/v1/quarantine?source=&unit=&limit=0", DESK)
    assert (JUNK, [], []) == (unreadable["total"], unreadable["records"], unreadable["releasable"])
    assert 1 == (await room.ask("/v1/quarantine?text=JUNK%202", DESK))["total"]


async def test_what_was_settled_is_in_no_group_any_more(room: Room) -> None:
    await room.control(lambda found: found["quarantine"]["waiting"] == CONFLICTS + JUNK)
    junk = await room.ask("/v1/quarantine?reason=malformed", DESK)
    for position in junk["positions"]:
        await room.order(QuarantineRejected, position=position)
    state = await room.control(lambda found: found["quarantine"]["waiting"] == CONFLICTS)
    assert ["conflict"] == [one["reason"] for one in state["quarantine"]["groups"]]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("offset=-1", "no offset"),
        ("limit=x", "no limit"),
        ("district=x", "There is no district here"),
        ("offset=9999999", "no offset"),
    ],
)
async def test_what_cannot_be_asked_is_refused_in_words(room: Room, query: str, says: str) -> None:
    answer = await room.client.get(f"/v1/quarantine?{query}", headers={"authorization": f"Bearer {DESK}"})
    assert (400, True) == (answer.status_code, says in answer.json()["error"])


async def test_it_is_for_the_control_room(room: Room) -> None:
    answer = await room.client.get("/v1/quarantine")
    assert (403, "needs_control_room") == (answer.status_code, answer.json()["code"])


async def test_who_is_in_the_room_is_told_by_name(room: Room) -> None:
    await room.ask("/v1/control?as=Ay%C5%9Fe", DESK)
    here = (await room.ask("/v1/control?as=Kaya", DESK))["here"]
    assert [("Ayşe", "tests", "control_room"), ("Kaya", "tests", "control_room")] == [
        (one["name"], one["subject"], one["scope"]) for one in here
    ]
