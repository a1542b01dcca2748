from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import gateway.routes.seats as endpoint
from schemas.definition import Election
from tests.gateway.gateways import get, is_ready, is_refused, night, publish, running
from tests.gateway.nights import election, totals
from tests.tabulation.derived.test_facts import definition

USKUDAR = "/v1/seats?contest=council&source=aa&unit=tr/34/uskudar"


async def answer(folder: Path, path: str, of: Election | None = None) -> Any:
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
    found = await answer(tmp_path, "/v1/seats?unit=tr/34/uskudar&unit=tr/34")
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
    (found,) = (await answer(tmp_path, f"{USKUDAR}&members=9&quota=2"))["seats"]
    assert (9, 0, ["c"]) == (found["house"], found["open"], found["barred"])
    assert [("a", 7, 7), ("b", 2, 2)] == [tuple(one.values()) for one in found["seats"]]


async def test_a_contest_without_seats_has_none(tmp_path: Path) -> None:
    assert [] == (await answer(tmp_path, "/v1/seats", election()))["seats"]


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
    assert 2 == (await answer(tmp_path, "/v1/seats?unit=tr/34"))["seats"][0]["constituencies"]
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
