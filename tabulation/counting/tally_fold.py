"""The tally fold: records of the tallies log in, changed cells and quarantined records out. Pure.

An amendment of the definition lies among the tallies of each partition, and those behind it are judged by what it
yields: what a partition's records come to depends on them alone, and not on when anybody read the control topic.

Sources are kept side by side: a cell is one (contest, source, district). What cannot be used is never dropped in
silence and never stops the stream: it comes out as a `Quarantined` with its reason, its bytes and its position.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, cast

from pydantic import ValidationError

from schemas.amendments import AMENDED_KEY, FIRST_VERSION, Amended, amended_as, parse_amended
from schemas.definition import Election
from schemas.errors import DefinitionError
from schemas.fields import EVENTS_END, Record, first_fault
from schemas.quarantine import Quarantined, quarantined
from schemas.tally import MAX_TALLY_BYTES, Malformed, Reported, Tally, parse_tallies
from schemas.totals import Cell
from tabulation.counting.cells import CellRules, PartitionOf, Refusal, Rulebook, Sums
from tabulation.counting.ledgers import BoxLedger, Outcome, ReportLedger, ReportOutcome
from tabulation.counting.notices import Notices, is_ahead, surely_not_ahead

Ledger = BoxLedger | ReportLedger
"""A cell's ledger, by what its source sends. Only a `BoxLedger` knows single boxes."""


PARSED_AT_ONCE: Final = 128
"""Records parsed before they are folded: what they are parsed into, about 1 KiB each, is still in a cache by then.

Measured: a tenth of the fold's time, against 2,000 at once.
"""


@dataclass(slots=True)
class Outputs:
    """What a batch of records came to. `alarms` say what a person should look at now.

    `amended`: the definition is another behind these records.
    """

    changed: set[Cell] = field(default_factory=set)
    quarantined: list[Quarantined] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    amended: bool = False


@dataclass(slots=True)
class _Intake:
    """Where one cell's tallies go: the rules that let them through, and their ledger once there is one."""

    rules: CellRules
    ledger: Ledger | None


_MAY_RESTART: Final = frozenset({"stale", "overturned"})
"""What a tally of a lower revision than the one that stands may come to."""


class TallyFold:
    """Running totals over the partitions it is fed. One partition's records must come in offset order."""

    def __init__(
        self,
        definition: Election,
        topic: str,
        partition_of: PartitionOf,
        ordered: Collection[str] | None = None,
    ) -> None:
        """`definition` is the one that the run began with.

        `ordered` are the digests that amendments may yield, as the control topic has them; without it, as of an
        archive, all that fit are taken.
        """
        self.ledgers: dict[Cell, Ledger] = {}
        self.outcomes: Counter[str] = Counter()
        self.notices: Final = Notices()
        self._definition = definition
        self._not_ahead = EVENTS_END
        self._ordered = ordered
        self._rulebook = Rulebook(definition, partition_of)
        self._amended: dict[int, list[Amended]] = {}
        """By partition the amendments that hold in it, where there is any."""
        self._rulebooks: dict[str, Rulebook] = {}
        """By digest those of amended definitions."""
        self._topic = topic
        self._partition_of = partition_of
        self._intakes: dict[tuple[str, str, str], _Intake] = {}

    def apply(self, partition: int, records: Sequence[Record]) -> Outputs:
        """Fold the next records of a partition."""
        outputs = Outputs()
        for at in range(0, len(records), PARSED_AT_ONCE):
            some = records[at : at + PARSED_AT_ONCE]
            tallies = parse(some)
            self._not_ahead = self._surely_not_ahead(some, tallies)
            for record, tally in zip(some, tallies, strict=True):
                self.take(partition, record, tally, outputs)
        self._not_ahead = EVENTS_END
        return outputs

    def take(self, partition: int, record: Record, tally: Tally | Refusal, outputs: Outputs) -> None:
        """Fold the next record of a partition, with what `parse` made of it; what it comes to is added to `outputs`."""
        if type(tally) is Refusal:
            if record.key == AMENDED_KEY:
                refused = self._amend(partition, record, outputs)
                if refused is None:
                    return
                tally = refused
            self._refuse(partition, record, tally, outputs)
            return
        result = self._fold(partition, record, tally, outputs)
        if type(result) is Refusal:
            self._refuse(partition, record, result, outputs)
            return
        self.outcomes[result] += 1
        if tally.at > self._not_ahead or result in _MAY_RESTART:
            self._notice(record, tally, result)

    def outcome_of(self, tally: Tally) -> Outcome | ReportOutcome | Refusal:
        """What would become of a tally that came next, under its own district's key. Nothing is changed."""
        intake = self._intakes.get((tally.contest, tally.source, tally.district)) or self._open(tally)
        if type(intake) is Refusal:
            return intake
        refusal = intake.rules.refusal(tally, intake.rules.key, intake.rules.partition)
        if refusal is not None:
            return refusal
        ledger = intake.ledger if intake.ledger is not None else _new_ledger(intake.rules)
        if isinstance(ledger, BoxLedger) and type(tally) is not Reported:
            return ledger.outcome_of(tally)
        return cast("ReportLedger", ledger).outcome_of(cast("Reported", tally))

    def could_hold(self, ledger: Ledger) -> bool:
        """Whether a ledger is one that this definition's tallies come to: of such a cell, kind and ballot."""
        rules = self._rules_for(ledger.cell)
        if type(rules) is Refusal or isinstance(ledger, ReportLedger) != rules.takes_reports:
            return False
        is_alike = (ledger.boxes_total, ledger.votes_per_voter) == (rules.boxes_kept, rules.votes_per_voter)
        is_alike = is_alike and ledger.given == rules.given
        return ledger.sums.votes.keys() == rules.candidates and is_alike

    def adopt(self, ledger: Ledger) -> None:
        """Take over a ledger from a checkpoint, which knows nothing of closed boxes."""
        rules = self._rules_for(ledger.cell)
        if isinstance(ledger, BoxLedger) and type(rules) is not Refusal:
            ledger.closed = rules.closed
        self.ledgers[ledger.cell] = ledger
        self._intakes.pop(ledger.cell, None)

    def forget(self, partition: int) -> None:
        """Drop everything that belongs to a partition: another member owns it now, or it is read anew."""
        self._amended.pop(partition, None)
        cells = self.cells_of(partition)
        self.notices.forget(cells)
        for cell in cells:
            del self.ledgers[cell]
        self._reopen(partition)

    def cells_of(self, partition: int) -> list[Cell]:
        """The cells that live in a partition."""
        return [cell for cell in self.ledgers if self.partition_of(cell) == partition]

    def partition_of(self, cell: Cell) -> int:
        """The partition that a cell lives in."""
        return self._partition_of(cell.district.encode())

    def definition_of(self, partition: int) -> Election:
        """The definition by which a partition's next tally is judged."""
        return self._rulebook_of(partition).definition

    def amendments_of(self, partition: int) -> Sequence[Amended]:
        """The amendments that hold in a partition, in their order."""
        return self._amended.get(partition, ())

    def resume(self, partition: int, amendments: Sequence[Amended]) -> None:
        """Go on in a partition, of which nothing is folded yet, where these amendments hold.

        Raises `DefinitionError` where they do not follow one another.
        """
        for amendment in amendments:
            self._take_up(partition, amendment)

    def _amend(self, partition: int, record: Record, outputs: Outputs) -> Refusal | None:
        """Judge what comes behind this record by the definition that it amends to; why not, where it cannot be used.

        Nothing comes of a version that the partition has reached: several owners may have written it.
        """
        try:
            amendment = parse_amended(record.value)
        except ValidationError as error:
            return Refusal("malformed", f"it amends the definition, and cannot be read: {first_fault(error)}")
        if amendment.version <= FIRST_VERSION + len(self.amendments_of(partition)):
            return None
        if self._ordered is not None and amendment.yields not in self._ordered:
            return Refusal("malformed", "it amends the definition as no order that counts does")
        try:
            self._take_up(partition, amendment)
        except DefinitionError as error:
            return Refusal("malformed", f"it amends the definition, and cannot be used: {error}")
        outputs.amended = True
        for cell in self.cells_of(partition):
            if self._adapt(cell, record.offset):
                outputs.changed.add(cell)
        return None

    def _take_up(self, partition: int, amendment: Amended) -> None:
        if amendment.version != FIRST_VERSION + len(self.amendments_of(partition)) + 1:
            raise DefinitionError("It does not follow the version that holds there.")
        if amendment.yields not in self._rulebooks or amendment.amends != self.definition_of(partition).digest:
            definition = amended_as(self.definition_of(partition), amendment)
            self._rulebooks[amendment.yields] = Rulebook(definition, self._partition_of)
        self._amended.setdefault(partition, []).append(amendment)
        self._reopen(partition)

    def _adapt(self, cell: Cell, offset: int) -> bool:
        """Let a ledger follow the rules of its cell as they are now; whether they are others for it."""
        rules, ledger = self._rules_for(cell), self.ledgers[cell]
        if type(rules) is Refusal:  # an amendment takes nothing away that a cell hangs on
            raise RuntimeError(f"{cell} was counted, and has no rules any more: {rules.detail}")
        is_alike = ledger.sums.votes.keys() == rules.candidates and ledger.boxes_total == rules.boxes_kept
        if is_alike and (isinstance(ledger, ReportLedger) or ledger.closed == rules.closed):
            return False
        candidates = tuple(sorted(rules.candidates))
        if isinstance(ledger, ReportLedger):
            self.ledgers[cell] = ledger.amended(candidates, rules.boxes_kept, offset)
        else:
            self.ledgers[cell] = ledger.amended(candidates, rules.boxes_kept, offset, rules.closed)
        return True

    def _reopen(self, partition: int) -> None:
        """Forget by which rules a partition's cells take tallies."""
        for cell in [cell for cell in self._intakes if self._partition_of(cell[2].encode()) == partition]:
            del self._intakes[cell]

    def _rulebook_of(self, partition: int) -> Rulebook:
        held = self._amended.get(partition)
        return self._rulebooks[held[-1].yields] if held else self._rulebook

    def _rules_for(self, cell: Cell) -> CellRules | Refusal:
        return self._rulebook_of(self.partition_of(cell)).rules_for(cell)

    def _notice(self, record: Record, tally: Tally, outcome: Outcome | ReportOutcome) -> None:
        """Notice what is odd about when a tally was told."""
        cell = Cell(tally.contest, tally.source, tally.district)
        ledger = self.ledgers[cell]
        stands = ledger.revision_of(None if isinstance(tally, Reported) else tally.box)
        is_news = record.offset > ledger.version or outcome == "overturned"  # else a checkpoint holds what came after
        if outcome in _MAY_RESTART and is_news and _restarts(ledger, tally):
            stood = cast("ReportLedger", ledger).revision_before(tally) if isinstance(tally, Reported) else stands
            self.notices.add("restarted", cell, record.offset, tally, stood)
        if is_ahead(tally.at, record.timestamp, self._definition):
            self.notices.add("ahead", cell, record.offset, tally, stands)

    def _surely_not_ahead(self, records: Sequence[Record], tallies: Sequence[Tally | Refusal]) -> datetime:
        """Up to when no event time of these is ahead of its append: nearly all are told by this one comparison.

        Within a partition append times go on, but for a log's clock that is set back.
        """
        first_ms, last_ms = sorted((records[0].timestamp, records[-1].timestamp))
        zone = next((tally.at.tzinfo for tally in tallies if type(tally) is not Refusal), UTC)
        return surely_not_ahead(first_ms, last_ms, zone, self._definition)

    def notice_impossible(self, cells: Iterable[Cell]) -> None:
        """Notice where the number of boxes with figures that no box can have is another than was noticed before."""
        for cell in cells:
            ledger = self.ledgers[cell]
            if isinstance(ledger, BoxLedger):
                self.notices.count_impossible(ledger)

    def flags(self) -> Counter[str]:
        """How many opened boxes, and standing reports, carry each flag."""
        flags: Counter[str] = Counter()
        for ledger in self.ledgers.values():
            flags.update(ledger.sums.flags)
        return flags

    def _fold(
        self, partition: int, record: Record, tally: Tally, outputs: Outputs
    ) -> Outcome | ReportOutcome | Refusal:
        intake = self._intakes.get((tally.contest, tally.source, tally.district)) or self._open(tally)
        if type(intake) is Refusal:
            return intake
        rules = intake.rules
        refusal = rules.refusal(tally, record.key, partition)
        if refusal is not None:
            return refusal
        offset, ledger = record.offset, intake.ledger
        if ledger is None:
            ledger = intake.ledger = self.ledgers[rules.cell] = _new_ledger(rules)
        result: Outcome | ReportOutcome | Refusal
        if isinstance(ledger, BoxLedger) and type(tally) is not Reported:
            result = ledger.apply(tally, offset)
            if result == "conflict":
                what = f"revision {tally.revision} of box {tally.box}"
                return Refusal("conflict", f"{what} is in the log with other counts")
        else:  # its rules let it through, so it is of the ledger's kind
            result = _apply_to_reports(cast("ReportLedger", ledger), cast("Reported", tally), offset, outputs.alarms)
        if ledger.version == offset:
            outputs.changed.add(rules.cell)
        return result

    def _open(self, tally: Tally) -> _Intake | Refusal:
        """Begin to take a cell's tallies, or say why it has none."""
        rules = self._rules_for(Cell(tally.contest, tally.source, tally.district))
        if isinstance(rules, Refusal):
            return rules
        intake = self._intakes[rules.cell] = _Intake(rules, self.ledgers.get(rules.cell))
        return intake

    def _refuse(self, partition: int, record: Record, refusal: Refusal, outputs: Outputs) -> None:
        """Set a record aside, with why."""
        self.outcomes[refusal.reason] += 1
        outputs.quarantined.append(self._set_aside(partition, record, refusal))

    def _set_aside(self, partition: int, record: Record, refusal: Refusal) -> Quarantined:
        return quarantined(
            refusal.reason,
            refusal.detail,
            topic=self._topic,
            partition=partition,
            offset=record.offset,
            key=record.key or b"",
            value=record.value or b"",
        )


def _new_ledger(rules: CellRules) -> Ledger:
    """The ledger of a cell that nothing was heard of yet."""
    candidates, boxes_total = tuple(sorted(rules.candidates)), rules.boxes_kept
    if rules.takes_reports:
        return ReportLedger(rules.cell, Sums.zero(candidates), boxes_total, rules.votes_per_voter, rules.given)
    return BoxLedger(rules.cell, candidates, boxes_total, rules.votes_per_voter, rules.given, rules.closed)


def _restarts(ledger: Ledger, tally: Tally) -> bool:
    """Whether a stale tally speaks as from a source that began to number anew."""
    if isinstance(ledger, BoxLedger) and type(tally) is not Reported:
        return ledger.restarts(tally)
    return cast("ReportLedger", ledger).restarts(cast("Reported", tally))


def _apply_to_reports(
    ledger: ReportLedger, report: Reported, offset: int, alarms: list[str]
) -> ReportOutcome | Refusal:
    """Where boxes go backwards unmarked, somebody should ask the source, whichever report came first."""
    outcome = ledger.apply(report, offset)
    if outcome == "conflict":
        return Refusal("conflict", f"revision {report.revision} of {report.district} is in the log with other counts")
    if outcome not in {"backwards", "overturned"}:
        return outcome
    what = f"{report.source}'s revision {report.revision} of {report.district} in {report.contest}"
    if outcome == "overturned":
        alarms.append(
            f"{what} came late, and the later one that stood has fewer boxes opened with no mark of a correction. "
            f"The late one stands, with {report.boxes_opened}; ask {report.source} which is right."
        )
        return outcome
    detail = f"{what} goes back from {ledger.sums.boxes_opened} boxes opened to {report.boxes_opened}, unmarked"
    alarms.append(f"{detail}; set aside. If {report.source} means it, send it again as report_corrected.")
    return Refusal("backwards", detail)


def parse(records: Sequence[Record]) -> list[Tally | Refusal]:
    """One tally or refusal for each record, in order."""
    values = [record.value or b"" for record in records]
    if max(map(len, values), default=0) > MAX_TALLY_BYTES:
        tallies = parse_tallies([value if len(value) <= MAX_TALLY_BYTES else b"" for value in values])
    else:
        tallies = parse_tallies(values)
    return [
        _unreadable(value, tally) if type(tally) is Malformed else tally
        for value, tally in zip(values, tallies, strict=True)
    ]


def _unreadable(value: bytes, fault: Malformed) -> Refusal:
    size = len(value)
    if size > MAX_TALLY_BYTES:
        return Refusal("too_large", f"{size} bytes; a tally event has at most {MAX_TALLY_BYTES}")
    return Refusal("malformed", fault.detail if size else "the record is empty")
