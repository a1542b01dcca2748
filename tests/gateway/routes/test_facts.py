import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import gateway.routes.facts as endpoint
from gateway.admission.handshake import AccessSettings
from schemas.definition import Election, Source
from tests.builders import counted
from tests.gateway.gateways import FAST, RUN, get, is_ready, is_refused, night, publish, running, set_aside
from tests.gateway.nights import election, totals
from tests.gateway.tokens import HS256, token
from tests.patience import LIMIT_S
from tests.tabulation.derived.test_facts import definition

PLAIN: dict[str, object] = {"threshold": None, "office": None, "round": None, "rounds": [], "previous": []}
"""What is told of a contest that is no round, needs no majority and is compared with no other."""


async def test_facts_come_with_the_position_they_are_of(tmp_path: Path) -> None:
    async with night(tmp_path) as log:
        await publish(log, totals(votes={"imamoglu": 5, "kurum": 3}, minute=3), totals(votes={}, source="anka"))
        async with running(log) as gateway:
            await is_ready(gateway)
            answer = await get(gateway, "/v1/facts?contest=mayor&source=aa&unit=tr/34/uskudar")
            again = await get(gateway, "/v1/facts", if_none_match=answer.headers["etag"])
            known = await get(
                gateway, "/v1/facts?contest=mayor&source=aa&unit=tr/34/uskudar", if_none_match=answer.headers["etag"]
            )
    assert (again.status_code, known.status_code, known.content) == (200, 304, b"")
    assert answer.json() == {
        "run": "night",
        "mode": "test",
        "epoch": "9f2c",
        "seq": 2,
        "told": "on_air",
        "as_of": "2024-03-31T17:03:00+00:00",
        "facts": [
            {
                "contest": "mayor",
                "source": "aa",
                "unit": "tr/34/uskudar",
                "level": "district",
                "level_name": "İlçe",
                "as_of": "2024-03-31T17:03:00+00:00",
                "overridden": [],
                "boxes_opened": 1,
                "boxes_surplus": 0,
                "boxes_total": 10,
                "valid": 8,
                "unattributed": 0,
                "unattributed_share_bp": 0,
                "ranking": [
                    {
                        "candidate": "imamoglu",
                        "rank": 1,
                        "tied": False,
                        "votes": 5,
                        "share_bp": 6_250,
                        "valid_share_bp": 6_250,
                    },
                    {
                        "candidate": "kurum",
                        "rank": 2,
                        "tied": False,
                        "votes": 3,
                        "share_bp": 3_750,
                        "valid_share_bp": 3_750,
                    },
                ],
                "lead": {"leaders": ["imamoglu"], "over": "kurum", "votes": 2, "margin_bp": 2_500},
                "turnout": {"cast": 8, "registered": 350, "share_bp": 229},
                "votes_possible": None,
                "votes_unassigned": 0,
                "cannot_be_overtaken": False,
                "complete": False,
                "progress_bp": 1_000,
                "contradictions": [],
                **PLAIN,
                "set_aside": None,
            }
        ],
        "only_set_aside": [],
    }
    assert [(fact["source"], fact["unit"], fact["lead"] is None) for fact in again.json()["facts"]] == [
        (source, unit, source == "anka") for source in ("aa", "anka") for unit in ("tr", "tr/34", "tr/34/uskudar")
    ]


async def test_what_is_set_aside_is_told_with_figures_to_the_control_room_alone(tmp_path: Path) -> None:
    settings = replace(FAST, access=AccessSettings(keys=(HS256,)))
    bearer = f"Bearer {token(runs=(RUN,))}"
    path = "/v1/facts?contest=mayor&source=aa&unit=tr/34"
    async with night(tmp_path) as log:
        await publish(log, totals(votes={"imamoglu": 5}))
        async with running(log, settings=settings) as gateway:
            await is_ready(gateway)
            (before,) = (await get(gateway, path)).json()["facts"]
            await set_aside(log, counted({"kurum": 70}, revision=2))
            async with asyncio.timeout(LIMIT_S):
                while (public := (await get(gateway, path)).json()["facts"][0])["set_aside"] is None:
                    pass
            (inside,) = (await get(gateway, path, authorization=bearer)).json()["facts"]
    assert before["set_aside"] is None
    assert {"count": 1, "reason": "conflict", "newest": None} == public["set_aside"]
    newest = inside["set_aside"]["newest"]
    assert ({"kurum": 70}, 2, "tr/34/uskudar") == (newest["figures"]["votes"], newest["revision"], newest["district"])


async def test_a_unit_of_which_all_is_set_aside_is_told_though_it_has_no_figures(tmp_path: Path) -> None:
    async with night(tmp_path) as log:
        await publish(log, totals(votes={"imamoglu": 5}))
        await set_aside(log, counted({"kurum": 70}, district="tr/06/cankaya", source="anka"), "misrouted")
        async with running(log) as gateway:
            await is_ready(gateway)
            async with asyncio.timeout(LIMIT_S):
                while not (found := (await get(gateway, "/v1/facts?unit=tr/06&unit=tr/34")).json())["only_set_aside"]:
                    pass
            other = (await get(gateway, "/v1/facts?source=aa")).json()
    assert ["tr/34"] == [one["unit"] for one in found["facts"]]
    assert [
        {
            "contest": "mayor",
            "source": "anka",
            "unit": "tr/06",
            "set_aside": {"count": 1, "reason": "misrouted", "newest": None},
        }
    ] == found["only_set_aside"]
    assert [] == other["only_set_aside"]


async def test_too_much_at_once_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "MAX_UNITS_ANSWERED", 2)
    async with night(tmp_path) as log:
        await publish(log, totals())
        async with running(log) as gateway:
            await is_ready(gateway)
            refused = await get(gateway, "/v1/facts")
            assert (refused.status_code, refused.headers["content-type"]) == (400, "application/json")
            assert "3 units" in refused.json()["error"]
            assert (await get(gateway, "/v1/facts?unit=tr&unit=tr/34")).status_code == 200


async def test_units_that_a_source_does_not_tell_are_named_with_where_it_tells(tmp_path: Path) -> None:
    dha = Source(id="dha", name="DHA", reports="districts", levels={"mayor": "province"})
    base = election()
    definition = Election(**{**dict(base), "sources": (*base.sources, dha)})
    async with night(tmp_path, definition) as log:
        await publish(log, totals("tr/34", {"imamoglu": 5}, source="dha"))
        async with running(log) as gateway:
            await is_ready(gateway)
            answer = await get(gateway, "/v1/facts?contest=mayor&source=dha&unit=tr/34/uskudar&unit=tr/34")

    found = answer.json()
    assert ["tr/34"] == [one["unit"] for one in found["facts"]]
    assert [("tr/34/uskudar", "dha")] == [(one["unit"], one["source"]) for one in found["not_told"]]
    assert "tr/34/uskudar is a part of tr/34" in found["not_told"][0]["why"]


USKUDAR = "/v1/seats?contest=council&source=aa&unit=tr/34/uskudar"


async def seats(folder: Path, path: str, of: Election | None = None) -> Any:
    """The seats, after a tie in Adalar and a clear vote in Üsküdar."""
    async with night(folder, definition() if of is None else of) as log:
        await publish(
            log,
            totals("tr/34/uskudar", {"a": 60, "b": 30, "c": 2}, contest="council", boxes=10),
            totals("tr/34/adalar", {"b": 5, "c": 5}, contest="council", boxes=1),
        )
        async with running(log) as gateway:
            await is_ready(gateway)
            found = await get(gateway, path)
            again = await get(gateway, path, if_none_match=found.headers["etag"])
    assert (200, 304) == (found.status_code, again.status_code)
    return found.json()


async def test_seats_come_with_the_position_they_are_of(tmp_path: Path) -> None:
    found = await seats(tmp_path, "/v1/seats?unit=tr/34/uskudar&unit=tr/34")
    assert ("night", 2, "on_air") == (found["run"], found["seq"], found["told"])
    assert [
        {
            "contest": "council",
            "source": "aa",
            "unit": "tr/34",
            "level": "province",
            "constituencies": 2,
            "house": 4,
            "seats": [
                {"candidate": "a", "seats": 2, "decided": 2},
                {"candidate": "b", "seats": 1, "decided": 1},
            ],
            "open": 1,
            "undecided": [{"unit": "tr/34/adalar", "seats": 1, "between": ["b", "c"], "reason": "tie"}],
            "barred": [],
            "complete": False,
            "counting": [{"unit": "tr/34/adalar", "seats": 1}],
        },
        {
            "contest": "council",
            "source": "aa",
            "unit": "tr/34/uskudar",
            "level": "district",
            "constituencies": 1,
            "house": 3,
            "seats": [
                {"candidate": "a", "seats": 2, "decided": 2},
                {"candidate": "b", "seats": 1, "decided": 1},
            ],
            "open": 0,
            "undecided": [],
            "barred": [],
            "complete": True,
            "counting": [],
        },
    ] == found["seats"]


async def test_a_council_can_be_asked_for_by_its_members(tmp_path: Path) -> None:
    """Law 2972: a tenth is deducted, and quota seats are the first party's."""
    (found,) = (await seats(tmp_path, f"{USKUDAR}&members=9&quota=2"))["seats"]
    assert (9, 0, ["c"]) == (found["house"], found["open"], found["barred"])
    assert [("a", 7, 7), ("b", 2, 2)] == [tuple(one.values()) for one in found["seats"]]


async def test_a_contest_without_seats_has_none(tmp_path: Path) -> None:
    assert [] == (await seats(tmp_path, "/v1/seats", election()))["seats"]


@pytest.mark.parametrize(
    "query",
    ["quota=2&contest=council&unit=tr/34/uskudar", "members=9&unit=tr/34/uskudar", "members=9&contest=council"],
)
async def test_a_council_needs_its_members_contest_and_unit(tmp_path: Path, query: str) -> None:
    async with night(tmp_path, definition()) as log, running(log) as gateway:
        await is_refused(gateway, f"/v1/seats?{query}", 400, "members=37&unit=tr/34/fatih")


@pytest.mark.parametrize(
    "query", ["members=0", "members=5001", "members=+7", "members=9&quota=-1", "members=9&quota=x"]
)
async def test_what_is_no_number_of_seats_is_refused(tmp_path: Path, query: str) -> None:
    async with night(tmp_path, definition()) as log, running(log) as gateway:
        await is_refused(gateway, f"{USKUDAR}&{query}", 400, "whole number up to 5000")


async def test_an_answer_has_so_many_constituencies_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "MAX_CONSTITUENCIES_ANSWERED", 2)
    assert 2 == (await seats(tmp_path, "/v1/seats?unit=tr/34"))["seats"][0]["constituencies"]
    async with night(tmp_path / "other", definition()) as log:
        await publish(log, totals("tr/34/uskudar", {"a": 1}, contest="council"))
        async with running(log) as gateway:
            await is_refused(gateway, "/v1/seats", 400, "That is 3 constituencies, and an answer has 2 at most")


async def test_an_embargo_keeps_seats_from_the_public(tmp_path: Path) -> None:
    """They tell the votes, so what holds for totals holds for them."""
    barred = definition().model_copy(update={"embargo_until": datetime(2100, 1, 1, tzinfo=UTC)})
    async with night(tmp_path, barred) as log:
        await publish(log, totals("tr/34/uskudar", {"a": 60}, contest="council"))
        async with running(log) as gateway:
            await is_ready(gateway)
            found = await get(gateway, "/v1/seats")
    assert (451, "embargo") == (found.status_code, found.json()["code"])


COURSES = "/v1/lead-over-time?contest=mayor&unit=tr/34"


async def test_a_course_is_told_by_source_and_a_question_asked_twice_costs_nothing(tmp_path: Path) -> None:
    async with night(tmp_path) as log:
        await publish(log, totals(votes={"imamoglu": 10, "kurum": 20}))
        async with running(log) as gateway:
            await is_ready(gateway)
            found = await get(gateway, COURSES)
            again = await get(gateway, COURSES, if_none_match=found.headers["etag"])
    assert (200, 304) == (found.status_code, again.status_code)
    assert "on_air" == found.json()["told"]
    point = {
        "as_of": "2024-03-31T17:00:00+00:00",
        "boxes_opened": 1,
        "of": 30,
        "votes": {"kurum": 20, "imamoglu": 10},
    }
    assert [{"contest": "mayor", "source": "aa", "unit": "tr/34", "points": [point]}] == found.json()["courses"]


async def test_an_answer_has_so_many_courses_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "MAX_COURSES_ANSWERED", 2)
    async with night(tmp_path) as log, running(log) as gateway:
        await is_ready(gateway)
        assert 200 == (await get(gateway, COURSES)).status_code
        await is_refused(gateway, "/v1/lead-over-time", 400, "That is 24 courses, and an answer has 2 at most")
