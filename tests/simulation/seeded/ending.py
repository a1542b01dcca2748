"""What must be in the end, whatever happened: in the log, and for whoever begins anew after all is compacted away."""

from collections.abc import Collection

from consumers.aggregate import AggregateSettings, Aggregator
from eventlog.clock import Clock
from eventlog.port import EventLog, read_to_end
from eventlog.run import Run, find_run
from schemas.totals import Cell
from tabulation.program import Program
from tests.simulation.seeded.oracle import NOTHING, Figures, Place, Shown, figures_in, overlaid, places
from tests.simulation.seeded.orders import Orders
from tests.simulation.seeded.store import Partition, Store
from tests.simulation.seeded.story import Story
from tests.simulation.seeded.tallied import Tallied, tallied


class Ending:
    """Judges what a night has come to."""

    def __init__(self, store: Store, run: Run, story: Story, shown: Shown, orders: Orders) -> None:
        self._store = store
        self._topics = run.topics
        self._run = run
        self._story = story
        self._shown = shown
        self._orders = orders

    def amiss(self, acknowledged: Collection[bytes]) -> list[str]:
        """What is not, or not yet, in the log as it must be; `acknowledged` is what somebody was told is there."""
        return [*self._lost(acknowledged), *self._amiss_in_totals(), *self._amiss_in_quarantine()]

    def _lost(self, acknowledged: Collection[bytes]) -> list[str]:
        there = {
            record.value
            for topic in (self._topics.tallies, self._topics.control)
            for partition in self._store.partitions(topic.name)
            for record in partition.history
        }
        return [f"an append was acknowledged and is lost: {value!r}" for value in acknowledged if value not in there]

    def _amiss_in_totals(self) -> list[str]:
        expected, found = self._expected(), []
        for place in places(self._shown.law):
            figures = self._shown.at(place, self._shown.end, public=False).plain
            true = overlaid(expected.get(place, NOTHING), self._orders.by_hand.get(place, {})).plain
            if figures != true:
                found.append(f"{place} has {figures}, and the oracle {true}")
            if self._shown.is_held(place) != ((place[0], place[2]) in self._orders.frozen):
                found.append(f"the gate of {place} is not as ordered")
        return found

    def _amiss_in_quarantine(self) -> list[str]:
        aside = {record.key for record in self._store.partitions(self._topics.quarantine.name)[0].history}
        found = []
        for number, partition in enumerate(self._store.partitions(self._topics.tallies.name)):
            expected, version = self._tallied(partition).aside, self._tallied(partition).version
            if version != self._shown.law.version:
                found.append(f"partition {number} of the tallies goes by version {version} of the definition")
            for record in partition.history:
                position = f"{self._topics.tallies.name}/{number}/{record.offset}"
                if (record.offset in expected) != (position.encode() in aside):
                    found.append(f"{position} is not where it belongs")
        return found

    def _expected(self) -> dict[Place, Figures]:
        expected: dict[Place, Figures] = {}
        for partition in self._store.partitions(self._topics.tallies.name):
            expected |= self._tallied(partition).figures
        return expected

    def _tallied(self, partition: Partition) -> Tallied:
        return tallied(partition.history, self._story.garbage, self._story.amending.laws)

    async def of_beginners(self, log: EventLog, clock: Clock, settings: AggregateSettings) -> list[str]:
        """What is wrong with an aggregator and a gateway that begin now."""
        run = await find_run(log, self._run.name, settings.operators)
        return [*await self._of_takeover(log, run, clock, settings), *await self._of_late_gateway(log, run)]

    async def _of_takeover(self, log: EventLog, run: Run, clock: Clock, settings: AggregateSettings) -> list[str]:
        expected = self._expected()
        aggregator = Aggregator(log, run, clock, settings)
        await aggregator.run_until_end()
        ledgers = aggregator._fold.ledgers
        found = []
        for place in places(self._shown.law):
            contest, source, district = place
            ledger = ledgers.get(Cell(contest, source, district))
            figures = figures_in(ledger.totals(run.definition.zone) if ledger is not None else None)
            if figures.plain != expected.get(place, NOTHING).plain:
                found.append(f"the checkpoint of {place} says {figures.plain}")
        return found

    async def _of_late_gateway(self, log: EventLog, run: Run) -> list[str]:
        program = Program(run.definition)
        async for record in read_to_end(log, self._topics.totals.name):
            program.fold(record)
        found = []
        for view, public in ((program.view, True), (program.live, False)):
            for place in places(self._shown.law):
                contest, source, district = place
                figures = figures_in(view.totals(Cell(contest, source, district))).plain
                shown = self._shown.at(place, self._shown.end, public=public).plain
                if figures != shown:
                    found.append(f"a gateway that begins now shows {figures} of {place}, not {shown}")
        return found
