import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from consumers.aggregate import MAX_RECORDS, WARN_EVERY_S, AggregateSettings, Aggregator, Progress
from eventlog.clock import Manual, Wall
from eventlog.loops import RetryPolicy
from eventlog.port import Entry, EventLog, Topic
from eventlog.run import Run, create_run
from eventlog.sqlite.log import SqliteLog
from schemas.asides import is_aside, is_notice, parse_notice
from schemas.errors import LogUnavailable
from schemas.fields import Record
from schemas.progress import parse_watermark
from schemas.quarantine import Quarantined
from schemas.tally import Tally
from schemas.totals import Cell, Totals, parse_totals
from tabulation.counting.checkpoint import MARKER_KEY, ledger_entry
from tabulation.counting.tally_fold import TallyFold
from tests.builders import DISTRICTS, NIGHT, counted, reported, small_election, value_of, with_agency, withdrawn
from tests.eventlog.reading import read_to_end
from tests.patience import LIMIT_S

FAST = AggregateSettings(tick_ms=5, checkpoint_ms=20, retry=RetryPolicy(0.01, 0.01), compare_ms=20)


@pytest.fixture
async def run(log: EventLog, unique: str) -> Run:
    return await create_run(
        log, unique, with_agency(small_election()), mode="test", epoch="e1e1", clock=Wall(), partitions=4
    )


async def publish(log: EventLog, run: Run, *tallies: Tally) -> None:
    await log.append(run.topics.tallies.name, [Entry(tally.district.encode(), value_of(tally)) for tally in tallies])


async def records(log: EventLog, topic: Topic) -> list[Record]:
    return [record for records in (await read_to_end(log, topic.name)).values() for record in records]


async def keys_of_totals(log: EventLog, run: Run) -> list[bytes | None]:
    """The keys of the totals topic but for watermarks, in order."""
    found = await records(log, run.topics.totals)
    return [record.key for record in found if parse_watermark(record.key, record.value) is None]


async def newest(log: EventLog, run: Run) -> dict[Cell, Totals]:
    """What a reader of the totals topic ends up with."""
    held: dict[Cell, Totals] = {}
    for record in await records(log, run.topics.totals):
        if is_aside(record.key):
            continue
        totals = parse_totals(record.value or b"")
        if totals.cell not in held or totals.version > held[totals.cell].version:
            held[totals.cell] = totals
    return held


async def until_end(log: EventLog, run: Run) -> Progress:
    async with asyncio.timeout(LIMIT_S):
        return await Aggregator(log, run, Wall(), FAST).run_until_end()


USKUDAR = Cell("mayor", "aa", "tr/34/uskudar")


async def test_until_end_publishes_absolute_totals_and_returns(log: EventLog, run: Run) -> None:
    await publish(log, run, counted(), counted(box=1002), counted(source="anka"), counted(district=DISTRICTS[0]))

    progress = await until_end(log, run)

    totals = await newest(log, run)
    assert (3, 2, 300) == (len(totals), totals[USKUDAR].boxes_opened, totals[USKUDAR].votes["imamoglu"])
    assert (4, {"counted": 4}) == (progress.folded, dict(progress.outcomes))


async def test_while_the_lag_is_large_totals_are_published_less_often(tmp_path: Path, unique: str) -> None:
    """In a rebuild they are old already. Its last read finds few records, and so is not of that kind."""
    tallies = [counted({"imamoglu": number}, revision=number + 1) for number in range(MAX_RECORDS + 1)]
    a_tick_each_hour = AggregateSettings(tick_ms=3_600_000)
    async with asyncio.timeout(LIMIT_S), SqliteLog(tmp_path / "night.db", Wall()) as log:
        run = await create_run(log, unique, small_election(), mode="test", epoch="e1e1", clock=Wall())
        await publish(log, run, *tallies)

        progress = await Aggregator(log, run, Wall(), a_tick_each_hour).run_until_end()

        assert (MAX_RECORDS + 1, 1) == (progress.folded, progress.published)
        assert MAX_RECORDS == (await newest(log, run))[USKUDAR].votes["imamoglu"]


async def test_a_restart_goes_on_from_the_checkpoint(log: EventLog, run: Run) -> None:
    """The second start folds only what came since, and says nothing again that was said."""
    await publish(log, run, *(counted(box=box) for box in range(1001, 1011)))
    await until_end(log, run)
    before = len(await keys_of_totals(log, run))
    await publish(log, run, counted({"kurum": 7}, box=1011))

    progress = await until_end(log, run)

    totals = (await newest(log, run))[USKUDAR]
    assert (11, 1007) == (totals.boxes_opened, totals.votes["kurum"])
    assert 1 == progress.folded
    assert before + 1 == len(await keys_of_totals(log, run))


async def test_what_was_kept_but_not_published_is_published_by_who_goes_on(log: EventLog, run: Run) -> None:
    """A round writes ledgers as they are by then: killed in it, an aggregator has kept more than it has published."""
    await publish(log, run, counted())
    await until_end(log, run)
    await publish(log, run, counted({"kurum": 7}, box=1002))
    partitions = run.topics.partitions
    fold = TallyFold(run.definition, run.topics.tallies.name, lambda key: log.partition_of(key, partitions))
    for record in await records(log, run.topics.tallies):
        fold.apply(fold.partition_of(USKUDAR), [record])
    kept = ledger_entry(fold.ledgers[USKUDAR], fold.partition_of(USKUDAR))
    await log.append(run.topics.ledger.name, [Entry(*kept)])

    await until_end(log, run)

    totals = (await newest(log, run))[USKUDAR]
    assert (2, fold.ledgers[USKUDAR].version) == (totals.boxes_opened, totals.version)


async def test_a_restart_without_new_input_is_idempotent(log: EventLog, run: Run) -> None:
    await publish(log, run, counted())
    await until_end(log, run)
    before = await log.end_offsets(run.topics.totals.name)

    assert 0 == (await until_end(log, run)).published
    assert before == await log.end_offsets(run.topics.totals.name)


async def test_a_revision_after_a_restart_replaces_what_the_checkpoint_held(log: EventLog, run: Run) -> None:
    await publish(log, run, counted({"kurum": 50}), counted(box=1002))
    await until_end(log, run)
    await publish(log, run, counted({"kurum": 5}, revision=2), withdrawn(box=1002))
    await until_end(log, run)

    totals = (await newest(log, run))[USKUDAR]
    assert (1, 5, 0) == (totals.boxes_opened, totals.votes["kurum"], totals.votes["imamoglu"])


async def test_revisions_that_begin_again_are_told_in_the_totals_topic_and_counted_over_restarts(
    log: EventLog, run: Run
) -> None:
    """Nothing that reads totals minds them; and whoever counts from the beginning says the same."""
    again = [counted({"kurum": n}, revision=n, at=NIGHT + timedelta(hours=n)) for n in (1, 2, 3)]
    await publish(log, run, counted(revision=7), *again[:2])
    await until_end(log, run)
    await publish(log, run, again[2])
    await until_end(log, run)
    told = [parse_notice(one.value or b"") for one in await records(log, run.topics.totals) if is_notice(one.key)]
    for partition in range(4):
        await log.append(run.topics.ledger.name, [Entry(MARKER_KEY, b"scribble", partition)])
    await until_end(log, run)
    rebuilt = [parse_notice(one.value or b"") for one in await records(log, run.topics.totals) if is_notice(one.key)]

    assert {(2, 2, 7): None, (3, 3, 7): None} == dict.fromkeys((one.count, one.revision, one.stands) for one in told)
    assert told[-1] == rebuilt[-1]
    assert 150 == (await newest(log, run))[USKUDAR].votes["imamoglu"]


async def test_impossible_boxes_are_told_in_the_totals_topic_until_they_are_corrected(
    log: EventLog, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """Of each cell how many there are now and the last of them, over restarts, with or without a checkpoint."""

    async def told() -> list[tuple[int, int | None, int]]:
        found = [parse_notice(one.value or b"") for one in await records(log, run.topics.totals) if is_notice(one.key)]
        assert {"impossible"} == {one.kind for one in found}
        return [(one.count, one.box, one.revision) for one in found]

    later = {"at": NIGHT + timedelta(minutes=1)}
    await publish(log, run, counted(), counted({"kurum": 80_000}, box=1002), counted({"kurum": 900}, box=1003, **later))
    await until_end(log, run)
    assert [(2, 1003, 1)] == await told()
    assert 80_000 + 900 + 2 * (400 + 100) == (await newest(log, run))[USKUDAR].excess
    await until_end(log, run)
    assert {(2, 1003, 1)} == {*await told()}
    await publish(log, run, withdrawn(box=1003), counted({"kurum": 80}, box=1002, revision=2))
    await until_end(log, run)
    assert (0, 1003, 1) == (await told())[-1]
    said = [one.getMessage() for one in caplog.records if "to look at" in one.getMessage()]
    look = "Statements to look at in the control room: 1, the last of them "
    assert {f"{look}impossible: aa's revision 1 of box 1003 of tr/34/uskudar in mayor"} == {*said}
    assert 0 == (await newest(log, run))[USKUDAR].excess
    await publish(log, run, counted({"kurum": 700}, box=1004))
    await until_end(log, run)
    assert (1, 1004, 1) == (await told())[-1]
    for partition in range(4):
        await log.append(run.topics.ledger.name, [Entry(MARKER_KEY, b"scribble", partition)])
    await until_end(log, run)
    assert (1, 1004, 1) == (await told())[-1]


async def forever(aggregator: Aggregator) -> None:
    while True:
        await aggregator._turn()


async def test_a_watermark_that_may_be_written_late_has_a_key_that_newer_ones_do_not_have(
    tmp_path: Path, unique: str
) -> None:
    """Else compaction would leave it in their place, and the past would be told less than was on air."""
    clock = Manual(NIGHT)

    class Unanswered(SqliteLog):
        is_away = False

        async def append(self, topic: str, entries: Sequence[Entry]) -> None:
            await super().append(topic, entries)
            if self.is_away and topic.endswith(".totals"):
                raise LogUnavailable("Nobody knows whether it was written.")

    async with Unanswered(tmp_path / "log.db", Wall()) as log:
        run = await create_run(log, unique, small_election(), mode="test", epoch="e1e1", clock=Wall(), partitions=4)
        aggregator = Aggregator(log, run, clock, FAST)
        async with aggregator._relay, aggregator._comparing, aggregator._assessing, aggregator._resources:
            await aggregator._own(frozenset(range(4)))
            before = len(await records(log, run.topics.totals))
            await publish(log, run, counted())
            log.is_away = True
            clock.advance(0.25)
            with pytest.raises(LogUnavailable):
                await forever(aggregator)
            log.is_away = False
            while not aggregator._progress.published:
                await aggregator._turn()
        found = (await records(log, run.topics.totals))[before:]
    keys = [record.key for record in found if parse_watermark(record.key, record.value) is not None]
    assert (2, 2) == (len(keys), len(set(keys)))


async def test_ticks_are_counted_from_when_publishing_begins_however_long_its_append_takes(
    tmp_path: Path, unique: str
) -> None:
    clock = Manual(NIGHT)

    class Slow(SqliteLog):
        async def append(self, topic: str, entries: Sequence[Entry]) -> None:
            await super().append(topic, entries)
            if topic.endswith(".totals"):
                clock.advance(0.75)

    async with Slow(tmp_path / "log.db", Wall()) as log:
        run = await create_run(log, unique, small_election(), mode="test", epoch="e1e1", clock=Wall(), partitions=4)
        aggregator = Aggregator(log, run, clock, AggregateSettings(tick_ms=1_000))
        async with aggregator._relay, aggregator._comparing, aggregator._assessing, aggregator._resources:
            await aggregator._own(frozenset(range(4)))
            await publish(log, run, counted())
            while not aggregator._progress.published:
                await aggregator._turn()
            await publish(log, run, counted(box=1002))
            while aggregator._progress.folded < 2:
                await aggregator._turn()
            early = aggregator._progress.published
            clock.advance(0.25)
            await aggregator._turn()
            assert (1, 2) == (early, aggregator._progress.published)


async def test_impossible_boxes_are_warned_of_once_in_a_while_however_many_follow(
    log: EventLog, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Manual(NIGHT)
    aggregator = Aggregator(log, run, clock, FAST)

    def warnings() -> int:
        return sum("to look at" in one.getMessage() for one in caplog.records)

    async with aggregator._relay, aggregator._comparing, aggregator._assessing, aggregator._resources:
        await aggregator._own(frozenset(range(4)))
        for folded, (box, expected) in enumerate(((1002, 1), (1003, 1), (1004, 2)), start=1):
            await publish(log, run, counted({"kurum": 80_000}, box=box))
            while aggregator._progress.folded < folded:
                await aggregator._turn()
            await aggregator._publish()
            await aggregator._publish_notices()
            assert expected == warnings()
            if box == 1003:
                clock.advance(WARN_EVERY_S)


async def test_a_damaged_checkpoint_is_folded_over_from_the_start_and_told(
    log: EventLog, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    await publish(log, run, counted(), counted(box=1002))
    await until_end(log, run)
    assert [] == [one for one in caplog.records if one.levelname == "WARNING"]
    for partition in range(4):
        await log.append(run.topics.ledger.name, [Entry(MARKER_KEY, b"scribble", partition)])
    await publish(log, run, counted(box=1003))

    progress = await until_end(log, run)

    assert 3 == (await newest(log, run))[USKUDAR].boxes_opened
    assert 3 == progress.folded
    told = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert [
        f"Partition {number} has no checkpoint to go on from: 'marker' in the ledger topic is damaged. Folding it "
        "from the start."
        for number in range(4)
    ] == sorted(told)


async def test_fencing_a_zombies_stale_totals_are_published_over(log: EventLog, run: Run) -> None:
    """Readers drop it anyway; this keeps compaction from leaving it as the only record of its cell."""
    await publish(log, run, counted(), counted(box=1002))
    await until_end(log, run)
    stale = (await newest(log, run))[USKUDAR].model_copy(update={"version": 0, "boxes_opened": 1})
    await log.append(run.topics.totals.name, [Entry(USKUDAR.key(), stale.encode()), Entry(b"junk", b"not totals")])

    await until_end(log, run)

    found = [record for record in await records(log, run.topics.totals) if record.key == USKUDAR.key()]
    last = parse_totals(found[-1].value or b"")
    assert (3, USKUDAR, 2) == (len(found), last.cell, last.boxes_opened)


async def test_what_cannot_be_used_goes_to_quarantine_with_its_bytes_and_position(log: EventLog, run: Run) -> None:
    bad = Entry(b"tr/34/uskudar", b"\xff not json")
    await log.append(run.topics.tallies.name, [bad])
    await publish(log, run, counted())

    await until_end(log, run)

    (record,) = await records(log, run.topics.quarantine)
    quarantined = Quarantined.model_validate_json(record.value or b"")
    assert (b"\xff not json", "malformed") == (quarantined.original, quarantined.reason)
    assert record.key == quarantined.position
    assert 1 == (await newest(log, run))[USKUDAR].boxes_opened


async def test_a_report_that_went_backwards_is_told_and_can_stand_after_a_restart(
    log: EventLog, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """The checkpoint keeps it: a correction that belongs before it may come later."""
    back = reported({"kurum": 8}, revision=3, boxes_opened=8)
    await publish(log, run, reported(), back, counted())
    await until_end(log, run)
    agency = Cell("mayor", "agency", "tr/34/uskudar")
    assert 10 == (await newest(log, run))[agency].boxes_opened
    assert "goes back from 10 boxes opened to 8" in caplog.text
    record, assessment = await records(log, run.topics.quarantine)
    assert b"assessment:" + (record.key or b"") == assessment.key
    assert "backwards" == Quarantined.model_validate_json(record.value or b"").reason

    await publish(log, run, reported(revision=2, boxes_opened=5, type="report_corrected"))
    progress = await until_end(log, run)

    totals = await newest(log, run)
    assert (1, 8, 8) == (progress.folded, totals[agency].boxes_opened, totals[agency].votes["kurum"])
    assert 1 == totals[USKUDAR].boxes_opened


async def test_flags_are_reported_at_the_end(log: EventLog, run: Run) -> None:
    await publish(log, run, counted(registered=1))

    assert 1 == (await until_end(log, run)).flags["cast_over_registered"]


async def reach(log: EventLog, run: Run, boxes: int) -> None:
    """Return once the totals say that so many boxes of Üsküdar are open."""
    async with asyncio.timeout(LIMIT_S), log.reader(run.topics.totals.name, {0: 0}) as reader:
        while True:
            for batch in await reader.read(max_records=100, wait_ms=1000):
                for record in batch.records:
                    if is_aside(record.key):
                        continue
                    totals = parse_totals(record.value or b"")
                    if totals.cell == USKUDAR and totals.boxes_opened == boxes:
                        return


async def test_it_follows_the_night_and_stops_when_cancelled(log: EventLog, run: Run) -> None:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(Aggregator(log, run, Wall(), FAST).run())
        await publish(log, run, counted())
        await reach(log, run, 1)
        await publish(log, run, counted(box=1002))
        await reach(log, run, 2)
        task.cancel()


async def test_rebalance_when_one_of_two_members_stops_the_other_takes_over(log: EventLog, run: Run) -> None:
    async with asyncio.TaskGroup() as group:
        first = group.create_task(Aggregator(log, run, Wall(), FAST).run())
        second = group.create_task(Aggregator(log, run, Wall(), FAST).run())
        await publish(log, run, *(counted(district=district) for district in DISTRICTS))
        await reach(log, run, 1)
        first.cancel()
        await publish(log, run, *(counted(district=district, box=1002) for district in DISTRICTS))
        await reach(log, run, 2)
        second.cancel()
    await until_end(log, run)

    assert [2, 2, 2, 2] == [totals.boxes_opened for totals in (await newest(log, run)).values()]


@pytest.mark.parametrize(
    "change",
    [
        {"boxes_total": 19},
        {"cell": ["mayor", "aa", "tr/34/besiktas"]},
        {"votes": {"imamoglu": 150, "kurum": 100, "somebody": 0}},
        {"votes": {"imamoglu": 150, "kurum": 100, "No id": 0}},
        {"votes": {"imamoglu": 2**70, "kurum": 100, "bagimsiz_1": 0}},
        {"flags": {}},
    ],
)
async def test_a_checkpoint_that_no_tallies_come_to_is_folded_over_from_the_start(
    log: EventLog, run: Run, change: dict[str, Any]
) -> None:
    """Whoever may write to the topic could say so, and no aggregator would start again."""
    await publish(log, run, counted(), counted(box=1002))
    await until_end(log, run)
    for partition, batch in (await read_to_end(log, run.topics.ledger.name)).items():
        for record in batch:
            if record.key == USKUDAR.key():
                line, _, packed = (record.value or b"").partition(b"\n")
                head = orjson.loads(line)
                head["totals"] |= {name: value for name, value in change.items() if name in head["totals"]}
                head |= {name: value for name, value in change.items() if name in head}
                value = json.dumps(head).encode() + b"\n" + packed  # orjson writes no number of any size
                await log.append(run.topics.ledger.name, [Entry(USKUDAR.key(), value, partition)])
    await publish(log, run, counted({"imamoglu": 7}, revision=2), counted(box=1003))

    await until_end(log, run)

    found = (await newest(log, run))[USKUDAR]
    assert (3, 307) == (found.boxes_opened, found.votes["imamoglu"])
