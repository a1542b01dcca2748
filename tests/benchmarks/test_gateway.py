"""The measuring of the gateway beside its peers, at a size that measures nothing."""

import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from subprocess import run
from typing import Final

import pytest

from benchmarks.gateway.crowd import Crowd
from benchmarks.gateway.fanning import cpu
from benchmarks.gateway.feed import election, totals, units
from benchmarks.gateway.handshake import masked
from benchmarks.gateway.loops import messages
from benchmarks.gateway.options import Options
from benchmarks.gateway.plan import Look, Plan
from benchmarks.gateway.process import cpu_s
from benchmarks.gateway.published import centrifugo
from benchmarks.gateway.returning import herd
from benchmarks.gateway.servers import Missing, bare, frame, python_peer, sandik
from gateway.clients.framing import text_frame
from tests.patience import LIMIT_S

SETTLE_S: Final = 1.0

TINY = Options(sizes=(20,), repeats=1, rounds=2, seconds=0.5)


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_a_peer_sends_frames_like_the_gateways(size: int) -> None:
    text = b"x" * size
    assert text_frame(text) == frame(text)
    assert [text.decode()] == messages(frame(text))


def test_frames_in_a_row_are_taken_apart() -> None:
    assert ["one", "two" * 100, ""] == messages(frame(b"one") + frame(b"two" * 100) + frame(b""))


def test_a_clients_frame_says_that_it_is_masked() -> None:
    assert bytes([0x81, 0x80 | 2, 0, 0, 0, 0]) + b"{}" == masked(b"{}")
    assert bytes([0x81, 0xFE, 0, 200, 0, 0, 0, 0]) == masked(b"x" * 200)[:8]


def test_the_feeds_records_are_about_its_election() -> None:
    """Else the gateway would skip them, and measure nothing."""
    night = election(3)
    record = totals(units(3)[2], 7, 1_000)
    assert units(3) == [district.id for district in night.districts]
    assert record.votes.keys() == {candidate.id for candidate in night.contest_by_id[record.contest].candidates}


@pytest.mark.slow
def test_a_crowd_counts_every_frame_however_it_is_cut() -> None:
    """200 KB in a message come in pieces; the short one after it comes with the last of them."""
    frames = frame(b"x" * 200_000) + frame(b"y") + frame(b"z" * 300)
    with python_peer("loop", frames) as server, Crowd(Plan(server.port, clients=20), processes=2) as crowd:
        crowd.expect(6)
        server.round()
        server.round()
        seen = crowd.arrived()
    assert (120, 40 * len(frames)) == (seen.frames, seen.bytes)


@pytest.mark.slow
def test_what_a_server_used_is_read_from_outside() -> None:
    with python_peer("loop", frame(b"x")) as server:
        began = cpu_s(server.pids)
        with Crowd(Plan(server.port, clients=20)) as crowd:
            crowd.expect(1)
            server.round()
            crowd.arrived()
        assert 0 < cpu_s(server.pids) - began < LIMIT_S


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_the_bare_limit_writes_to_every_client() -> None:
    with bare(frame(b"x" * 300)) as server, Crowd(Plan(server.port, clients=20)) as crowd:
        crowd.expect(3)
        for _ in range(3):
            server.round()
        assert 60 == crowd.arrived().frames


@pytest.mark.slow
def test_the_gateway_takes_its_turn_beside_its_peers() -> None:
    lines = list(cpu(TINY))
    assert re.match(r"\| 20 clients, 3\d\d bytes a frame", lines[0])
    assert {"sandik", "`websockets.broadcast`"} <= {line.split(" | ")[0].removeprefix("| ") for line in lines}


@pytest.mark.slow
def test_centrifugos_clients_count_what_shares_a_frame() -> None:
    """Whether it puts messages together or not, every client has each of them, and comes back to what it missed."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(centrifugo(['{"n":1}', '{"n":2}', '{"n":3}']))
        except Missing as missing:
            pytest.skip(str(missing))
        crowd = stack.enter_context(Crowd(Plan(server.port, 20, server.dialect, Look.POSITION)))
        crowd.expect(3)
        server.round()
        assert 60 == crowd.arrived().counted
        crowd.stall(1)
        server.round()
        assert 20 == len(crowd.drop_and_return(server.resume()))


@pytest.mark.slow
def test_a_dropped_crowd_comes_back_to_what_it_missed() -> None:
    """`herd` fails by itself where a client is never told what changed while it was away."""
    assert any("all back and current" in line for line in herd(TINY))


@pytest.mark.slow
def test_who_is_back_before_the_gateway_has_read_the_change_is_current_once_it_has() -> None:
    """A gateway that has nothing newer yet answers so, and the change follows."""
    with (
        sandik() as server,
        Crowd(Plan(server.port, 20, server.dialect, Look.POSITION)) as crowd,
        ThreadPoolExecutor(1) as beside,
    ):
        waits = beside.submit(crowd.drop_and_return, server.resume())
        wait({waits}, SETTLE_S)  # they come back and are answered meanwhile; nothing depends on it
        server.round()
        assert 20 == len(waits.result(LIMIT_S))


@pytest.mark.slow
def test_an_unknown_part_is_refused() -> None:
    asked = run(
        [sys.executable, "-m", "benchmarks", "gateway", "--only", "nothing"],
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert 2 == asked.returncode
    assert "invalid choice" in asked.stderr
