import asyncio
import socket
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from eventlog.clock import Wall
from eventlog.port import Entry
from eventlog.run import RunTopics, create_run
from eventlog.sqlite.log import SqliteLog
from gateway.admission.handshake import AccessSettings, Limits
from schemas.control import EmbargoLifted
from tests.gateway.event_streams import ALL, listening
from tests.gateway.gateways import (
    CHANGES,
    FAST,
    RUN,
    change_often,
    get,
    http_client,
    is_ready,
    make_run,
    night,
    publish,
    rarely,
    running,
    viewer,
)
from tests.gateway.leaping import Leaping
from tests.gateway.nights import election, totals
from tests.gateway.tokens import HS256, token
from tests.gateway.unreliable import Unreliable
from tests.patience import LIMIT_S
from tests.schemas.orders import written


async def test_a_stream_of_events_is_the_stream(tmp_path: Path) -> None:
    """The same messages in the same order as by WebSocket; what can be resumed from has the cursor for its id."""
    async with night(tmp_path) as log:
        await publish(log, totals(votes={"imamoglu": 1}))
        async with (
            running(log, settings=rarely()) as gateway,
            listening(gateway) as client,
            viewer(gateway) as other,
        ):
            await other.subscribe("tr", "tr/*", "tr/34/*")
            assert client.response.headers["content-type"] == "text/event-stream"
            assert client.response.headers["cache-control"] == "no-store"
            await client.until(lambda: client.seq == 1)
            assert client.last_id == "9f2c.1"
            await publish(log, totals(votes={"imamoglu": 2}, version=1))
            await client.until(lambda: client.seq == 2)
            await other.until(lambda: other.seq == 2)
        names = [name for name in dict.fromkeys(client.names) if name != "event"]  # comes beside them, when it comes
        assert names == ["hello", "state", "snapshot", "delta"]
        assert client.last_id == "9f2c.2"
        assert client.retry_ms > 0
        assert client.shown == other.shown
        assert client.shown["tr"]["votes"] == {"imamoglu": 2, "kurum": 0}


@pytest.mark.parametrize("by_url", [False, True])
async def test_who_comes_back_goes_on_where_it_stopped(tmp_path: Path, by_url: bool) -> None:
    async with night(tmp_path) as log:
        await publish(log, totals(votes={"imamoglu": 1}), totals("tr/06/cankaya"))
        async with running(log) as gateway:
            async with listening(gateway) as client, listening(gateway) as witness:
                await client.next("snapshot")
                await publish(log, totals(votes={"imamoglu": 2}, version=1))
                await witness.next("delta")  # so the gateway has read it, whatever the first client was told
            known, query = (None, f"{ALL}&since={client.last_id}") if by_url else (client.last_id, ALL)
            async with listening(gateway, query, last_id=known) as again:
                again.seq = client.seq
                delta = await again.next("snapshot", "delta")
                assert (delta["type"], delta["from"], delta["seq"]) == ("delta", 2, 3)
                assert "tr/06" not in again.shown
            for other in ("0000.2", "9f2c.x", "9f2c.", "nonsense", f"9f2c.{'9' * 5_000}"):
                async with listening(gateway, last_id=other) as stranger:
                    assert (await stranger.next("snapshot", "delta"))["type"] == "snapshot"


async def test_clients_survive_a_restart(tmp_path: Path) -> None:
    """They are told how long to wait, and the next gateway has what they are owed."""
    async with night(tmp_path) as log:
        await publish(log, totals(votes={"imamoglu": 1}))
        async with running(log) as gateway, listening(gateway) as client:
            await client.next("snapshot")
            gateway.stop()
            goodbye = await client.next("goodbye")
            assert client.retry_ms == int(float(str(goodbye["retry_after_s"])) * 1_000)
            assert (await client.next("closed"))["code"] == 1012
            await client.ends()
        await publish(log, totals(votes={"imamoglu": 2}, version=1))
        async with running(log, port=gateway.port) as gateway, listening(gateway, last_id=client.last_id) as again:
            again.shown, again.seq = client.shown, client.seq
            assert (await again.next("snapshot", "delta"))["type"] == "delta"
            assert again.shown["tr"]["votes"] == {"imamoglu": 2, "kurum": 0}


async def test_a_log_made_anew_ends_the_stream_and_the_next_one_begins_with_a_snapshot(tmp_path: Path) -> None:
    async with night(tmp_path) as below, SqliteLog(tmp_path / "other.db", Wall()) as other:
        await make_run(other, epoch="0000")
        await publish(below, totals())
        log = Unreliable(below)
        async with running(log, settings=replace(FAST, read_wait_ms=10)) as gateway:
            async with listening(gateway) as client:
                await client.until(lambda: client.seq == 1)
                log.become(other)
                assert (await client.next("closed"))["code"] == 4001
                assert client.names[-2] == "goodbye"
            async with listening(gateway, last_id=client.last_id) as again:
                assert (await again.next("snapshot", "delta"))["totals"] == []
                assert again.last_id == "0000.0"


async def test_a_slow_reader_is_conflated_and_ends_with_the_newest(tmp_path: Path) -> None:
    """It reads nothing while 200 changes go out to another; nothing is kept for it but its cursor."""
    small = replace(rarely(), kernel_send_bytes=1, write_high_bytes=1_024)
    narrow = httpx.AsyncHTTPTransport(socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)])
    async with (
        night(tmp_path) as log,
        running(log, settings=small) as gateway,
        viewer(gateway) as quick,
        listening(gateway, transport=narrow) as slow,
    ):
        await slow.next("snapshot")
        await quick.subscribe("tr", "tr/*", "tr/34/*")
        await change_often(log, quick)
        await slow.until(lambda: slow.seq == CHANGES)
        assert slow.shown == quick.shown
        assert len(slow.messages) < len(quick.messages) / 2


async def test_a_reader_that_takes_nothing_for_too_long_is_dropped(tmp_path: Path) -> None:
    short = replace(FAST, kernel_send_bytes=1, write_high_bytes=1_024, stalled_s=0.3, heartbeat_s=0.1)
    async with night(tmp_path) as log, running(log, settings=short) as gateway:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            client.connect(("127.0.0.1", gateway.port))
            client.sendall(f"GET /v1/stream?{ALL} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await is_ready(gateway)
            version = 0
            async with asyncio.timeout(LIMIT_S):
                while client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                    version += 1
                    await publish(log, totals(votes={"kurum": version}, version=version))
                    await asyncio.sleep(0)


async def test_a_quiet_stream_has_signs_of_life(tmp_path: Path) -> None:
    async with (
        night(tmp_path) as log,
        running(log, settings=replace(FAST, heartbeat_s=0.05)) as gateway,
        listening(gateway) as client,
    ):
        while client.comments < 3:
            await client.next("state")


async def test_the_public_listens_through_an_embargo_and_is_told_the_night_at_its_end(tmp_path: Path) -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    closed = election().model_copy(update={"embargo_until": until})
    settings = replace(FAST, access=AccessSettings(keys=(HS256,)))
    async with SqliteLog(tmp_path / "night.db", Wall()) as log:
        await create_run(log, RUN, closed, mode="test", epoch="9f2c", clock=Wall())
        await publish(log, totals(votes={"imamoglu": 734_511}))
        async with running(log, settings=settings) as gateway:
            async with listening(gateway, f"{ALL}&token={token()}") as desk:
                await desk.next("snapshot")
                assert desk.shown["tr"]["votes"] == {"imamoglu": 734_511, "kurum": 0}
            async with listening(gateway) as public:
                state = await public.next("state")
                assert (state["embargoed"], state["seq"]) == (True, 0)
                assert (await get(gateway, "/v1/totals")).status_code == 451
                await log.append(RunTopics(RUN).control.name, [Entry(b"", written(EmbargoLifted, epoch="9f2c"))])
                await public.next("snapshot")
                assert list(dict.fromkeys(public.names)) == ["hello", "state", "snapshot"]
                assert "734511" not in str(public.messages[:-1])


async def test_a_stream_may_be_opened_before_the_run_is_there(tmp_path: Path) -> None:
    """What it asks for is kept; what turns out not to be there is told then."""
    async with (
        SqliteLog(tmp_path / "night.db", Wall()) as log,
        running(log) as gateway,
        listening(gateway) as early,
        listening(gateway, ALL.replace("mayor", "president")) as wrong,
    ):
        await make_run(log)
        await publish(log, totals())
        await early.until(lambda: early.seq == 1)
        assert (await wrong.next("error"))["code"] == "unknown_contest"
        assert "refusal" in wrong.names


@pytest.mark.parametrize(
    ("query", "status", "hint"),
    [
        (ALL.replace("mayor", "president"), 404, "mayor, council"),
        (ALL.replace("=aa", "=reuters"), 404, "aa, anka"),
        (ALL.replace("unit=tr&", "unit=tr/35&"), 404, "tr/35"),
        ("source=aa&unit=tr", 400, "contest"),
        ("contest=mayor&source=aa", 400, "unit"),
        ("contest=mayor&source=aa&unit=TR", 400, "unit"),
        (f"{ALL}&contest=council", 400, "one contest"),
        (f"{ALL}&max_rate_hz=fast", 400, "no number"),
        *(
            (f"{ALL}&max_rate_hz={text}", 400, "no number")
            for text in ("nan", "NaN", "inf", "-inf", "1_0", "", "1e1", "٣")
        ),
        (f"{ALL}&max_rate_hz=-1", 400, "max_rate_hz"),
        (f"{ALL}&max_rate_hz=0", 400, "max_rate_hz"),
        (f"{ALL}&country=tr", 400, "country"),
    ],
)
async def test_what_cannot_be_followed_is_a_json_error_that_helps(
    tmp_path: Path, query: str, status: int, hint: str
) -> None:
    async with night(tmp_path) as log, running(log) as gateway:
        await is_ready(gateway)
        answer = await get(gateway, f"/v1/stream?{query}")
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
        assert hint in answer.json()["error"]


async def test_who_may_not_listen_is_told_before_the_stream_begins(tmp_path: Path) -> None:
    access = AccessSettings(keys=(HS256,), public="token")
    settings = replace(FAST, access=access, limits=Limits(connections=3))
    async with night(tmp_path) as log, running(log, settings=settings) as gateway:
        path = f"/v1/stream?{ALL}"
        assert (await get(gateway, path)).json()["code"] == "missing_token"
        path = f"{path}&token={token()}"
        assert (await get(gateway, path, origin="https://evil.example")).json()["code"] == "wrong_origin"
        assert (await get(gateway, path, accept="text/html")).status_code == 406
        async with http_client(gateway) as client:
            head = await client.head(path, headers={"accept": "text/*;q=0.5"})
        assert (head.status_code, head.headers["content-type"]) == (200, "text/event-stream")


async def test_streams_count_as_connections_and_are_counted_out(tmp_path: Path) -> None:
    settings = replace(FAST, limits=Limits(connections=2))
    async with night(tmp_path) as log, running(log, settings=settings) as gateway:
        for _ in range(3):
            async with listening(gateway) as one, listening(gateway) as two:
                await one.next("snapshot")
                await two.next("snapshot")
                refused = await get(gateway, f"/v1/stream?{ALL}")
                assert (refused.status_code, refused.json()["code"]) == (503, "full")
            async with asyncio.timeout(LIMIT_S):
                while (await get(gateway, "/healthz")).status_code != 200:
                    pass


async def test_a_token_that_expires_ends_the_stream(tmp_path: Path) -> None:
    settings = replace(FAST, access=AccessSettings(keys=(HS256,)))
    clock = Leaping()
    text = token(lasts=timedelta(hours=1))
    async with (
        night(tmp_path) as log,
        running(log, settings=settings, clock=clock) as gateway,
        listening(gateway, f"{ALL}&token={text}") as client,
    ):
        await client.next("snapshot")
        clock.leap(3_600)
        assert (await client.next("closed"))["code"] == 4003
        await client.ends()


async def test_who_comes_while_the_gateway_ends_is_asked_to_come_again(tmp_path: Path) -> None:
    """An EventSource takes any other status than 200 for the last word, and would stay frozen for the night."""
    slowly = replace(FAST, drain_s=4 * LIMIT_S)
    async with (
        night(tmp_path) as log,
        running(log, settings=slowly) as gateway,
        AsyncExitStack() as stack,
        http_client(gateway) as kept,
        viewer(gateway) as other,
    ):
        assert (await kept.get("/healthz")).status_code == 200
        await other.next("hello")
        crowd = [await stack.enter_async_context(viewer(gateway)) for _ in range(101)]
        gateway.stop()
        await other.next("goodbye")
        answer = await kept.get(f"/v1/stream?{ALL}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert answer.text.startswith("retry: ")
        assert len(crowd) == 101
