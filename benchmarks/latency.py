"""From a tally's append to a client's receipt, at 200 tallies a second, through aggregator and gateway as processes."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from itertools import count

import orjson
import uvloop
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.commands import command, free_port
from benchmarks.logs import log_urls
from benchmarks.night import election
from benchmarks.patience import LIMIT_S
from eventlog.clock import Wall
from eventlog.port import Entry, EventLog
from eventlog.run import Run, create_run
from sandik.wiring import open_log
from schemas.definition import Election
from schemas.tally import Counted, encode

TALLIES = 4_000
RATE_HZ = 200
TICK_MS = 50
MIN_BOXES = 200  # districts with fewer would run out of boxes


def latency() -> Iterator[str]:
    """Milliseconds, both logs; open model: measured from when the tally was to be appended, late or not."""
    yield f"| append → client at {RATE_HZ} tallies/s, {TICK_MS} ms ticks | p50 ms | p90 ms | p99 ms | worst ms |"
    yield "|---|---:|---:|---:|---:|"
    with log_urls() as urls, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for name, url in urls.items():
            waits = sorted(1000 * wait for wait in runner.run(_measure(url)))
            at = [waits[min(len(waits) - 1, int(len(waits) * share))] for share in (0.5, 0.9, 0.99, 1)]
            yield f"| {name} | {' | '.join(f'{value:.0f}' for value in at)} |"


async def _measure(url: str) -> list[float]:
    clock, name = Wall(), f"latency-{uuid.uuid4().hex[:8]}"
    port = free_port()
    definition = election()
    async with open_log(url, clock) as log:
        run = await create_run(log, name, definition, mode="test", epoch="bench", clock=clock)
        where = ("--log", url, "--run", name)
        async with (
            command("aggregate", *where, "--tick-ms", str(TICK_MS)),
            command("gateway", *where, "--port", str(port), "--tick-ms", str(TICK_MS)),
            _connected(f"ws://127.0.0.1:{port}/v1/stream") as client,
        ):
            await client.send(
                orjson.dumps(
                    {
                        "type": "subscribe",
                        "id": "all",
                        "contest": "metropolitan_mayor",
                        "units": ["tr/34/*"],
                        "source": "aa",
                    }
                ).decode()
            )
            return await _race(log, run, definition, client)


async def _race(log: EventLog, run: Run, definition: Election, client: ClientConnection) -> list[float]:
    """Append tallies on a fixed schedule; a box has been received once its district shows as many boxes as it made."""
    due: dict[tuple[str, int], float] = {}
    waits: list[float] = []

    async def receive() -> None:
        shown: dict[str, int] = {}
        async for message in client:
            now = time.perf_counter()
            for entry in orjson.loads(message).get("totals", ()):
                opened = entry.get("boxes_opened", 0)
                new = range(shown.get(entry["unit"], 0) + 1, opened + 1)
                waits.extend(now - due.pop((entry["unit"], boxes)) for boxes in new)
                shown[entry["unit"]] = max(opened, shown.get(entry["unit"], 0))
            if len(waits) == TALLIES:
                return

    async with asyncio.timeout(TALLIES / RATE_HZ + LIMIT_S), asyncio.TaskGroup() as group:
        group.create_task(receive())
        await _append_on_schedule(log, run, definition, due)
    return waits[TALLIES // 10 :]  # the first tenth warms up


async def _append_on_schedule(log: EventLog, run: Run, definition: Election, due: dict[tuple[str, int], float]) -> None:
    districts = [district for district in definition.districts if district.boxes_total >= MIN_BOXES]
    began = time.perf_counter() + 0.5
    async with asyncio.TaskGroup() as group:
        for number in range(TALLIES):
            index, district = divmod(number, len(districts))
            unit = districts[district]
            moment = began + number / RATE_HZ
            due[unit.id, index + 1] = moment
            await asyncio.sleep(max(0, moment - time.perf_counter()))
            group.create_task(_append(log, run, unit.id, unit.boxes[0][0] + index))


async def _append(log: EventLog, run: Run, district: str, box: int) -> None:
    tally = Counted(
        type="counted",
        contest="metropolitan_mayor",
        district=district,
        box=box,
        source="aa",
        revision=1,
        at=datetime.now(UTC),
        registered=300,
        cast=250,
        valid=245,
        invalid=5,
        votes={"imamoglu": 130, "kurum": 115},
    )
    await log.append(run.topics.tallies.name, [Entry(district.encode(), encode(tally))])


@contextlib.asynccontextmanager
async def _connected(url: str) -> AsyncIterator[ClientConnection]:
    deadline = time.monotonic() + LIMIT_S
    for attempt in count():
        try:
            client = await connect(url, compression=None)
            break
        except OSError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1 + 0.01 * attempt)
    async with client:
        yield client
