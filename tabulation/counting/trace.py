"""What is behind a number: the boxes, their revisions and where each of them lies in the log. Pure.

The events of one district go through the tally fold one by one, and the number is looked at after each: so what is said
of an event is what the aggregator made of it.

What is counted in a box that an amendment of the definition closes (`CountedBox`) stands, and is one box too many,
until its source withdraws it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from schemas.amendments import AMENDED_KEY
from schemas.definition import Election
from schemas.fields import Record
from schemas.quarantine import Quarantined
from schemas.tally import Malformed, Reported, Tally, Withdrawn, order_of, parse_tallies
from schemas.totals import Cell
from tabulation.counting.cells import PartitionOf, Refusal
from tabulation.counting.ledgers import BoxLedger, ReportLedger
from tabulation.counting.tally_fold import Outputs, TallyFold, parse

_MAY_STAND_LATER: Final = "backwards"
"""What became of a report that was set aside, and yet stands once a correction is found to have come before it."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Asked:
    """A number: a candidate's votes in a district and contest, by one source or by each."""

    contest: str
    district: str
    candidate: str
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One event, and the number before and after it. `votes` is what it says of the candidate.

    `box` is `None` where a whole district was reported. `released` is which statement of its revision an operator let
    out of quarantine, 0 for what the source itself said. `at` is when the source says that it counted, `appended` when
    the log was given it.
    """

    partition: int
    offset: int
    appended: datetime
    at: datetime
    box: int | None
    revision: int
    released: int
    type: str
    outcome: str
    votes: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Behind:
    """One source's number: `steps` are all events in the log's order, `standing` those that it is the sum of, by box.

    `last` is the event that changed the number last. `version` is the offset of the last that changed anything.
    """

    source: str
    number: int
    version: int
    boxes_opened: int
    standing: tuple[Step, ...]
    last: Step | None
    steps: tuple[Step, ...]

    @property
    def adds_up(self) -> bool:
        """Whether what stands sums up to the number."""
        return sum(step.votes for step in self.standing) == self.number


class Trace:
    """The fold. Feed it the district's partition, in order, and what was set aside of any."""

    def __init__(
        self,
        definition: Election,
        topic: str,
        partition_of: PartitionOf,
        asked: Asked,
        ordered: Collection[str] | None = None,
    ) -> None:
        """`ordered` are the digests that amendments among the tallies may yield, as for `TallyFold`."""
        self._fold = TallyFold(definition, topic, partition_of, ordered)
        self._asked = asked
        self._key = asked.district.encode()
        self._steps: dict[str, list[Step]] = {}
        self._quarantined: dict[tuple[int, int], Quarantined] = {}

    def fold(self, partition: int, records: Sequence[Record]) -> None:
        """Fold the next records of the partition."""
        own = [record for record in records if record.key in (self._key, AMENDED_KEY)]
        for record, tally in zip(own, parse(own), strict=True):
            if record.key == AMENDED_KEY:
                self._fold.take(partition, record, tally, Outputs())
            elif isinstance(tally, Refusal) or self._is_about(tally):
                self._take(partition, record, tally)

    def set_aside(self, record: Quarantined) -> None:
        """Take in a tally that was set aside, wherever it lay, if it names what is asked for."""
        if not record.is_control and self._names(record.original):
            self._quarantined[record.partition, record.offset] = record

    def quarantined(self) -> list[Quarantined]:
        """What was set aside and named what is asked for, by where it lies."""
        return [record for _, record in sorted(self._quarantined.items())]

    def behind(self) -> list[Behind]:
        """What is behind the number of each source that has said anything, by source."""
        return [self._behind(source, steps) for source, steps in sorted(self._steps.items())]

    def _behind(self, source: str, steps: list[Step]) -> Behind:
        ledger = self._fold.ledgers[self._cell(source)]
        if isinstance(ledger, ReportLedger):  # which one stands may change by a report that is not the one
            standing = {
                step.box: step for step in reversed(steps) if order_of(step.revision, step.released) == ledger.order
            }
        else:
            standing = {step.box: step for step in steps if step.outcome == "counted"}
        return Behind(
            source=source,
            number=self._number(source),
            version=ledger.version,
            boxes_opened=ledger.sums.boxes_opened,
            standing=tuple(standing[box] for box in sorted(standing, key=lambda box: box or 0)),
            last=next((step for step in reversed(steps) if step.before != step.after), None),
            steps=tuple(steps),
        )

    def _take(self, partition: int, record: Record, tally: Tally | Refusal) -> None:
        outputs = Outputs()
        outcomes = self._fold.outcomes.copy()
        before = 0 if isinstance(tally, Refusal) else self._number(tally.source)
        self._fold.take(partition, record, tally, outputs)
        for quarantined in outputs.quarantined:
            self.set_aside(quarantined)
        outcome = next(iter(self._fold.outcomes - outcomes))
        if isinstance(tally, Refusal) or (outputs.quarantined and outcome != _MAY_STAND_LATER):
            return
        self._steps.setdefault(tally.source, []).append(
            Step(
                partition=partition,
                offset=record.offset,
                appended=_EPOCH + timedelta(milliseconds=record.timestamp),
                at=tally.at,
                box=None if isinstance(tally, Reported) else tally.box,
                revision=tally.revision,
                released=tally.released,
                type=tally.type,
                outcome=outcome,
                votes=0 if isinstance(tally, Withdrawn) else tally.votes.get(self._asked.candidate, 0),
                before=before,
                after=self._number(tally.source),
            )
        )

    def _number(self, source: str) -> int:
        ledger = self._fold.ledgers.get(self._cell(source))
        return ledger.sums.votes.get(self._asked.candidate, 0) if ledger is not None else 0

    def _cell(self, source: str) -> Cell:
        return Cell(self._asked.contest, source, self._asked.district)

    def _is_about(self, tally: Tally) -> bool:
        asked = self._asked
        same_place = (tally.contest, tally.district) == (asked.contest, asked.district)
        return same_place and asked.source in {None, tally.source}

    def _names(self, original: bytes) -> bool:
        """Whether these bytes, which could not be used, are about the number; of what cannot be read, the words."""
        (tally,) = parse_tallies([original])
        if isinstance(tally, Malformed):
            words: Iterator[str | None] = iter((self._asked.district, self._asked.candidate, self._asked.source))
            return all(word is None or word.encode() in original for word in words)
        return self._is_about(tally) and (isinstance(tally, Withdrawn) or self._asked.candidate in tally.votes)


def history_of(behind: Behind, box: int | None) -> Iterable[Step]:
    """All that was said of one box, in the log's order."""
    return (step for step in behind.steps if step.box == box)


class CountedBox(NamedTuple):
    """A box with what a source has counted in it; `votes` are those of all candidates."""

    district: str
    box: int
    contest: str
    source: str
    votes: int

    def __str__(self) -> str:
        counted = f"{self.votes:,} votes of {self.contest} are counted in it by {self.source}"
        return f"Box {self.box} of {self.district} is closed, and {counted}, until {self.source} withdraws it."


def counted_in(fold: TallyFold, closed: Mapping[str, Collection[int]]) -> Iterator[CountedBox]:
    """What is counted in these boxes, given by district; by contest, source, district and box."""
    for cell, ledger in sorted(fold.ledgers.items()):
        if not isinstance(ledger, BoxLedger):
            continue
        for box, packed in sorted(ledger.opened(closed.get(cell.district, ())).items()):
            votes = sum(ledger.packing.sums(packed).votes.values())
            yield CountedBox(cell.district, box, cell.contest, cell.source, votes)
