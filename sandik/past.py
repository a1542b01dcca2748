"""Work out from the log what was shown at a past moment, and the course of a night so far, here or in another process.

A night takes seconds to fold, which a gateway cannot spare: it starts a `PastWorker` for each question.

For the night so far (`/v1/lead-over-time` of before a gateway's start) the tallies are folded in the order in which
they were published, as the watermarks among the totals say it, all partitions side by side. Where an older aggregator
wrote none, it goes by when the log took them.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from eventlog.port import WAIT_MS, EventLog, Reader, Silence, read_to_end, read_until
from eventlog.run import Run
from gateway.recall import Past
from sandik.process import command_line
from schemas.amendments import FIRST_VERSION
from schemas.definition import Election
from schemas.errors import LogUnavailable, UsageError
from schemas.fields import Record
from schemas.graphics import Graphic
from schemas.moments import epoch_ms
from schemas.progress import Watermark, parse_watermark
from schemas.totals import Row, Totals
from schemas.trust import OperatorKey
from tabulation.counting.tally_fold import TallyFold
from tabulation.derived.history import (
    Courses,
    Given,
    History,
    PublishedPositions,
    RelivedNight,
    as_given,
    as_relayed,
    decode_courses,
)
from tabulation.on_air import HeldUnits, Relays
from tabulation.orders.control import Control
from tabulation.orders.effects import complaint
from tabulation.view import View

_LATE_MS: Final = 1_000
"""Tallies that had waited for longer were marked as late by aggregators that wrote no watermarks."""


class _Published(NamedTuple):
    """What the totals topic says: what orders came to, how far it had come when, and when it said the last."""

    relays: Relays
    positions: PublishedPositions
    watermarks: Sequence[tuple[int, Watermark]]
    last_ms: int


async def past_of(
    log: EventLog,
    run: Run,
    moment: datetime,
    operators: Sequence[OperatorKey] = (),
    *,
    expect: Callable[[int], None] = lambda _: None,
    reached: Callable[[int], None] = lambda _: None,
) -> Past:
    """The totals as they stood then: everything that the log had been given by that millisecond.

    `expect` and `reached` are told how many tallies that is, and how many are folded. Raises `UsageError` where the run
    had not begun.
    """
    moment_ms = epoch_ms(moment)
    control = Control(run, operators)
    published = await _read_totals(log, run, moment_ms)
    orders, amendments = await _orders_until(log, run, moment_ms, control)
    late = published.positions.unpublished_from()
    inexact = {number for number in range(run.topics.partitions) if not published.positions.is_exact(number)}
    if inexact:  # watermarks leave nothing open, and the control topic need not be read once more
        for partition, offset in (await _before_embargo(log, run, moment, operators)).items():
            if partition in inexact:
                late[partition] = min(offset, late.get(partition, offset))
    changes = as_relayed(as_given(run.definition, orders), published.relays)
    history = History(run.definition, _folded_from_the_start(log, run), changes, moment_ms, published.relays, late)
    topic = run.topics.tallies.name
    ends = await log.offsets_at(topic, moment_ms + 1)
    expect(sum(ends.values()))
    async with log.reader(topic, dict.fromkeys(ends, 0)) as reader:
        async for batch in read_until(reader, ends):
            history.fold(batch.partition, batch.records)
            reached(sum(reader.positions.values()))
    history.settle()
    definition = run.definition_of(FIRST_VERSION + max(amendments, history.amendments))
    embargoed = control.embargo.is_in_force(moment)
    return Past(
        at=moment,
        embargoed=embargoed,
        hold=HeldUnits(definition).named(history.public.held),
        held=history.public.held_units,
        on_air=() if embargoed else _rows(definition, history.on_air()),
        control_room=_rows(definition, history.control_room()),
        take=run.topics.take,
        unverified_warning=complaint(control.unverified(moment)),
        graphics={channel: shown.graphic for channel, shown in control.rundown.on_air.items()},
    )


def _folded_from_the_start(log: EventLog, run: Run) -> TallyFold:
    """A fold to which nothing was fed, for the run's tallies from their beginning."""
    partitions = run.topics.partitions
    return TallyFold(run.base, run.topics.tallies.name, lambda key: log.partition_of(key, partitions), run.ordered)


async def _read_totals(log: EventLog, run: Run, moment_ms: int) -> _Published:
    """Read the totals topic: what is said of all times, and what was published by the moment."""
    relays, positions = Relays(run.definition), PublishedPositions(moment_ms)
    watermarks: list[tuple[int, Watermark]] = []
    last_ms = 0
    async for record in read_to_end(log, run.topics.totals.name):
        relays.fold(record.key, record.value, record.timestamp)
        positions.fold(record.key, record.value, record.timestamp)
        watermark = parse_watermark(record.key, record.value)
        if watermark is not None:
            watermarks.append((record.timestamp, watermark))
        last_ms = max(last_ms, record.timestamp)
    return _Published(relays, positions, watermarks, last_ms)


async def _before_embargo(
    log: EventLog, run: Run, moment: datetime, operators: Sequence[OperatorKey]
) -> dict[int, int]:
    """Where an embargo began just after the moment: from which offset on tallies may have been published during it.

    It counts where no watermark says what was published. What waited for less than `_LATE_MS` was not marked as late,
    so it is taken for having waited for so long.
    """
    control, moment_ms = Control(run, operators), epoch_ms(moment)
    async for record in read_to_end(log, run.topics.control.name):
        if record.timestamp > moment_ms + _LATE_MS:
            break
        was_open = not control.embargo.is_in_force(moment)
        control.fold(record)
        began = record.timestamp > moment_ms and was_open
        if began and control.embargo.is_in_force(moment + timedelta(milliseconds=_LATE_MS)):
            return dict(await log.offsets_at(run.topics.tallies.name, record.timestamp - _LATE_MS))
    return {}


async def _orders_until(log: EventLog, run: Run, moment_ms: int, control: Control) -> tuple[list[Given], int]:
    """The orders that stand and were given by then, and how many amendments of the definition had been.

    `control` folds everything that was given.
    """
    given: list[Given] = []
    amending, amendments = {amendment.order for amendment in run.amendments}, 0
    first_ms: int | None = None
    async for record in read_to_end(log, run.topics.control.name):
        first_ms = record.timestamp if first_ms is None else first_ms
        if record.timestamp > moment_ms:
            break
        amendments += record.offset in amending
        verdict = control.fold(record)
        if verdict is not None and verdict.stands and verdict.order is not None:
            given.append(Given(record.offset, record.timestamp, verdict.order))
    if first_ms is not None and moment_ms < first_ms:
        began = datetime.fromtimestamp(first_ms / 1000, ZoneInfo(run.definition.timezone))
        raise UsageError(
            f"Run {run.name!r} began at {began.isoformat(timespec='seconds')}. Give a moment after that, with its date."
        )
    return given, amendments


def _rows(definition: Election, shown: Iterable[Totals]) -> tuple[Row, ...]:
    """The totals with their roll-ups."""
    view = View(definition)
    for offset, totals in enumerate(shown):
        view.show(offset, totals.cell, totals)
    return tuple(view.rows())


_MOST_STEPS: Final = 480
"""Steps of a night: a minute each in one of eight hours. Each looks at every district that changed in it."""

_LEAST_STEP_MS: Final = 1_000
_MOST_STEP_MS: Final = 60_000
"""A course has a point a minute at most; a replay at sixty times the speed has one a second."""

_EVER: Final = 2**62
"""Later than any moment, in milliseconds since 1970."""

_MAX_RECORDS: Final = 2_000
"""Records of one partition that are read ahead: a megabyte or less."""


async def courses_so_far(log: EventLog, run: Run, operators: Sequence[OperatorKey] = ()) -> Courses:
    """How the units stood, by contest, source and unit, as it was on air until now.

    What was held is in it as it stood; orders count that these keys verify.
    """
    published = await _read_totals(log, run, _EVER)
    orders, _ = await _orders_until(log, run, _EVER, Control(run, operators))
    changes = as_relayed(as_given(run.definition, orders), published.relays)
    late = published.positions.unpublished_from()
    fold = _folded_from_the_start(log, run)
    night = RelivedNight(run.definition, History(run.definition, fold, changes, _EVER, published.relays, late))
    async with AsyncExitStack() as resources:
        topic = run.topics.tallies.name
        ends = {partition: end for partition, end in (await log.end_offsets(topic)).items() if end}
        tallies = {
            partition: _Tallies(
                await resources.enter_async_context(log.reader(topic, {partition: 0})),
                partition,
                late.get(partition, end),
            )
            for partition, end in ends.items()
        }
        async for until_ms, came_in in _steps(published, tallies):
            night.step(until_ms, came_in)
    night.step(published.last_ms, {})  # orders after the last figures
    return night.courses


class _Tallies:
    """One partition's tallies, as they are read: `end` is the offset from which on none was published."""

    def __init__(self, reader: Reader, partition: int, end: int) -> None:
        self._reader = reader
        self._partition = partition
        self._end = end
        self._waiting: deque[Record] = deque()

    async def next_ms(self) -> int | None:
        """When the log took the next one; `None` where there is none."""
        await self._read(lambda: bool(self._waiting))
        return self._waiting[0].timestamp if self._waiting else None

    async def before(self, offset: int) -> list[Record]:
        """Those before this offset that were not taken yet."""
        await self._read(lambda: bool(self._waiting) and self._waiting[-1].offset >= offset - 1)
        return list(self._taken(lambda record: record.offset < offset))

    async def by(self, until_ms: int) -> list[Record]:
        """Those that the log had taken by this moment and that were not taken here yet."""
        await self._read(lambda: bool(self._waiting) and self._waiting[-1].timestamp > until_ms)
        return list(self._taken(lambda record: record.timestamp <= until_ms))

    async def _read(self, is_enough: Callable[[], bool]) -> None:
        silence = Silence()
        while self._reader.positions[self._partition] < self._end and not is_enough():
            batches = await self._reader.read(max_records=_MAX_RECORDS, wait_ms=WAIT_MS)
            silence.heard(batches)
            self._waiting.extend(record for batch in batches for record in batch.records if record.offset < self._end)

    def _taken(self, is_wanted: Callable[[Record], bool]) -> Iterator[Record]:
        while self._waiting and is_wanted(self._waiting[0]):
            yield self._waiting.popleft()


async def _steps(
    published: _Published, tallies: Mapping[int, _Tallies]
) -> AsyncIterator[tuple[int, Mapping[int, Sequence[Record]]]]:
    """Yield the end of each step in which anything was published, and what was, by partition."""
    watermarks, positions, step_ms = deque(published.watermarks), dict[int, int](), 0
    began = {one for _, watermark in watermarks for one, at in watermark.positions.items() if at == 0}
    while True:
        untold = [one for partition, one in tallies.items() if partition not in began and partition not in positions]
        moments = [moment for one in untold if (moment := await one.next_ms()) is not None]
        moments += [appended_ms for appended_ms, _ in list(watermarks)[:1]]
        if not moments:
            return
        first_ms = min(moments)
        step_ms = step_ms or min(max((published.last_ms - first_ms) // _MOST_STEPS, _LEAST_STEP_MS), _MOST_STEP_MS)
        until_ms = (first_ms // step_ms + 1) * step_ms - 1
        while watermarks and watermarks[0][0] <= until_ms:
            for partition, at in watermarks.popleft()[1].positions.items():
                positions[partition] = max(at, positions.get(partition, 0))
        came_in = {
            partition: await one.before(positions.get(partition, 0))
            if partition in began or partition in positions
            else await one.by(until_ms)
            for partition, one in tallies.items()
        }
        yield until_ms, came_in


_log: Final = logging.getLogger(__name__)

_USAGE_EXIT: Final = 2

_SENTENCE_PREFIX: Final = "sandik: "
"""How the line begins that the command line ends with where it cannot do what was asked."""

_TRACEBACK: Final = "Traceback (most recent call last)"


class PastWorker:
    """Runs `sandik at` for each moment that is asked for, and `sandik night-so-far` for the course of the night.

    Cancelled, it kills the process and waits for its end.
    """

    def __init__(self, url: str, run: str, operator_keys: Sequence[Path] = ()) -> None:
        options = ["--log", url, "--run", run, "--worker"]
        self._options = options + [part for key in operator_keys for part in ("--operator-key", str(key))]

    async def at(self, moment: datetime) -> Past:
        """Return the totals as they stood at the moment.

        Raises:
            UsageError: the run had not begun at that moment.
            LogUnavailable: it could not be worked out; the same can be tried again.
        """
        out = await self._worked_out("at", moment.isoformat(), "--format", "json")
        return await asyncio.to_thread(_parsed, out)

    async def courses(self) -> Courses:
        """Return how the units stood in the course of the night so far.

        Raises `LogUnavailable` where it could not be worked out; the same can be tried again.
        """
        return await asyncio.to_thread(decode_courses, await self._worked_out("night-so-far"))

    async def _worked_out(self, command: str, *arguments: str) -> bytes:
        """Run a command on the run's log in a process of its own; what it has written."""
        try:
            process = await asyncio.create_subprocess_exec(
                *command_line(command, *arguments, *self._options),
                stdin=asyncio.subprocess.PIPE,  # held open: the process ends when this one is gone
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:  # no memory, process or descriptor to spare
            raise LogUnavailable(f"The past is worked out in another process, and none began: {error}.") from error
        try:
            out, err = await _outputs(process)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode == 0:
            return out
        text = err.decode(errors="replace")
        reason = _reason(text)
        if reason is None:
            _log.warning("The past could not be worked out; its process ended with %s: %s", process.returncode, text)
            raise LogUnavailable("The past could not be worked out; the gateway's own log says why. Try again.")
        raise UsageError(reason) if process.returncode == _USAGE_EXIT else LogUnavailable(f"That failed: {reason}")


async def _outputs(process: asyncio.subprocess.Process) -> tuple[bytes, bytes]:
    """Everything that the process writes until its end, with its standard input left open."""
    if process.stdout is None or process.stderr is None:
        raise RuntimeError("The process was started without pipes.")
    out, err, _ = await asyncio.gather(process.stdout.read(), process.stderr.read(), process.wait())
    return out, err


def _reason(text: str) -> str | None:
    """Return the sentence for people that the command ended with; `None` where it ended with a traceback."""
    *_, last = f"\n{text.strip()}".split(f"\n{_SENTENCE_PREFIX}")
    return None if last.startswith("\n") or _TRACEBACK in last else last


def encode_past(past: Past) -> bytes:
    """A past as JSON; the control room's rows only where they are others than those on air."""
    control_room = None if past.control_room == past.on_air else [row.fields() for row in past.control_room]
    return orjson.dumps(
        {
            "at": past.at,
            "take": past.take,
            "embargoed": past.embargoed,
            "hold": past.hold,
            "held": sorted(past.held),
            "complaint": past.unverified_warning,
            "on_air": [row.fields() for row in past.on_air],
            "control_room": control_room,
            "graphics": {channel: graphic.model_dump() for channel, graphic in past.graphics.items()},
        },
        option=orjson.OPT_INDENT_2,
    )


def _parsed(text: bytes) -> Past:
    fields = orjson.loads(text)
    on_air = tuple(_row(row) for row in fields["on_air"])
    return Past(
        at=datetime.fromisoformat(fields["at"]),
        take=fields["take"],
        embargoed=fields["embargoed"],
        hold=tuple(fields["hold"]),
        held=frozenset((contest, unit) for contest, unit in fields["held"]),
        unverified_warning=fields["complaint"],
        on_air=on_air,
        graphics={channel: Graphic(**graphic) for channel, graphic in fields["graphics"].items()},
        control_room=on_air if fields["control_room"] is None else tuple(_row(row) for row in fields["control_room"]),
    )


def _row(fields: dict[str, object]) -> Row:
    row = Row(**fields)  # type: ignore[arg-type]  # what our own `encode_past` wrote
    return row._replace(overridden=tuple(row.overridden), contradictions=tuple(row.contradictions))
