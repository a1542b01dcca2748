from pathlib import Path

import pytest

import gateway.routes.lead_over_time as endpoint
from tests.gateway.gateways import get, is_ready, is_refused, night, publish, running
from tests.gateway.nights import totals

PATH = "/v1/lead-over-time?contest=mayor&unit=tr/34"


async def test_a_course_is_told_by_source_and_a_question_asked_twice_costs_nothing(tmp_path: Path) -> None:
    async with night(tmp_path) as log:
        await publish(log, totals(votes={"imamoglu": 10, "kurum": 20}))
        async with running(log) as gateway:
            await is_ready(gateway)
            found = await get(gateway, PATH)
            again = await get(gateway, PATH, if_none_match=found.headers["etag"])
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
        assert 200 == (await get(gateway, PATH)).status_code
        await is_refused(gateway, "/v1/lead-over-time", 400, "That is 24 courses, and an answer has 2 at most")
