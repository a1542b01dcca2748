"""How long a gateway's event loop is held at a stretch while the largest answers are made: all of Türkiye's units.

The loop's own turns are timed, in CPU time of its thread, so that a busy machine is not counted as a long answer.
"""

import asyncio
import http.client
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from http import HTTPStatus
from itertools import product
from pathlib import Path
from typing import Final

import uvloop

from benchmarks.measure import spread
from benchmarks.patience import LIMIT_S
from eventlog.clock import Wall
from eventlog.port import Entry
from eventlog.run import create_run
from gateway.server import serve
from sandik.process import calm_garbage_collector
from sandik.wiring import open_log
from schemas.definition import Candidate, Contest, Election, Source, Unit
from schemas.totals import Totals

PROVINCES: Final = 81
DISTRICTS: Final = 973
CONTESTS: Final = {"mayor": 49, "president": 4}
"""Candidates of each."""
SOURCES: Final = ("aa", "anka")
REPEATS: Final = 5
OK: Final = HTTPStatus.OK

_ROWS: Final = "contest=president&source=aa&slots=0&" + "&".join(f"unit=tr/{number:02}/*" for number in range(50))
"""The districts of 50 provinces: all units are more values than one answer has."""

ROUTES: Final = {
    "/v1/totals": "/v1/totals?contest=mayor&source=aa",
    "/v1/facts": "/v1/facts?contest=mayor&source=aa",
    "/v1/rows.json": f"/v1/rows.json?{_ROWS}",
    "/v1/rows.csv": f"/v1/rows.csv?{_ROWS}",
    "/v1/compare": "/v1/compare?contest=mayor&unit=tr&a=aa&b=anka",
}


def stretches() -> Iterator[str]:
    """The longest stretch of the loop for each route, each answer after a change, so that nothing is kept."""
    calm_garbage_collector()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(_measure())
    units = f"{1 + PROVINCES + DISTRICTS:,} units, 49 candidates (rows: 602 units, 4)"
    yield f"| {units} | longest stretch, ms CPU | answer, ms by the wall | KB |"
    yield "|---|---:|---:|---:|"
    for name, (held_ms, took_ms, size_kb) in found.items():
        yield f"| {name} | {spread(held_ms).text()} | {spread(took_ms).text('.0f')} | {size_kb:,.0f} |"


def country() -> Election:
    """A country of provinces and districts."""
    provinces = [f"tr/{number:02}" for number in range(PROVINCES)]
    return Election(
        id="bench",
        name="Bench",
        date=date(2024, 3, 31),
        parties=(),
        sources=tuple(Source(id=one, name=one) for one in SOURCES),
        contests=tuple(
            Contest(
                id=contest,
                name=contest,
                candidates=tuple(Candidate(id=_candidate(one), name=f"Candidate {one}") for one in range(count)),
            )
            for contest, count in CONTESTS.items()
        ),
        units=(
            Unit(id="tr", level="country", name="Türkiye"),
            *(Unit(id=one, level="province", name=one, parent="tr") for one in provinces),
            *(
                Unit(
                    id=_district(number),
                    level="district",
                    name=f"District {number}",
                    parent=provinces[number % PROVINCES],
                    boxes=((1, 200),),
                )
                for number in range(DISTRICTS)
            ),
        ),
    )


def totals(contest: str, source: str, number: int, version: int) -> Totals:
    """The totals of one district, in which every figure is another than in the version before."""
    votes = {_candidate(one): 1_000 + 10 * version + one * (number % 7) for one in range(CONTESTS[contest])}
    cast = sum(votes.values())
    return Totals(
        contest=contest,
        source=source,
        district=_district(number),
        version=version,
        as_of=datetime(2024, 3, 31, 18, tzinfo=UTC),
        boxes_opened=100 + version,
        annulled=0,
        registered=cast + 1_000,
        cast=cast,
        valid=cast,
        invalid=0,
        unattributed=0,
        flagged=0,
        votes=votes,
    )


def _candidate(number: int) -> str:
    return f"candidate_{number:02}"


def _district(number: int) -> str:
    return f"tr/{number % PROVINCES:02}/d{number:04}"


async def _measure() -> dict[str, tuple[list[float], list[float], float]]:
    clock, found = Wall(), dict[str, tuple[list[float], list[float], float]]()
    with tempfile.TemporaryDirectory(prefix="sandik-bench-") as folder:
        async with open_log(f"sqlite:{Path(folder) / 'log.db'}", clock) as log:
            run = await create_run(log, "bench", country(), mode="test", epoch="bench", clock=clock)
            topic = run.topics.totals.name
            records = [totals(*pair, number, 1) for pair in product(CONTESTS, SOURCES) for number in range(DISTRICTS)]
            await log.append(topic, [Entry(one.cell.key(), one.encode()) for one in records])
            started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            serving = asyncio.create_task(
                serve(log, "bench", host="127.0.0.1", port=0, clock=clock, started=started.set_result)
            )
            port = await started
            async with asyncio.timeout(LIMIT_S):
                while (await asyncio.to_thread(_ask, port, "/readyz"))[0] != OK:
                    """A request is a turn."""
            version = 1
            for name, path in ROUTES.items():
                held, took, size = [], [], 0
                for _ in range(REPEATS):
                    version += 1
                    changed = [totals(contest, "aa", version, version) for contest in CONTESTS]
                    await log.append(topic, [Entry(one.cell.key(), one.encode()) for one in changed])
                    await asyncio.sleep(1.1)  # the change is read, and what is kept for a second has run out
                    held_ms, took_ms, size = await _watched(port, path)
                    held.append(held_ms)
                    took.append(took_ms)
                found[name] = held, took, size / 1_000
            serving.cancel()
            await asyncio.wait({serving})
    return found


async def _watched(port: int, path: str) -> tuple[float, float, int]:
    """Ask, and watch the loop's turns meanwhile: its longest stretch (ms of CPU), how long it took (ms), its bytes."""
    began = time.perf_counter()
    asking = asyncio.create_task(asyncio.to_thread(_ask, port, path))
    longest, turned = 0.0, time.thread_time()
    while not asking.done():
        await asyncio.sleep(0)
        now = time.thread_time()
        longest, turned = max(longest, now - turned), now
    status, body = asking.result()
    if status != OK:
        raise RuntimeError(f"{path} answered {status}: {body[:500]!r}")
    return longest * 1_000, (time.perf_counter() - began) * 1_000, len(body)


def _ask(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
