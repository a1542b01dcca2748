import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from eventlog.clock import Manual, Wall
from eventlog.loops import forever
from gateway.admission.access import PUBLIC, Grant
from gateway.server import AGAIN_S, WorkerMetrics, merged
from tests.patience import LIMIT_S

CONTROL_ROOM = Grant(scope="control_room")


def exposing(number: int) -> Callable[[Grant], bytes]:
    """What a worker tells: its number, and one figure more to the control room."""

    def expose(grant: Grant) -> bytes:
        text = f'# HELP ready Ready.\n# TYPE ready gauge\nready{{worker="{number}"}} 1.0\n'
        if grant.allows("control_room"):
            text += f'# HELP seq Seq.\n# TYPE seq gauge\nseq{{worker="{number}"}} 9.0\n'
        return text.encode()

    return expose


@asynccontextmanager
async def serving(folder: Path, number: int) -> AsyncIterator[WorkerMetrics]:
    """A worker of three that answers the others."""
    worker = WorkerMetrics(folder, "night", number, 3, exposing(number))
    task = asyncio.create_task(forever(worker.serve(Wall()), "answering"))
    try:
        async with asyncio.timeout(LIMIT_S):
            while not (folder / f"{number}.sock").exists():  # noqa: ASYNC110  nothing else says that it listens
                await asyncio.sleep(0)
        yield worker
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_a_worker_that_cannot_be_asked_serves_its_viewers_and_tries_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Here a file is in the way of the folder; it may as well be too long a path, or a full disk."""
    folder, clock = tmp_path / "workers", Manual(datetime(2024, 3, 31, tzinfo=UTC))
    folder.touch()
    worker = WorkerMetrics(folder, "night", 1, 2, exposing(1))
    task = asyncio.create_task(worker.serve(clock))
    try:
        async with asyncio.timeout(LIMIT_S):
            while not caplog.messages:  # noqa: ASYNC110  nothing else says that it has tried
                await asyncio.sleep(0)
            assert "cannot ask this one for its metrics" in caplog.messages[0]
            assert {"1": 1.0, "2": 0.0} == found(await worker.scrape(PUBLIC))["sandik_gateway_worker_up"]
            folder.unlink()
            clock.advance(AGAIN_S)
            while not (folder / "1.sock").exists():  # noqa: ASYNC110  nothing else says that it listens
                await asyncio.sleep(0)
        other = WorkerMetrics(folder, "night", 2, 2, exposing(2))
        assert {"1": 1.0, "2": 1.0} == found(await other.scrape(PUBLIC))["sandik_gateway_worker_up"]
    finally:
        task.cancel()
        await asyncio.wait({task})


def found(text: bytes) -> dict[str, dict[str, float]]:
    """By metric: the values by worker."""
    return {
        family.name: {sample.labels["worker"]: sample.value for sample in family.samples}
        for family in text_string_to_metric_families(text.decode())
    }


@pytest.mark.parametrize("asked", [0, 1, 2])
async def test_whichever_worker_is_asked_tells_of_all(tmp_path: Path, asked: int) -> None:
    async with serving(tmp_path, 1) as first, serving(tmp_path, 2) as second, serving(tmp_path, 3) as third:
        told = found(await (first, second, third)[asked].scrape(PUBLIC))

    everybody = {"1": 1.0, "2": 1.0, "3": 1.0}
    assert told == {"ready": everybody, "sandik_gateway_worker_up": everybody}


async def test_the_others_are_asked_for_whoever_asks(tmp_path: Path) -> None:
    async with serving(tmp_path, 1) as first, serving(tmp_path, 2), serving(tmp_path, 3):
        assert {"1": 9.0, "2": 9.0, "3": 9.0} == found(await first.scrape(CONTROL_ROOM))["seq"]
        assert "seq" not in found(await first.scrape(PUBLIC))


async def test_a_worker_that_is_gone_or_hangs_is_told_as_down(tmp_path: Path) -> None:
    async with serving(tmp_path, 2):
        pass
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(str(tmp_path / "3.sock"))
        hanging.listen()
        async with serving(tmp_path, 1) as first:
            told = found(await first.scrape(PUBLIC))

    assert told == {"ready": {"1": 1.0}, "sandik_gateway_worker_up": {"1": 1.0, "2": 0.0, "3": 0.0}}


async def test_a_worker_that_is_started_again_takes_its_place(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(tmp_path / "2.sock"))
    async with serving(tmp_path, 1) as first, asyncio.timeout(LIMIT_S):
        assert 0.0 == found(await first.scrape(PUBLIC))["sandik_gateway_worker_up"]["2"]
        async with serving(tmp_path, 2):
            while not found(await first.scrape(PUBLIC))["sandik_gateway_worker_up"]["2"]:
                continue


def test_the_samples_of_a_metric_stand_together_behind_one_description() -> None:
    text = merged([exposing(number)(CONTROL_ROOM) for number in (1, 2)]).decode()

    assert text.splitlines() == [
        "# HELP ready Ready.",
        "# TYPE ready gauge",
        'ready{worker="1"} 1.0',
        'ready{worker="2"} 1.0',
        "# HELP seq Seq.",
        "# TYPE seq gauge",
        'seq{worker="1"} 9.0',
        'seq{worker="2"} 9.0',
    ]
