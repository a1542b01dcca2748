"""The Python client against the real gateway, through a line that fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from eventlog.clock import Wall
from eventlog.sqlite.log import SqliteLog
from gateway.admission.handshake import AccessSettings
from sandik.client import Change, LiveNight, Retry, StatusChange, Wanted, connect
from sandik.client.connection import (
    LEAD_S,
    Settings,
    current_token,
    definition_url,
    expires_at,
    is_asked_for,
    lead_s,
    pause_s,
)
from schemas.errors import StreamRefused
from schemas.wire import Hello
from tests.client.chaos import WANTED, Screen, chaos
from tests.client.player import plain, wanted_of
from tests.gateway.gateways import FAST, RUN, make_run, night, publish, rarely, running
from tests.gateway.leaping import Leaping
from tests.gateway.nights import DISTRICTS, totals
from tests.gateway.tokens import HS256, NOW, claims, forged, token
from tests.patience import LIMIT_S
from tests.proxy import proxy

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
                line.targets = (gateway.port,)
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
                line.targets = (second.port,)
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


CLOSED = replace(rarely(), access=AccessSettings(keys=(HS256,), public="token"))


class Gives:
    """Gives tokens that hold for an hour of the clock, and knows how often it was asked."""

    def __init__(self, clock: Leaping) -> None:
        self._clock = clock
        self.fails = False
        self.asked = asyncio.Event()
        self.given: list[str] = []

    async def __call__(self) -> str:
        self.asked.set()
        if self.fails:
            raise OSError("The desk is closed.")
        self.given.append(token("public", runs=(RUN,), now=self._clock.now()))
        return self.given[-1]


@asynccontextmanager
async def closing(folder: Path, given: Any, clock: Leaping) -> AsyncIterator[tuple[Any, LiveNight, list[StatusChange]]]:
    """A client of a gateway that asks for tokens, and whatever was said of its connection since it was open."""
    async with night(folder) as log, running(log, settings=CLOSED, clock=clock) as gateway:
        await publish(log, totals(votes={"imamoglu": 1}))
        async with connect(gateway.ws, subscriptions=[MAYOR], settings=SOON, token=given, clock=clock) as client:
            await shows(client, 1)
            statuses: list[StatusChange] = []
            client.on(StatusChange, statuses.append)
            yield log, client, statuses


async def goes_on(client: LiveNight, log: Any, version: int) -> None:
    """Return once the client shows what is published now."""
    await publish(log, totals(votes={"imamoglu": version + 1}, version=version))
    await shows(client, version + 1)


async def test_a_token_is_replaced_before_it_expires_and_no_figure_is_lost(tmp_path: Path) -> None:
    """What was told on the connection before is not told again, and nobody hears of a lost connection."""
    clock = Leaping()
    gives = Gives(clock)
    async with closing(tmp_path, gives, clock) as (log, client, statuses):
        shown: list[int | None] = []
        client.on(Change, lambda _: shown.append(votes(client)))
        for version in range(1, 4):
            async with becoming(client, "open"):
                clock.leap(3600 - LEAD_S + 1)
            await goes_on(client, log, version)
        assert 4 == len(gives.given)
        assert {"open"} == {news.status for news in statuses}
        assert [2, 3, 4] == shown
        clock.leap(LEAD_S)  # the last of the tokens before would be over by now
        await goes_on(client, log, 4)
        assert {"open"} == {news.status for news in statuses}


async def test_a_token_from_a_file_is_read_anew(tmp_path: Path) -> None:
    clock, file = Leaping(), tmp_path / "token"
    file.write_text(token("public", runs=(RUN,)))
    async with closing(tmp_path, file, clock) as (log, client, statuses):
        file.write_text(token("public", runs=(RUN,), lasts=timedelta(hours=3)))
        async with becoming(client, "open"):
            clock.leap(3600 - LEAD_S + 1)
        clock.leap(LEAD_S)
        await goes_on(client, log, 1)
        assert {"open"} == {news.status for news in statuses}


async def test_another_token_can_be_handed_in(tmp_path: Path) -> None:
    clock = Leaping()
    async with closing(tmp_path, token("public", runs=(RUN,)), clock) as (log, client, statuses):
        async with becoming(client, "open"):
            client.renew(token("public", runs=(RUN,), lasts=timedelta(hours=3)))
        clock.leap(3601)
        await goes_on(client, log, 1)
        assert {"open"} == {news.status for news in statuses}


async def test_who_gives_no_token_in_time_is_asked_again_and_the_figures_stand(tmp_path: Path) -> None:
    """Past the end of the last one the connection is lost, not refused, and comes back with the first that is given."""
    clock = Leaping()
    gives = Gives(clock)
    async with closing(tmp_path, gives, clock) as (log, client, _):
        gives.fails = True
        gives.asked.clear()
        clock.leap(3600 - LEAD_S + 1)
        async with asyncio.timeout(LIMIT_S):
            await gives.asked.wait()
        async with becoming(client, "lost"):
            clock.leap(LEAD_S)
        assert 1 == votes(client)
        gives.fails = False
        async with becoming(client, "open"):
            clock.leap(10)
        await goes_on(client, log, 1)


async def test_a_token_that_was_given_too_late_is_asked_for_again(tmp_path: Path) -> None:
    """Whoever gives tokens may still give the one before; that is no reason to go away for good."""
    clock = Leaping()
    old = token("public", runs=(RUN,), now=clock.now() - timedelta(hours=2))
    new = token("public", runs=(RUN,), now=clock.now())
    given = iter([old, old])
    async with night(tmp_path) as log, running(log, settings=CLOSED, clock=clock) as gateway:
        await publish(log, totals(votes={"imamoglu": 1}))
        asking = connect(gateway.ws, subscriptions=[MAYOR], settings=SOON, token=lambda: next(given, new), clock=clock)
        async with asking as client:
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


HOUR = token(now=NOW)
MINUTE = token(now=NOW, lasts=timedelta(minutes=1))


def test_a_token_says_itself_until_when_it_holds() -> None:
    assert NOW + timedelta(hours=1) == expires_at(HOUR)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "nonsense",
        "a.b.c",
        "a.é.c",
        "a.bnVsbA.c",
        forged([]),
        forged(claims(exp=None)),
        forged(claims(exp="soon")),
        forged(claims(exp=1e300)),
    ],
)
def test_of_what_says_nothing_of_its_end_none_is_known(text: str | None) -> None:
    assert expires_at(text) is None
    assert lead_s(text, NOW) is None


def test_the_next_one_is_asked_for_a_minute_before_the_end_or_in_the_last_tenth_of_a_short_one() -> None:
    assert 3600 - LEAD_S == lead_s(HOUR, NOW)
    assert 54 == lead_s(MINUTE, NOW)
    assert 0 == lead_s(MINUTE, NOW + timedelta(hours=1))


def test_where_there_was_no_other_one_it_is_asked_for_again_sooner_and_sooner() -> None:
    assert 30 == pause_s(MINUTE, NOW)
    assert 2 == pause_s(MINUTE, NOW + timedelta(seconds=56))
    assert 1 == pause_s(MINUTE, NOW + timedelta(hours=1)) == pause_s("nonsense", NOW)
    assert LEAD_S == pause_s(HOUR, NOW)


async def test_it_comes_as_a_text_from_a_file_or_from_a_function_of_either_kind(tmp_path: Path) -> None:
    async def later() -> str:
        return "d"

    file = tmp_path / "token"
    file.write_text("b\n")
    given = [None, "a", file, lambda: "c", later]
    assert [None, "a", "b", "c", "d"] == [await current_token(one) for one in given]
    assert [False, False, True, True, True] == [is_asked_for(one) for one in given]
    file.write_text("\n")
    assert await current_token(file) is None


async def test_blanks_around_it_and_the_mark_of_an_editor_are_no_part_of_it(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"\xef\xbb\xbfa\r\n")
    assert ["a", "a", "a", None] == [await current_token(one) for one in (file, "a\n", lambda: " a ", " ")]


@pytest.mark.parametrize("text", ["a\r\nX-Else: b", "a b", "é", b"a"])
async def test_what_no_header_can_have_is_no_token_and_is_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="not one word of ASCII") as refused:
        await current_token(lambda: text)
    assert str(text) not in str(refused.value)


def test_the_definition_is_beside_any_address_of_a_gateway() -> None:
    """A token does not go into it: it goes into a header."""
    assert "http://localhost:8765/v1/definition" == definition_url("ws://localhost:8765/v1/stream?token=t")
    assert "https://desk/v1/definition?version=2" == definition_url("https://desk/board", 2)
