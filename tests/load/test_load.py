"""The load tester as a person runs it: its own processes, on a real gateway and a real log."""

import asyncio
import contextlib
import io
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from rich.console import Console
from websockets.asyncio.server import ServerConnection, serve

from sandik.commands.load import line, phase, progress
from sandik.load.outcome import Outcome
from tests.load.messages import delta, entry, hello, snapshot
from tests.load.plans import outcome, plan
from tests.load.test_report import read
from tests.patience import LIMIT_S
from tests.ports import free_port
from tests.simulation.processes import Process


@dataclass(frozen=True)
class Night:
    """A gateway and an aggregator of a run that nobody has created yet."""

    url: str
    log: str

    def load(self, *arguments: str) -> list[str]:
        return load(self.url, "--log", self.log, "--run", "rehearsal", *arguments)


def load(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "sandik", "load", *arguments]


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    log, port = f"sqlite:{tmp_path / 'night.db'}", free_port()
    where = ["--log", log, "--run", "rehearsal"]
    with (
        Process(["aggregate", *where, "--tick-ms", "20"]) as aggregator,
        Process(["gateway", *where, "--port", str(port), "--tick-ms", "20"]) as gateway,
    ):
        aggregator.start()
        gateway.start()
        yield Night(f"ws://127.0.0.1:{port}/v1/stream", log)


def test_a_hundred_clients_a_fifth_of_them_stalled_end_current(night: Night, tmp_path: Path) -> None:
    """One command makes the run, feeds it, loads the gateway, and writes both files; and a second time as well."""
    page, figures = tmp_path / "report.html", tmp_path / "report.json"
    options = ["--clients", "100", "--ramp", "1s", "--duration", "2s", "--stalled", "20%", "--feed", "200/s"]
    options += ["--grace", f"{LIMIT_S // 2}s"]
    for _ in range(2):
        done = run(night.load(*options, "--report", str(page), "--json", str(figures)))
        found = orjson.loads(figures.read_bytes())

        assert 0 == done.returncode, done.stderr
        assert (True, []) == (found["ok"], found["wrong"])
        assert "No gap, no step back, no blank" in done.stderr
        assert (600, 100) == (found["counts"]["fed"], found["counts"]["opened"])
        assert 0 < found["counts"]["stalled_and_caught_up"] <= 20  # who joins after the ramp has nothing to stall
        assert 100 == found["times_ms"]["joining"]["count"]
        assert_every_change_was_timed(found)
        assert [] == read(page.read_text(encoding="utf-8")).fetched
        assert 0 < found["latency_ms"]["min"] < found["latency_ms"]["p99"] < 1_000 * LIMIT_S


def assert_every_change_was_timed(found: dict[str, Any]) -> None:
    """80 clients read on, by the default mix; what is due in two seconds is theirs, once for each unit they follow.

    Whoever joins late, on a machine that is busy, was shown some of it at once.
    """
    reading = found["times_ms"]["behind"]["count"]
    assert 0 < reading < 400 / 9 * 80 * 2


def test_ctrl_c_ends_it_early_with_a_report(night: Night, tmp_path: Path) -> None:
    figures = tmp_path / "report.json"
    command = night.load(
        "--clients", "10", "--ramp", "0s", "--duration", "1h", "--feed", "100/s", "--json", str(figures)
    )
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        said += process.communicate(timeout=LIMIT_S)[1]

    found = orjson.loads(figures.read_bytes())
    assert (0, True, ["It was stopped early."]) == (process.returncode, found["ok"], found["cautions"][-1:]), said
    assert 0 < found["counts"]["fed"] < 100 * 3_600
    assert "Traceback" not in said


Script = tuple[bytes, ...]

DURATIONS: Final = ("1s", "5s", "30s")
"""One second is enough for two clients, unless the machine is busy."""


@contextlib.asynccontextmanager
async def scripted(*messages: bytes, close: int | None = None) -> AsyncIterator[str]:
    """A server that says hello, and after the subscription these messages; then it closes, or keeps quiet."""

    async def play(socket: ServerConnection) -> None:
        await socket.send(hello().decode())
        async for _ in socket:
            for message in messages:
                await socket.send(message.decode())
            if close is not None:
                await socket.close(close)

    async with serve(play, "127.0.0.1", 0, compression=None) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/stream"


async def look(url: str, says: str, *options: str) -> tuple[int, str]:
    """Run a load of two clients, a longer one until it says this; exit code, and what it said."""
    fixed = ("--clients", "2", "--processes", "1", "--ramp", "0s", "--grace", "1s")
    for duration in DURATIONS:
        command = load(url, *fixed, "--duration", duration, *options)
        process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        async with asyncio.timeout(LIMIT_S):
            said = (await process.communicate())[1].decode()
        if says in said:
            break
    return process.returncode or 0, said


FIRST = snapshot(10, entry(boxes_opened=3))


@pytest.mark.parametrize(
    ("messages", "says"),
    [
        ((FIRST, delta(12, 13)), "2 × gap"),
        ((FIRST, delta(8, 9)), "2 × step back"),
        ((FIRST, delta(10, 11, entry(boxes_opened=0))), "2 × blank"),
        ((b'{"type":"error","code":"unknown_contest","message":"No such contest."}',), "No such contest."),
        ((), "2 clients never showed anything"),
    ],
)
async def test_a_faulty_gateway_is_found_out(messages: Script, says: str) -> None:
    async with scripted(*messages) as url:
        code, said = await look(url, says)

    assert 1 == code
    assert says in said
    assert "Traceback" not in said


async def test_a_client_that_is_closed_comes_back_with_its_cursor(tmp_path: Path) -> None:
    """Each subscription is answered and then closed with 4000; nobody is told to stay away."""
    figures = tmp_path / "report.json"
    async with scripted(FIRST, close=4000) as url:
        for duration in DURATIONS[1:]:
            code, _ = await look(url, "", "--duration", duration, "--json", str(figures))
            counts = orjson.loads(figures.read_bytes())["counts"]
            if counts["reconnects"] >= 2:
                break

    assert 0 == code
    assert {"4000": counts["reconnects"]} == counts["closes_by_code"]
    assert counts["reconnects"] >= 2


async def test_a_client_that_is_sent_away_stays_away(tmp_path: Path) -> None:
    async with scripted(FIRST, close=4500) as url:
        code, said = await look(url, "sent away")

    assert 1 == code
    assert "sent away with close code 4500" in said


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--ramp", "soon"), "--ramp is 'soon'"),
        (("--stalled", "20"), "--stalled is '20'"),
        (("--feed", "2000/s"), "Name it with --run"),
        (("--subscriptions", "missing.toml"), "missing.toml cannot be read"),
        (("--report", "no/such/folder/report.html"), "there is no folder"),
    ],
)
def test_what_cannot_work_says_what_to_do(options: tuple[str, ...], says: str, tmp_path: Path) -> None:
    done = run(load("ws://127.0.0.1:1/v1/stream", "--log", f"sqlite:{tmp_path / 'night.db'}", *options))

    assert 2 == done.returncode
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_live_run_is_not_fed(tmp_path: Path) -> None:
    log = f"sqlite:{tmp_path / 'night.db'}"
    where = ["--log", log, "--run", "night"]
    simulated = run([sys.executable, "-m", "sandik", "simulate", *where, "--mode", "live", "--speed", "0",
                     "--district", "tr/34/adalar", "--boxes-per-district", "1"])  # fmt: skip
    assert 0 == simulated.returncode
    done = run(load("ws://127.0.0.1:1/v1/stream", *where, "--feed", "10/s"))

    assert 2 == done.returncode
    assert "is live" in done.stderr


def test_a_line_says_how_far_it_is_and_how_it_goes() -> None:
    assert (
        "measuring 12 s of 30 s · 4 of 4 connected · 100 frames/s · 48 KiB/s · p50 34,9 ms, p99 59,4 ms · 0 faults"
        == (line(outcome(), 12.3))
    )


def test_before_anything_was_timed_there_is_a_dash() -> None:
    assert "p50 —, p99 —" in line(Outcome(plan()), 0.0)


@pytest.mark.parametrize(
    ("elapsed_s", "interrupted", "said"),
    [(1, False, "connecting"), (11, False, "measuring"), (31, False, "catching up"), (11, True, "catching up")],
)
def test_what_is_going_on_is_said(elapsed_s: float, interrupted: bool, said: str) -> None:
    assert said == phase(Outcome(plan(), interrupted=interrupted), elapsed_s)


@pytest.mark.parametrize(("terminal", "lines"), [(False, 2), (True, 0)])
def test_without_a_terminal_there_is_a_line_now_and_then(
    terminal: bool, lines: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a terminal one line is written over, and nothing is left of it."""
    written = io.StringIO()
    console = Console(file=written, force_terminal=terminal, width=200)
    monkeypatch.setattr("sandik.commands.load.terminal", lambda: console)
    with progress() as show:
        for second in range(20):
            show(outcome(), float(second))

    shown = written.getvalue() + capsys.readouterr().err
    assert lines == sum("connected" in each for each in shown.split("\n")[:-1] if "\x1b" not in each)
