"""The tally fold: records of the tallies log in, changed cells and quarantined records out. Pure.

Sources are kept side by side: a cell is one (contest, source, district). What cannot be used is never dropped in
silence and never stops the stream: it comes out as a `Quarantined` with its reason, its bytes and its position.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from consumers.ledger import BoxLedger, Outcome, Sums
from consumers.register import Desk, PartitionOf, Refusal, Register
from eventlog.port import Record
from schemas.definition import Election
from schemas.quarantine import Quarantined, quarantined
from schemas.tally import MAX_TALLY_BYTES, Counted, Malformed, Withdrawn, parse_tallies
from schemas.totals import Cell


@dataclass(slots=True)
class Outputs:
    """What a batch of records came to."""

    changed: set[Cell] = field(default_factory=set)
    quarantined: list[Quarantined] = field(default_factory=list)


class TallyFold:
    """Running totals over the partitions it is fed. One partition's records must come in offset order."""

    def __init__(self, definition: Election, topic: str, partition_of: PartitionOf) -> None:
        self.ledgers: dict[Cell, BoxLedger] = {}
        self.outcomes: Counter[str] = Counter()
        self._register = Register(definition, partition_of)
        self._topic = topic
        self._partition_of = partition_of
        self._desks: dict[tuple[str, str, str], Desk] = {}

    def apply(self, partition: int, records: Sequence[Record]) -> Outputs:
        """Fold the next records of a partition."""
        outputs = Outputs()
        for record, tally in zip(records, parse(records), strict=True):
            self.take(partition, record, tally, outputs)
        return outputs

    def take(self, partition: int, record: Record, tally: Counted | Withdrawn | Refusal, outputs: Outputs) -> None:
        """Fold the next record of a partition, with what `parse` made of it; what it comes to is added to `outputs`."""
        result = tally if isinstance(tally, Refusal) else self._fold(partition, record, tally, outputs.changed)
        if isinstance(result, Refusal):
            self.outcomes[result.reason] += 1
            outputs.quarantined.append(self._set_aside(partition, record, result))
        else:
            self.outcomes[result] += 1

    def adopt(self, ledger: BoxLedger) -> None:
        """Take over a ledger from a checkpoint."""
        self.ledgers[ledger.cell] = ledger

    def forget(self, partition: int) -> None:
        """Drop everything that belongs to a partition: another member owns it now, or it is read anew."""
        for cell in self.cells_of(partition):
            del self.ledgers[cell]

    def cells_of(self, partition: int) -> list[Cell]:
        """The cells that live in a partition."""
        return [cell for cell in self.ledgers if self.partition_of(cell) == partition]

    def partition_of(self, cell: Cell) -> int:
        """The partition that a cell lives in."""
        return self._partition_of(cell.district.encode())

    def flags(self) -> Counter[str]:
        """How many opened boxes carry each flag."""
        flags: Counter[str] = Counter()
        for ledger in self.ledgers.values():
            flags.update(ledger.sums.flags)
        return flags

    def _fold(
        self, partition: int, record: Record, tally: Counted | Withdrawn, changed: set[Cell]
    ) -> Outcome | Refusal:
        desk = self._desks.get((tally.contest, tally.source, tally.district)) or self._open_desk(tally)
        if isinstance(desk, Refusal):
            return desk
        refusal = desk.refuse(tally, record.key, partition)
        if refusal is not None:
            return refusal
        ledger = self.ledgers.get(desk.cell)
        if ledger is None:
            ledger = self.ledgers[desk.cell] = BoxLedger(desk.cell, Sums.zero(tuple(sorted(desk.candidates))))
        outcome = ledger.apply(tally, record.offset)
        if outcome == "conflict":
            return Refusal("conflict", f"revision {tally.revision} of box {tally.box} is in the log with other counts")
        if ledger.version == record.offset:
            changed.add(desk.cell)
        return outcome

    def _open_desk(self, tally: Counted | Withdrawn) -> Desk | Refusal:
        desk = self._register.open_desk(Cell(tally.contest, tally.source, tally.district))
        if isinstance(desk, Desk):
            self._desks[desk.cell] = desk
        return desk

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


def parse(records: Sequence[Record]) -> Iterable[Counted | Withdrawn | Refusal]:
    """One tally or refusal for each record, in order."""
    values = [record.value or b"" for record in records]
    sizes = [len(value) for value in values]
    if max(sizes, default=0) > MAX_TALLY_BYTES:
        values = [value if len(value) <= MAX_TALLY_BYTES else b"" for value in values]
    for size, tally in zip(sizes, parse_tallies(values), strict=True):
        if size > MAX_TALLY_BYTES:
            yield Refusal("too_large", f"{size} bytes; a tally event has at most {MAX_TALLY_BYTES}")
        elif isinstance(tally, Malformed):
            yield Refusal("malformed", tally.detail if size else "the record is empty")
        else:
            yield tally
