"""An archived night again: `sandik replay` publishes it on its own clock, `timeline` writes it down for graphics."""

import asyncio
import os
import sys
import termios
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from eventlog.archive import Archive, open_archive
from eventlog.archive_files import Archived, microseconds, moment
from eventlog.clock import Clock, Wall
from eventlog.port import EventLog, partition_of
from eventlog.run import Run, create_run, find_run
from producers.publish import Publisher
from producers.replaying.inputs import ArchivedNight
from producers.replaying.playhead import Status
from producers.replaying.replay import AppendedRecords, ArchiveReplay, ReplayObserver, ReplayPosition, ReplaySettings
from sandik import screen
from sandik.options import (
    EMBEDDED_LOG,
    LogUrl,
    OperatorKeys,
    OutFile,
    RunName,
    command_app,
    operator_keys,
    order_signer,
    write_out,
)
from sandik.orders import By, KeyFile, give, order_of
from sandik.process import calm_garbage_collector, run_to_completion
from sandik.quantities import grouped, parse_night_moment
from sandik.timeline import Due, Timeline, TimelineScope, document
from sandik.wiring import new_epoch, open_log
from schemas.control import MAX_SPEED, MIN_SPEED
from schemas.errors import UnknownRun, UsageError
from schemas.moments import epoch_ms
from schemas.trust import OrderSigner
from tabulation.orders.effects import complaint

EXAMPLE = "Example: sandik replay archives/2024-yerel --run rehearsal --speed 60 --from 21:00 --to 23:30"

app = command_app()

_TERMINAL: Final = "terminal"


class DueBy(StrEnum):
    """The time by which a record is due: its event time, or its append time."""

    EVENT = "event"
    APPEND = "append"


@dataclass(frozen=True, slots=True)
class _Director:
    """Who directs the replay at this terminal, and the key that signs their orders."""

    by: str
    signer: OrderSigner | None


@app.command(epilog=EXAMPLE)
def replay(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The archive: see sandik archive.")],
    run: RunName,
    log: LogUrl = EMBEDDED_LOG,
    speed: Annotated[
        float,
        typer.Option(min=0, envvar="SANDIK_SPEED", help="How many times as fast; 0: as fast as it goes."),
    ] = 1.0,
    begin: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Begin here: 21:00, or a time with date and zone.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="End here.")] = None,
    loop: Annotated[bool, typer.Option("--loop", help="At the end begin again.")] = False,
    stay: Annotated[bool, typer.Option("--stay", help="At the end stand, for a director who seeks back.")] = False,
    clock: Annotated[
        DueBy, typer.Option(help="event: by what records say of themselves; append: by when they came.")
    ] = DueBy.EVENT,
    operator_key: OperatorKeys = None,
    signer: KeyFile = None,
    by: By = _TERMINAL,
) -> None:
    """Publish an archive on its own clock, into a run of mode replay: a new one, or another take of one there is.

    At a terminal keys direct it; from elsewhere sandik control pause, resume, seek, step and speed do.
    """
    night = ArchivedNight(open_archive(folder), by_append=clock is DueBy.APPEND)
    definition = night.archive.manifest.definition
    since, until = (None if text is None else parse_night_moment(text, definition) for text in (begin, end))
    own = order_signer(signer) if signer is not None else None
    settings = ReplaySettings(
        speed, since, until, loop=loop, stay=stay, operators=operator_keys(operator_key), signer=own
    )
    director = _Director(by, own)
    published = run_to_completion(_replay(night, log, run, settings, director))
    screen.say(f"Replayed {grouped(published)} tallies into run {run!r}.")


async def _replay(night: ArchivedNight, url: str, name: str, settings: ReplaySettings, director: _Director) -> int:
    clock = Wall()
    async with open_log(url, clock) as log:
        run = await _run_for(log, name, night, clock)
        with screen.bar("the replay") as bar:
            terminal = _Terminal(log, run, clock, director, bar, night)
            bar.expect(night.archive.manifest.count("tallies"))
            publisher = Publisher(log, run.topics.tallies.name, clock, on_waiting=screen.say_waiting)
            observer = ReplayObserver(terminal.on_appended, terminal.on_position)
            playing = ArchiveReplay(publisher, run, night, settings, new_epoch, observer)
            await terminal.direct(playing, microseconds(settings.begin) if settings.begin else night.first_us)
            return terminal.published


async def _run_for(log: EventLog, name: str, night: ArchivedNight, clock: Clock) -> Run:
    """The run to replay into. Raises `UsageError` for one that is no replay, or of another election."""
    manifest = night.archive.manifest
    try:
        found = await find_run(log, name)
    except UnknownRun:
        pass
    else:
        if found.mode != "replay":
            raise UsageError(
                f"Run {name!r} is {found.mode}: a replay never writes to it. Choose another --run for the replay."
            )
    return await create_run(
        log, name, manifest.definition, mode="replay", epoch=new_epoch(), clock=clock, partitions=manifest.partitions
    )


class _Terminal:
    """Shows the replay's position, and appends the orders that keys stand for, as directors elsewhere do."""

    def __init__(
        self, log: EventLog, run: Run, clock: Clock, director: _Director, bar: screen.Bar, night: ArchivedNight
    ) -> None:
        self.published = 0
        self._log = log
        self._run = run
        self._clock = clock
        self._director = director
        self._bar = bar
        self._zone = ZoneInfo(night.archive.manifest.definition.timezone)
        self._position: ReplayPosition | None = None
        self._in_epoch = 0

    def on_appended(self, records: AppendedRecords) -> None:
        """Count records that the log has acknowledged."""
        self.published += len(records.due_us)
        self._in_epoch += len(records.due_us)
        self._show(records.durable_us)

    def on_position(self, position: ReplayPosition) -> None:
        """Remember the position that the replay has published; a new run of it is a new replay epoch."""
        if self._position is not None and self._position.run != position.run:
            self._in_epoch = 0
        self._position = position
        self._show(position.clock_us)

    async def direct(self, playing: ArchiveReplay, start_us: int) -> None:
        """Play, and listen to the keys meanwhile, if there are any."""
        with raw_terminal() as has_keys:
            if not has_keys:
                await playing.play()
                return
            screen.say(KEYS)
            async with asyncio.TaskGroup() as group:
                listening = group.create_task(self._listen(playing, start_us))
                await playing.play()
                listening.cancel()

    async def _listen(self, playing: ArchiveReplay, start_us: int) -> None:
        async for key in key_presses():
            if key == QUIT:
                playing.quit()
                return
            if self._position is None:
                continue
            order = order_for_key(key, self._now(self._position), start_us)
            if order is not None:
                who = {"by": self._director.by, "reason": "a key"}
                run = self._position.run
                await give(self._log, run, order_of(run, order | who, self._clock), self._director.signer)

    def _now(self, position: ReplayPosition) -> ReplayPosition:
        """Return the position with its clock moved on by the time since it was published, times the speed."""
        if position.status.value != "playing":
            return position
        ran_us = round((self._clock.now() - position.at).total_seconds() * position.speed * 1_000_000)
        return replace(position, clock_us=min(position.last_us, position.clock_us + ran_us))

    def _show(self, clock_us: int) -> None:
        shown: datetime = moment(clock_us).astimezone(self._zone)
        position = self._position
        word = "" if position is None else f"{position.status.value} at {position.speed:g}x"
        self._bar.reached(self._in_epoch, f"{shown:%H:%M:%S} {word}")


KEYS: Final = "space: pause or resume   ← →: five minutes   n: next record   + -: faster, slower   0: start   q: end"
QUIT: Final = "q"

_JUMP: Final = timedelta(minutes=5)
_LEFT, _RIGHT = "\x1b[D", "\x1b[C"
_MAX_BYTES: Final = 64
_SIXTY: Final = 60.0

Order = dict[str, Any]


def keys_in(text: str) -> Iterator[str]:
    """Split what a terminal sent into keys: letters, and arrows as their escape sequence."""
    at = 0
    while at < len(text):
        size = len(_LEFT) if text.startswith("\x1b[", at) else 1
        yield text[at : at + size]
        at += size


def order_for_key(key: str, position: ReplayPosition, start_us: int) -> Order | None:
    """Return the fields of the order that a key stands for at this position; `None` for a key without an order."""
    clock, first, last = (moment(us) for us in (position.clock_us, position.first_us, position.last_us))
    stands = position.status is Status.PAUSED
    orders: dict[str, Order] = {
        " ": {"type": "replay_resumed" if stands else "replay_paused"},
        _LEFT: {"type": "replay_sought", "to": max(first, clock - _JUMP)},
        _RIGHT: {"type": "replay_sought", "to": min(last, max(first, clock) + _JUMP)},
        "n": {"type": "replay_stepped", "records": 1},
        "+": {"type": "replay_speed_set", "speed": min(MAX_SPEED, (position.speed or _SIXTY) * 2)},
        "-": {"type": "replay_speed_set", "speed": max(MIN_SPEED, (position.speed or _SIXTY) / 2)},
        "0": {"type": "replay_sought", "to": moment(start_us)},
    }
    return orders.get(key)


@contextmanager
def raw_terminal() -> Iterator[bool]:
    """Read single key presses while the block runs, without Enter. Yields whether standard input is a terminal."""
    if not sys.stdin.isatty():
        yield False
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield True
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


async def key_presses() -> AsyncIterator[str]:
    """Yield each key press, until standard input ends."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin, ready.set)
    try:
        while True:
            await ready.wait()
            ready.clear()
            text = os.read(sys.stdin.fileno(), _MAX_BYTES).decode(errors="ignore")
            if not text:
                return
            for key in keys_in(text):
                yield key
    finally:
        loop.remove_reader(sys.stdin)


TIMELINE_EXAMPLE = (
    "Example: sandik timeline archives/2024-yerel --contest metropolitan_mayor --source aa --out night.json"
)


@app.command(epilog=TIMELINE_EXAMPLE)
def timeline(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The archive: see sandik archive.")],
    out: OutFile,
    contest: Annotated[str | None, typer.Option(metavar="ID", help="Only this contest.")] = None,
    source: Annotated[str | None, typer.Option(metavar="ID", help="Only this source.")] = None,
    step_s: Annotated[float, typer.Option(min=0.1, max=600, help="The finest time that it tells apart.")] = 1.0,
    clock: Annotated[
        DueBy, typer.Option(help="append: when records came, as it was on air; event: when they say they counted.")
    ] = DueBy.APPEND,
    operator_key: OperatorKeys = None,
) -> None:
    """Write what was on air from when on, for OGraf graphics that are rendered afterwards.

    Holds, figures set by hand and the embargo count from when they were ordered. See docs/graphics-tools.md.
    """
    calm_garbage_collector()
    archive = open_archive(folder)
    run = archive.run()
    definition = run.definition
    if contest is not None and contest not in definition.contest_by_id:
        raise UsageError(f"The archive has no contest {contest!r}. It has: {', '.join(definition.contest_by_id)}.")
    if source is not None and source not in {one.id for one in definition.sources}:
        raise UsageError(
            f"The archive has no source {source!r}. It has: {', '.join(one.id for one in definition.sources)}."
        )
    wanted = TimelineScope(contest, source, round(step_s * 1_000))
    partitioned = partial(partition_of, partitions=archive.manifest.partitions)
    with screen.bar("folding tallies") as bar:
        bar.expect(archive.manifest.count("tallies"))
        timeline_of_run = Timeline(run, partitioned, wanted, operator_keys(operator_key))
        orders = [_due(record, clock) for record in archive.control()]
        messages = list(timeline_of_run.messages(orders, _counted(_tallies(archive, clock), bar)))
    content = document(run, messages)
    write_out(out, content)
    screen.warn(complaint(timeline_of_run.kept))
    screen.say(f"Wrote {grouped(len(messages))} messages, {grouped(len(content))} bytes, to {out}.")
    if any(message.get("hold") for _, message in messages):
        screen.say("Holds are told as they were ordered: the archive does not say what had been published by then.")


def _tallies(archive: Archive, clock: DueBy) -> Iterator[Due]:
    due = (_due(record, clock) for record in archive.tallies())
    yield from due if clock is DueBy.APPEND else iter(sorted(due, key=lambda one: one.timestamp))


def _due(record: Archived, clock: DueBy) -> Due:
    by_event = clock is DueBy.EVENT and record.event_time is not None
    at_ms = epoch_ms(record.event_time) if by_event and record.event_time is not None else record.append_ms
    return Due(at_ms, record.partition, record.offset, record.key, record.value)


def _counted(records: Iterator[Due], bar: screen.Bar) -> Iterator[Due]:
    """Yield the records, and move the progress bar every thousand."""
    for number, record in enumerate(records, 1):
        yield record
        if number % 1_000 == 0:
            bar.reached(number)
