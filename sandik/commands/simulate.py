"""`sandik simulate`: publish a seeded night."""

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from eventlog.clock import Clock, Replay, Wall
from eventlog.port import EventLog
from eventlog.run import create_run
from eventlog.topics import DEFAULT_PARTITIONS
from producers.publish import Published, Publisher, entry, play, publish
from producers.scenario import DEFAULT_SCENARIO, Scenario, read_scenario
from producers.simulate import Night, night
from sandik import screen
from sandik.numbers import grouped
from sandik.options import EMBEDDED_LOG, LogUrl, Partitions, RunMode, RunName
from sandik.process import run_to_completion
from sandik.runs import new_epoch, parse_mode
from sandik.wiring import open_log

EXAMPLE = "Example: sandik simulate --run rehearsal --seed 7 --speed 120"

Seed = Annotated[int, typer.Option(envvar="SANDIK_SEED", help="The same seed stages the same night, byte for byte.")]
Speed = Annotated[
    float,
    typer.Option(
        min=0, envvar="SANDIK_SPEED", help="How many times as fast as the night was; 0: as fast as the log takes it."
    ),
]


def simulate(
    run: RunName,
    log: LogUrl = EMBEDDED_LOG,
    seed: Seed = 1,
    speed: Speed = 60.0,
    scenario: Annotated[str, typer.Option(help="Which night to stage.")] = DEFAULT_SCENARIO,
    district: Annotated[
        list[str] | None, typer.Option(help="Only this district, such as tr/34/uskudar; repeatable.")
    ] = None,
    boxes_per_district: Annotated[int | None, typer.Option(min=1, help="Only so many boxes of each district.")] = None,
    source: Annotated[list[str] | None, typer.Option(help="Only this source, such as aa; repeatable.")] = None,
    mode: RunMode = "test",
    partitions: Partitions = DEFAULT_PARTITIONS,
) -> None:
    """Stage a night like İstanbul's of 31 March 2024 and publish it, each box when its time comes."""
    staged = read_scenario(scenario).shrink(districts=district, boxes_per_district=boxes_per_district)
    published = run_to_completion(_simulate(staged, source, log, run, seed, speed, mode, partitions))
    screen.say(f"Published {grouped(published.records)} tallies to run {run!r}.")


async def _simulate(
    scenario: Scenario,
    sources: list[str] | None,
    url: str,
    name: str,
    seed: int,
    speed: float,
    mode: str,
    partitions: int,
) -> Published:
    clock = Wall()
    chosen = parse_mode(mode)
    async with open_log(url, clock) as log:
        run = await create_run(
            log, name, scenario.definition(), mode=chosen, epoch=new_epoch(), clock=clock, partitions=partitions
        )
        return await stage(log, run.topics.tallies.name, night(scenario, seed, sources=sources), speed, clock)


async def stage(log: EventLog, topic: str, staged: Night, speed: float, clock: Clock) -> Published:
    """Publish a staged night at a speed, showing how far it is."""
    with screen.bar("the night") as bar:
        bar.expect(len(staged))
        zone = ZoneInfo("Europe/Istanbul")

        def show(published: Published) -> None:
            bar.reached(published.records, _clock_face(published.due, zone))

        publisher = Publisher(log, topic, clock, on_progress=show, on_waiting=screen.say_waiting)
        if speed == 0:
            return await publish(publisher, (entry(event) for _, event in staged))
        return await play(publisher, staged, Replay(staged.first_due, speed, clock))


def _clock_face(due: datetime | None, zone: ZoneInfo) -> str:
    return due.astimezone(zone).strftime("%H:%M:%S") if due else ""
