import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from eventlog.port import Entry
from eventlog.run import RunTopics
from gateway.admission.handshake import AccessSettings
from gateway.recall import MAX_KEPT, Busy, Moments, Past
from schemas.asides import Gate
from schemas.errors import LogUnavailable, UsageError
from tabulation.view import View
from tests.gateway.gateways import FAST, RUN, Running, get, is_ready, night, publish, running
from tests.gateway.nights import START, election, totals
from tests.gateway.tokens import HS256, token
from tests.patience import LIMIT_S

SETTINGS = replace(FAST, access=AccessSettings(keys=(HS256,)))


async def test_an_answer_says_which_totals_it_has(tmp_path: Path) -> None:
    said = totals(votes={"kurum": 1})
    gate = Gate(contest="mayor", source="aa", district="tr/34/uskudar", gate=1, held=True, program=said)
    async with night(tmp_path) as log:
        await publish(log, said)
        await log.append(RunTopics(RUN).totals.name, [Entry(gate.key, gate.encode())])
        await publish(log, totals(votes={"kurum": 10}, version=1))
        async with running(log, settings=SETTINGS) as gateway:
            await is_ready(gateway)
            public = (await get(gateway, "/v1/totals?unit=tr")).json()
            inside = (await get(gateway, "/v1/totals?unit=tr", authorization=f"Bearer {token()}")).json()
            facts = (await get(gateway, "/v1/facts?unit=tr&contest=mayor&source=aa")).json()

    assert [("on_air", 1), ("control_room", 10)] == [
        (answer["told"], answer["totals"][0]["votes"]["kurum"]) for answer in (public, inside)
    ]
    assert "on_air" == facts["told"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/totals?unit=tr",
        "/v1/facts?unit=tr",
        "/v1/seats?contest=mayor&unit=tr/34/uskudar&members=37",
        "/v1/lead-over-time?contest=mayor&unit=tr",
        "/v1/rows.json?unit=tr",
        "/v1/rows.csv?unit=tr",
        "/v1/flat.json?contest=mayor&source=aa&unit=tr",
        "/v1/compare?contest=mayor&unit=tr&a=aa&b=anka",
    ],
)
async def test_the_control_room_can_ask_every_endpoint_for_what_is_on_air(tmp_path: Path, path: str) -> None:
    """So a picture of what is on air, beside a preview, has the figures that everybody sees."""
    said = totals(votes={"kurum": 1})
    gate = Gate(contest="mayor", source="aa", district="tr/34/uskudar", gate=1, held=True, program=said)
    async with night(tmp_path) as log:
        await publish(log, said)
        await log.append(RunTopics(RUN).totals.name, [Entry(gate.key, gate.encode())])
        await publish(log, totals(votes={"kurum": 10, "imamoglu": 70}, version=1))
        async with running(log, settings=SETTINGS) as gateway:
            await is_ready(gateway)
            bearer = f"Bearer {token()}"
            public = await get(gateway, path)
            program = await get(gateway, f"{path}&view=program", authorization=bearer)
            inside = await get(gateway, path, authorization=bearer)
            wrong = await get(gateway, f"{path}&view=programme", authorization=bearer)
    assert (public.status_code, public.content) == (program.status_code, program.content)
    assert "lead-over-time" in path or inside.content != public.content
    assert (400, "bad_request") == (wrong.status_code, wrong.json()["code"])


PATH = "/v1/totals?at=2024-03-31T22:14"


class Told:
    """A history of one past: what was on air, and more that the control room had."""

    def __init__(self, error: Exception | None = None, *, embargoed: bool = False) -> None:
        self.error = error
        self.embargoed = embargoed
        self.asked: list[datetime] = []

    async def at(self, moment: datetime) -> Past:
        self.asked.append(moment)
        if self.error is not None:
            raise self.error
        views = []
        for boxes in (1, 5):
            view = View(election())
            view.apply(0, totals(boxes=boxes))
            view.apply(1, totals(boxes=boxes, source="anka"))
            views.append(tuple(view.rows()))
        on_air = () if self.embargoed else views[0]
        held = frozenset({("mayor", "tr/34")})
        return Past(
            moment, self.embargoed, hold=("mayor/tr/34",), held=held, on_air=on_air, control_room=views[1], take=2
        )


@asynccontextmanager
async def serving(folder: Path, history: Told | None) -> AsyncIterator[Running]:
    """A gateway with this history."""
    settings = replace(FAST, access=AccessSettings(keys=(HS256,)))
    async with night(folder) as log:
        if history is None:
            async with running(log, settings=settings) as gateway:
                yield gateway
            return
        async with Moments(history) as moments, running(log, settings=settings, moments=moments) as gateway:
            await is_ready(gateway)
            yield gateway


async def test_everyone_is_given_what_they_were_shown_then(tmp_path: Path) -> None:
    history = Told()
    async with serving(tmp_path, history) as gateway:
        public = await get(gateway, f"{PATH}&unit=tr/34/uskudar&source=aa")
        inside = await get(gateway, f"{PATH}&unit=tr&source=aa", authorization=f"Bearer {token()}")
        known = await get(gateway, f"{PATH}&unit=tr/34/uskudar&source=aa", if_none_match=public.headers["etag"])
        other = await get(gateway, f"{PATH}&unit=tr", if_none_match=public.headers["etag"])

    said = public.json()
    assert ("2024-03-31T22:14:00+03:00", False, ["mayor/tr/34"]) == (said["at"], said["embargoed"], said["hold"])
    assert 2 == said["take"]
    assert [("tr/34/uskudar", 1)] == [(row["unit"], row["boxes_opened"]) for row in said["totals"]]
    assert [("tr", 5)] == [(row["unit"], row["boxes_opened"]) for row in inside.json()["totals"]]
    assert (304, 200, 2) == (known.status_code, other.status_code, len(other.json()["totals"]))
    assert 1 == len(history.asked)


@pytest.mark.parametrize(
    ("query", "status", "hint"),
    [
        ("at=soon", 400, "22:14:30"),
        ("at=2124-03-31T22:14", 400, "still to come"),
        ("at=22:14&at=22:15", 400, "Give one moment"),
        ("at=22:14&unit=tr/35", 404, "tr/35"),
    ],
)
async def test_a_moment_that_cannot_be_told_says_which_can(tmp_path: Path, query: str, status: int, hint: str) -> None:
    async with serving(tmp_path, Told()) as gateway:
        answer = await get(gateway, f"/v1/totals?{query}")
    assert status == answer.status_code
    assert hint in answer.json()["error"]


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [(UsageError("Run 'night' began later."), 400, None), (LogUnavailable("It is away."), 503, "5")],
)
async def test_what_the_history_says_against_it_is_passed_on(
    tmp_path: Path, error: Exception, status: int, retry_after: str | None
) -> None:
    async with serving(tmp_path, Told(error)) as gateway:
        answer = await get(gateway, PATH)
    assert (status, retry_after) == (answer.status_code, answer.headers.get("retry-after"))
    assert str(error) == answer.json()["error"]


async def test_a_gateway_without_a_history_knows_the_present_only(tmp_path: Path) -> None:
    async with serving(tmp_path, None) as gateway:
        await is_ready(gateway)
        answer = await get(gateway, PATH)
    assert 404 == answer.status_code
    assert "present only" in answer.json()["error"]


async def test_of_an_embargo_that_is_over_the_public_is_not_told_what_was_held(tmp_path: Path) -> None:
    async with serving(tmp_path, Told(embargoed=True)) as gateway:
        public = (await get(gateway, PATH)).json()
        inside = (await get(gateway, PATH, authorization=f"Bearer {token()}")).json()

    assert ([], [], ["mayor/tr/34"]) == (public["hold"], public["totals"], inside["hold"])


async def test_during_an_embargo_the_past_is_closed_as_well(tmp_path: Path) -> None:
    closed = election().model_copy(update={"embargo_until": START.replace(year=2124)})
    assert closed.embargo_until is not None
    history = Told()
    settings = replace(FAST, access=AccessSettings(keys=(HS256,)))
    async with (
        night(tmp_path, closed) as log,
        Moments(history) as moments,
        running(log, settings=settings, moments=moments) as gateway,
    ):
        await is_ready(gateway)
        public = await get(gateway, PATH)
        inside = await get(gateway, PATH, authorization=f"Bearer {token()}")
    assert (451, 200) == (public.status_code, inside.status_code)


class Slow:
    """A history that is done when it is told so."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.go = asyncio.Event()
        self.ended = asyncio.Event()
        self.error: Exception | None = None

    async def at(self, moment: object) -> Past:
        self.asked.append(len(self.asked))
        try:
            await self.go.wait()
        finally:
            self.ended.set()
        if self.error is not None:
            raise self.error
        return Past(moment, False, (), frozenset(), (), ())  # type: ignore[arg-type]  # whatever was asked for


async def test_a_moment_is_worked_out_once_for_all_who_ask() -> None:
    history = Slow()
    history.go.set()
    async with Moments(history) as moments:
        found = await asyncio.gather(*(moments.at(START, "e1") for _ in range(5)))
        again = await moments.at(START, "e1")

    assert [START] * 6 == [past.at for past in (*found, again)]
    assert 1 == len(history.asked)


async def test_there_is_one_moment_at_a_time_and_whoever_waits_long_is_sent_away() -> None:
    history = Slow()
    async with Moments(history, wait_s=0.01) as moments:
        with pytest.raises(Busy, match="being worked out"):
            await moments.at(START, "e1")
        with pytest.raises(Busy, match="Another moment"):
            await moments.at(START + timedelta(seconds=1), "e1")
        history.go.set()
        await asyncio.wait_for(history.ended.wait(), LIMIT_S)
        assert START == (await moments.at(START, "e1")).at

    assert 1 == len(history.asked)


async def test_what_the_history_says_against_it_is_told_and_not_kept() -> None:
    history = Slow()
    history.go.set()
    history.error = UsageError("before the run")
    async with Moments(history) as moments:
        with pytest.raises(UsageError, match="before the run"):
            await moments.at(START, "e1")
        history.error = None
        assert START == (await moments.at(START, "e1")).at


async def test_what_takes_too_long_is_given_up() -> None:
    history = Slow()
    async with Moments(history, limit_s=0.01) as moments:
        with pytest.raises(LogUnavailable, match="sandik at"):
            await moments.at(START, "e1")
    assert history.ended.is_set()


async def test_nothing_goes_on_after_the_end() -> None:
    history = Slow()
    async with Moments(history, wait_s=0.01) as moments:
        with pytest.raises(Busy):
            await moments.at(START, "e1")
    assert history.ended.is_set()


async def test_only_a_few_moments_are_kept() -> None:
    history = Slow()
    history.go.set()
    async with Moments(history) as moments:
        for second in [*range(MAX_KEPT + 1), 0]:
            await moments.at(START + timedelta(seconds=second), "e1")

    assert MAX_KEPT + 2 == len(history.asked)


async def test_another_epoch_has_a_past_of_its_own() -> None:
    history = Slow()
    history.go.set()
    async with Moments(history) as moments:
        for epoch in ("e1", "e2", "e1"):
            await moments.at(START, epoch)

    assert 2 == len(history.asked)
