import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from consumers import rounds
from consumers.aggregate import MAX_RECORDS, AggregateSettings, Aggregator, Progress
from eventlog.clock import Wall
from eventlog.loops import RetryPolicy
from eventlog.port import Entry, EventLog, read_to_end
from eventlog.run import Run, create_run
from schemas.comparison import Comparison, Pair, parse_comparison
from schemas.quarantine import Assessment, Verdict, is_assessment
from schemas.tally import Tally
from tests.builders import DISTRICTS, counted, small_election, value_of, withdrawn
from tests.patience import LIMIT_S

FAST = AggregateSettings(tick_ms=5, checkpoint_ms=20, retry=RetryPolicy(0.01, 0.01), compare_ms=5)
USKUDAR = Pair("mayor", "tr/34/uskudar", "aa", "anka")


@pytest.fixture
async def run(log: EventLog, unique: str) -> Run:
    return await create_run(log, unique, small_election(), mode="test", epoch="e1e1", clock=Wall(), partitions=4)


async def publish(log: EventLog, run: Run, *tallies: Tally, key: bytes | None = None) -> None:
    entries = [Entry(key or tally.district.encode(), value_of(tally)) for tally in tallies]
    await log.append(run.topics.tallies.name, entries)


async def comparisons(log: EventLog, run: Run) -> list[Comparison]:
    """Every record of the topic that is a comparison, in order."""
    records = read_to_end(log, run.topics.comparisons.name)
    return [parse_comparison(record.value or b"") async for record in records if record.key != b"junk"]


async def until_end(log: EventLog, run: Run) -> None:
    async with asyncio.timeout(LIMIT_S):
        await Aggregator(log, run, Wall(), FAST).run_until_end()


@asynccontextmanager
async def aggregating(
    log: EventLog, run: Run
) -> AsyncIterator[Callable[[Callable[[Progress], bool]], Awaitable[None]]]:
    """An aggregator at work; what it gives waits until its progress is so."""
    moved = asyncio.Condition()
    latest = Progress()

    async def tell() -> None:
        async with moved:
            moved.notify_all()

    def watch(progress: Progress) -> None:
        nonlocal latest
        latest = progress
        telling.add(asyncio.ensure_future(tell()))

    async def until(holds: Callable[[Progress], bool]) -> None:
        async with moved:
            await asyncio.wait_for(moved.wait_for(lambda: holds(latest)), LIMIT_S)

    telling: set[asyncio.Future[None]] = set()
    working = asyncio.create_task(Aggregator(log, run, Wall(), FAST, watch).run())
    try:
        yield until
    finally:
        working.cancel()
        await asyncio.wait({working, *telling}, timeout=LIMIT_S)


async def test_each_district_that_a_source_reports_is_compared(log: EventLog, run: Run) -> None:
    await publish(log, run, counted(), counted({"kurum": 9}, source="anka"), counted(district=DISTRICTS[0]))

    await until_end(log, run)

    found = {one.pair: one for one in await comparisons(log, run)}
    assert {USKUDAR, USKUDAR._replace(district=DISTRICTS[0])} == found.keys()
    assert (1, 250, 9) == (found[USKUDAR].differing, found[USKUDAR].both_a.valid, found[USKUDAR].both_b.valid)
    assert 1 == found[USKUDAR._replace(district=DISTRICTS[0])].only_a.boxes


async def test_a_round_is_idempotent_and_publishes_nothing_that_is_in_the_log(log: EventLog, run: Run) -> None:
    await publish(log, run, counted(), counted(source="anka"), counted(district=DISTRICTS[0]))
    await until_end(log, run)
    before = len(await comparisons(log, run))

    await until_end(log, run)
    assert before == len(await comparisons(log, run))

    await publish(log, run, withdrawn(source="anka"))
    await until_end(log, run)
    last = (await comparisons(log, run))[before:]
    assert [(USKUDAR, 1, 0)] == [(one.pair, one.only_a.boxes, one.both_a.boxes) for one in last]


async def test_a_zombies_old_comparison_is_published_over(log: EventLog, run: Run) -> None:
    await publish(log, run, counted())
    await until_end(log, run)
    old = (await comparisons(log, run))[-1]
    await publish(log, run, counted(source="anka"))
    await until_end(log, run)
    await log.append(
        run.topics.comparisons.name, [Entry(old.pair.key(), old.encode()), Entry(b"junk", b"no comparison")]
    )

    await until_end(log, run)

    last = (await comparisons(log, run))[-1]
    assert (USKUDAR, 1) == (last.pair, last.both_a.boxes)


async def test_sources_are_compared_while_a_night_goes_on(log: EventLog, run: Run) -> None:
    async with aggregating(log, run) as until:
        await publish(log, run, counted())
        await until(lambda progress: progress.compared == 1)
        await publish(log, run, counted(source="anka"))
        await until(lambda progress: progress.compared == 2)

    assert [0, 1] == [one.both_a.boxes for one in await comparisons(log, run)]


async def test_nothing_is_compared_while_the_lag_is_long(log: EventLog, run: Run) -> None:
    """A cold rebuild pays once, at its end, however often comparing would have been due."""
    many = [counted({"kurum": box % 300}, box=1001, revision=box) for box in range(1, 3 * MAX_RECORDS)]
    await publish(log, run, *many)
    async with aggregating(log, run) as until:
        await until(lambda progress: progress.folded == len(many) and progress.compared > 0)

    assert 2 >= len(await comparisons(log, run))


async def test_a_single_source_is_compared_with_nobody(log: EventLog, unique: str) -> None:
    definition = small_election()
    alone = definition.model_copy(update={"sources": definition.sources[:1]})
    run = await create_run(log, unique, alone, mode="test", epoch="e1e1", clock=Wall(), partitions=4)
    await publish(log, run, counted())

    await until_end(log, run)

    assert [] == await comparisons(log, run)


async def assessments(log: EventLog, run: Run) -> list[Assessment]:
    """Every assessment in the topic, in order."""
    records = read_to_end(log, run.topics.quarantine.name)
    return [Assessment.model_validate_json(one.value or b"") async for one in records if is_assessment(one.key)]


async def says(log: EventLog, run: Run, *verdicts: Verdict) -> None:
    """Wait until these are the verdicts that were given."""
    async with asyncio.timeout(LIMIT_S):
        while [*verdicts] != [one.verdict for one in await assessments(log, run)]:
            pass


async def test_what_is_set_aside_is_assessed_once_and_again_when_something_else_stands(log: EventLog, run: Run) -> None:
    await publish(log, run, counted(), counted({"kurum": 9}))
    await until_end(log, run)
    await until_end(log, run)
    (first,) = await assessments(log, run)
    await publish(log, run, counted(revision=3), counted(box=1002))
    await until_end(log, run)
    _, second = await assessments(log, run)

    assert ("contradicts", 1, None) == (first.verdict, first.revision, first.refusal)
    assert (first.position, "superseded", 3) == (second.position, second.verdict, second.revision)


async def test_statements_are_assessed_while_a_night_goes_on(log: EventLog, run: Run) -> None:
    async with aggregating(log, run):
        await publish(log, run, counted())
        await publish(log, run, counted({"kurum": 9}), counted({"nobody": 1}, box=1002))
        await says(log, run, "contradicts", "newer")
        await publish(log, run, counted({"kurum": 9}, type="corrected", released=1))
        await says(log, run, "contradicts", "newer", "counted")


async def test_a_record_that_came_under_another_key_is_assessed_by_the_owner_of_its_district(
    log: EventLog, run: Run
) -> None:
    async with aggregating(log, run), aggregating(log, run):
        await publish(log, run, *(counted(district=district) for district in DISTRICTS), key=b"tr/41/gebze")
        await says(log, run, "newer", "newer", "newer")


async def test_a_zombies_old_assessment_is_published_over(log: EventLog, run: Run) -> None:
    await publish(log, run, counted(), counted({"kurum": 9}))
    await until_end(log, run)
    (old,) = await assessments(log, run)
    await publish(log, run, counted(revision=2))
    await until_end(log, run)
    junk = [Entry(b"assessment:x", b"junk"), Entry(b"x", b"junk")]
    await log.append(run.topics.quarantine.name, [Entry(old.key, old.encode()), *junk])
    async with asyncio.timeout(LIMIT_S):
        await Aggregator(log, run, Wall(), FAST).run_until_end()
    records = [record async for record in read_to_end(log, run.topics.quarantine.name)]

    last = [record.value for record in records if record.key == old.key][-1]
    assert "superseded" == Assessment.model_validate_json(last or b"").verdict


async def test_statements_that_are_followed_are_bounded(
    log: EventLog, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "MAX_STATEMENTS", 2)
    monkeypatch.setattr(rounds, "MAX_ASSESSED", 1)
    await publish(log, run, *(counted(box=n) for n in range(1001, 1005)), counted(district="tr/35/izmir"))
    await publish(log, run, *(counted({"kurum": 9}, box=n) for n in range(1001, 1005)))
    await until_end(log, run)

    assert 2 == len(await assessments(log, run))
