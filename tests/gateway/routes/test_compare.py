import asyncio
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

import gateway.routes.compare as door
from eventlog.clock import Wall
from eventlog.port import Entry, EventLog
from eventlog.run import RunTopics
from eventlog.sqlite.log import SqliteLog
from gateway.admission.handshake import AccessSettings
from schemas.asides import Gate
from schemas.comparison import Comparison
from schemas.control import RunCreated
from tests.builders import counted
from tests.gateway.apart import comparison, part
from tests.gateway.gateways import FAST, RUN, Running, get, is_ready, night, publish, running, set_aside
from tests.gateway.nights import START, election, totals
from tests.gateway.tokens import HS256, token
from tests.patience import LIMIT_S

PATH = "/v1/compare?contest=mayor&unit=tr/34&a=aa&b=anka"


async def compare(log: EventLog, *comparisons: Comparison) -> None:
    """Append comparisons as the aggregator would."""
    entries = [Entry(one.pair.key(), one.encode()) for one in comparisons]
    await log.append(RunTopics(RUN).comparisons.name, entries)


async def explained(gateway: Running, path: str = PATH, **headers: str) -> httpx.Response:
    """The answer, once there is a why in it."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            answer = await get(gateway, path, **headers)
            if answer.status_code != 200 or answer.json()["why"]:
                return answer


async def test_why_two_sources_differ_can_be_asked_for(tmp_path: Path) -> None:
    async with night(tmp_path) as log:
        await publish(log, totals(version=3), totals(version=3, source="anka"))
        await compare(log, comparison(version=3, only_a=part(2, imamoglu=7, kurum=2), only_b=part(1)))
        async with running(log) as gateway:
            await is_ready(gateway)
            answer = await explained(gateway)
            said = answer.json()
            known = await get(gateway, PATH, if_none_match=answer.headers["etag"])
            other = await get(gateway, PATH.replace("tr/34", "tr"), if_none_match=answer.headers["etag"])

    assert ("night", "test", "9f2c", "tr/34", 12) == tuple(
        said[name] for name in ("run", "mode", "epoch", "unit", "boxes_total")
    )
    assert {"votes": {"gap": 5, "coverage": 5, "disagreement": 0}, "points": None} == said["lead"]
    assert (2, 1, 0) == tuple(said["why"][name] for name in ("only_a", "only_b", "both"))
    assert (304, b"", 200) == (known.status_code, known.content, other.status_code)


@pytest.mark.parametrize(
    ("query", "status", "hint"),
    [
        ("contest=mayor&unit=tr&a=aa", 400, "Give one b."),
        ("contest=mayor&unit=tr&a=aa&a=aa&b=anka", 400, "Give one a."),
        ("contest=mayor&unit=tr&a=aa&b=aa", 400, "Give two sources"),
        ("contest=mayor&unit=tr/34/*&a=aa&b=anka", 400, "Give one, such as 'tr/34/adalar'"),
        ("contest=president&unit=tr&a=aa&b=anka", 404, "mayor, council"),
        ("contest=mayor&unit=tr/35&a=aa&b=anka", 404, "tr/35"),
        ("contest=mayor&unit=tr&a=aa&b=reuters", 404, "aa, anka"),
        ("contest=mayor&unit=tr&a=aa&b=anka&box=7", 400, "contest, unit, a and b"),
    ],
)
async def test_a_question_that_cannot_be_answered_says_what_to_ask(
    tmp_path: Path, query: str, status: int, hint: str
) -> None:
    async with night(tmp_path) as log, running(log) as gateway:
        await is_ready(gateway)
        answer = await get(gateway, f"/v1/compare?{query}")
    assert status == answer.status_code
    assert hint in answer.json()["error"]


async def test_where_a_part_of_the_unit_is_on_hold_only_the_control_room_is_told(tmp_path: Path) -> None:
    settings = replace(FAST, access=AccessSettings(keys=(HS256,)))
    said = totals(version=3)
    gate = Gate(contest="mayor", source="aa", district="tr/34/uskudar", gate=1, held=True, program=said)
    async with night(tmp_path) as log:
        await publish(log, said, totals("tr/06/cankaya", version=1), totals(version=3, source="anka"))
        await log.append(RunTopics(RUN).totals.name, [Entry(gate.key, gate.encode())])
        await compare(log, comparison(version=3, only_a=part(2, kurum=2), only_b=part(1)))
        async with running(log, settings=settings) as gateway:
            await is_ready(gateway)
            bearer = f"Bearer {token()}"
            held = [await get(gateway, PATH.replace("tr/34", unit)) for unit in ("tr", "tr/34", "tr/34/uskudar")]
            elsewhere = [await get(gateway, PATH.replace("tr/34", unit)) for unit in ("tr/06", "tr/34/adalar")]
            inside = await explained(gateway, authorization=bearer)

    assert [403, 403, 403] == [answer.status_code for answer in held]
    assert "on hold" in held[0].json()["error"]
    assert [200, 200] == [answer.status_code for answer in elsewhere]
    assert (2, True) == (inside.json()["why"]["only_a"], inside.json()["held"])


async def test_a_comparison_that_is_ahead_of_the_totals_on_air_is_not_told(tmp_path: Path) -> None:
    async with night(tmp_path) as log:
        await publish(log, totals(version=3), totals(version=3, source="anka"))
        await compare(log, comparison(version=3, only_a=part(1, kurum=1), only_b=part(1)))
        await compare(log, comparison(version=4, only_a=part(2, kurum=9), only_b=part(1)))
        async with running(log) as gateway:
            await is_ready(gateway)
            assert 1 == (await explained(gateway)).json()["why"]["only_a"]


async def test_a_run_that_is_older_than_comparisons_is_served_all_the_same(tmp_path: Path) -> None:
    """It has no topic for them until an aggregator of today makes one."""
    topics = RunTopics(RUN)
    created = RunCreated(run=RUN, mode="test", epoch="9f2c", at=START, definition=election())
    async with SqliteLog(tmp_path / "night.db", Wall()) as log:
        await log.create([topic for topic in topics.all() if topic != topics.comparisons])
        await log.append(topics.control.name, [Entry(b"run", created.encode())])
        await publish(log, totals(version=3), totals(version=3, source="anka"))
        async with running(log, settings=replace(FAST, heartbeat_s=0.05)) as gateway:
            await is_ready(gateway)
            answer = (await get(gateway, PATH)).json()
            await log.create([topics.comparisons])
            await compare(log, comparison(version=3, only_a=part(1, kurum=1), only_b=part(1)))
            later = (await explained(gateway)).json()
    assert (None, "on_air") == (answer["why"], answer["told"])
    assert "Nothing has been compared" in answer["reason"]
    assert (1, "log") == (later["why"]["only_a"], later["told"])


async def test_a_word_that_is_set_aside_is_told_with_figures_to_the_control_room_alone(tmp_path: Path) -> None:
    """Both show as many boxes, and one has said something else since: what differs is an artefact of our quarantine."""
    settings = replace(FAST, access=AccessSettings(keys=(HS256,)))
    async with night(tmp_path) as log:
        await publish(log, totals(version=3), totals(version=3, source="anka"))
        await set_aside(log, counted({"kurum": 70}, revision=2))
        async with running(log, settings=settings) as gateway:
            await is_ready(gateway)
            async with asyncio.timeout(LIMIT_S):
                while (public := (await get(gateway, PATH)).json())["a"]["set_aside"] is None:
                    await get(gateway, PATH.replace("unit=tr/34", "unit=tr"))
            inside = (await get(gateway, PATH, authorization=f"Bearer {token()}")).json()
    assert ({"count": 1, "reason": "conflict", "newest": None}, None) == (
        public["a"]["set_aside"],
        public["b"]["set_aside"],
    )
    assert {"kurum": 70} == inside["a"]["set_aside"]["newest"]["figures"]["votes"]


async def test_during_an_embargo_only_the_control_room_is_told(tmp_path: Path) -> None:
    closed = election().model_copy(update={"embargo_until": START.replace(year=2124)})
    settings = replace(FAST, access=AccessSettings(keys=(HS256,)))
    async with night(tmp_path, closed) as log, running(log, settings=settings) as gateway:
        await is_ready(gateway)
        public = await get(gateway, PATH)
        inside = await get(gateway, PATH, authorization=f"Bearer {token()}")
    assert (451, 200) == (public.status_code, inside.status_code)


async def test_answers_kept_for_the_next_to_ask_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for many things gets them all the same."""
    monkeypatch.setattr(door, "MAX_ANSWERS_KEPT", 2)
    async with night(tmp_path) as log, running(log) as gateway:
        await is_ready(gateway)
        for unit in ("tr", "tr/34", "tr/34/uskudar", "tr/06", "tr"):
            assert unit == (await get(gateway, PATH.replace("tr/34", unit, 1))).json()["unit"]
