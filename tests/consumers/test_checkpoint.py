import zlib
from dataclasses import dataclass

import pytest
from hypothesis import given

from consumers.checkpoint import Checkpoint, Marker, ledger_entry
from consumers.ledger import BoxLedger
from consumers.reports import ReportLedger
from consumers.sums import Sums
from eventlog.port import Entry
from schemas.tally import Counted, Withdrawn
from schemas.totals import Cell
from tests.builders import NIGHT, counted, reported
from tests.consumers.nights import tallies

CELL = Cell("mayor", "aa", "tr/34/uskudar")
CANDIDATES = ("bagimsiz_1", "imamoglu", "kurum")


@dataclass(frozen=True)
class Stored:
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int = 0


def read_back(*entries: Entry) -> Checkpoint:
    checkpoint = Checkpoint()
    checkpoint.add([Stored(offset, entry.key, entry.value) for offset, entry in enumerate(entries)])
    return checkpoint


def kept(version: int, box: int = 1001) -> tuple[BoxLedger, Entry]:
    ledger = BoxLedger(CELL, CANDIDATES, boxes_total=8)
    ledger.apply(counted(box=box), version)
    return ledger, ledger_entry(ledger, 3)


def test_a_ledger_and_its_marker_come_back_as_they_were() -> None:
    ledger, entry = kept(41)
    marker = Marker(42, 17, {CELL: 41})

    checkpoint = read_back(entry, marker.entry(3))
    (found,) = checkpoint.ledgers() or []

    assert marker == checkpoint.marker
    assert (ledger.cell, ledger.sums, ledger.version, ledger.as_of) == (
        found.cell,
        found.sums,
        found.version,
        found.as_of,
    )
    assert ledger.pack() == found.pack()


@given(tallies())
def test_any_ledger_survives_the_way_through_the_log(events: list[Counted | Withdrawn]) -> None:
    ledger = BoxLedger(CELL, CANDIDATES, boxes_total=8)
    for offset, event in enumerate(events):
        ledger.apply(event, offset)
    if not events:
        return
    (found,) = read_back(ledger_entry(ledger, 0), Marker(1, 0, {CELL: 0}).entry(0)).ledgers() or []

    assert (ledger.pack(), ledger.sums) == (found.pack(), found.sums)


def test_a_ledger_of_reports_comes_back_as_one() -> None:
    ledger = ReportLedger(CELL, Sums.zero(CANDIDATES), boxes_total=20)
    ledger.apply(reported(), 40)
    ledger.apply(reported(revision=2, boxes_opened=5), 41)

    (found,) = read_back(ledger_entry(ledger, 3), Marker(42, 0, {CELL: 41}).entry(3)).ledgers() or []

    assert isinstance(found, ReportLedger)
    assert (ledger.pack(), ledger.sums, ledger.version, ledger.as_of) == (
        found.pack(),
        found.sums,
        found.version,
        found.as_of,
    )


def test_a_ledger_without_a_marker_is_no_checkpoint() -> None:
    assert read_back(kept(41)[1]).ledgers() is None


def test_a_zombies_older_ledger_after_the_newer_one_does_not_count() -> None:
    newer, older = kept(41, box=1001)[1], kept(9, box=1002)[1]
    (found,) = read_back(newer, Marker(42, 0, {CELL: 41}).entry(0), older).ledgers() or []

    assert found.version == 41


def test_a_marker_that_counts_on_more_than_is_left_makes_no_checkpoint() -> None:
    """Compaction kept a zombie's ledger only: slower from the start, never wrong."""
    assert read_back(kept(9)[1], Marker(42, 0, {CELL: 41}).entry(0)).ledgers() is None


def test_a_marker_that_counts_on_a_ledger_that_is_gone_makes_no_checkpoint() -> None:
    assert read_back(Marker(42, 0, {CELL: 41}).entry(0)).ledgers() is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"marker", b"{"),
        (b"marker", b"{}"),
        (b"marker", None),
        (b"mayor/aa/tr/34/uskudar", b""),
        (b"mayor/aa/tr/34/uskudar", b'{"cell":["a"]}\n'),
        (b"mayor/aa/tr/34/uskudar", b'{"cell":["mayor","aa","tr/34/uskudar"],"version":50}\nnot deflated'),
        (b"mayor/aa/tr/34/uskudar", None),
    ],
)
def test_a_damaged_record_makes_no_checkpoint(key: bytes, value: bytes | None) -> None:
    checkpoint = read_back(kept(41)[1], Marker(42, 0, {CELL: 41}).entry(0), Entry(key, value or b""))

    assert {key} == checkpoint.damaged
    assert checkpoint.ledgers() is None


def test_what_was_damaged_and_written_again_is_whole() -> None:
    good, marker = kept(41)[1], Marker(42, 0, {CELL: 41}).entry(0)
    broken = [Entry(entry.key, b"scribble") for entry in (good, marker)]

    assert read_back(*broken).ledgers() is None
    assert read_back(*broken, good, marker).ledgers() is not None


def test_a_ledger_that_heard_of_nothing_is_not_kept() -> None:
    with pytest.raises(ValueError, match="heard of nothing yet"):
        ledger_entry(BoxLedger(CELL, CANDIDATES, boxes_total=8), 0)


def test_what_is_kept_is_deflated() -> None:
    ledger, entry = kept(41)
    assert ledger.pack() == zlib.decompress(entry.value.partition(b"\n")[2])
    assert ledger.as_of == NIGHT
