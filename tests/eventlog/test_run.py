"""What the log says a run is, on both logs."""

import orjson
import pytest

from eventlog.clock import Wall
from eventlog.port import Entry, EventLog
from eventlog.run import Run, RunTopics, begin_replay_epoch, create_run, find_run
from schemas.control import EpochBegun, Mode, RunCreated
from schemas.definition import Election
from schemas.errors import DefinitionError, OtherVersion, RunConflict, UsageError
from tests.builders import NIGHT, small_election


async def made(log: EventLog, name: str, mode: Mode = "replay") -> Run:
    return await create_run(log, name, small_election(), mode=mode, epoch="e1e1", clock=Wall(), partitions=2)


async def test_a_take_is_current_once_it_has_begun(log: EventLog, unique: str) -> None:
    run = await made(log, unique)
    assert (run.topics.take, run.epoch) == (0, "e1e1")
    for take, epoch in ((1, "e2e2"), (2, "e3e3")):
        run = await begin_replay_epoch(log, run, epoch=epoch, clock=Wall(), partitions=3)
        assert run == await find_run(log, unique)
        assert (run.topics.take, run.epoch, run.topics.partitions) == (take, epoch, 3)
        assert set((await log.end_offsets(run.topics.tallies.name)).values()) == {0}
    assert await made(log, unique) == run


async def test_only_a_replay_begins_again(log: EventLog, unique: str) -> None:
    run = await made(log, unique, "live")
    with pytest.raises(UsageError, match="is live, and only a replay"):
        await begin_replay_epoch(log, run, epoch="e2e2", clock=Wall())
    begun = EpochBegun(run=unique, epoch="e2e2", take=1, at=NIGHT)
    await log.append(run.topics.control.name, [Entry(b"epoch", begun.encode())])
    assert run == await find_run(log, unique)


async def test_a_take_that_is_not_the_next_one_does_not_count(log: EventLog, unique: str) -> None:
    run = await made(log, unique)
    for take, name in ((2, unique), (1, "another")):
        begun = EpochBegun(run=name, epoch="e2e2", take=take, at=NIGHT)
        await log.append(run.topics.control.name, [Entry(b"epoch", begun.encode())])
    assert run == await find_run(log, unique)


async def test_of_two_who_begin_the_same_take_the_second_is_told(log: EventLog, unique: str) -> None:
    run = await made(log, unique)
    await begin_replay_epoch(log, run, epoch="e2e2", clock=Wall())
    with pytest.raises(UsageError, match="Another replay writes"):
        await begin_replay_epoch(log, run, epoch="e3e3", clock=Wall())
    assert (await find_run(log, unique)).epoch == "e2e2"


async def test_a_live_run_is_no_replays_to_write_to(log: EventLog, unique: str) -> None:
    await made(log, unique, "live")
    with pytest.raises(RunConflict, match="another mode"):
        await made(log, unique)


async def with_definition(log: EventLog, name: str, old: bytes, new: bytes) -> None:
    """A run as a version made it that looked at its definition less."""
    created = RunCreated(run=name, mode="test", epoch="e1e1", at=NIGHT, definition=small_election()).encode()
    assert old in created
    await log.create(RunTopics(name, 1).all())
    await log.append(RunTopics(name, 1).control.name, [Entry(b"run", created.replace(old, new, 1))])


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b'"Europe/Istanbul"', b'"Istanbul"', r"timezone is 'Istanbul'.*Europe/Istanbul\? Choose"),
        (b'"date":"2024-03-31"', b'"date":"2024-02-31"', r"definition.date: .*\. Choose"),
    ],
)
async def test_a_run_whose_definition_nobody_can_fold_by_says_so_in_one_line(
    log: EventLog, unique: str, old: bytes, new: bytes, says: str
) -> None:
    await with_definition(log, unique, old, new)

    with pytest.raises(DefinitionError, match=f"Run '{unique}' cannot be read by this version: .*{says}") as error:
        await find_run(log, unique)
    assert "\n" not in str(error.value)


async def test_a_run_does_not_begin_with_times_that_cannot_be_meant_but_goes_on_with_those_it_has(
    log: EventLog, unique: str
) -> None:
    early = Election(**{**dict(small_election()), "embargo_until": NIGHT.replace(hour=16)})
    with pytest.raises(DefinitionError, match="embargo_until"):
        await create_run(log, unique, early, mode="test", epoch="e1e1", clock=Wall(), partitions=1)
    assert not await log.exists(RunTopics(unique, 1).control.name)
    replay = await create_run(log, f"{unique}-r", early, mode="replay", epoch="e1e1", clock=Wall(), partitions=1)
    assert early == replay.definition

    until = f'"embargo_until":"{NIGHT.replace(hour=16).isoformat()}"'.encode()
    await with_definition(log, unique, b'"embargo_until":null', until)
    again = await create_run(log, unique, early, mode="test", epoch="e2e2", clock=Wall(), partitions=1)
    assert (early, "e1e1") == (again.definition, again.epoch)


@pytest.mark.parametrize("rubbish", [b"{", b"[]", b"", b'{"type":"epoch_begun","epoch":[]}', b'{"type":7}'])
async def test_rubbish_in_the_control_topic_hides_no_run(log: EventLog, unique: str, rubbish: bytes) -> None:
    """Before the record that creates the run, and after it."""
    topics = RunTopics(unique, 2)
    await log.create(topics.all())
    await log.append(topics.control.name, [Entry(b"x", rubbish)])
    run = await made(log, unique)
    await log.append(topics.control.name, [Entry(b"x", rubbish)])
    assert run == await find_run(log, unique) == await made(log, unique)
    assert "e2e2" == (await begin_replay_epoch(log, run, epoch="e2e2", clock=Wall())).epoch


@pytest.mark.parametrize("of", ["record", "definition"])
async def test_a_run_that_another_release_began_is_told_as_such(log: EventLog, unique: str, of: str) -> None:
    """Instead of a definition that is to be mended."""
    await log.create(RunTopics(unique, 2).all())
    created = RunCreated(run=unique, mode="test", epoch="e1e1", at=NIGHT, definition=small_election())
    record = orjson.loads(created.encode())
    later = record | ({"v": 2} if of == "record" else {"definition": record["definition"] | {"v": 2}})
    await log.append(RunTopics(unique).control.name, [Entry(b"run", orjson.dumps(later))])

    with pytest.raises(OtherVersion, match="has version 2, which this sandik does not read"):
        await find_run(log, unique)


async def test_a_take_that_another_release_began_is_not_passed_over(log: EventLog, unique: str) -> None:
    """Whoever did would go on with figures that are over."""
    run = await made(log, unique)
    begun = orjson.loads(EpochBegun(run=unique, epoch="e2e2", take=1, at=NIGHT).encode())
    await log.append(run.topics.control.name, [Entry(b"epoch", orjson.dumps(begun | {"v": 2}))])

    with pytest.raises(OtherVersion):
        await find_run(log, unique)
