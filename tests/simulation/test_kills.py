"""`kill -9` at random moments: of the aggregator, the gateway and the producer, fifty times over one night."""

import asyncio
import random
from functools import partial
from pathlib import Path

import orjson
import pytest

from eventlog.clock import Wall
from tests.patience import LIMIT_S
from tests.ports import free_port
from tests.simulation.forked import forked, run
from tests.simulation.processes import Process, Screen, until

KILLS = 50
SEED = 2024
NIGHT = (
    *("--seed", "7", "--boxes-per-district", "40"),
    *("--district", "tr/34/kadikoy", "--district", "tr/34/uskudar", "--district", "tr/34/adalar"),
)
SPEED = "900"
"""Fast enough that some of the night passes between two kills, too fast for any producer to live to its end."""

LONGEST_LIFE_S = 0.5
"""A forked process is at work within a tenth of that: it is killed between its first breath and well into its work."""


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_fifty_kills_change_nothing(log_url: str, unique: str, tmp_path: Path) -> None:
    """The totals are the bytes of an undisturbed night, and a client sees no gap, no step back and no zero."""
    chance = random.Random(SEED)
    port = free_port()
    where = ("--log", log_url, "--run", unique)
    subscription = {
        "type": "subscribe",
        "id": "screen",
        "contest": "metropolitan_mayor",
        "units": ["tr/34", "tr/34/*"],
        "source": "aa",
    }
    launch = partial(forked, output=tmp_path / "said")
    screen = Screen(f"ws://127.0.0.1:{port}/v1/stream", subscription)
    with (
        Process(["simulate", *where, *NIGHT, "--speed", SPEED], launch) as producer,
        Process(["aggregate", *where, "--tick-ms", "20", "--checkpoint-s", "0.3"], launch) as aggregator,
        Process(["gateway", *where, "--port", str(port)], launch) as gateway,
    ):
        processes = (producer, aggregator, gateway)
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(screen.watch())
            for process in processes:
                process.start()
            await until(lambda: screen.connections > 0)
            for _ in range(KILLS):
                for process in processes:
                    process.start()
                await Wall().sleep(chance.uniform(0, LONGEST_LIFE_S))  # the moment is what is being varied
                chance.choice(processes).kill()
            for process in processes:
                process.start()
            producer.kill()
            await asyncio.to_thread(run, "simulate", *where, *NIGHT, "--speed", "0")
            await asyncio.to_thread(run, "aggregate", *where, "--until-end")
            disturbed = await asyncio.to_thread(run, "totals", *where, "--format", "json")
            await caught_up(screen, disturbed)
            watching.cancel()

    calm = ("--log", log_url, "--run", f"{unique}-calm")
    run("simulate", *calm, *NIGHT, "--speed", "0")
    run("aggregate", *calm, "--until-end")

    assert run("totals", *calm, "--format", "json") == disturbed
    assert [] == screen.faults
    assert screen.connections > 1
    assert sum(process.starts for process in processes) >= KILLS


async def caught_up(screen: Screen, totals: bytes) -> None:
    """Return once the screen shows what the log holds."""
    expected = {
        row["unit"]: row
        for row in orjson.loads(totals)
        if row["contest"] == "metropolitan_mayor" and row["source"] == "aa" and row["level"] != "country"
    }
    async with asyncio.timeout(LIMIT_S):
        while not shows(screen, expected):
            screen.moved.clear()
            await screen.moved.wait()


def shows(screen: Screen, expected: dict[str, dict[str, object]]) -> bool:
    """Whether every figure on the screen is the expected one."""
    return screen.shown.keys() == expected.keys() and all(
        screen.shown[unit].get(name) == row[name]
        for unit, row in expected.items()
        for name in ("boxes_opened", "cast", "valid", "votes")
    )
