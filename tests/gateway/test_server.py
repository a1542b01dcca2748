import asyncio
import errno
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from websockets.exceptions import ConnectionClosed

from eventlog.clock import Wall
from eventlog.sqlite.log import SqliteLog
from gateway.clients.session import MAX_ERRORS
from gateway.server import serve
from schemas.errors import UsageError
from schemas.wire import SERVER_MESSAGE, Feed
from tests.gateway.gateways import (
    CHANGES,
    FAST,
    RUN,
    Message,
    Running,
    Viewer,
    change_often,
    connect,
    get,
    is_ready,
    make_run,
    night,
    publish,
    rarely,
    running,
    viewer,
)
from tests.gateway.leaping import Leaping
from tests.gateway.nights import DISTRICTS, totals
from tests.gateway.unreliable import Unreliable
from tests.patience import LIMIT_S

OPENING = (
    b"GET /v1/stream HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@asynccontextmanager
async def raw(gateway: Running) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A bare connection, for what no WebSocket library would do."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def test_a_client_is_greeted_and_gets_a_snapshot_and_then_deltas(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway, viewer(gateway) as client:
        await is_ready(gateway)  # what it finds at its start it tells whole once more
        await publish(log, totals(votes={"imamoglu": 5}))
        hello = await client.next("hello")
        assert hello["protocol"] == "sandik.v1"
        assert (hello["run"], hello["mode"], hello["epoch"]) == (RUN, "test", "9f2c")
        await client.next("state")
        await client.subscribe("tr", "tr/34/*")
        await client.until(lambda: client.seq == 1)
        await publish(log, totals(votes={"imamoglu": 7}, version=1))
        delta = await client.next("delta")
        assert (delta["from"], delta["seq"]) == (1, 2)
        assert delta["totals"] == [
            {"unit": "tr", "cast": 7, "valid": 7, "votes": {"imamoglu": 7}},
            {"unit": "tr/34/uskudar", "cast": 7, "valid": 7, "votes": {"imamoglu": 7}},
        ]
        for message in client.messages:
            SERVER_MESSAGE.validate_json(orjson.dumps(message))


async def test_a_subscription_made_before_the_run_is_there_is_kept(tmp_path: Path) -> None:
    async with SqliteLog(tmp_path / "night.db", Wall()) as log, running(log) as gateway, viewer(gateway) as client:
        await client.subscribe("tr")
        assert (await get(gateway, "/healthz")).status_code == 200
        for path in ("/readyz", "/v1/totals", "/v1/definition"):
            answer = await get(gateway, path)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert "night" in answer.text
        await make_run(log)
        await client.next("snapshot")
        assert list(dict.fromkeys(message["type"] for message in client.messages)) == ["hello", "state", "snapshot"]
        ready = (await get(gateway, "/readyz")).json()
        assert (ready["ready"], ready["reason"], ready["reasons"]) == (True, "Ready.", [])
        assert 0 <= ready["log_age_s"] < LIMIT_S


async def test_a_client_that_reconnects_to_a_restarted_gateway_sees_no_gap_and_no_step_back(tmp_path: Path) -> None:
    async with night(tmp_path) as log:
        await publish(log, totals(votes={"imamoglu": 5}))
        async with running(log) as gateway, viewer(gateway) as client:
            await client.subscribe("tr", "tr/34")
            await client.next("snapshot")
        assert (client.socket.close_code, client.seq) == (1000, 1)
        await publish(log, totals(votes={"imamoglu": 7}, version=1))
        async with running(log, port=gateway.port) as again, viewer(again) as resumed:
            resumed.shown, resumed.seq, resumed.epoch = client.shown, client.seq, client.epoch
            await resumed.subscribe("tr", "tr/34", since={"epoch": client.epoch, "seq": client.seq})
            delta = await resumed.next("delta", "snapshot")
            assert (delta["type"], delta["from"], delta["seq"]) == ("delta", 1, 2)
            assert resumed.shown["tr"]["votes"] == {"imamoglu": 7, "kurum": 0}


async def test_a_cursor_of_another_epoch_gets_a_snapshot(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway, viewer(gateway) as client:
        await client.subscribe("tr", since={"epoch": "another", "seq": 1})
        assert (await client.next("snapshot", "delta"))["type"] == "snapshot"


async def test_a_slow_client_catches_up_with_the_newest_state(tmp_path: Path) -> None:
    """It reads nothing while 200 changes go out to another; then it gets few messages, without a gap, to the end."""
    small = replace(rarely(), kernel_send_bytes=1, write_high_bytes=1_024)
    reading = socket.socket()
    reading.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    async with night(tmp_path) as log, running(log, settings=small) as gateway, viewer(gateway) as quick:
        reading.connect(("127.0.0.1", gateway.port))
        async with connect(gateway.ws, sock=reading, max_queue=1, compression=None) as stream:
            slow = type(quick)(stream)
            await slow.subscribe("tr", "tr/*", "tr/34/*")
            await quick.subscribe("tr", "tr/*", "tr/34/*")
            await change_often(log, quick)
            await slow.until(lambda: slow.seq == CHANGES)
            assert slow.shown == quick.shown
            assert len(slow.messages) < len(quick.messages) / 2


async def test_clients_are_told_to_come_back_when_the_server_stops(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway:
        client = await connect(gateway.ws, subprotocols=["sandik.v1"])  # type: ignore[list-item]  # a NewType of str
        assert client.subprotocol == "sandik.v1"
        await client.recv()
    await asyncio.wait_for(client.wait_closed(), LIMIT_S)
    assert client.close_code == 1012


async def test_a_gateway_under_load_is_drained_and_no_client_sees_a_gap(tmp_path: Path) -> None:
    """Its clients are told when to come back, and go on at another gateway where they stopped."""
    many = 101  # more than one wave
    clock = Leaping()
    async with (
        night(tmp_path) as log,
        running(log) as staying,
        running(log, clock=clock) as leaving,
        AsyncExitStack() as stack,
    ):
        clients = [await stack.enter_async_context(viewer(leaving)) for _ in range(many)]
        for client in clients:
            await client.subscribe("tr", "tr/*", "tr/34/*")
            await client.next("snapshot")
        other = await stack.enter_async_context(viewer(staying))
        await other.subscribe("tr")
        async with asyncio.TaskGroup() as group:
            group.create_task(feed(log, versions=60))
            parting = [group.create_task(last_words(client)) for client in clients]
            await other.until(lambda: other.seq > 10)
            leaving.stop()
            await asyncio.wait(parting, timeout=LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
            clock.leap(FAST.drain_s)
        await other.until(lambda: other.seq == 60)
        goodbyes = [task.result() for task in parting]
        assert {goodbye["code"] for goodbye in goodbyes} == {1012}
        assert len({goodbye["retry_after_s"] for goodbye in goodbyes}) > many / 2
        for client in clients[:: many // 10]:
            async with viewer(staying) as again:
                again.shown, again.seq, again.epoch = client.shown, client.seq, client.epoch
                await again.subscribe("tr", "tr/*", "tr/34/*", since={"epoch": client.epoch, "seq": client.seq})
                assert (await again.next("snapshot", "delta"))["type"] == "delta"
                await again.until(lambda again=again: again.seq == 60)  # type: ignore[misc]  # bound per round
                assert again.shown["tr"]["votes"] == {"imamoglu": 59, "kurum": 0}


async def feed(log: SqliteLog, versions: int) -> None:
    """Publish one change after the other."""
    for version in range(versions):
        await publish(log, totals(votes={"imamoglu": version}, version=version))


async def last_words(client: Viewer) -> Message:
    """The goodbye before the close."""
    with suppress(ConnectionClosed):
        while True:
            await client.next("goodbye")
    (goodbye,) = [message for message in client.messages if message["type"] == "goodbye"]
    assert client.socket.close_code == 1012
    return goodbye


async def test_a_gateway_that_ends_lets_nobody_in(tmp_path: Path) -> None:
    """It says so where load balancers ask, and goes on serving those who have not been sent away yet."""
    slowly = replace(FAST, drain_s=4 * LIMIT_S)
    async with night(tmp_path) as log, running(log, settings=slowly) as gateway, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(viewer(gateway)) for _ in range(101)]
        await clients[-1].subscribe("tr")
        await clients[-1].next("snapshot")
        gateway.stop()
        await clients[0].next("goodbye")
        ready = await get(gateway, "/readyz")
        assert (ready.status_code, ready.json()["ready"]) == (503, False)
        async with raw(gateway) as (reader, writer):
            writer.write(OPENING)
            answer = await asyncio.wait_for(reader.read(), LIMIT_S)
            assert answer.startswith(b"HTTP/1.1 503")
            assert b"Retry-After: 1" in answer
        await publish(log, totals(votes={"imamoglu": 7}))
        await clients[-1].until(lambda: clients[-1].seq == 1)


async def test_a_client_that_reads_nothing_is_closed_and_dropped(tmp_path: Path) -> None:
    """Also by the kernel, which would keep what is unsent for a close in good order."""
    short = replace(FAST, kernel_send_bytes=1, write_high_bytes=1_024, stalled_s=0.3, heartbeat_s=0.1)
    ask = b'{"type":"subscribe","id":"s1","contest":"mayor","units":["tr","tr/*","tr/34/*"],"source":"aa"}'
    async with night(tmp_path) as log, running(log, settings=short) as gateway:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            client.connect(("127.0.0.1", gateway.port))
            client.sendall(OPENING)
            await is_ready(gateway)
            client.sendall(bytes([0x81, 0x80 | len(ask)]) + bytes(4) + ask)
            version = 0
            async with asyncio.timeout(LIMIT_S):
                while client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != errno.ECONNRESET:
                    version += 1
                    await publish(log, totals(votes={"kurum": version}, version=version))


async def test_the_gateway_stops_although_a_client_reads_nothing(tmp_path: Path) -> None:
    hasty = replace(FAST, drain_s=1)
    async with night(tmp_path) as log, running(log, settings=hasty) as gateway, raw(gateway) as (reader, writer):
        writer.write(OPENING)
        await asyncio.wait_for(reader.readuntil(b'"hello"'), LIMIT_S)
        gateway.stop()
        with suppress(ConnectionResetError):
            await asyncio.wait_for(reader.read(), LIMIT_S)


@pytest.mark.parametrize(("payload", "code"), [(b"\x00binary", 1003), ("x" * 16_385, 1009)])
async def test_what_is_no_short_text_message_closes_the_connection(
    tmp_path: Path, payload: str | bytes, code: int
) -> None:
    async with night(tmp_path) as log, running(log) as gateway, viewer(gateway) as client:
        await client.next("hello")
        await client.socket.send(payload)
        with pytest.raises(ConnectionClosed):
            await client.next("snapshot")
        assert client.socket.close_code == code


async def test_a_client_with_compression_is_sent_the_same(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway:
        await publish(log, *(totals(district, {"imamoglu": 90_000}) for district in DISTRICTS))
        async with connect(gateway.ws) as stream, viewer(gateway) as plain:
            squeezed = Viewer(stream)
            for client in (squeezed, plain):
                await client.subscribe("tr", "tr/*", "tr/34/*", "tr/06/*")
                await client.until(lambda client=client: client.seq == 3)  # type: ignore[misc]  # bound per round
            assert squeezed.shown == plain.shown


@pytest.mark.parametrize(
    ("offer", "begins"), [("", b"\xc1\x7e"), ("; server_max_window_bits=11", b"\x81\x7e"), (None, b"\x81\x7e")]
)
async def test_frames_are_compressed_for_who_can_unpack_them(tmp_path: Path, offer: str | None, begins: bytes) -> None:
    """A client with a window smaller than what the shared frames are made with gets plain ones."""
    header = b"" if offer is None else f"Sec-WebSocket-Extensions: permessage-deflate{offer}\r\n".encode()
    ask = b'{"type":"subscribe","id":"s1","contest":"mayor","units":["tr","tr/*"],"source":"aa"}'
    async with night(tmp_path) as log:
        await publish(log, *(totals(district, {"imamoglu": 90_000}) for district in DISTRICTS))
        async with running(log, settings=rarely()) as gateway, raw(gateway) as (reader, writer):
            writer.write(OPENING.replace(b"Host: x\r\n", b"Host: x\r\n" + header))
            received = await asyncio.wait_for(reader.readuntil(b'"graphics":{}}'), LIMIT_S)
            assert (b"server_no_context_takeover; client_no_context_takeover" in received) is (offer is not None)
            writer.write(bytes([0x81, 0x80 | len(ask)]) + bytes(4) + ask)
            assert (await asyncio.wait_for(reader.readexactly(2), LIMIT_S)) == begins


async def test_a_message_that_unpacks_beyond_the_limit_closes_the_connection(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway, connect(gateway.ws) as client:
        await client.send("0" * 50_000_000)
        await asyncio.wait_for(client.wait_closed(), LIMIT_S)
        assert client.close_code == 1009


async def test_a_broken_frame_closes_the_connection(tmp_path: Path) -> None:
    """Here a continuation of nothing."""
    async with night(tmp_path) as log, running(log) as gateway, viewer(gateway) as client:
        client.socket.transport.write(b"\x80\x81\x00\x00\x00\x00x")
        with pytest.raises(ConnectionClosed):
            await client.next("snapshot")
        assert client.socket.close_code == 1002


async def test_text_that_is_not_utf8_closes_the_connection(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway, viewer(gateway) as client:
        await client.socket.send(b"\xff\xfe", text=True)
        with pytest.raises(ConnectionClosed):
            await client.next("snapshot")
        assert client.socket.close_code == 1007


async def test_a_message_may_come_in_pieces(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway, viewer(gateway) as client:
        ask = '{"type":"subscribe","id":"ş","contest":"mayor","units":["tr"],"source":"aa"}'
        await client.socket.send([ask[:30], ask[30:31], ask[31:]])
        assert (await client.next("snapshot"))["id"] == "ş"


async def test_mistakes_are_answered_and_the_connection_goes_on(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway, viewer(gateway) as client:
        await client.socket.send("garbage")
        assert (await client.next("error"))["code"] == "malformed"
        await client.send(type="unsubscribe", id="s9")
        assert (await client.next("error"))["code"] == "unknown_subscription"
        await client.subscribe("tr", contest="president")
        assert (await client.next("error"))["code"] == "unknown_contest"
        await client.subscribe("tr")
        await client.next("snapshot")
        await client.send(type="unsubscribe", id="s1")
        await client.next("unsubscribed")


async def test_a_client_that_only_makes_mistakes_is_closed(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway, viewer(gateway) as client:
        for _ in range(MAX_ERRORS):
            await client.socket.send("garbage")
            await client.next("error")
        await asyncio.wait_for(client.socket.wait_closed(), LIMIT_S)
        assert client.socket.close_code == 4500


async def test_there_is_one_stream(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway, raw(gateway) as (reader, writer):
        writer.write(OPENING.replace(b"/v1/stream", b"/v2/stream?x"))
        answer = await asyncio.wait_for(reader.read(), LIMIT_S)
        assert answer.startswith(b"HTTP/1.1 404")
        assert b"Connect to /v1/stream" in answer


async def test_a_bad_handshake_is_refused(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway, raw(gateway) as (reader, writer):
        writer.write(OPENING.replace(b"Version: 13", b"Version: 12"))
        assert (await asyncio.wait_for(reader.read(), LIMIT_S)).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("beginning", [b"", b"GET /v1/stream HTTP/1.1\r\nHost: "])
async def test_a_connection_that_does_not_say_what_it_wants_is_closed(tmp_path: Path, beginning: bytes) -> None:
    hasty = replace(FAST, open_timeout_s=0.5)
    async with night(tmp_path) as log, running(log, settings=hasty) as gateway, raw(gateway) as (reader, writer):
        writer.write(beginning)
        assert await asyncio.wait_for(reader.read(), LIMIT_S) == b""


async def test_a_client_that_hangs_up_is_forgotten(tmp_path: Path) -> None:
    """With an end of file instead of a close frame, too."""
    async with night(tmp_path) as log, running(log) as gateway, raw(gateway) as (reader, writer):
        writer.write(OPENING)
        await asyncio.wait_for(reader.readuntil(b'"hello"'), LIMIT_S)
        writer.write_eof()
        await asyncio.wait_for(reader.read(), LIMIT_S)


async def test_a_client_without_a_sign_of_life_is_closed_and_then_dropped(tmp_path: Path) -> None:
    """It is pinged, told, and gone, although it answers nothing."""
    restless = replace(FAST, heartbeat_s=0.02, missed_pings=3)
    async with night(tmp_path) as log, running(log, settings=restless) as gateway, raw(gateway) as (reader, writer):
        writer.write(OPENING)
        received = b""
        with suppress(ConnectionResetError):
            while data := await asyncio.wait_for(reader.read(65_536), LIMIT_S):
                received += data
        assert b"\x89\x00" in received
        assert b"\x0f\xa0the client read nothing" in received


async def test_a_client_that_answers_pings_stays(tmp_path: Path) -> None:
    restless = replace(FAST, heartbeat_s=0.01)
    async with night(tmp_path) as log, running(log, settings=restless) as gateway, viewer(gateway) as client:
        for _ in range(20):
            state = await client.next("state")
        feeds = {name: Feed.model_validate(feed) for name, feed in state["feeds"].items()}  # type: ignore[attr-defined]  # JSON knows no types
        silent = Feed(state="quiet", last_event=None, age_s=None)
        assert feeds == {"aa": silent, "anka": silent}


async def test_values_stand_while_the_log_is_away_and_the_feeds_are_down(tmp_path: Path) -> None:
    async with night(tmp_path) as below:
        log = Unreliable(below)
        async with running(log, settings=replace(FAST, read_wait_ms=10)) as gateway, viewer(gateway) as client:
            await publish(below, totals(votes={"imamoglu": 5}))
            await client.subscribe("tr")
            await client.until(lambda: client.seq == 1)
            log.break_off()
            while '"down"' not in orjson.dumps(await client.next("state")).decode():
                pass
            assert (await get(gateway, "/readyz")).status_code == 200
            assert (await get(gateway, "/v1/totals?unit=tr")).json()["totals"][0]["votes"]["imamoglu"] == 5
            await publish(below, totals(votes={"imamoglu": 6}, version=1))
            log.come_back()
            await client.until(lambda: client.seq == 2)
            assert "epoch" not in client.messages[-1]


async def test_a_log_that_is_not_there_at_the_start_is_waited_for(tmp_path: Path) -> None:
    async with night(tmp_path) as below:
        log = Unreliable(below)
        log.break_off()
        async with running(log) as gateway, viewer(gateway) as client:
            answer = await get(gateway, "/readyz")
            while "away" not in answer.text:
                answer = await get(gateway, "/readyz")
            assert answer.status_code == 503
            log.come_back()
            await client.next("hello")


async def test_a_log_made_anew_sends_everybody_away_with_a_fresh_start(tmp_path: Path) -> None:
    async with night(tmp_path) as below, SqliteLog(tmp_path / "other.db", Wall()) as other:
        await make_run(other, epoch="0000")
        await publish(below, totals())
        log = Unreliable(below)
        async with running(log, settings=replace(FAST, read_wait_ms=10)) as gateway:
            async with viewer(gateway) as client:
                await client.subscribe("tr")
                await client.until(lambda: client.seq == 1)
                log.become(other)
                with pytest.raises(ConnectionClosed):
                    await client.next("delta")
                assert client.socket.close_code == 4001
            async with viewer(gateway) as again:
                assert (await again.next("hello"))["epoch"] == "0000"
                await again.subscribe("tr", since={"epoch": "9f2c", "seq": 1})
                assert (await again.next("snapshot"))["totals"] == []


async def test_a_position_that_is_lost_begins_another_epoch(tmp_path: Path) -> None:
    """The log shrank, as after an unclean change of Kafka's leader: no cursor can be trusted."""
    async with night(tmp_path) as below, SqliteLog(tmp_path / "other.db", Wall()) as other:
        await make_run(other)
        await publish(below, totals(), totals(version=1))
        log = Unreliable(below)
        async with running(log, settings=replace(FAST, read_wait_ms=10)) as gateway:
            async with viewer(gateway) as client:
                await client.subscribe("tr")
                await client.until(lambda: client.seq == 2)
                log.become(other)
                with pytest.raises(ConnectionClosed):
                    await client.next("delta")
                assert client.socket.close_code == 4001
            async with viewer(gateway) as again:
                hello = await again.next("hello")
                assert (hello["epoch"], hello["seq"]) == ("9f2c+1", 0)


async def test_nobody_is_served_on_a_port_that_is_taken(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway:
        with pytest.raises(UsageError, match="Choose another --port"):
            await serve(log, RUN, host="127.0.0.1", port=gateway.port, clock=Wall())


async def test_a_run_has_a_proper_name(tmp_path: Path) -> None:
    async with night(tmp_path) as log:
        with pytest.raises(UsageError, match="cannot be a run's name"):
            await serve(log, "no/way", host="127.0.0.1", port=0, clock=Wall())
