"""Checkpoints: records of the ledger topic. What is used folds on exactly; what cannot be is not used at all."""

import zlib
from typing import Final

from schemas.tally import Tally, encode
from schemas.totals import parse_totals
from tabulation.counting.checkpoint import MARKER_KEY, Checkpoint, Marker, ledger_entry
from tabulation.counting.tally_fold import TallyFold
from tests.builders import counted, reported, withdrawn
from tests.fuzz.target import Opened, Target, expect, simple
from tests.fuzz.targets.tally import ELECTION, TOPIC
from tests.gateway.nights import Written

_PACKED: Final = b"PACKED\n"
"""What an input begins with whose rows are not deflated: they are, before it is given to the product."""

SAID: Final[tuple[Tally, ...]] = (
    *(counted(), counted(box=1002, revision=2), counted(box=1003, source="anka"), withdrawn(box=1001, revision=3)),
    *(reported(), counted({"chp": 9}, contest="district_mayor", district="tr/41/gebze")),
)
NEXT: Final = counted({"kurum": 5}, box=1019)


def fold_of(*said: Tally) -> TallyFold:
    """A fold that has been told these."""
    fold = TallyFold(ELECTION, TOPIC, lambda _: 0)
    fold.apply(0, [Written(at, encode(one), key=one.district.encode()) for at, one in enumerate(said)])
    return fold


def entries() -> list[tuple[bytes, bytes]]:
    """Keys and values of a whole checkpoint, its marker last."""
    fold = fold_of(*SAID)
    ledgers = [ledger_entry(ledger, 0) for ledger in fold.ledgers.values()]
    versions = {cell: ledger.version for cell, ledger in fold.ledgers.items()}
    marker = Marker(len(SAID), 3, versions).entry(0)
    return [(entry.key, entry.value) for entry in (*ledgers, marker)]


def corpus() -> tuple[bytes, ...]:
    """Its records, each also with its rows as they are before they are deflated."""
    found = []
    for key, value in entries():
        found.append(key + b"\n" + value)
        if key != MARKER_KEY:
            head, _, packed = value.partition(b"\n")
            found.append(_PACKED + key + b"\n" + head + b"\n" + zlib.decompress(packed))
    return tuple(found)


def check(data: bytes) -> None:
    """A checkpoint with this record in the place of the one of its key, or beside the others."""
    is_packed = data.startswith(_PACKED)
    key, _, value = data.removeprefix(_PACKED).partition(b"\n")
    if is_packed:
        head, _, packed = value.partition(b"\n")
        value = head + b"\n" + zlib.compress(packed, 1)
    sound = entries()
    checkpoint = Checkpoint()
    records = [one for one in sound if one[0] != key]
    records.insert(0, (key, value))
    checkpoint.add([Written(at, value, key=key) for at, (key, value) in enumerate(records)])
    ledgers = checkpoint.ledgers()
    if ledgers is None:
        expect(checkpoint.fault(), "nothing says why a checkpoint is not used")
        return
    fold = TallyFold(ELECTION, TOPIC, lambda _: 0)
    if not all(fold.could_hold(ledger) for ledger in ledgers):
        return
    for ledger in ledgers:
        fold.adopt(ledger)
    fold.notices.restore(checkpoint.marker.notices)
    fold.notice_impossible(ledger.cell for ledger in ledgers)
    before = {ledger.cell: ledger.totals(ELECTION.zone) for ledger in ledgers}
    fold.apply(0, [Written(100, encode(NEXT), key=NEXT.district.encode())])
    for ledger in ledgers:
        entry = ledger_entry(ledger, 0)
        again = Checkpoint()
        again.add([Written(0, entry.value, key=entry.key)])
        expect(not again.refused, f"a ledger does not come back: {again.refused}")
        totals = ledger.totals(ELECTION.zone)
        expect(parse_totals(totals.encode()) == totals, "totals do not come back")
        _ = len(ledger.pack())
        unchanged = before[ledger.cell]
        if ledger.version == unchanged.version:
            expect(ledger.totals(ELECTION.zone) == unchanged, "the sums are not those of the rows")


TARGET: Final = Target(
    "checkpoint", "ledgers and markers of the ledger topic", 60, simple(lambda: Opened(corpus(), check))
)
