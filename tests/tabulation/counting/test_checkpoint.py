import base64
import zlib
from dataclasses import dataclass
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given

from schemas.tally import Counted, Withdrawn
from schemas.totals import Cell
from tabulation.counting.cells import Sums
from tabulation.counting.checkpoint import Checkpoint, Kept, Marker, ledger_entry
from tabulation.counting.ledgers import BoxLedger, ReportLedger
from tests.builders import NIGHT, counted, reported
from tests.consumers.nights import tallies
from tests.schemas.test_asides import notice

CELL = Cell("mayor", "aa", "tr/34/uskudar")
CANDIDATES = ("bagimsiz_1", "imamoglu", "kurum")


@dataclass(frozen=True)
class Stored:
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int = 0


def read_back(*entries: Kept) -> Checkpoint:
    checkpoint = Checkpoint()
    checkpoint.add([Stored(offset, entry.key, entry.value) for offset, entry in enumerate(entries)])
    return checkpoint


def kept(version: int, box: int = 1001) -> tuple[BoxLedger, Kept]:
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


def test_a_marker_keeps_what_was_noticed() -> None:
    marker = Marker(42, 17, {CELL: 41}, (notice(), notice(kind="ahead", box=None)))

    assert marker == read_back(kept(41)[1], marker.entry(3)).marker
    assert b"notices" not in Marker(42, 17).entry(3).value


def test_a_marker_names_the_definition_that_holds_at_its_position() -> None:
    marker = Marker(42, 17, {CELL: 41}, definition="ab" * 16)
    assert marker == read_back(kept(41)[1], marker.entry(3)).marker


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


def test_a_zombies_older_ledger_is_fenced_by_its_version() -> None:
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
    checkpoint = read_back(kept(41)[1], Marker(42, 0, {CELL: 41}).entry(0), Kept(key, value or b"", 0))

    assert {key} == set(checkpoint.refused)
    assert checkpoint.ledgers() is None


V2_BOXES = (
    b'{"v":2,"cell":["mayor","aa","tr/34/uskudar"],"version":41,"as_of":"2024-03-31T19:00:00+03:00","sums":'
    b'{"boxes_opened":1,"annulled":0,"registered":300,"cast":255,"valid":250,"invalid":5,"unattributed":0,"flagged":0,'
    b'"flags":{"cast_over_registered":0,"cast_sum_differs":0,"party_sum_differs":0},"votes":{"imamoglu":150,"kurum":100'
    b'}},"boxes_total":8}\n'
) + base64.b64decode(b"eAGbxsDAkALEjEAMAjpAxn8g/QuIWUECWABMLQMD80sAmmoEFA==")
V2_REPORTS = (
    b'{"v":2,"cell":["mayor","aa","tr/34/uskudar"],"version":41,"as_of":"2024-03-31T19:00:00+03:00","sums":'
    b'{"boxes_opened":10,"annulled":0,"registered":3000,"cast":2550,"valid":2500,"invalid":50,"unattributed":0,'
    b'"flagged":0,"flags":{"cast_over_registered":0,"cast_sum_differs":0,"party_sum_differs":0,"boxes_over_total":0},'
    b'"votes":{"imamoglu":1500,"kurum":1000}},"of":"reports"}\n'
) + base64.b64decode(
    b"eAEVi80KwyAQhN9lrjWwanKoz9GbSklSKaURy0YhEPLuXWH45gfmxFKOtD9rqfMGZ0hhLcxprekFJ43Tr3Dd4bzXSstgyIwD2cHqh747"
    b"ItGNrBAK3hKRMtPUIUmc1BnwyXMu760FON33gG/jlnuVwxUR4/UHpZ0mAQ=="
)
"""What the version before this one kept of one box and of one report: rows without event times."""


NO_EXCESS = (
    b'{"v":3,"of":"boxes","cell":["mayor","aa","tr/34/uskudar"],"version":41,"as_of":"2024-03-31T16:00:00+00:00",'
    b'"boxes_total":8,"layout":{"row_bytes":76,"candidates":3,"counts":["boxes_opened","annulled","registered","cast",'
    b'"valid","invalid","unattributed","flagged"],"flags":["cast_over_registered","cast_sum_differs",'
    b'"party_sum_differs"],"above":["moment","order"]},"totals":{"boxes_opened":1,"annulled":0,"registered":300,'
    b'"cast":255,"valid":250,"invalid":5,"unattributed":0,"flagged":0,"flags":{"cast_over_registered":0,'
    b'"cast_sum_differs":0,"party_sum_differs":0},"votes":{"bagimsiz_1":0,"imamoglu":150,"kurum":100}}}\n'
) + base64.b64decode(b"eAFjYGBgmAbEKUDMCMQgoANk/AfSv4CYFSSADRw4b8/+jhehiYH5JQDjugbk")
"""What was kept of a box before its excess was."""


def test_a_ledger_without_an_excess_of_its_boxes_is_folded_anew() -> None:
    checkpoint = read_back(Kept(CELL.key(), NO_EXCESS, 0), Marker(42, 0, {CELL: 41}).entry(0))

    assert checkpoint.ledgers() is None
    assert "holds other counts or flags than this sandik keeps" in (checkpoint.fault() or "")


def changed(entry: Kept, **changes: Any) -> Kept:
    """The record with some fields of its first line changed."""
    line, _, packed = entry.value.partition(b"\n")
    return Kept(entry.key, orjson.dumps(orjson.loads(line) | changes) + b"\n" + packed, entry.partition)


def report_entry() -> Kept:
    ledger = ReportLedger(CELL, Sums.zero(CANDIDATES), boxes_total=20)
    ledger.apply(reported(), 41)
    return ledger_entry(ledger, 0)


@pytest.mark.parametrize("value", [V2_BOXES, V2_REPORTS])
def test_a_ledger_of_the_version_before_is_folded_anew_and_not_misread(value: bytes) -> None:
    checkpoint = read_back(Kept(CELL.key(), value, 0), Marker(42, 0, {CELL: 41}).entry(0))

    assert checkpoint.ledgers() is None
    assert checkpoint.fault() == ("'mayor/aa/tr/34/uskudar' in the ledger topic has version 2, and this sandik reads 3")


@pytest.mark.parametrize("entry", [kept(41)[1], report_entry()])
def test_what_reads_no_versions_refuses_a_ledger_of_this_one(entry: Kept) -> None:
    """The version before looks for `sums` first: where there are none it folds anew."""
    assert b'"sums"' not in entry.value.partition(b"\n")[0]


@pytest.mark.parametrize("entry", [kept(41)[1], report_entry()])
def test_a_ledger_of_a_version_after_is_folded_anew(entry: Kept) -> None:
    checkpoint = read_back(changed(entry, v=4), Marker(42, 0, {CELL: 41}).entry(0))

    assert checkpoint.ledgers() is None
    assert "has version 4, and this sandik reads 3" in (checkpoint.fault() or "")


def test_a_marker_of_another_version_makes_no_checkpoint() -> None:
    entry = kept(41)[1]
    marker = orjson.loads(Marker(42, 0, {CELL: 41}).entry(0).value)
    checkpoint = read_back(entry, Kept(b"marker", orjson.dumps(marker | {"v": 2}), 0))

    assert checkpoint.fault() == "'marker' in the ledger topic has version 2, and this sandik reads 1"
    assert checkpoint.marker == Marker()


@pytest.mark.parametrize("entry", [kept(41)[1], report_entry()])
@pytest.mark.parametrize(
    "changes",
    [
        {"flags": ["cast_over_registered", "cast_sum_differs", "party_sum_differs", "boxes_over_total", "one_more"]},
        {"flags": ["cast_over_registered"]},
        {"row_bytes": 92},
        {"candidates": 4},
        {"counts": ["boxes_opened"]},
        {"above": ["order"]},
        {"report": ["order"]},
        {"content": ["votes"]},
    ],
)
def test_rows_of_another_layout_are_not_misread(entry: Kept, changes: dict[str, Any]) -> None:
    """As a later release has them, with one more flag or one count less."""
    layout = orjson.loads(entry.value.partition(b"\n")[0])["layout"]
    checkpoint = read_back(changed(entry, layout=layout | changes), Marker(42, 0, {CELL: 41}).entry(0))

    assert checkpoint.ledgers() is None
    assert "holds other counts or flags than this sandik keeps" in (checkpoint.fault() or "")


@pytest.mark.parametrize(
    "changes",
    [
        {"v": None},
        {"of": "districts"},
        {"cell": ["mayor", "aa"]},
        {"version": "41"},
        {"as_of": 0},
        {"as_of": "2024-03-31T19:00:00"},
        {"boxes_total": -1},
        {"layout": None},
        {"totals": {}},
        {"totals": None},
    ],
)
def test_a_head_that_says_something_else_is_not_misread(changes: dict[str, Any]) -> None:
    assert read_back(changed(kept(41)[1], **changes), Marker(42, 0, {CELL: 41}).entry(0)).ledgers() is None


def test_boxes_that_end_within_a_row_are_not_misread() -> None:
    ledger, entry = kept(41)
    cut = entry.value.partition(b"\n")[0] + b"\n" + zlib.compress(ledger.pack()[:-1])

    assert read_back(Kept(entry.key, cut, entry.partition), Marker(42, 0, {CELL: 41}).entry(0)).ledgers() is None


def test_equal_ledgers_are_equal_bytes_in_whatever_zone_their_events_were_told() -> None:
    cells = []
    for zone in (UTC, ZoneInfo("Europe/Istanbul")):
        boxes = BoxLedger(CELL, CANDIDATES, boxes_total=8)
        boxes.apply(counted(at=NIGHT.astimezone(zone)), 3)
        reports = ReportLedger(CELL, Sums.zero(CANDIDATES), boxes_total=20)
        reports.apply(reported(at=NIGHT.astimezone(zone)), 3)
        cells.append((ledger_entry(boxes, 0), ledger_entry(reports, 0)))

    assert cells[0] == cells[1]


def test_a_checkpoint_says_why_it_cannot_be_gone_on_from() -> None:
    entry, marker = kept(41)[1], Marker(42, 0, {CELL: 41}).entry(0)

    assert read_back(entry, marker).fault() is None
    assert read_back(entry).fault() == "there is none"
    assert "counts on it" in (read_back(marker).fault() or "")
    assert "is damaged" in (read_back(entry, Kept(b"marker", b"{", 0)).fault() or "")


def test_only_the_newest_ledger_of_a_cell_is_looked_into() -> None:
    older, newer = kept(41)[1], kept(42)[1]
    damaged = Kept(older.key, older.value[:-9], 0)
    checkpoint = read_back(damaged, newer, Marker(43, 0, {CELL: 42}).entry(0))

    assert checkpoint.fault() is None
    assert [42] == [ledger.version for ledger in checkpoint.ledgers() or []]
    assert "is damaged" in (read_back(damaged).fault() or "")


def test_a_report_whose_content_is_no_text_is_damage() -> None:
    line, _, packed = report_entry().value.partition(b"\n")
    kept_reports = orjson.loads(zlib.decompress(packed))
    kept_reports["reports"][0][-1] = 0.5
    value = line + b"\n" + zlib.compress(orjson.dumps(kept_reports))

    checkpoint = read_back(Kept(CELL.key(), value, 0), Marker(42, 0, {CELL: 41}).entry(0))

    assert "is damaged" in (checkpoint.fault() or "")


def test_what_was_damaged_and_written_again_is_whole() -> None:
    good, marker = kept(41)[1], Marker(42, 0, {CELL: 41}).entry(0)
    broken = [Kept(entry.key, b"scribble", entry.partition) for entry in (good, marker)]

    assert read_back(*broken).ledgers() is None
    assert read_back(*broken, good, marker).ledgers() is not None


def test_a_ledger_that_heard_of_nothing_is_not_kept() -> None:
    with pytest.raises(ValueError, match="heard of nothing yet"):
        ledger_entry(BoxLedger(CELL, CANDIDATES, boxes_total=8), 0)


def test_what_is_kept_is_deflated() -> None:
    ledger, entry = kept(41)
    assert ledger.pack() == zlib.decompress(entry.value.partition(b"\n")[2])
    assert ledger.as_of == NIGHT
