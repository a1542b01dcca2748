"""Quarantined statements: what each comes to by what stands, which are open, and whether a release would count. Pure.

The aggregator assesses: a statement is compared with the one that stands about the same box or district, and the event
that releasing it would publish is tried on the ledgers. Readers fold the quarantine topic. No quarantined statement is
in any figure; those are *open* that nobody has settled and that are newer than what stands or contradict it. Until a
statement is assessed it counts as open. A source with open statements says something else than its figures show.
"""

from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import Final, cast

from pydantic import ValidationError

from schemas.control import Order, QuarantineRejected, QuarantineReleased
from schemas.definition import Election
from schemas.errors import UsageError
from schemas.fields import Record
from schemas.figures import stated_in
from schemas.quarantine import (
    MAX_STATEMENTS,
    REPAIRABLE,
    Assessment,
    Quarantined,
    Reason,
    SetAside,
    SetAsideHere,
    Statement,
    Verdict,
    is_assessment,
    repaired,
    set_aside_in,
    statement_in,
    statement_of,
)
from schemas.tally import RELEASED_BITS, Counted, Reported, Tally, Withdrawn, order_of
from tabulation.counting.cells import Content, Refusal, wrong_count
from tabulation.counting.ledgers import BoxLedger, ReportLedger
from tabulation.counting.tally_fold import Ledger, TallyFold

_COUNTS_THEN: Final = frozenset({"counted", "overturned"})
"""Outcomes of a tally that stands from then on."""


def assess(found: SetAside, record: Quarantined | None, fold: TallyFold) -> Assessment:
    """What a statement comes to now. `record` is its record, or `None` where that is not at hand."""
    ledger = fold.ledgers.get(found.cell)
    order = _standing_order(ledger, found)
    verdict = _verdict(ledger, found, order)
    revision, released = (order or 0) >> RELEASED_BITS, (order or 0) & ((1 << RELEASED_BITS) - 1)
    stands = f"revision {revision} of {f'box {found.box}' if found.box else found.cell.district} stands"
    refusal = None
    if verdict == "counted":
        refusal = f"{stands}, and it says the same"
    elif record is not None and record.reason in REPAIRABLE:
        refusal = _refusal(fold, record, released if revision == found.revision else 0, stands)
    return Assessment(position=found.position, verdict=verdict, revision=revision, released=released, refusal=refusal)


def _standing_order(ledger: Ledger | None, found: SetAside) -> int | None:
    """The order of what stands about the same thing; 0 where nothing does, `None` where no two can be compared."""
    if ledger is None:
        return 0
    if isinstance(ledger, ReportLedger):
        return ledger.order if found.box is None and found.revision is not None else None
    if found.box is None or found.revision is None:
        return None
    return ledger.packing.order(ledger.heard().get(found.box, 0))


def _verdict(ledger: Ledger | None, found: SetAside, order: int | None) -> Verdict:
    if ledger is None or order == 0:
        return "newer"
    if order is None or found.revision is None:  # nothing but the time tells which one is the newer
        is_older = found.at is not None and ledger.as_of is not None and found.at <= ledger.as_of
        return "superseded" if is_older else "newer"
    if found.event is not None and _says_the_same(ledger, found.event):
        return "counted"
    own = order_of(found.revision, found.event.released if found.event is not None else 0)
    if own == order:
        return "contradicts"
    return "newer" if own > order else "superseded"


def _says_the_same(ledger: Ledger, event: Tally) -> bool:
    """Whether what stands has the same counts, whoever said it when. The event is of the ledger's kind."""
    if not isinstance(event, Withdrawn) and wrong_count(event, ledger.given) is not None:
        return False
    if isinstance(ledger, BoxLedger):
        return _is_same_box(ledger, cast("Counted | Withdrawn", event))
    report, sums = cast("Reported", event), ledger.sums
    content = Content.of(report, ledger.given)
    same_votes = content.votes == _with_votes(sums.votes)
    return same_votes and (report.boxes_opened, stated_in(content)) == (sums.boxes_opened, stated_in(sums))


def _is_same_box(ledger: BoxLedger, event: Counted | Withdrawn) -> bool:
    packing = ledger.packing
    if isinstance(event, Counted) and not _with_votes(event.votes).keys() <= set(packing.candidates):
        return False
    return not (packing.of(event) ^ ledger.heard().get(event.box, 0)) & packing.counts_mask


def _with_votes(votes: Mapping[str, int]) -> dict[str, int]:
    """Those who have any: who is not named has none."""
    return {name: count for name, count in votes.items() if count}


def _refusal(fold: TallyFold, record: Quarantined, earlier: int, stands: str) -> str | None:
    """Why letting the record out, after so many `earlier` ones, would change nothing; `None` where it would count."""
    try:
        outcome = fold.outcome_of(repaired(record, earlier))
    except UsageError as error:
        return str(error)
    if isinstance(outcome, Refusal):
        return outcome.detail
    if outcome in _COUNTS_THEN:
        return None
    if outcome == "conflict":
        return f"{stands} with other counts, so it would be set aside again"
    if outcome == "backwards":
        return f"{stands} with more boxes opened, so it would be set aside again"
    return stands


MAX_WAITING: Final = 1_000
"""Records kept to be looked at, the newest: a screen shows fifty. With 64 KiB each, as large as they get, 64 MiB."""

Where = tuple[str, str, str]
"""A contest, a source and a unit at any level."""


@dataclass(frozen=True)
class Open:
    """The open statements at one moment, oldest first, and what they come to for each unit, source and reason."""

    definition: Election
    statements: tuple[SetAside, ...]

    @cached_property
    def by_source(self) -> Mapping[str, int]:
        """How many each source has, those included of which not even the district can be read."""
        sources = Counter(found.cell.source for found in self.statements)
        return {source: count for source, count in sources.items() if source in self.definition.source_ids}

    @cached_property
    def by_reason(self) -> Mapping[tuple[str, Reason], int]:
        """How many there are of each source and reason."""
        known = self.definition.source_ids
        return Counter((found.cell.source, found.reason) for found in self.statements if found.cell.source in known)

    @cached_property
    def by_unit(self) -> Mapping[Where, SetAsideHere]:
        """What is set aside of each unit, in its districts and in what is above them."""
        counts: Counter[Where] = Counter()
        newest: dict[Where, SetAside] = {}
        for found in self.statements:
            contest, source, district = found.cell
            if self.definition.knows(found.cell):
                for unit in self.definition.path_of(contest, source, district):
                    counts[contest, source, unit] += 1
                    newest[contest, source, unit] = found
        return {
            where: SetAsideHere(count=counts[where], reason=found.reason, newest=statement_of(found))
            for where, found in newest.items()
        }

    def here(self, contest: str, source: str, unit: str) -> SetAsideHere | None:
        """What is set aside of a source in a unit and below it; `None` where nothing is."""
        return self.by_unit.get((contest, source, unit)) if self.statements else None

    def for_public(self, contest: str, source: str, unit: str) -> SetAsideHere | None:
        """The same without any figure: nobody has let them out."""
        found = self.here(contest, source, unit)
        return found.for_public() if found is not None else None


class Quarantine:
    """The fold of a run's quarantine topic, and of the orders about it. `seq` is the next offset to be read.

    `reasons` counts every record once, however often it was set aside. `changes` counts what may have changed `open`,
    and `skipped` what cannot be read, as what another release wrote.
    """

    def __init__(self, definition: Election) -> None:
        self.seq = 0
        self.changes = 0
        self.skipped = 0
        self.reasons: Counter[str] = Counter()
        self._definition = definition
        self._kept: OrderedDict[str, Quarantined] = OrderedDict()
        self._statements: OrderedDict[str, SetAside] = OrderedDict()
        self._assessments: dict[str, Assessment] = {}
        self._known: set[str] = set()
        self._rejected: set[str] = set()
        self._released: dict[str, Statement | None] = {}
        """What was let out, in the order of the orders, and what each is about where its record was read."""
        self._open: tuple[int, Open] = -1, Open(definition, ())

    @property
    def waiting(self) -> list[Quarantined]:
        """What nobody has settled yet, the newest first."""
        return [record for position, record in reversed(self._kept.items()) if position not in self._released]

    @property
    def waiting_count(self) -> int:
        """How many of all that were set aside wait, those included that are too old to be kept."""
        return len(self._known) - len((self._rejected | self._released.keys()) & self._known)

    @property
    def uncounted(self) -> list[Quarantined]:
        """What was let out and was never seen to count, the newest first.

        Where what stands stays the same, the order was written and the statement was not: letting it out again mends
        that. Where something newer stands, that came first: rejecting it settles it.
        """
        return [record for position, record in reversed(self._kept.items()) if self._is_uncounted(position)]

    @property
    def open(self) -> Open:
        """The statements that the figures do not show, as of now; the same object until something changes."""
        if self._open[0] != self.changes:
            found = tuple(one for position, one in self._statements.items() if self._is_open(position))
            self._open = self.changes, Open(self._definition, found)
        return self._open[1]

    def assessment(self, position: str) -> Assessment | None:
        """What the aggregator last said of a record that is kept."""
        return self._assessments.get(position)

    def statement(self, position: str) -> SetAside | None:
        """What a record that is kept says, as far as it can be read."""
        return self._statements.get(position)

    def find(self, position: str) -> Quarantined | None:
        """The record that was set aside from this position, if it waits, or was let out and is not counted yet."""
        if position in self._released and not self._is_uncounted(position):
            return None
        return self._kept.get(position)

    def released_by(self, order: Order) -> Tally | None:
        """Return the tally that an order publishes again once it is appended; `None` for most.

        Raises `UsageError` where nothing waits that it is about, or letting it out would change nothing.
        """
        if not isinstance(order, QuarantineReleased | QuarantineRejected):
            return None
        record = self.find(order.position)
        if record is None:
            raise UsageError(
                f"Nothing waits in quarantine from {order.position!r}{self._settled_how(order.position)}. "
                "See: sandik control quarantine."
            )
        return self._let_out(record, order.position) if isinstance(order, QuarantineReleased) else None

    def _settled_how(self, position: str) -> str:
        if position in self._rejected:
            return ": it was rejected already"
        return ": it was let out already, and counted" if position in self._released else ""

    def repaired(self, record: Quarantined) -> Tally:
        """Return the tally that releasing this record would publish, after those released before it at its revision.

        Raises `UsageError` where nothing could make it count.
        """
        about = statement_in(record)
        before = takewhile(lambda position: position != record.position.decode(), self._released)
        earlier = sum(about is not None and self._released[position] == about for position in before)
        assessment = self._assessments.get(record.position.decode())
        if assessment is not None and about is not None and assessment.revision == about.revision:
            earlier = max(earlier, assessment.released)
        return repaired(record, earlier)

    def _let_out(self, record: Quarantined, position: str) -> Tally:
        event = self.repaired(record)
        assessment = self._assessments.get(position)
        if assessment is None:
            raise UsageError(
                "Whether it can still count is not known: no aggregator has looked at it yet. With one running that "
                "takes some seconds; then order it again."
            )
        if assessment.refusal is not None:
            raise UsageError(
                f"Letting it out would change nothing: {assessment.refusal}. Reject it, so that it is settled."
            )
        return event

    def fold(self, record: Record) -> None:
        """Fold one record of the topic; one that cannot be read changes nothing and is counted in `skipped`."""
        if record.offset < self.seq:
            return
        self.seq = record.offset + 1
        try:
            if is_assessment(record.key):
                self._assess(Assessment.model_validate_json(record.value or b""))
            else:
                self._set_aside(Quarantined.model_validate_json(record.value or b""))
        except ValidationError:
            self.skipped += 1

    def apply_order(self, order: Order) -> None:
        """Fold an order that counts. It may come before its record is read, since the two are in different topics."""
        if isinstance(order, QuarantineReleased):
            record = self._kept.get(order.position)
            self._released.setdefault(order.position, statement_in(record) if record is not None else None)
            self._forget_if_counted(order.position)
        elif isinstance(order, QuarantineRejected):
            self._rejected.add(order.position)
            self._forget(order.position)

    def _set_aside(self, found: Quarantined) -> None:
        position = found.position.decode()
        if position in self._known:
            return
        self._known.add(position)
        self.reasons[found.reason] += 1
        if position in self._released:
            self._released[position] = statement_in(found)
        if position in self._rejected:
            return
        self._kept[position] = found
        statement = set_aside_in(found)
        if statement is not None:
            self._statements[position] = statement
            self.changes += 1
        if len(self._kept) > MAX_WAITING:
            self._kept.popitem(last=False)
        if len(self._statements) > MAX_STATEMENTS:
            forgotten, _ = self._statements.popitem(last=False)
            self._assessments.pop(forgotten, None)

    def _assess(self, assessment: Assessment) -> None:
        """Store the aggregator's newest assessment of a statement that is kept."""
        if assessment.position in self._statements:
            self._assessments[assessment.position] = assessment
            self._forget_if_counted(assessment.position)

    def _forget_if_counted(self, position: str) -> None:
        """Drop a record that was released and counts by now."""
        self.changes += 1
        assessment = self._assessments.get(position)
        if position in self._released and assessment is not None and assessment.verdict == "counted":
            self._forget(position)

    def _forget(self, position: str) -> None:
        self.changes += 1
        for kept in (self._kept, self._statements, self._assessments):
            kept.pop(position, None)

    def _is_open(self, position: str) -> bool:
        assessment = self._assessments.get(position)
        return position not in self._released if assessment is None else assessment.is_open

    def _is_uncounted(self, position: str) -> bool:
        return position in self._released and position in self._assessments
