"""What was shown at a moment, worked out from the log."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from eventlog.port import EventLog
from eventlog.reading import read_to_end, read_until
from eventlog.run import Run
from gateway.routes.totals import Past
from schemas.definition import Election
from schemas.errors import UsageError
from schemas.late import Late, parse_late
from schemas.moments import epoch_ms
from schemas.totals import Row, Totals
from schemas.trust import OperatorKey
from tabulation.counting.lateness import LATE_MS
from tabulation.derived.history import Given, History, as_given, as_relayed
from tabulation.on_air.held_units import HeldUnits
from tabulation.on_air.relays import Relays
from tabulation.orders.control import Control
from tabulation.orders.restrictions import complaint
from tabulation.view.view import View


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
    relays, late = await _published(log, run, moment_ms)
    orders = await _orders(log, run, moment_ms, control)
    for partition, offset in (await _before_embargo(log, run, moment, operators)).items():
        late[partition] = min(offset, late.get(partition, offset))
    changes = as_relayed(as_given(run.definition, orders), relays)
    topic, partitions = run.topics.tallies.name, run.topics.partitions
    history = History(
        run.definition, topic, lambda key: log.partition_of(key, partitions), changes, moment_ms, relays, late
    )
    ends = await log.offsets_at(topic, moment_ms + 1)
    expect(sum(ends.values()))
    async with log.reader(topic, dict.fromkeys(ends, 0)) as reader:
        async for batch in read_until(reader, ends):
            history.fold(batch.partition, batch.records)
            reached(sum(reader.positions.values()))
    history.settle()
    embargoed = control.embargo.is_in_force(moment)
    return Past(
        at=moment,
        embargoed=embargoed,
        hold=HeldUnits(run.definition).named(history.public.held),
        held=history.public.held_units,
        on_air=() if embargoed else _rows(run.definition, history.on_air()),
        control_room=_rows(run.definition, history.control_room()),
        take=run.topics.take,
        complaint=complaint(control.unverified(moment)),
    )


async def _published(log: EventLog, run: Run, moment_ms: int) -> tuple[Relays, dict[int, int]]:
    """What the totals topic says, and from which offset on each partition's tallies were published after the moment."""
    relays = Relays(run.definition)
    times_ms: dict[Late, int] = {}
    async for record in read_to_end(log, run.topics.totals.name):
        relays.fold(record.key, record.value, record.timestamp)
        delay = parse_late(record.key, record.value)
        if delay is not None:
            times_ms.setdefault(delay, record.timestamp)
    late: dict[int, int] = {}
    for delay, published_ms in times_ms.items():
        if published_ms > moment_ms:
            late[delay.partition] = min(delay.offset, late.get(delay.partition, delay.offset))
    return relays, late


async def _before_embargo(
    log: EventLog, run: Run, moment: datetime, operators: Sequence[OperatorKey]
) -> dict[int, int]:
    """Where an embargo began just after the moment: from which offset on tallies may have been published during it.

    What waits for less than `LATE_MS` is not marked as late, so it is taken for having waited for so long.
    """
    control, moment_ms = Control(run, operators), epoch_ms(moment)
    async for record in read_to_end(log, run.topics.control.name):
        if record.timestamp > moment_ms + LATE_MS:
            break
        was_open = not control.embargo.is_in_force(moment)
        control.fold(record)
        began = record.timestamp > moment_ms and was_open
        if began and control.embargo.is_in_force(moment + timedelta(milliseconds=LATE_MS)):
            return dict(await log.offsets_at(run.topics.tallies.name, record.timestamp - LATE_MS))
    return {}


async def _orders(log: EventLog, run: Run, moment_ms: int, control: Control) -> list[Given]:
    """The orders that stand and were given by then; `control` folds everything that was."""
    given: list[Given] = []
    first_ms: int | None = None
    async for record in read_to_end(log, run.topics.control.name):
        first_ms = record.timestamp if first_ms is None else first_ms
        if record.timestamp > moment_ms:
            break
        verdict = control.fold(record)
        if verdict is not None and verdict.stands and verdict.order is not None:
            given.append(Given(record.offset, record.timestamp, verdict.order))
    if first_ms is not None and moment_ms < first_ms:
        began = datetime.fromtimestamp(first_ms / 1000, ZoneInfo(run.definition.timezone))
        raise UsageError(
            f"Run {run.name!r} began at {began.isoformat(timespec='seconds')}. Give a moment after that, with its date."
        )
    return given


def _rows(definition: Election, shown: Iterable[Totals]) -> tuple[Row, ...]:
    """The totals with their roll-ups."""
    view = View(definition)
    for offset, totals in enumerate(shown):
        view.show(offset, totals.cell, totals)
    return tuple(view.rows())
