"""The aggregator takes an amendment of the definition up: among the tallies, from a checkpoint, and while it runs."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import orjson
import pytest

from consumers.aggregate import Aggregator, fold_run
from consumers.archive import Archiver, ArchiveSettings
from consumers.order_relay import OrderRelay
from consumers.verify import verify
from eventlog.archive import open_archive
from eventlog.clock import Manual, Wall
from eventlog.port import Batch, Entry, EventLog, Membership, Reader
from eventlog.run import Run, create_run, find_run
from sandik.orders import let_out
from sandik.read_run import quarantine_of, state_hash
from schemas.amendments import AMENDED_KEY, CHANGES, amended
from schemas.control import DefinitionAmended, Held, QuarantineReleased
from schemas.errors import ArchiveError, LogUnavailable
from schemas.totals import state_of
from schemas.trust import OrderSigner, encode_order
from tabulation.counting.checkpoint import MARKER_KEY, Checkpoint
from tabulation.counting.tally_fold import TallyFold
from tests.builders import counted, small_election, withdrawn
from tests.consumers.test_aggregate import FAST, USKUDAR, newest, publish, records, until_end
from tests.eventlog.reading import read_to_end
from tests.gateway.unreliable import PassingReader, Unreliable
from tests.patience import LIMIT_S
from tests.schemas.orders import new_signer, order

ELECTION = small_election()
NEW = {"kind": "candidate_added", "contest": "mayor", "candidate": {"id": "yeni", "name": "Yeni"}}
BOX = {"kind": "boxes_added", "unit": "tr/34/uskudar", "boxes": [[1099, 1099]]}
SIGNER = new_signer()
KNOWING = ArchiveSettings(operators=(SIGNER.public,))


@pytest.fixture
async def run(log: EventLog, unique: str) -> Run:
    return await create_run(log, unique, ELECTION, mode="test", epoch="e1e1", clock=Wall(), partitions=4)


async def amend(log: EventLog, run: Run, *changes: dict[str, Any], signer: OrderSigner | None = None) -> Run:
    """The run with these changes, which are ordered in its log."""
    ordered = ordering(await find_run(log, run.name), *changes)
    await log.append(run.topics.control.name, [Entry(b"order", encode_order(ordered, signer))])
    return await find_run(log, run.name)


def ordering(run: Run, *changes: dict[str, Any]) -> DefinitionAmended:
    """The order by which a run has these changes."""
    parsed = CHANGES.validate_json(orjson.dumps(changes))
    ordered = order(
        DefinitionAmended,
        run=run.name,
        version=run.version + 1,
        amends=run.definition.digest,
        yields=amended(run.definition, parsed).digest,
        changes=parsed,
    )
    assert isinstance(ordered, DefinitionAmended)
    return ordered


async def markers(log: EventLog, run: Run) -> dict[int, str | None]:
    """The definition that each partition's newest checkpoint was written by."""
    found = {}
    for partition, kept in (await read_to_end(log, run.topics.ledger.name)).items():
        checkpoint = Checkpoint()
        checkpoint.add([record for record in kept if record.key == MARKER_KEY])
        found[partition] = checkpoint.marker.definition
    return found


async def folded_anew(log: EventLog, run: Run) -> str:
    """The state hash of what the tallies come to from the start, by the definition that the run began with."""
    fold = TallyFold(run.base, run.topics.tallies.name, lambda key: log.partition_of(key, run.partitions))
    for partition, tallies in (await read_to_end(log, run.topics.tallies.name)).items():
        fold.apply(partition, tallies)
    return state_of(ledger.totals(run.definition.zone) for ledger in fold.ledgers.values()).hex()


@asynccontextmanager
async def folding(log: EventLog, run: Run) -> AsyncIterator[asyncio.Task[None]]:
    """An aggregator that goes on for ever, until the block ends."""
    task = asyncio.create_task(fold_run(log, run, Wall(), FAST))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=LIMIT_S)


async def until_relayed(log: EventLog, run: Run, version: int) -> None:
    """Wait until the amendment lies in every partition."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            found = await read_to_end(log, run.topics.tallies.name)
            keys = [[record.key for record in tallies].count(AMENDED_KEY) for tallies in found.values()]
            if len(keys) == run.partitions and min(keys) >= version - 1:
                return
            await asyncio.sleep(0.01)


async def until_votes(log: EventLog, run: Run, votes: int, candidate: str = "yeni") -> None:
    """Wait until a candidate, the new one by default, is published with so many."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            found = (await newest(log, run)).get(USKUDAR)
            if found is not None and found.votes.get(candidate) == votes:
                return
            await asyncio.sleep(0.01)


async def test_an_amendment_lies_in_every_partition_and_what_comes_behind_it_counts(log: EventLog, run: Run) -> None:
    """What came before it is in quarantine until somebody lets it out, and then counts as well."""
    early, late = counted({"yeni": 5}, box=1001), counted({"yeni": 7}, box=1099)
    await publish(log, run, counted({"kurum": 1}, box=1003), early)
    await until_end(log, run)
    run = await amend(log, run, NEW, BOX)
    await until_end(log, run)
    await publish(log, run, late)
    await until_end(log, run)

    totals = await newest(log, run)
    assert {"imamoglu": 0, "kurum": 1, "bagimsiz_1": 0, "yeni": 7} == totals[USKUDAR].votes
    (waiting,) = (await quarantine_of(log, run)).waiting
    released = order(QuarantineReleased, run=run.name, position=waiting.position.decode())
    entries = await let_out(log, run, released, ())
    await log.append(run.topics.tallies.name, entries)
    await until_end(log, run)

    totals = await newest(log, run)
    assert 12 == totals[USKUDAR].votes["yeni"]
    assert await folded_anew(log, run) == await state_hash(log, run)


class _AwayAtAmendment(Unreliable):
    """A log that does not answer once, just after an amendment was read from it among tallies."""

    def __init__(self, below: EventLog) -> None:
        super().__init__(below)
        self.was_away: bool | None = None
        """`None`: it has read no amendment yet."""

    async def end_offsets(self, topic: str) -> dict[int, int]:
        if self.was_away is False:
            self.was_away = True
            raise LogUnavailable("The log is away.")
        return await super().end_offsets(topic)

    def reader(self, topic: str, positions: Mapping[int, int]) -> Reader:
        return _Noticing(self, super().reader(topic, positions))


class _Noticing(PassingReader):
    def __init__(self, log: _AwayAtAmendment, below: Reader) -> None:
        super().__init__(below)
        self._log = log

    async def read(self, *, max_records: int, wait_ms: int) -> list[Batch]:
        batches = await super().read(max_records=max_records, wait_ms=wait_ms)
        if self._log.was_away is None and any(record.key == AMENDED_KEY for one in batches for record in one.records):
            self._log.was_away = False
        return batches


async def test_what_was_read_with_an_amendment_counts_though_the_log_goes_away_just_then(
    log: EventLog, run: Run
) -> None:
    """The order behind the amendment is asked for between reading the tallies and folding them."""
    away = _AwayAtAmendment(log)
    run = await amend(log, run, NEW)
    await publish(log, run, counted({"kurum": 3}, box=1003))
    async with folding(away, run):
        await until_relayed(log, run, 2)
        await publish(log, run, counted({"yeni": 7}, box=1004))
        await until_votes(log, run, 7)
    assert away.was_away
    assert {"imamoglu": 0, "kurum": 3, "bagimsiz_1": 0, "yeni": 7} == (await newest(log, run))[USKUDAR].votes
    assert await folded_anew(log, run) == await state_hash(log, run)


async def test_before_the_amendment_nothing_that_it_is_about_is_let_out(log: EventLog, run: Run) -> None:
    """It would be set aside again."""
    await publish(log, run, counted(box=1099))
    await until_end(log, run)
    (waiting,) = (await quarantine_of(log, run)).waiting
    assessment = (await quarantine_of(log, run)).assessment(waiting.position.decode())
    assert assessment is not None
    assert "tr/34/uskudar has no box 1099" == assessment.refusal


async def test_a_checkpoint_says_by_which_definition_it_was_written(log: EventLog, run: Run) -> None:
    """A restart goes on from it, by that definition, and takes no amendment twice."""
    await publish(log, run, counted())
    await until_end(log, run)
    assert {None} == set((await markers(log, run)).values())

    run = await amend(log, run, NEW)
    await until_end(log, run)
    home = log.partition_of(USKUDAR.district.encode(), run.partitions)
    assert run.definition.digest == (await markers(log, run))[home]

    run = await amend(log, run, BOX)
    await publish(log, run, counted({"yeni": 3}, box=1002))
    progress = await until_end(log, run)
    await publish(log, run, counted({"yeni": 4}, box=1099))
    again = await until_end(log, run)

    assert 1 + run.partitions == progress.folded  # not from the start, and the amendment once a partition
    assert 1 == again.folded
    assert 7 == (await newest(log, run))[USKUDAR].votes["yeni"]
    assert await folded_anew(log, run) == await state_hash(log, run)


async def test_an_aggregator_that_runs_takes_an_amendment_up(log: EventLog, run: Run) -> None:
    """So does one that comes later; nothing is lost in between."""
    await publish(log, run, counted())
    async with folding(log, run):
        await amend(log, run, NEW, BOX)
        await until_relayed(log, run, 2)
        await publish(log, run, counted({"yeni": 7}, box=1099), withdrawn(box=1001, revision=2))
        await until_votes(log, run, 7)
    run = await find_run(log, run.name)
    await until_end(log, run)
    assert await folded_anew(log, run) == await state_hash(log, run)


class _AwayOnce(Unreliable):
    """A log that once does not say how far topics of this name go."""

    away: str | None = None

    async def end_offsets(self, topic: str) -> dict[int, int]:
        if self.away is not None and topic.endswith(self.away):
            self.away = None
            raise LogUnavailable("The log is away.")
        return await super().end_offsets(topic)


@pytest.mark.parametrize("topic", ["control", "ledger", "totals"])
async def test_a_rebalance_that_breaks_off_leaves_nothing_of_what_it_had_or_restored(
    log: EventLog, run: Run, topic: str
) -> None:
    """What was folded since the checkpoint is folded again from there, by the definition that holds there."""
    run = await amend(log, run, BOX)
    await publish(log, run, counted({"kurum": 1}, box=1003))
    await until_end(log, run)
    await publish(log, run, counted({"yeni": 5}, box=1001))
    run = await amend(log, run, NEW)

    cut, everything = _AwayOnce(log), frozenset(range(run.partitions))
    aggregator = Aggregator(cut, run, Manual(datetime(2024, 3, 31, 17, tzinfo=UTC)))
    async with aggregator._relay, aggregator._comparing, aggregator._assessing, aggregator._resources:
        await aggregator._own(everything)
        while aggregator._fold.definition_of(log.partition_of(USKUDAR.district.encode(), 4)) != run.definition:
            await aggregator._turn()
        cut.away = topic
        with pytest.raises(LogUnavailable):
            await aggregator._own(everything - {3})
        await aggregator._own(everything)
        while aggregator._positions() != await log.end_offsets(run.topics.tallies.name):
            await aggregator._turn()
        assert 0 == aggregator._fold.ledgers[USKUDAR].totals(run.definition.zone).votes["yeni"]


class _NoPlaceOnce(Unreliable):
    """A log whose group cannot be joined once it was joined so often."""

    joined = 0

    def member(self, topic: str, group: str, name: str | None = None) -> Membership:
        self.joined += 1
        return _Refusing() if self.joined == 2 else super().member(topic, group, name)


class _Refusing:
    partitions: frozenset[int] = frozenset()

    async def __aenter__(self) -> Self:
        raise LogUnavailable("The log is away.")

    async def __aexit__(self, *_: object) -> None:
        """It was never entered."""


async def test_a_log_that_is_away_as_an_aggregator_goes_on_with_an_amendment_is_waited_for(
    log: EventLog, run: Run
) -> None:
    away = _NoPlaceOnce(log)
    async with folding(away, run) as task:
        await publish(log, run, counted({"kurum": 1}, box=1003))
        await until_relayed(log, await amend(log, run, NEW), 2)
        await publish(log, run, counted({"yeni": 5}, box=1001))
        await until_votes(log, run, 5)
        assert (False, 3) == (task.done(), away.joined)


async def test_an_amendment_whose_id_another_order_had_is_none_for_anybody(log: EventLog, run: Run) -> None:
    """An order counts once. It was in the definition of those who began later, and of nobody who ran."""
    ordered = ordering(run, NEW)
    held = order(Held, run=run.name, contest="mayor").model_copy(update={"id": ordered.id})
    for one in (held, ordered):
        await log.append(run.topics.control.name, [Entry(b"order", encode_order(one, None))])

    relay = OrderRelay(log, run, Wall())
    async with relay:
        await relay.take_over(frozenset())
    assert (False, 1) == (relay.amended, (await find_run(log, run.name)).version)
    run = await amend(log, run, BOX)
    assert 2 == run.version


async def test_an_aggregator_that_is_behind_is_told_by_the_tallies(log: EventLog, run: Run) -> None:
    """Another one has read the order already: what it has written is not judged before this one has read it, too."""
    await publish(log, run, counted())
    after = await amend(log, run, NEW)
    await until_end(log, after)
    with pytest.raises(LogUnavailable, match="was amended while"):
        await until_end(log, run)


async def test_of_a_live_run_only_what_a_trusted_operator_has_signed_amends_it(log: EventLog, unique: str) -> None:
    """Whoever may publish tallies or orders cannot: it is set aside, and nothing else of the night is changed."""
    run = await create_run(log, unique, ELECTION, mode="live", epoch="e1e1", clock=Wall(), partitions=1)
    await amend(log, run, NEW)
    found = await find_run(log, unique, (SIGNER.public,))
    assert (1, ELECTION) == (found.version, found.definition)
    forged = ordering(run, NEW).relayed(1)
    await log.append(run.topics.tallies.name, [Entry(AMENDED_KEY, forged.encode(), 0)])
    await publish(log, run, counted())
    await until_end(log, found)
    (record,) = await records(log, run.topics.quarantine)
    assert b"as no order that counts does" in (record.value or b"")
    assert "yeni" not in (await newest(log, run))[USKUDAR].votes


async def test_what_an_operator_has_signed_amends_a_live_run(log: EventLog, unique: str) -> None:
    """Whoever has the key sees it; a run that is joined may be given either definition."""
    run = await create_run(log, unique, ELECTION, mode="live", epoch="e1e1", clock=Wall(), partitions=1)
    await amend(log, run, NEW, signer=SIGNER)
    found = await find_run(log, unique, (SIGNER.public,))
    assert (2, "e1e1.2", ELECTION) == (found.version, found.log_epoch, found.base)
    assert found.definition == found.definition_of(2)
    assert ELECTION == found.definition_of(1)
    without = await find_run(log, unique)
    assert (2, 1, [], [1]) == (
        found.version,
        without.version,
        [*found.missed],
        [missed.offset for missed in without.missed],
    )
    keys = (SIGNER.public,)
    for definition in (ELECTION, found.definition):
        joined = await create_run(log, unique, definition, mode="live", epoch="e2e2", clock=Wall(), operators=keys)
        assert run.name == joined.name


async def test_an_archive_has_what_its_archiver_has_verified(log: EventLog, unique: str, tmp_path: Path) -> None:
    """So whoever reads it needs no key. One that was written without the key is not gone on with."""
    run = await create_run(log, unique, ELECTION, mode="live", epoch="e1e1", clock=Wall(), partitions=1)
    await amend(log, run, BOX)
    amending = ordering(run, NEW)
    await log.append(run.topics.control.name, [Entry(b"order", encode_order(amending, SIGNER))])
    await log.append(run.topics.tallies.name, [Entry(AMENDED_KEY, amending.relayed(2).encode(), 0)])
    await publish(log, run, counted({"yeni": 7}))
    await until_end(log, await find_run(log, unique, (SIGNER.public,)))

    for folder, settings in (("with", KNOWING), ("without", ArchiveSettings())):
        await Archiver(log, run, tmp_path / folder, Wall(), settings).run_until_end()
    known, unknown = open_archive(tmp_path / "with"), open_archive(tmp_path / "without")
    assert await state_hash(log, run) == known.manifest.state == verify(known.folder, processes=1).state
    assert ((amending.yields,), (), None) == (
        known.manifest.amendments,
        unknown.manifest.amendments,
        unknown.run().original,
    )
    assert (2, True) == (known.run().version, "yeni" in known.run().definition.names_in("mayor", "tr/34/uskudar"))
    with pytest.raises(ArchiveError, match="without the key"):
        await Archiver(log, run, unknown.folder, Wall(), KNOWING).run_until_end()
