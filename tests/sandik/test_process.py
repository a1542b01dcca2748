"""How a command ends: by a signal in good order, by itself only with a reason."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Coroutine, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from eventlog.clock import Manual
from gateway.admission.handshake import Limits
from gateway.settings import GatewaySettings
from sandik import process
from sandik.commands.gateway import within_files
from sandik.process import (
    SPARE_FILES,
    allow_files,
    command_line,
    in_thread,
    member_name,
    run_to_completion,
    run_until_stopped,
)
from schemas.errors import Interrupted, LoopEnded, UsageError
from tests.patience import LIMIT_S


async def asked(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    await asyncio.Event().wait()


async def stray() -> None:
    own = asyncio.create_task(asyncio.Event().wait())
    await asyncio.sleep(0)
    own.cancel()
    await own


async def returned() -> None:
    await asyncio.sleep(0)


async def in_a_group(work: Coroutine[Any, Any, None]) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(0))
        await work


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_in_good_order_what_goes_on_until_then(number: signal.Signals) -> None:
    run_until_stopped(asked(number))
    run_until_stopped(in_a_group(asked(number)))


def test_a_signal_interrupts_what_was_to_be_completed() -> None:
    with pytest.raises(Interrupted):
        run_to_completion(asked(signal.SIGTERM))


def test_what_drains_after_a_signal_and_then_returns_has_ended_well() -> None:
    async def drains() -> None:
        try:
            await asked(signal.SIGTERM)
        except asyncio.CancelledError:
            await asyncio.sleep(0)

    run_until_stopped(drains())


@pytest.mark.parametrize("run", [run_until_stopped, run_to_completion])
def test_a_cancellation_that_no_signal_asked_for_is_an_error(run: Any) -> None:
    """It exited with 0 without a word, so nothing started it again; or with 130, as if somebody had interrupted it."""
    for work in (stray(), in_a_group(stray())):
        with pytest.raises(LoopEnded, match="no signal"):
            run(work)


def test_what_goes_on_until_a_signal_and_returns_without_one_has_not_ended_well() -> None:
    with pytest.raises(LoopEnded, match="returned"):
        run_until_stopped(returned())


def test_what_is_to_be_completed_returns_what_it_came_to() -> None:
    async def seven() -> int:
        return 7

    assert 7 == run_to_completion(seven())


def test_of_several_errors_that_came_together_the_first_of_ours_is_told() -> None:
    async def fails() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(stray())
            raise UsageError("no such run")

    with pytest.raises(UsageError, match="no such run"):
        run_until_stopped(fails())


def test_a_command_that_starts_another_does_so_isolated_from_the_working_directory() -> None:
    assert ("-P", "-m", "sandik", "at") == command_line("at")[1:]


async def test_where_no_worker_can_begin_another_is_tried_and_the_others_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory that was too little for one worker may be too little for the next one, too, for a moment."""
    began, clock = asyncio.Event(), Manual(datetime(2024, 3, 31, tzinfo=UTC))
    outcomes = [OSError(12, "Cannot allocate memory"), OSError(11, "Resource temporarily unavailable")]

    async def run_worker(_: Mapping[str, str]) -> int:
        if outcomes:
            raise outcomes.pop()
        began.set()
        return await asyncio.Event().wait()

    monkeypatch.setattr(process, "_run_worker", run_worker)
    keeping = asyncio.create_task(process._restart_forever({}, clock, asyncio.Event()))
    async with asyncio.timeout(LIMIT_S):
        while not (began.is_set() or keeping.done()):
            clock.advance(1)
            await asyncio.sleep(0)
    assert not keeping.done()
    keeping.cancel()
    await asyncio.wait({keeping})


async def test_what_blocks_is_done_in_a_thread_with_its_result_or_error() -> None:
    assert 7 == await in_thread(lambda: 7)
    with pytest.raises(UsageError):
        await in_thread(lambda: (_ for _ in ()).throw(UsageError("no")))


def test_a_signal_waits_for_no_thread() -> None:
    """The loop is closed when the thread ends, and that is nobody's error."""
    goes_on, ended = threading.Event(), threading.Event()

    def blocks() -> None:
        goes_on.wait()
        ended.set()

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(in_thread(blocks))
            await asked(signal.SIGTERM)

    run_until_stopped(work())
    assert not ended.is_set()
    goes_on.set()
    ended.wait()


HOLD = """
import sys
from sandik.process import member_name
with member_name(sys.argv[1]) as name:
    print(name, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def run() -> str:
    return f"names-{uuid.uuid4().hex}"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no abstract sockets")
def test_two_on_one_host_have_two_names_and_the_lowest_free_number_comes_first(run: str) -> None:
    with member_name(run) as one, member_name(run) as two:
        assert one is not None
        assert two is not None
        assert one.endswith("-1")
        assert two.endswith("-2")
    with member_name(run) as again:
        assert one == again


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no abstract sockets")
def test_a_process_that_was_killed_frees_its_name_and_other_runs_have_their_own(run: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, run], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        killed = process.stdout.readline().strip()
        with member_name(run) as other, member_name(f"{run}-other") as elsewhere:
            assert other != killed
            assert elsewhere == killed
        process.kill()
    with member_name(run) as again:
        assert again == killed


def test_a_name_that_was_given_is_taken_as_it_is(run: str) -> None:
    with member_name(run, "studio-a.1") as name:
        assert name == "studio-a.1"


@pytest.mark.parametrize("name", ["", "two words", "ağ", "a/b", "x" * 201])
def test_a_name_that_kafka_would_not_have_is_refused(run: str, name: str) -> None:
    with pytest.raises(UsageError, match="--member"), member_name(run, name):
        pass


@pytest.fixture
def limits() -> Iterator[tuple[int, int]]:
    """The limits of this process on open files, put back afterwards."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_gateway_raises_the_limit_on_open_files_to_what_its_connections_need(limits: tuple[int, int]) -> None:
    """It was 1,024 by default on many a machine: beyond a thousand viewers nobody was answered, `/readyz` neither."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, limits[1]))
    settings = GatewaySettings(limits=Limits(connections=2_000))

    assert settings == within_files(settings)
    assert 2_000 + SPARE_FILES == resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_what_the_machine_does_not_allow_is_said_and_refused_in_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raised = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (512, 1_000))
    monkeypatch.setattr(resource, "setrlimit", lambda _, to: raised.append(to))

    assert 1_000 - SPARE_FILES == within_files(GatewaySettings()).limits.connections
    assert [(1_000, 1_000)] == raised
    assert "takes 744 connections, not 16000" in capsys.readouterr().err


def test_a_machine_without_a_limit_is_not_asked_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    assert 9_999 == allow_files(9_999)
