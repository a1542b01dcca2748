"""`sandik timeline`: an archived night for graphics that draw any moment of it."""

from collections.abc import Iterator
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from eventlog.archive.reader import Archive, open_archive
from eventlog.archive.segment import Archived
from eventlog.port import partition_of
from sandik import screen
from sandik.options import OperatorKeys, OutFile, command_app, operator_keys, write_out
from sandik.process import calm_garbage_collector
from sandik.quantities import grouped
from sandik.timeline import Due, Timeline, TimelineScope, document
from schemas.errors import UsageError
from schemas.moments import epoch_ms
from tabulation.orders.restrictions import complaint

EXAMPLE = "Example: sandik timeline archives/2024-yerel --contest metropolitan_mayor --source aa --out night.json"

app = command_app()


class Clock(StrEnum):
    """The time by which a record is due: its event time, or its append time."""

    EVENT = "event"
    APPEND = "append"


@app.command(epilog=EXAMPLE)
def timeline(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The archive: see sandik archive.")],
    out: OutFile,
    contest: Annotated[str | None, typer.Option(metavar="ID", help="Only this contest.")] = None,
    source: Annotated[str | None, typer.Option(metavar="ID", help="Only this source.")] = None,
    step_s: Annotated[float, typer.Option(min=0.1, max=600, help="The finest time that it tells apart.")] = 1.0,
    clock: Annotated[
        Clock, typer.Option(help="append: when records came, as it was on air; event: when they say they counted.")
    ] = Clock.APPEND,
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


def _tallies(archive: Archive, clock: Clock) -> Iterator[Due]:
    due = (_due(record, clock) for record in archive.tallies())
    yield from due if clock is Clock.APPEND else iter(sorted(due, key=lambda one: one.timestamp))


def _due(record: Archived, clock: Clock) -> Due:
    by_event = clock is Clock.EVENT and record.event_time is not None
    at_ms = epoch_ms(record.event_time) if by_event and record.event_time is not None else record.append_ms
    return Due(at_ms, record.partition, record.offset, record.key, record.value)


def _counted(records: Iterator[Due], bar: screen.Bar) -> Iterator[Due]:
    """Yield the records, and move the progress bar every thousand."""
    for number, record in enumerate(records, 1):
        yield record
        if number % 1_000 == 0:
            bar.reached(number)
