"""The Python client against the real gateway, through a line that fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from eventlog.clock import Wall
from eventlog.sqlite import SqliteLog
from gateway.admission.handshake import AccessSettings
from sandik.client import Change, LiveNight, Retry, StatusChange, Wanted, connect
from sandik.client.connection import Settings
from schemas.errors import StreamRefused
from schemas.wire import Hello
from tests.client.chaos import WANTED, Screen, chaos
from tests.client.player import plain, wanted_of
from tests.client.proxy import proxy
from tests.gateway.gateways import FAST, RUN, make_run, night, publish, running
from tests.gateway.nights import DISTRICTS, totals
from tests.gateway.tokens import HS256, token
from tests.patience import LIMIT_S

SOON = Settings(Retry(0.02, 0.1), opening_s=LIMIT_S, hello_s=LIMIT_S)
WATCHFUL = replace(SOON, opening_s=3, hello_s=3)
"""Notices also on a line that is half open that nobody answers."""

MAYOR = Wanted("mayor", "aa", ("tr/34", "tr/34/*"))
UNITS = ("tr", "tr/06", "tr/34", *DISTRICTS)


def votes(client: LiveNight, unit: str = "tr/34/uskudar") -> int | None:
    """What is shown for İmamoğlu."""
    figures = client.entry("mayor", "aa", unit)
    return figures.votes["imamoglu"] if figures else None


async def shows(client: LiveNight, expected: int) -> None:
    """Return once the client shows so many votes."""
    async with asyncio.timeout(LIMIT_S):
        while votes(client) != expected:
            await anext(client)


@asynccontextmanager
async def becoming(client: LiveNight, status: str) -> AsyncIterator[None]:
    """Wait at the block's end until the connection has had this status since its beginning."""
    seen = asyncio.Event()
    off = client.on(StatusChange, lambda news: seen.set() if news.status == status else None)
    yield
    async with asyncio.timeout(LIMIT_S):
        await seen.wait()
    off()


async def test_a_night_is_followed_and_its_changes_are_iterated_over(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway:
        await publish(log, totals(votes={"imamoglu": 1}))
        async with connect(gateway.http, subscriptions=[MAYOR], settings=SOON) as client:
            changes = [await anext(client)]
            await publish(log, totals(votes={"imamoglu": 2}, version=1))
            async for change in client:
                changes.append(change)
                if votes(client) == 2:
                    break
            assert {("mayor", "aa")} == {(change.contest, change.source) for change in changes}
            assert ("test", "open", "9f2c") == (client.mode, client.status, client.epoch)
            assert {"live", "quiet"} >= {feed.state for feed in client.feeds.values()}
        assert "closed" == client.status
        assert 2 == votes(client)
        assert [] == [change async for change in client]


async def test_what_is_subscribed_to_later_comes_too_and_ends_when_closed(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway:
        await publish(log, totals(votes={"imamoglu": 1}))
        async with connect(gateway.ws, settings=SOON) as client:
            async with becoming(client, "open"):
                pass
            handle = client.subscribe(MAYOR)
            await shows(client, 1)
            handle.close()
            handle.close()
            other = client.subscribe(Wanted("council", "aa", ("tr",)))
            change = await anext(client)
            assert Change("council", "aa", ()) == change
            other.close()


async def test_a_lost_connection_blanks_nothing_and_is_resumed(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway, proxy(gateway.port) as line:
        await publish(log, totals(votes={"imamoglu": 1}))
        async with connect(f"ws://127.0.0.1:{line.port}", subscriptions=[MAYOR], settings=SOON) as client:
            await shows(client, 1)
            async with becoming(client, "lost"):
                line.cut()
            assert 1 == votes(client)
            await publish(log, totals(votes={"imamoglu": 2}, version=1))
            line.heal()
            await shows(client, 2)


async def test_silence_is_noticed_though_nobody_closed(tmp_path: Path) -> None:
    settings = replace(FAST, heartbeat_s=0.1)
    async with (
        night(tmp_path) as log,
        running(log, settings=settings) as gateway,
        proxy(gateway.port) as line,
        connect(f"ws://127.0.0.1:{line.port}", subscriptions=[MAYOR], settings=WATCHFUL) as client,
    ):
        async with becoming(client, "open"):
            pass
        async with becoming(client, "lost"):
            line.half_open()
        async with becoming(client, "open"):
            line.heal()


async def test_a_client_that_is_there_before_the_gateway_fills_itself(tmp_path: Path) -> None:
    async with night(tmp_path) as log, proxy(1) as line:
        await publish(log, totals(votes={"imamoglu": 1}))
        async with connect(f"ws://127.0.0.1:{line.port}", subscriptions=[MAYOR], settings=SOON) as client:
            async with becoming(client, "lost"):
                pass
            async with running(log) as gateway:
                line.target = gateway.port
                await shows(client, 1)


async def test_another_epoch_stands_until_its_snapshot(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    async with night(tmp_path / "one") as log, running(log) as gateway, proxy(gateway.port) as line:
        await publish(log, totals(votes={"imamoglu": 7}))
        async with connect(f"ws://127.0.0.1:{line.port}", subscriptions=[MAYOR], settings=SOON) as client:
            await shows(client, 7)
            at_hello: list[int | None] = []
            client.on(Hello, lambda _: at_hello.append(votes(client)))
            async with night_again(tmp_path / "two") as other, running(other) as second:
                await publish(other, totals(votes={"imamoglu": 3}))
                line.target = second.port
                line.drop()
                await shows(client, 3)
                assert "other" == client.epoch
    assert [7] == at_hello


@asynccontextmanager
async def night_again(folder: Path) -> AsyncIterator[Any]:
    """The same run in a log that was made anew."""
    async with SqliteLog(folder / "night.db", Wall()) as log:
        await make_run(log, epoch="other")
        yield log


async def test_who_is_not_let_in_is_told_why_and_does_not_come_back(tmp_path: Path) -> None:
    settings = replace(FAST, access=AccessSettings(keys=(HS256,), public="token"))
    async with night(tmp_path) as log, running(log, settings=settings) as gateway:
        async with connect(gateway.ws, subscriptions=[MAYOR], settings=SOON) as client:
            with pytest.raises(StreamRefused, match=r"401.*token"):
                await anext(client)
            assert ("refused", 401) == (client.status, client.code)
        await publish(log, totals(votes={"imamoglu": 1}))
        bearer = token("public", runs=(RUN,))
        for url, given in ((gateway.ws, bearer), (f"{gateway.http}/?token={bearer}", None)):
            async with connect(url, subscriptions=[MAYOR], token=given, settings=SOON) as client:
                await shows(client, 1)


async def test_a_client_that_is_cancelled_leaves_no_task_behind(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway:

        async def follow() -> None:
            async with connect(gateway.ws, subscriptions=[MAYOR], settings=SOON) as client:
                async for _ in client:
                    began.set()

        began = asyncio.Event()
        task = asyncio.create_task(follow())
        await asyncio.wait_for(began.wait(), LIMIT_S)
        task.cancel()
        await asyncio.wait({task}, timeout=LIMIT_S)
        assert task.cancelled()
        assert [] == [task for task in asyncio.all_tasks() if "LiveNight" in repr(task)]


async def test_a_listener_that_fails_is_logged_and_the_next_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Hello) -> None:
        raise ValueError

    async with (
        night(tmp_path) as log,
        running(log) as gateway,
        connect(gateway.ws, subscriptions=[MAYOR], settings=SOON) as client,
    ):
        client.on(Hello, fail)
        async with becoming(client, "open"):
            pass
    assert "A listener for Hello failed." in caplog.text


@pytest.mark.parametrize("seed", [1, 2])
async def test_after_every_fault_the_view_is_the_gateways(tmp_path: Path, seed: int) -> None:
    async with chaos(tmp_path, seed) as staged:
        wanted = [wanted_of(one) for one in WANTED]
        async with connect(staged.url, subscriptions=wanted, settings=WATCHFUL) as client:
            screen = Screen()
            client.on(Change, lambda _: screen.show(shown(client), client.gaps))
            await staged.rounds(screen)


def shown(client: LiveNight) -> dict[str, dict[str, Any]]:
    """Every entry that the client has."""
    places = [(one["contest"], one["source"], unit) for one in WANTED for unit in UNITS]
    return {" ".join(place): plain(asdict(figures)) for place in places if (figures := client.entry(*place))}
