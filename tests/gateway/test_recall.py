"""The loop that recalls the night so far: once for each state of a run, again where it failed, in nobody's way."""

import asyncio
from datetime import timedelta
from pathlib import Path

from eventlog.clock import Wall
from eventlog.loops import RetryPolicy
from eventlog.run import find_run
from gateway.gateway import Gateway
from gateway.recall import recall
from gateway.server import serve
from schemas.errors import LogUnavailable
from tabulation.derived.history import Courses, Point
from tests.gateway.gateways import FAST, RUN, Running, get, is_ready, night, publish
from tests.gateway.nights import START, totals
from tests.patience import LIMIT_S

WHERE = ("mayor", "aa", "tr/34")
EARLIER = Point(START - timedelta(hours=1), 1, 9, {"kurum": 9})
AT_ONCE = RetryPolicy(0.001, 0.001)
PATH = "/v1/lead-over-time?contest=mayor&source=aa&unit=tr/34"


class NightBefore:
    """Gives the same course each time, after so many failures; `asked` counts."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.asked = 0
        self.told = asyncio.Event()

    async def courses(self) -> Courses:
        self.asked += 1
        if self.asked <= self.failures:
            raise LogUnavailable("The log is away.")
        self.told.set()
        return {WHERE: [EARLIER]}


async def test_a_gateway_tells_what_was_before_its_start(tmp_path: Path) -> None:
    before = NightBefore()
    ports: asyncio.Queue[int] = asyncio.Queue()
    async with night(tmp_path) as log:
        await publish(log, totals(votes={"kurum": 20}))
        serving = asyncio.create_task(
            serve(
                *(log, RUN),
                host="127.0.0.1",
                port=0,
                clock=Wall(),
                settings=FAST,
                started=ports.put_nowait,
                night_so_far=before,
            )
        )
        try:
            gateway = Running(await asyncio.wait_for(ports.get(), LIMIT_S))
            await is_ready(gateway)
            await asyncio.wait_for(before.told.wait(), LIMIT_S)
            async with asyncio.timeout(LIMIT_S):
                while len((await get(gateway, PATH)).json()["courses"][0]["points"]) == 1:
                    pass
            (course,) = (await get(gateway, PATH)).json()["courses"]
        finally:
            serving.cancel()
            await asyncio.wait({serving}, timeout=LIMIT_S)
    assert [9, 20] == [point["of"] for point in course["points"]]
    assert 1 == before.asked


async def test_what_failed_is_tried_again_and_what_was_told_is_not(tmp_path: Path) -> None:
    before = NightBefore(failures=3)
    gateway = Gateway(RUN, clock=Wall(), settings=FAST)
    async with night(tmp_path) as log:
        await publish(log, totals(votes={"kurum": 20}))
        state = gateway.begin(await find_run(log, RUN))
    recalling = asyncio.create_task(recall(gateway, before, Wall(), AT_ONCE))
    try:
        gateway.caught_up()
        await asyncio.wait_for(before.told.wait(), LIMIT_S)
        async with asyncio.timeout(LIMIT_S):
            while not state.lead_over_time.is_recalled:  # noqa: ASYNC110  the fold is pure, and has no event
                await asyncio.sleep(0)
        gateway.caught_up_now.set()
        await asyncio.sleep(0)
        assert 4 == before.asked
    finally:
        recalling.cancel()
        await asyncio.wait({recalling}, timeout=LIMIT_S)
