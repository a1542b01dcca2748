"""Read a run's totals, orders, quarantine and state hash from its log, each to the end as it is now.

Totals are what an aggregator has published. Where none runs or one is behind, the log holds tallies beyond them: the
watermarks among the totals and the markers of its checkpoints say which tallies are covered, and those after them are
in no figure yet. An amendment after them that closes boxes is not in them either: then the totals do not say how many
of the opened boxes are closed, and this works it out.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Final, NamedTuple
from zoneinfo import ZoneInfo

import typer
from pydantic import ValidationError

from eventlog.port import EventLog, read_to_end, read_until
from eventlog.run import Run
from sandik.quantities import grouped
from sandik.run_totals import RunTotals, totals_of
from schemas.amendments import AMENDED_KEY, closed_by
from schemas.asides import is_aside, is_gate, is_override
from schemas.control import EmbargoSet
from schemas.definition import Election
from schemas.errors import OtherVersion, UnderEmbargo
from schemas.fields import Record, other_version
from schemas.progress import parse_watermark
from schemas.totals import Cell, Told, Totals, parse_totals, state_of
from schemas.trust import OperatorKey, OrderVerifier
from schemas.units import boxes_in
from tabulation.counting.checkpoint import MARKER_KEY, Checkpoint
from tabulation.counting.quarantine import Quarantine
from tabulation.counting.tally_fold import TallyFold
from tabulation.counting.trace import CountedBox, counted_in
from tabulation.on_air import OnAir
from tabulation.orders.control import Control
from tabulation.orders.effects import Embargo, complaint

TellOption = Annotated[
    Told,
    typer.Option(
        "--tell",
        help="Which figures: on_air, as the public sees them; control_room: the newest of what is held, too; "
        "log: what the sources say, with nothing held back and nothing set by hand.",
    ),
]


class _Uncounted(NamedTuple):
    """How many tallies are in no totals, and by the key of a cell's totals how many opened boxes are closed."""

    tallies: int = 0
    closed: Mapping[bytes, int] = {}


async def read_totals(
    log: EventLog, run: Run, told: Told, now: datetime, operators: Sequence[OperatorKey] = ()
) -> RunTotals:
    """The run's totals as they stand in its log. `operators` are those whose orders about an embargo count.

    Raises `UnderEmbargo` where nothing is on air, and what is on air was asked for. An embargo that cannot be verified
    is one as well.
    """
    control = await read_control(log, run, operators)
    embargoed, wrong_keys = control.embargo.is_in_force(now), embargo_warning(control, now)
    if embargoed and told is Told.ON_AIR:
        raise UnderEmbargo(run.name, _in_zone(run, control.embargo), wrong_keys)
    fold, published = await _read_published(log, run, {})
    beyond = await _read_uncounted(log, run, published)
    if beyond.closed:
        fold, _ = await _read_published(log, run, beyond.closed)
    totals = totals_of(fold, told, embargoed=embargoed)
    aside = (await quarantine_of(log, run, tuple(operators))).open.by_unit
    behind = _behind(run, beyond) if beyond.tallies else None
    return replace(totals, unverified_warning=wrong_keys, uncounted_warning=behind, set_aside=aside)


def _behind(run: Run, beyond: _Uncounted) -> str:
    return (
        f"The log holds {grouped(beyond.tallies)} tallies that no aggregator has counted yet, which are in none of "
        f"these figures. Where that lasts, none is running. Start one: sandik aggregate --run {run.name}."
    )


async def read_control(log: EventLog, run: Run, operators: Sequence[OperatorKey] = ()) -> Control:
    """The run's orders, to the control topic's end as it is now."""
    control = Control(run, operators)
    async for record in read_to_end(log, run.topics.control.name):
        control.fold(record)
    return control


async def counted_in_closed(log: EventLog, run: Run, after: Election) -> list[CountedBox]:
    """What is counted in boxes that the run's definition has and `after` has not.

    Only where there are such boxes are tallies read: of the partitions that these lie in, from the beginning.
    """
    closed, topic, partitions = closed_by(run.definition, after), run.topics.tallies.name, run.topics.partitions
    owned = {log.partition_of(district.encode(), partitions) for district in closed}
    ends = {partition: end for partition, end in (await log.end_offsets(topic)).items() if partition in owned}
    return list(counted_in(await _folded(log, run, ends), closed)) if ends else []


def embargo_warning(control: Control, now: datetime) -> str | None:
    """Return what to do where an embargo is in force here that may not be with the gateway's keys; else `None`.

    Holds that cannot be verified are no matter here: what is held is in the totals, as an aggregator has published it.
    """
    if not control.embargo.is_in_force(now):
        return None
    kept = complaint(verdict for verdict in control.unverified(now) if isinstance(verdict.order, EmbargoSet))
    return kept or _refused(control)


async def read_on_air(log: EventLog, run: Run) -> OnAir:
    """The fold of the totals topic, to its end as it is now."""
    fold, _ = await _read_published(log, run, {})
    return fold


async def _read_published(log: EventLog, run: Run, closed: Mapping[bytes, int]) -> tuple[OnAir, dict[int, int]]:
    """Fold the totals topic; also by partition up to which offset the tallies are published in it.

    `closed` is by the key of a cell's totals how many of its opened boxes are closed, where they do not say so yet.
    """
    fold, published = OnAir(run.definition), dict[int, int]()
    async for record in read_to_end(log, run.topics.totals.name):
        watermark = parse_watermark(record.key, record.value)
        if watermark is not None:
            published |= {one: max(at, published.get(one, 0)) for one, at in watermark.positions.items()}
            continue
        value = _closing(record, closed) if record.key in closed else record.value
        if fold.fold(record.key, value) is None:
            check_version(record)
    return fold, published


def _closing(record: Record, closed: Mapping[bytes, int]) -> bytes | None:
    totals = _parse(record)
    return record.value if totals is None else totals.model_copy(update={"closed": closed[record.key or b""]}).encode()


def check_version(record: Record) -> None:
    """Raise `OtherVersion` where a record of the totals topic bears on figures, and another release wrote it.

    Without a hold or a figure set by hand, which it may be, the others would be wrong. Other annotations in the topic
    do not matter here.
    """
    if is_aside(record.key) and not (is_gate(record.key) or is_override(record.key)):
        return
    version = other_version(record.value)
    if version is not None:
        raise OtherVersion(f"The record at {record.offset} of the totals topic", version)


def _in_zone(run: Run, embargo: Embargo) -> datetime | None:
    return embargo.until and embargo.until.astimezone(ZoneInfo(run.definition.timezone))


def _refused(control: Control) -> str | None:
    """Return what may be wrong where an order that lifts the embargo was given and had no effect with these keys."""
    if control.refused == 0:
        return None
    return (
        f"{grouped(control.refused)} orders have no effect with the keys that were given: sandik control log says why. "
        "Give the operators' keys that the gateway has with --operator-key."
    )


NO_TOTALS_HASH: Final = state_of(()).hex()
"""The state hash of a run that has no totals yet."""


async def state_hash(log: EventLog, run: Run) -> str:
    """The hash of the newest totals of every contest, source and district; in hexadecimal.

    Raises `OtherVersion` where another release wrote some of them: a hash without them would be wrong.
    """
    newest: dict[Cell, Totals] = {}
    async for record in read_to_end(log, run.topics.totals.name):
        totals = _parse(record)
        if totals is None:
            check_version(record)
            continue
        known = newest.get(totals.cell)
        if known is None or totals.version > known.version:
            newest[totals.cell] = totals
    return state_of(newest.values()).hex()


def _parse(record: Record) -> Totals | None:
    """The totals in a record; `None` for what else is in the topic, as gates are."""
    try:
        return parse_totals(record.value or b"")
    except ValidationError:
        return None


async def quarantine_of(log: EventLog, run: Run, keys: tuple[OperatorKey, ...] = ()) -> Quarantine:
    """The run's quarantine, less what an operator has settled with an order that counts by these keys."""
    queue = Quarantine(run.definition)
    verifier = OrderVerifier(run.name, run.epoch, run.mode, run.base, keys)
    async for record in read_to_end(log, run.topics.control.name):
        verdict = verifier.verify(record.offset, record.value, record.timestamp)
        if verdict is not None and verdict.order is not None and verdict.counts:
            queue.apply_order(verdict.order)
    async for record in read_to_end(log, run.topics.quarantine.name):
        queue.fold(record)
    return queue


async def _read_uncounted(log: EventLog, run: Run, published: Mapping[int, int]) -> _Uncounted:
    """Read what lies behind the tallies that are published, by partition up to an offset.

    Nearly nothing is read but where an amendment was not counted yet: then the partitions with it, from the beginning.
    """
    ends = await log.end_offsets(run.topics.tallies.name)
    begins = {partition: published.get(partition, 0) for partition in ends}
    if any(begins[partition] < end for partition, end in ends.items()):
        covered = await _covered_by_checkpoints(log, run)
        begins = {partition: max(begin, covered.get(partition, 0)) for partition, begin in begins.items()}
    waiting = {partition: begin for partition, begin in begins.items() if begin < ends[partition]}
    if not (waiting and run.amendments):
        return _Uncounted(sum(ends[partition] - begin for partition, begin in waiting.items()))
    tallies, amended = await _look(log, run, waiting, ends)
    return _Uncounted(tallies, await _closed(log, run, {partition: waiting[partition] for partition in amended}))


async def _folded(log: EventLog, run: Run, ends: Mapping[int, int]) -> TallyFold:
    """Fold these partitions of the run's tallies from the beginning up to these offsets."""
    partitions, topic = run.topics.partitions, run.topics.tallies.name
    fold = TallyFold(run.base, topic, lambda key: log.partition_of(key, partitions), run.ordered)
    async with log.reader(topic, dict.fromkeys(ends, 0)) as reader:
        async for batch in read_until(reader, ends):
            before = [record for record in batch.records if record.offset < ends[batch.partition]]
            fold.apply(batch.partition, before)
    return fold


async def _covered_by_checkpoints(log: EventLog, run: Run) -> dict[int, int]:
    """By partition how far a checkpoint covers the tallies: totals are published before one is written."""
    topic = run.topics.ledger.name
    ends = await log.end_offsets(topic)
    kept = {partition: Checkpoint() for partition in ends}
    async with log.reader(topic, dict.fromkeys(ends, 0)) as reader:
        async for batch in read_until(reader, ends):
            kept[batch.partition].add(record for record in batch.records if record.key == MARKER_KEY)
    return {partition: checkpoint.marker.position for partition, checkpoint in kept.items()}


async def _look(
    log: EventLog, run: Run, begins: Mapping[int, int], ends: Mapping[int, int]
) -> tuple[int, frozenset[int]]:
    """Count the tallies behind these offsets, and name the partitions in which an amendment is among them."""
    tallies, amended, topic = 0, set(), run.topics.tallies.name
    async with log.reader(topic, begins) as reader:
        async for batch in read_until(reader, {partition: ends[partition] for partition in begins}):
            amendments = sum(record.key == AMENDED_KEY for record in batch.records)
            tallies += len(batch.records) - amendments
            if amendments:
                amended.add(batch.partition)
    return tallies, frozenset(amended)


async def _closed(log: EventLog, run: Run, ends: Mapping[int, int]) -> Mapping[bytes, int]:
    """By the key of a cell's totals how many of the boxes that are opened in them the definition has closed."""
    partitions = run.topics.partitions
    closed = {
        unit.id: boxes_in(unit.closed)
        for unit in run.definition.units
        if unit.closed and log.partition_of(unit.id.encode(), partitions) in ends
    }
    if not closed:
        return {}
    fold = await _folded(log, run, ends)
    return Counter(Cell(one.contest, one.source, one.district).key() for one in counted_in(fold, closed))
