"""A night behind a line that fails again and again. After every healing the client shows what the gateway has.

The client may be any: Python's, or JavaScript's in Node or in a browser. It reports what it shows at every change.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, Final

import orjson

from eventlog.port import EventLog
from schemas.totals import Totals
from tests.gateway.gateways import FAST, Running, get, night, publish, running
from tests.gateway.nights import DISTRICTS, totals
from tests.patience import LIMIT_S
from tests.proxy import Proxy, proxy

ROUNDS: Final = 8
LOOK_S: Final = 0.05
SETTINGS: Final = replace(FAST, heartbeat_s=0.3, missed_pings=3, drain_s=1)
"""A heartbeat so fast that silence is noticed within a second."""

WANTED: Final[list[dict[str, Any]]] = [
    {"contest": "mayor", "source": "aa", "units": ["tr", "tr/*", "tr/34/*"]},
    {"contest": "mayor", "source": "anka", "units": ["tr/34/*"]},
    {"contest": "council", "source": "aa", "units": ["tr/34", "tr/34/*"], "max_rate_hz": 50},
]
_BALLOTS: Final = {"mayor": ("imamoglu", "kurum"), "council": ("b",)}

Shown = dict[str, dict[str, Any]]


class Screen:
    """What a client shows, as it reports it; and what it did that a client must never do."""

    def __init__(self) -> None:
        self.shown: Shown = {}
        self.faults: list[str] = []
        self._moved = asyncio.Event()

    def show(self, shown: Shown, gaps: int) -> None:
        """The client shows this now: by `contest source unit` the figures of every unit of which it has any."""
        self.faults += [f"{place} went blank" for place in self.shown.keys() - shown.keys()]
        self.faults += [f"{gaps} gaps"] if gaps else []
        self.shown = shown
        self._moved.set()

    async def moved(self) -> None:
        """Return once it shows something new, or soon."""
        self._moved.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._moved.wait(), LOOK_S)


class Chaos:
    """A gateway, a line to it, and what goes wrong. `url` is where a client connects."""

    def __init__(self, log: EventLog, line: Proxy, stack: AsyncExitStack, seed: int) -> None:
        self._log = log
        self._line = line
        self._stack = stack
        self._chance = Random(seed)
        self._versions: dict[tuple[str, ...], int] = {}
        self._gateway: Running | None = None
        self.url = f"http://127.0.0.1:{line.port}"

    async def rounds(self, screen: Screen) -> None:
        """Let everything go wrong, and see that each time all is well again."""
        for _ in range(ROUNDS):
            await self._count()
            fault = self._chance.choice([self._cut, self._drop, self._slow, self._half_open, self._restart])
            await fault()
            await self._count()
            self._line.heal()
            await self.agree(screen, fault.__name__)
        assert [] == screen.faults

    async def agree(self, screen: Screen, after: str) -> None:
        """Return once the screen shows what the gateway has."""
        expected = await self._totals()
        try:
            async with asyncio.timeout(LIMIT_S):
                while _counts(screen.shown, expected) != expected:
                    await screen.moved()
        except TimeoutError:
            raise AssertionError(f"after {after}: {_counts(screen.shown, expected)} is not {expected}") from None

    async def start(self) -> None:
        """A gateway runs."""
        self._gateway = await self._stack.enter_async_context(running(self._log, settings=SETTINGS))
        self._line.targets = (self._gateway.port,)

    async def _cut(self) -> None:
        self._line.cut()

    async def _drop(self) -> None:
        self._line.drop()

    async def _slow(self) -> None:
        self._line.delay_s = 0.05

    async def _half_open(self) -> None:
        self._line.half_open()

    async def _restart(self) -> None:
        await self._stack.aclose()
        await self.start()

    async def _count(self) -> None:
        """Some districts change, up or down."""
        await publish(self._log, *(self._record() for _ in range(self._chance.randrange(1, 4))))

    def _record(self) -> Totals:
        chance = self._chance
        contest, source, district = (
            chance.choice(list(_BALLOTS)),
            chance.choice(["aa", "anka"]),
            chance.choice(DISTRICTS),
        )
        place = (contest, source, district)
        self._versions[place] = self._versions.get(place, -1) + 1
        votes = {name: chance.randrange(500) for name in _BALLOTS[contest]}
        return totals(
            district, votes, version=self._versions[place], boxes=chance.randrange(1, 4), contest=contest, source=source
        )

    async def _totals(self) -> Shown:
        """What /v1/totals says of what is subscribed to, once the gateway has read everything."""
        ends = await self._log.end_offsets("sandik.night.totals")
        assert self._gateway is not None
        async with asyncio.timeout(LIMIT_S):
            while True:
                answer = await get(self._gateway, "/v1/totals")
                if answer.status_code == 200 and orjson.loads(answer.content)["seq"] >= max(ends.values()):
                    break
        rows = orjson.loads(answer.content)["totals"]
        return {f"{row['contest']} {row['source']} {row['unit']}": _plain(row) for row in rows if _wanted(row)}


@asynccontextmanager
async def chaos(folder: Path, seed: int) -> AsyncIterator[Chaos]:
    """A run, a gateway and a line in front of it."""
    async with night(folder) as log, proxy() as line, AsyncExitStack() as stack:
        staged = Chaos(log, line, stack, seed)
        await staged.start()
        yield staged


def _wanted(row: dict[str, Any]) -> bool:
    below = {"tr/06": "tr/*", "tr/34": "tr/*", "tr/34/adalar": "tr/34/*", "tr/34/uskudar": "tr/34/*"}
    patterns = {row["unit"], below.get(row["unit"], row["unit"])}
    return any(
        (one["contest"], one["source"]) == (row["contest"], row["source"]) and patterns & set(one["units"])
        for one in WANTED
    )


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in {"contest", "source", "level"}}


def _counts(shown: Shown, like: Shown) -> Shown:
    """What is shown, with the fields that a row of /v1/totals has."""
    names = next(iter(like.values()), {}).keys()
    return {place: {name: value for name, value in entry.items() if name in names} for place, entry in shown.items()}
