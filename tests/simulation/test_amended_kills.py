"""A night whose definition is amended in eleven ways while it runs; aggregator and gateway are killed meanwhile."""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from consumers.aggregate import Aggregator
from eventlog.clock import Wall
from eventlog.port import Entry, EventLog
from eventlog.run import Run, create_run, find_run
from sandik.orders import give, relay_amendments
from sandik.past import past_of
from sandik.read_run import quarantine_of, read_on_air
from sandik.run_totals import totals_of
from schemas.amendments import CHANGES, amended
from schemas.control import DefinitionAmended, QuarantineReleased
from schemas.quarantine import UNKNOWN
from schemas.tally import Tally
from schemas.totals import Row, Told
from schemas.trust import encode_order
from tests.amendments import ELEVEN
from tests.builders import counted, small_election, value_of, withdrawn
from tests.patience import LIMIT_S
from tests.ports import free_port
from tests.schemas.orders import order
from tests.simulation.forked import forked
from tests.simulation.processes import Process, Screen

SEED = 2028
ELECTION = small_election()
USKUDAR, KADIKOY, ADALAR, GEBZE = "tr/34/uskudar", "tr/34/kadikoy", "tr/34/adalar", "tr/41/gebze"
NEW, ADDED = "tr/34/yeni", "tr/41/korfez"
UNITS = ("tr/34", "tr/34/*", "tr/41", "tr/41/*")
LONGEST_LIFE_S = 0.3
"""A process that was forked is at work within a tenth of a second: it is killed well into its work, or before."""

BEFORE: tuple[tuple[Tally, ...], ...] = (
    (
        counted({"imamoglu": 10, "yeni": 5}, box=1001),
        *(counted({"imamoglu": 9}, district=district, box=1001) for district in (KADIKOY, ADALAR)),
    ),
    (counted({"gebze_yeni": 6}, contest="district_mayor", district=GEBZE),),
    (counted({"kurum": 7}, box=1002),),
    (counted({"bagimsiz_1": 8, "bagimsiz_2": 9}, box=1003),),
    (counted({"chp": 4}, contest="district_mayor", district=KADIKOY),),
    (counted({"kurum": 3}, box=1090),),
    (counted({"imamoglu": 11}, district=KADIKOY, box=1002),),
    (counted({"imamoglu": 12}, district=ADALAR, box=1003),),
    (counted({"kurum": 13}, district=GEBZE),),
    (counted({"imamoglu": 14}, district=ADDED, box=1002),),
    (counted({"imamoglu": 15}, box=1004), counted({"imamoglu": 16}, district=NEW, box=1004)),
)
"""What is reported before each of the amendments: most of it is about what only that brings, or takes away.

No district falls to nothing when a box of its is taken back: the screens take that for a fault.
"""

AFTER: tuple[tuple[Tally, ...], ...] = (
    (counted({"yeni": 21}, box=1006),),
    (counted({"chp": 2, "gebze_yeni": 1}, contest="district_mayor", district=GEBZE, box=1002),),
    (counted({"kurum": 22}, box=1002, revision=2),),
    (counted({"bagimsiz_2": 23}, box=1007),),
    (counted({"chp": 5}, contest="district_mayor", district=KADIKOY, box=1003),),
    (counted({"imamoglu": 24}, box=1091),),
    (withdrawn(district=KADIKOY, box=1002),),
    (withdrawn(district=ADALAR, box=1003), counted({"imamoglu": 25}, district=ADALAR, box=1004)),
    (counted({"kurum": 26}, district=GEBZE, box=1003),),
    (counted({"imamoglu": 27}, district=ADDED, box=1001),),
    (withdrawn(box=1004), counted({"imamoglu": 28}, district=NEW, box=1005)),
)
"""And behind it. What was counted in a box that is there no more is taken back by its source."""


@dataclass
class Amended:
    """The run of one night, as it goes on."""

    log: EventLog
    name: str
    said: list[Tally] = field(default_factory=list)
    told: list[tuple[datetime, tuple[Row, ...]]] = field(default_factory=list)
    """What there was at a moment before each amendment, as `sandik at` told it then."""

    async def run(self) -> Run:
        return await find_run(self.log, self.name)

    async def publish(self, tallies: tuple[Tally, ...]) -> None:
        self.said += tallies
        await append(self.log, await self.run(), tallies)

    async def ask(self, moment: datetime) -> None:
        """Note what there was at a moment that is over."""
        self.told.append((moment, await self.at(moment)))

    async def at(self, moment: datetime) -> tuple[Row, ...]:
        return (await past_of(self.log, await self.run(), moment)).control_room

    async def order(self, change: dict[str, Any]) -> None:
        """Order an amendment, as a command does that ends at once."""
        run, changes = await self.run(), CHANGES.validate_json(orjson.dumps([change]))
        ordered = order(
            DefinitionAmended,
            run=self.name,
            version=run.version + 1,
            amends=run.definition.digest,
            yields=amended(run.definition, changes).digest,
            changes=changes,
        )
        await self.log.append(run.topics.control.name, [Entry(b"order", encode_order(ordered, None))])

    async def let_out(self) -> int:
        """Let out what was set aside for want of what an amendment has brought since; how many records that were."""
        run = await self.run()
        await Aggregator(self.log, run, Wall()).run_until_end()
        waiting = [one for one in (await quarantine_of(self.log, run)).waiting if one.reason in UNKNOWN]
        for one in waiting:
            released = order(QuarantineReleased, run=self.name, position=one.position.decode())
            await give(self.log, run, released, None)
        await Aggregator(self.log, run, Wall()).run_until_end()
        return len(waiting)

    async def rows(self) -> list[Row]:
        """The totals as they are on air."""
        return list(totals_of(await read_on_air(self.log, await self.run()), Told.ON_AIR, embargoed=False).rows)


async def append(log: EventLog, run: Run, tallies: tuple[Tally, ...]) -> None:
    entries = [Entry(tally.district.encode(), value_of(tally)) for tally in tallies]
    await log.append(run.topics.tallies.name, entries)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_kills_amid_amendments_change_nothing(log: EventLog, log_url: str, unique: str, tmp_path: Path) -> None:
    """Totals and screens come to those of a night that had the last definition from the start, the past to what it was.

    All that was set aside for want of a candidate, a box or a district is let out.
    """
    chance, port, night = random.Random(SEED), free_port(), Amended(log, unique)
    await create_run(log, unique, ELECTION, mode="test", epoch="e1e1", clock=Wall(), partitions=3)
    where, launch = ("--log", log_url, "--run", unique), partial(forked, output=tmp_path / "said")
    asked = {"type": "subscribe", "id": "s", "contest": "mayor", "units": UNITS, "source": "aa"}
    screen = Screen(f"ws://127.0.0.1:{port}/v1/stream", asked)
    with (
        Process(["aggregate", *where, "--tick-ms", "20", "--checkpoint-s", "0.2"], launch) as aggregator,
        Process(["gateway", *where, "--port", str(port)], launch) as gateway,
    ):

        async def disturb() -> None:
            """Kill somebody, or nobody, and start whoever is away."""
            for process in chance.choice([(), (aggregator,), (gateway,), (aggregator, gateway)]):
                process.kill()
            for process in (aggregator, gateway):
                process.start()
            await Wall().sleep(chance.uniform(0, LONGEST_LIFE_S))  # the moment is what is being varied

        async with asyncio.TaskGroup() as group:
            watching = group.create_task(screen.watch())
            for before, change, after in zip(BEFORE, ELEVEN, AFTER, strict=True):
                await night.publish(before)
                moment = Wall().now()
                await disturb()
                await night.ask(moment)
                await night.order(change)
                await disturb()
                if chance.random() < 0.5:  # else an aggregator has to
                    await relay_amendments(log, await night.run())
                await night.publish(after)
                await disturb()
            aggregator.kill()
            gateway.start()
            assert 0 < await night.let_out()
            rows = await night.rows()
            await shown(screen, rows)
            watching.cancel()

    calm = await create_run(
        log, f"{unique}-calm", (await night.run()).definition, mode="test", epoch="e1e1", clock=Wall(), partitions=3
    )
    await append(log, calm, tuple(night.said))
    await Aggregator(log, calm, Wall()).run_until_end()

    assert await Amended(log, calm.name).rows() == rows
    assert [] == (await quarantine_of(log, await night.run())).waiting
    assert [(moment, await night.at(moment)) for moment, _ in night.told] == night.told
    assert len({tuple(row.boxes_total for row in told) for _, told in night.told}) > 5
    assert [] == screen.faults
    assert (aggregator.starts, gateway.starts) > (3, 3)


async def shown(screen: Screen, rows: list[Row]) -> None:
    """Return once the screen is told the newest definition, and shows these figures by it."""
    expected = {
        row.unit: (row.boxes_opened, row.boxes_total, row.cast, row.votes)
        for row in rows
        if (row.contest, row.source) == ("mayor", "aa") and row.level != "country"
    }
    async with asyncio.timeout(LIMIT_S):
        while (screen.version, figures(screen)) != (1 + len(ELEVEN), expected):
            screen.moved.clear()
            await screen.moved.wait()


def figures(screen: Screen) -> dict[str, tuple[Any, ...]]:
    """What the screen shows, by unit."""
    return {
        unit: (entry["boxes_opened"], entry["boxes_total"], entry["cast"], entry["votes"])
        for unit, entry in screen.shown.items()
    }
