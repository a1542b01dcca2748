"""`sandik publish` and `sandik simulate`: append events one by one, another program's or those of a seeded night.

Those of another program are checked as the count checks them; those of a night come each when its time comes.
"""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Final
from zoneinfo import ZoneInfo

import typer

from eventlog.clock import Clock, Replay, Wall
from eventlog.port import EventLog
from eventlog.run import Run, check_run_name, create_run
from producers.publish import Published, Publisher, entry, play, publish
from producers.simulating.library import DEFAULT_SCENARIO, read_scenario
from producers.simulating.scenario import Scenario
from producers.simulating.simulate import Staged, stage
from producers.stages import parse_fault
from producers.tables.lines import LineFaults
from sandik import screen
from sandik.options import EMBEDDED_LOG, LogUrl, OperatorKeys, Partitions, RunMode, RunName, command_app, operator_keys
from sandik.process import run_to_completion
from sandik.quantities import grouped
from sandik.wiring import known_run, new_epoch, open_log, parse_mode
from schemas.control import Mode
from schemas.definition import Election
from schemas.errors import UsageError
from schemas.tally import MAX_TALLY_BYTES, Malformed, Tally, parse_tallies
from schemas.totals import Cell
from tabulation.counting.cells import CellRules, Refusal, Rulebook

if TYPE_CHECKING:
    from schemas.trust import OperatorKey


PUBLISH_EXAMPLE: Final = "Example: sandik publish events.jsonl --run 2024-yerel"

SOME_REFUSED: Final = 3
"""The exit code where some lines were refused."""

_CHUNK_BYTES: Final = 256 * 1024
_SHOWN_CHARS: Final = 80

app = command_app()


@app.command("publish", epilog=PUBLISH_EXAMPLE)
def publish_events(
    file: Annotated[str, typer.Argument(help="Tally events, one JSON object on each line; - for standard input.")],
    run: RunName,
    log: LogUrl = EMBEDDED_LOG,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Publish nothing if any line cannot be used. It reads all of them first."),
    ] = False,
    operator_key: OperatorKeys = None,
) -> None:
    """Append tally events that another program made, one JSON object on each line, to a run that is there.

    Each is checked as the count would check it (sandik schema tally has their form). Those that can be used are
    appended as they come; the others are named, and the exit code is 3.
    """
    with _opened(file) as source:
        named = "standard input" if file == "-" else file
        appended, refused = run_to_completion(
            _publish(source, named, log, run, operator_keys(operator_key), strict=strict)
        )
    screen.say(f"Published {grouped(appended)} events to run {run!r}.")
    if refused:
        raise typer.Exit(SOME_REFUSED)


class EventCheck:
    """Checks lines by a run's definition and notes in `faults` what is wrong with those that cannot be used."""

    def __init__(self, definition: Election, faults: LineFaults) -> None:
        self._rulebook = Rulebook(definition, lambda _: 0)
        self._rules: dict[Cell, CellRules | Refusal] = {}
        self.faults = faults
        self.lines = 0

    def usable(self, lines: list[bytes]) -> Iterator[Tally]:
        """Yield the events of these lines, which come after all those before."""
        values = [line if len(line) <= MAX_TALLY_BYTES else b"" for line in lines]
        for line, event in zip(lines, parse_tallies(values), strict=True):
            self.lines += 1
            if not line.strip():
                continue
            if len(line) > MAX_TALLY_BYTES:
                self.faults.add(self.lines, f"it is over the {MAX_TALLY_BYTES} bytes that an event may have")
            elif isinstance(event, Malformed):
                self.faults.add(self.lines, f"{event.detail}: {line.decode(errors='replace')[:_SHOWN_CHARS]!r}")
            elif refusal := self._refusal(event):
                self.faults.add(self.lines, f"{refusal.detail} ({refusal.reason})")
            else:
                yield event

    def _refusal(self, event: Tally) -> Refusal | None:
        cell = Cell(event.contest, event.source, event.district)
        if cell not in self._rules:
            self._rules[cell] = self._rulebook.rules_for(cell)
        rules = self._rules[cell]
        return rules if isinstance(rules, Refusal) else rules.refusal(event, event.district.encode(), 0)


@contextmanager
def _opened(file: str) -> Iterator[IO[bytes]]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        source = Path(file).open("rb")  # noqa: SIM115  closed below
    except OSError as error:
        raise UsageError(f"{file} cannot be read ({error}). Give the path of a file, or - for stdin.") from error
    with source:
        yield source


async def _publish(
    source: IO[bytes], named: str, url: str, name: str, operators: "tuple[OperatorKey, ...]", *, strict: bool
) -> tuple[int, int]:
    """Return how many events were appended, and how many lines could not be used."""
    clock = Wall()
    async with open_log(url, clock) as log:
        run = await known_run(log, name, operators)
        publisher = Publisher(log, run.topics.tallies.name, clock, on_waiting=screen.say_waiting)
        check = EventCheck(run.definition, LineFaults(named))
        appended, kept = 0, list[Tally]()
        rest = b""
        while chunk := await asyncio.to_thread(_read, source):
            *lines, rest = (rest + chunk).split(b"\n")
            events = list(check.usable(lines))
            if strict:
                kept += events
            else:
                appended += (await publish(publisher, map(entry, events))).records
        kept += check.usable([rest])
        if strict:
            check.faults.raise_any()
        appended += (await publish(publisher, map(entry, kept))).records
    if check.faults.count:
        screen.say(check.faults.message("they are left out."))
    return appended, check.faults.count


def _read(source: IO[bytes]) -> bytes:
    """Return what there is to read by now, at least a byte, or nothing at the end."""
    found: bytes = source.read1(_CHUNK_BYTES)  # type: ignore[attr-defined]  # files and standard input have it
    return found


SIMULATE_EXAMPLE: Final = "Example: sandik simulate --run rehearsal --scenario late-flip --seed 7 --speed 120"

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


@app.command(epilog=SIMULATE_EXAMPLE)
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
