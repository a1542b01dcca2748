import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

import consumers.assessments as rounds
from consumers.aggregate import AggregateSettings, Aggregator
from eventlog.clock import Wall
from eventlog.port import Entry, EventLog
from eventlog.reading import read_to_end
from eventlog.retry import RetryPolicy
from eventlog.run import Run, create_run
from schemas.quarantine import Assessment, Verdict, is_assessment
from schemas.tally import Tally
from tests.builders import DISTRICTS, counted, small_election, value_of
from tests.patience import LIMIT_S

FAST = AggregateSettings(tick_ms=5, checkpoint_ms=20, retry=RetryPolicy(0.01, 0.01), compare_ms=5)


@pytest.fixture
async def run(log: EventLog, unique: str) -> Run:
    return await create_run(log, unique, small_election(), mode="test", epoch="e1e1", clock=Wall(), partitions=4)


async def publish(log: EventLog, run: Run, *tallies: Tally, key: bytes | None = None) -> None:
    entries = [Entry(key or tally.district.encode(), value_of(tally)) for tally in tallies]
    await log.append(run.topics.tallies.name, entries)


async def assessments(log: EventLog, run: Run) -> list[Assessment]:
    """Every assessment in the topic, in order."""
    records = read_to_end(log, run.topics.quarantine.name)
    return [Assessment.model_validate_json(one.value or b"") async for one in records if is_assessment(one.key)]


async def until_end(log: EventLog, run: Run) -> None:
    async with asyncio.timeout(LIMIT_S):
        await Aggregator(log, run, Wall(), FAST).run_until_end()


@asynccontextmanager
async def aggregating(log: EventLog, run: Run) -> AsyncIterator[None]:
    working = asyncio.create_task(Aggregator(log, run, Wall(), FAST).run())
    try:
        yield
    finally:
        working.cancel()
        await asyncio.wait({working}, timeout=LIMIT_S)


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
