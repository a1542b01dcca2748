"""What a source has published already, on both logs."""

from eventlog.port import Entry, EventLog
from eventlog.topics import RunTopics
from producers.publish import entry
from producers.published import boxes_of, reports_of
from schemas.tally import Tally, encode
from tests.builders import DISTRICTS, counted, reported, withdrawn


async def test_the_reports_of_a_source_are_found_among_all_tallies(log: EventLog, unique: str) -> None:
    topics = RunTopics(unique, 3)
    await log.create(topics.all())
    mine = [reported(district=district, revision=revision) for revision in (1, 2) for district in DISTRICTS]
    others: list[Tally] = [reported(source="other"), counted(), counted(source="agency")]
    events = [entry(event) for event in (*mine, *others)]
    broken = [
        Entry(b"x", value) for value in (b'{"type":"reported"', b"{}", b'"reported"', b" " * 70_000 + b'"report"')
    ]
    await log.append(topics.tallies.name, [*events, *broken])

    found = [report async for report in reports_of(log, topics.tallies.name, "agency")]
    assert sorted(map(encode, mine)) == sorted(map(encode, found))
    assert [1, 2] == [report.revision for report in found if report.district == DISTRICTS[0]]


async def test_the_statements_about_a_contests_boxes_are_found_withdrawals_among_them(
    log: EventLog, unique: str
) -> None:
    topics = RunTopics(unique, 3)
    await log.create(topics.all())
    mine: list[Tally] = [counted(), withdrawn(), counted(district=DISTRICTS[0])]
    others: list[Tally] = [counted(source="anka"), counted(contest="council"), reported()]
    await log.append(topics.tallies.name, [entry(event) for event in (*mine, *others)])

    found = [tally async for tally in boxes_of(log, topics.tallies.name, "aa", "mayor")]
    assert sorted(map(encode, mine)) == sorted(map(encode, found))


async def test_of_an_empty_log_there_are_none(log: EventLog, unique: str) -> None:
    topics = RunTopics(unique, 3)
    await log.create(topics.all())

    assert [] == [report async for report in reports_of(log, topics.tallies.name, "agency")]
