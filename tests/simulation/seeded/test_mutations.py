"""Whether the simulation sees anything: faults put into the product on purpose, each of which it must find."""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any, Final

import pytest

from consumers.aggregate import Aggregator
from consumers.order_relay import AmendmentRelay, OrderRelay
from consumers.rounds import CheckpointWriter
from eventlog.port import Entry
from producers.publish import Publisher
from schemas.asides import Gate
from schemas.errors import LogError
from schemas.tally import Counted, Withdrawn
from schemas.totals import Totals
from schemas.trust import OperatorKey
from tabulation.counting.checkpoint import Checkpoint, Marker
from tabulation.counting.ledgers import BoxLedger
from tabulation.counting.tally_fold import TallyFold
from tabulation.derived.history import PublishedPositions, Timed, as_relayed
from tabulation.figures import UnitFigures
from tabulation.on_air import OnAir, Relays
from tabulation.orders.control import Control
from tabulation.orders.effects import NO_EMBARGO
from tabulation.view import View
from tests.simulation.seeded.world import play

MAX_SEEDS: Final = 500
"""In how many nights each must be found."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Warnings of simulated outages are as expected."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def drop_an_append(patch: pytest.MonkeyPatch) -> None:
    """A failure of the log counts as its acknowledgement."""

    async def forgetful(self: Publisher, entries: list[Entry]) -> None:
        try:
            await self.log.append(self.topic, entries)
        except LogError:
            return

    patch.setattr(Publisher, "append", forgetful)


def forget_what_is_owed(patch: pytest.MonkeyPatch) -> None:
    """What was set aside is forgotten before the log has acknowledged it."""
    quarantine = Aggregator._quarantine

    async def forgetful(self: Aggregator) -> None:
        try:
            await quarantine(self)
        finally:
            self._unquarantined = []

    patch.setattr(Aggregator, "_quarantine", forgetful)


def forget_a_partition(patch: pytest.MonkeyPatch) -> None:
    """Of the partitions that are taken up at a rebalance, one is not read."""
    restore = Aggregator._restore

    async def forgetful(self: Aggregator, partitions: frozenset[int]) -> dict[int, Marker]:
        markers = await restore(self, partitions)
        if self._reader is None:
            return markers
        return {partition: marker for partition, marker in markers.items() if partition != max(markers)}

    patch.setattr(Aggregator, "_restore", forgetful)


def take_a_stale_version(patch: pytest.MonkeyPatch) -> None:
    """Whatever totals come last stand, however old they are."""
    fold = OnAir.fold_totals

    def forgetful(self: OnAir, totals: Totals) -> bool:
        self._reported.pop(totals.cell, None)
        return fold(self, totals)

    patch.setattr(OnAir, "fold_totals", forgetful)


def swallow_a_cancellation(patch: pytest.MonkeyPatch) -> None:
    """A loop that was cancelled by nobody is taken for one that is done."""

    async def forgetful(work: Coroutine[Any, Any, object], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
        await asyncio.Event().wait()

    patch.setattr("gateway.follow.forever", forgetful)


def serve_under_embargo(patch: pytest.MonkeyPatch) -> None:
    """The public sees numbers whatever is ordered."""
    patch.setattr("gateway.clients.audience.may_see_numbers", lambda *_: True)


def mark_what_was_not_kept(patch: pytest.MonkeyPatch) -> None:
    """A ledger whose record the log did not take counts as kept, and so the marker covers what is in no ledger."""
    write = CheckpointWriter._write_some

    async def forgetful(self: CheckpointWriter) -> None:
        unsaved, waiting = set(self._unsaved), list(self._waiting)
        try:
            await write(self)
        except LogError:
            self._waiting = []
            self._unsaved = unsaved - set(waiting)

    patch.setattr(CheckpointWriter, "_write_some", forgetful)


def resume_a_tally_late(patch: pytest.MonkeyPatch) -> None:
    """Of what comes after a checkpoint, the first tally is not read."""
    restore = Aggregator._restore

    async def forgetful(self: Aggregator, partitions: frozenset[int]) -> dict[int, Marker]:
        markers = await restore(self, partitions)
        ends = await self._log.end_offsets(self._run.topics.tallies.name)
        return {
            partition: replace(marker, position=min(marker.position + bool(marker.position), ends[partition]))
            for partition, marker in markers.items()
        }

    patch.setattr(Aggregator, "_restore", forgetful)


def count_a_duplicate(patch: pytest.MonkeyPatch) -> None:
    """What is delivered twice counts twice."""
    apply = BoxLedger.apply

    def forgetful(self: BoxLedger, tally: Counted | Withdrawn, offset: int) -> str:
        outcome = apply(self, tally, offset)
        if outcome == "duplicate":
            self._total += self.packing.of(tally)
            self.version = offset
        return outcome

    patch.setattr(BoxLedger, "apply", forgetful)


def trust_whatever_ledgers_are_left(patch: pytest.MonkeyPatch) -> None:
    """A checkpoint is used although compaction or a zombie left less of it than its marker counts on."""

    def forgetful(self: Checkpoint) -> str | None:
        return None if self.marker.position else "there is none"

    patch.setattr(Checkpoint, "fault", forgetful)


def leave_what_a_zombie_wrote(patch: pytest.MonkeyPatch) -> None:
    """Nobody looks whether the newest record of a cell is the one that stands, so compaction keeps another."""

    async def forgetful(self: Aggregator) -> None:
        await self._follow_totals()

    patch.setattr(Aggregator, "_repair_totals", forgetful)


def forget_orders_at_a_restart(patch: pytest.MonkeyPatch) -> None:
    """Whoever takes up partitions knows the orders that come, and none that were given before."""
    read = OrderRelay._read_control

    async def forgetful(self: OrderRelay) -> None:
        topic = self._control_topic
        if topic._reader is None:
            reader = self._log.reader(self._control, await self._log.end_offsets(self._control))
            topic._reader = await topic._resources.enter_async_context(reader)
        await read(self)

    patch.setattr(OrderRelay, "_read_control", forgetful)


def publish_before_asking(patch: pytest.MonkeyPatch) -> None:
    """Totals are published first, and only then what the operators hold is held."""
    publish = Aggregator._publish

    async def forgetful(self: Aggregator) -> None:
        if self._unpublished:
            await self._publish_cells()
        else:
            await publish(self)

    patch.setattr(Aggregator, "_publish", forgetful)


def trust_any_signature(patch: pytest.MonkeyPatch) -> None:
    """Whoever signs is taken for an operator."""
    patch.setattr(OperatorKey, "has_signed", lambda *_: True)


def skip_a_position(patch: pytest.MonkeyPatch) -> None:
    """A client that resumes is not told what changed at the first position after its cursor."""
    changed_among = View._changed_among

    def forgetful(self: View, contest: str, source: str, units: Collection[str], cursor: int) -> list[UnitFigures]:
        return changed_among(self, contest, source, units, cursor + 1 if cursor else 0)

    patch.setattr(View, "_changed_among", forgetful)


def tell_the_present_as_the_past(patch: pytest.MonkeyPatch) -> None:
    """Whatever moment is asked for, the newest records are told."""
    patch.setattr("sandik.past.epoch_ms", lambda _: 2**53)


def tell_of_an_embargo(patch: pytest.MonkeyPatch) -> None:
    """Of a moment during an embargo the public is told figures."""

    class Open(Control):
        embargo = property(lambda _: NO_EMBARGO)

    patch.setattr("sandik.past.Control", Open)


def forget_what_was_held(patch: pytest.MonkeyPatch) -> None:
    """Of a moment at which a district was held, what its source said by then is told."""

    def forgetful(given: Iterable[Timed], relays: Relays) -> Iterator[Timed]:
        return (timed for timed in as_relayed(given, relays) if not isinstance(timed.change, Gate))

    patch.setattr("sandik.past.as_relayed", forgetful)


def tell_what_waited(patch: pytest.MonkeyPatch) -> None:
    """Of a moment at which tallies waited to be published, they are told."""
    patch.setattr(PublishedPositions, "unpublished_from", lambda _: {})


def mark_what_waits_as_published(patch: pytest.MonkeyPatch) -> None:
    """A watermark says of tallies that they are published while they are not: it stands before their totals."""
    append = Aggregator._append_totals

    async def hasty(self: Aggregator, entries: list[Entry], positions: Mapping[int, int]) -> None:
        await append(self, [], positions)
        await append(self, entries, positions)

    patch.setattr(Aggregator, "_append_totals", hasty)


def leave_an_amendment_in_the_control_topic(patch: pytest.MonkeyPatch) -> None:
    """Nobody brings an amendment among the tallies but whoever has ordered it."""

    async def forgetful(_: AmendmentRelay, __: Iterable[int]) -> None:
        return

    patch.setattr(AmendmentRelay, "relay", forgetful)


def begin_again_by_the_first_definition(patch: pytest.MonkeyPatch) -> None:
    """Whoever goes on from a checkpoint judges what comes next as if nothing had been amended before."""
    patch.setattr(AmendmentRelay, "resume", lambda *_: None)


def go_on_with_the_definition_that_was(patch: pytest.MonkeyPatch) -> None:
    """A gateway follows its run on by the definition that it has begun with."""
    patch.setattr(Control, "amended", False)


def tell_the_past_by_what_nobody_ordered(patch: pytest.MonkeyPatch) -> None:
    """Of the past whatever lies among the tallies and fits amends the definition."""
    patch.setattr("sandik.past.TallyFold", lambda *given: TallyFold(*given[:3]))


Mutation = Callable[[pytest.MonkeyPatch], None]
MUTATIONS: Final[tuple[Mutation, ...]] = (
    drop_an_append,
    forget_what_is_owed,
    forget_a_partition,
    take_a_stale_version,
    swallow_a_cancellation,
    serve_under_embargo,
    mark_what_was_not_kept,
    resume_a_tally_late,
    count_a_duplicate,
    trust_whatever_ledgers_are_left,
    leave_what_a_zombie_wrote,
    forget_orders_at_a_restart,
    publish_before_asking,
    trust_any_signature,
    skip_a_position,
    tell_the_present_as_the_past,
    tell_of_an_embargo,
    forget_what_was_held,
    tell_what_waited,
    mark_what_waits_as_published,
    leave_an_amendment_in_the_control_topic,
    begin_again_by_the_first_definition,
    go_on_with_the_definition_that_was,
    tell_the_past_by_what_nobody_ordered,
)
FOUND_BEFORE: Final[dict[Mutation, int]] = {
    begin_again_by_the_first_definition: 21,
    forget_what_is_owed: 49,
    forget_what_was_held: 9,
    go_on_with_the_definition_that_was: 5,
    leave_an_amendment_in_the_control_topic: 5,
    leave_what_a_zombie_wrote: 45,
    mark_what_waits_as_published: 2,
    mark_what_was_not_kept: 3,
    publish_before_asking: 9,
    swallow_a_cancellation: 10,
    take_a_stale_version: 11,
    tell_of_an_embargo: 3,
    tell_the_past_by_what_nobody_ordered: 33,
    trust_whatever_ledgers_are_left: 40,
}
"""A night in which it was found, to be played first: it saves the nights before that one. Where the product has changed
since and it is not found in it, the search goes on as for the others; note then where it ends."""


@pytest.mark.slow
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_a_fault_that_is_put_into_the_product_is_found(mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    mutation(monkeypatch)

    seeds = chain([FOUND_BEFORE.get(mutation, 0)], range(MAX_SEEDS))
    found = next((seed for seed in seeds if play(seed).wrong), None)

    assert found is not None
