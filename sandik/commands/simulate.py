"""`sandik simulate`: publish a seeded night."""

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from eventlog.clock import Clock, Replay, Wall
from eventlog.port import EventLog
from eventlog.run import Run, check_run_name, create_run
from producers.publish import Published, Publisher, play, publish
from producers.simulating.library import DEFAULT_SCENARIO, read_scenario
from producers.simulating.scenario import Scenario
from producers.simulating.simulate import Staged, stage
from producers.stages import parse_fault
from sandik import screen
from sandik.options import EMBEDDED_LOG, LogUrl, Partitions, RunMode, RunName, command_app
from sandik.process import run_to_completion
from sandik.quantities import grouped
from sandik.wiring import new_epoch, open_log, parse_mode
from schemas.control import Mode

EXAMPLE = "Example: sandik simulate --run rehearsal --scenario late-flip --seed 7 --speed 120"

app = command_app()

ScenarioName = Annotated[
    str,
    typer.Option("--scenario", metavar="NAME|FILE.toml", help="Which night to stage; sandik scenarios lists them."),
]
Seed = Annotated[
    int | None,
    typer.Option(
        envvar="SANDIK_SEED",
        help="The same seed stages the same night, byte for byte. Without it the scenario's own.",
    ),
]
Speed = Annotated[
    float | None,
    typer.Option(
        min=0,
        envvar="SANDIK_SPEED",
        help="How many times as fast as the night was; 0: as fast as the log takes it. Without it the scenario's own.",
    ),
]
Faults = Annotated[
    list[str] | None,
    typer.Option(
        "--fault",
        metavar="NAME[:key=value,…]",
        help="Disturb the feed, such as duplicate:share=0.1 or corrupt; repeatable, in this order.",
    ),
]


@app.command(epilog=EXAMPLE)
def simulate(
    run: RunName,
    log: LogUrl = EMBEDDED_LOG,
    scenario: ScenarioName = DEFAULT_SCENARIO,
    seed: Seed = None,
    speed: Speed = None,
    fault: Faults = None,
    district: Annotated[
        list[str] | None, typer.Option(help="Only this district, such as tr/34/uskudar; repeatable.")
    ] = None,
    boxes_per_district: Annotated[int | None, typer.Option(min=1, help="Only so many boxes of each district.")] = None,
    source: Annotated[list[str] | None, typer.Option(help="Only this source, such as aa; repeatable.")] = None,
    mode: RunMode = "test",
    partitions: Partitions = None,
) -> None:
    """Stage a night like İstanbul's of 31 March 2024 and publish it, each box when its time comes."""
    check_run_name(run)
    chosen_mode = parse_mode(mode)
    whole = read_scenario(scenario)
    smaller = whole.shrink(districts=district, boxes_per_district=boxes_per_district)
    staged = stage(smaller, seed, sources=source, faults=[parse_fault(text) for text in fault or ()])
    if whole.story:
        screen.say(whole.story)
    chosen_speed = whole.speed if speed is None else speed
    published = run_to_completion(_simulate(smaller, staged, log, run, chosen_speed, chosen_mode, partitions))
    screen.say(f"Published {grouped(published.records)} tallies to run {run!r}.")


async def _simulate(
    scenario: Scenario, staged: Staged, url: str, name: str, speed: float, mode: Mode, partitions: int | None
) -> Published:
    clock = Wall()
    async with open_log(url, clock) as log:
        run = await create_run(
            log, name, scenario.definition(), mode=mode, epoch=new_epoch(), clock=clock, partitions=partitions
        )
        return await send(log, run, staged, speed, clock)


async def send(log: EventLog, run: Run, staged: Staged, speed: float, clock: Clock) -> Published:
    """Publish a staged night at a speed, showing how far it is."""
    with screen.bar("the night") as bar:
        bar.expect(len(staged))

        def show(published: Published) -> None:
            bar.reached(published.records, _clock_face(published.due, run.definition.zone))

        publisher = Publisher(log, run.topics.tallies.name, clock, on_progress=show, on_waiting=screen.say_waiting)
        if speed == 0:
            return await publish(publisher, (delivery.entry for delivery in staged))
        return await play(publisher, staged, Replay(staged.first_due, speed, clock))


def _clock_face(due: datetime | None, zone: ZoneInfo) -> str:
    return due.astimezone(zone).strftime("%H:%M:%S") if due else ""
