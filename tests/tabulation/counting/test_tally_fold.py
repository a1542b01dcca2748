from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.quarantine import REASONS
from schemas.tally import MAX_TALLY_BYTES, Counted, Tally, Withdrawn
from schemas.totals import Cell
from tabulation.counting.cells import Refusal, Sums
from tabulation.counting.ledgers import BoxLedger, ReportLedger
from tabulation.counting.tally_fold import PARSED_AT_ONCE, Ledger, Outputs, TallyFold
from tests.builders import DISTRICTS, counted, reported, small_election, value_of, with_agency, withdrawn
from tests.consumers import oracle
from tests.consumers.nights import arrivals, tallies

ELECTION = with_agency(small_election())
ZONE = ZoneInfo("Europe/Istanbul")


@dataclass(frozen=True)
class Stored:
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int = 0


def partition_of(key: bytes) -> int:
    return DISTRICTS.index(key.decode()) % 2 if key.decode() in DISTRICTS else 0


def new_fold() -> TallyFold:
    return TallyFold(ELECTION, "tallies", partition_of)


def feed(fold: TallyFold, events: Sequence[Counted | Withdrawn]) -> None:
    """Every event in its partition, at the next offset, one batch each."""
    for offset, event in enumerate(events):
        key = event.district.encode()
        outputs = fold.apply(partition_of(key), [Stored(offset, key, value_of(event))])
        assert outputs.quarantined == []


def figures(fold: TallyFold) -> dict[tuple[str, ...], dict[str, object]]:
    """What the fold holds, in the oracle's form."""
    found = {}
    for cell, ledger in fold.ledgers.items():
        said = {name: getattr(ledger.sums, name) for name in ledger.sums.__slots__ if name != "flags"}
        found[tuple(cell)] = said | {"votes": {name: votes for name, votes in said["votes"].items() if votes}}
    return found


@pytest.mark.parametrize("tally", [counted, reported])
def test_no_votes_for_somebody_who_is_not_on_the_ballot_say_nothing(tally: Callable[..., Tally]) -> None:
    """As in tables with a column for every party; one vote is another matter."""
    fold, plain = new_fold(), new_fold()
    key = b"tr/34/uskudar"
    odd = value_of(tally({"imamoglu": 3, "nobody": 0, "kurum": 2}))
    assert [] == fold.apply(partition_of(key), [Stored(0, key, odd)]).quarantined
    plain.apply(partition_of(key), [Stored(0, key, value_of(tally({"imamoglu": 3, "kurum": 2})))])

    assert figures(plain) == figures(fold)
    (one,), (other,) = fold.ledgers.values(), plain.ledgers.values()
    assert one.pack() == other.pack()
    wrong = fold.apply(partition_of(key), [Stored(1, key, value_of(tally({"nobody": 1, "noone": 0}, revision=2)))])
    assert ["no 'nobody' on the ballot of tr/34/uskudar"] == [record.detail for record in wrong.quarantined]


def test_what_would_become_of_a_tally_is_what_becomes_of_it() -> None:
    """And asking changes nothing: no cell is begun by it."""
    fold = new_fold()
    tried: list[tuple[Tally, str]] = [
        (counted(box=9), "unknown_box"),
        (counted(contest="senate"), "unknown_contest"),
        (counted(), "counted"),
        (counted(), "duplicate"),
        (counted({}), "conflict"),
        (counted({}, released=1), "counted"),
        (withdrawn(revision=1), "stale"),
        (reported(), "counted"),
        (reported(revision=2, boxes_opened=1), "backwards"),
        (reported(), "duplicate"),
    ]
    for offset, (tally, expected) in enumerate(tried):
        before = [(cell, ledger.pack(), ledger.version) for cell, ledger in fold.ledgers.items()]
        foreseen = fold.outcome_of(tally)
        assert before == [(cell, ledger.pack(), ledger.version) for cell, ledger in fold.ledgers.items()]
        key = tally.district.encode()
        fold.apply(partition_of(key), [Stored(offset, key, value_of(tally))])
        assert fold.outcomes[expected] == sum(one == expected for _, one in tried[: offset + 1])
        assert expected == (foreseen.reason if isinstance(foreseen, Refusal) else foreseen)


@given(tallies(), st.data())
def test_any_order_and_any_duplication_equal_the_sum_of_the_highest_revisions(
    events: list[Counted | Withdrawn], data: st.DataObject
) -> None:
    fold = new_fold()
    feed(fold, data.draw(arrivals(events)))

    assert oracle.sums(events) == figures(fold)


@given(tallies(), st.data())
def test_any_order_ends_in_the_same_bytes(events: list[Counted | Withdrawn], data: st.DataObject) -> None:
    one, other = new_fold(), new_fold()
    feed(one, events)
    feed(other, data.draw(arrivals(events)))

    def told(fold: TallyFold) -> dict[Cell, bytes]:
        return {
            cell: ledger.totals(ZONE).model_copy(update={"version": 0}).encode()
            for cell, ledger in fold.ledgers.items()
        }

    assert told(one) == told(other)


@given(tallies(), st.data())
def test_a_batch_is_folded_like_its_records_one_by_one(events: list[Counted | Withdrawn], data: st.DataObject) -> None:
    one_by_one, in_one = new_fold(), new_fold()
    mine = [event for event in events if event.district == DISTRICTS[0]]
    records = [Stored(offset, event.district.encode(), value_of(event)) for offset, event in enumerate(mine)]
    cuts = sorted(data.draw(st.sets(st.integers(0, len(records)))))
    changed = set()
    for start, stop in zip([0, *cuts], [*cuts, len(records)], strict=True):
        changed |= in_one.apply(0, records[start:stop]).changed
    for record in records:
        one_by_one.apply(0, [record])

    assert figures(one_by_one) == figures(in_one)
    assert set(in_one.ledgers) == changed


def reason_of(value: bytes | None, key: bytes | None = b"tr/34/uskudar", partition: int = 0) -> str:
    """Why this one record is set aside, between two good ones that must not suffer."""
    fold = new_fold()
    good = [counted(box=1019), counted(box=1020)]
    records = [
        Stored(0, b"tr/34/uskudar", value_of(good[0])),
        Stored(1, key, value),
        Stored(2, b"tr/34/uskudar", value_of(good[1])),
    ]
    outputs = fold.apply(partition, records)
    if partition == 0:
        assert fold.ledgers[Cell("mayor", "aa", "tr/34/uskudar")].sums.boxes_opened == 2
        (record,) = outputs.quarantined
        assert (b"tallies/0/1", value or b"") == (record.position, record.original)
        return record.reason
    return outputs.quarantined[1].reason


def changed(**changes: Any) -> bytes:
    return orjson.dumps(orjson.loads(value_of(counted())) | changes)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "malformed"),
        (None, "malformed"),
        (b"{", "malformed"),
        (b"\xff\xfe", "malformed"),
        (b"null", "malformed"),
        (b"[]", "malformed"),
        (b'{"type":"counted"}', "malformed"),
        (changed(type="invented"), "malformed"),
        (changed(v=2), "malformed"),
        (changed(cast=-1), "malformed"),
        (changed(cast=10**6), "malformed"),
        (changed(cast=2.5), "malformed"),
        (changed(cast="12"), "malformed"),
        (changed(cast=True), "malformed"),
        (b'{"cast":' + b"9" * 10_000 + b"}", "malformed"),
        (changed(votes={"imamoglu": -5}), "malformed"),
        (changed(at="2024-03-31T19:00:00"), "malformed"),
        (changed(revision=0), "malformed"),
        (b"[" * 50_000, "malformed"),
        (value_of(counted()) + b"," + value_of(counted(box=1002)), "malformed"),
        (changed(note="x" * MAX_TALLY_BYTES), "too_large"),
        (changed(contest="beauty"), "unknown_contest"),
        (changed(source="rumour"), "unknown_source"),
        (changed(district="tr/34/atlantis"), "unknown_district"),
        (changed(district="tr/34"), "unknown_district"),
        (changed(box=1021), "unknown_box"),
        (changed(votes={"nobody": 1}), "unknown_candidate"),
        (changed(district="tr/34/kadikoy"), "misrouted"),
    ],
)
def test_what_cannot_be_used_is_set_aside_with_its_reason(value: bytes | None, reason: str) -> None:
    assert reason == reason_of(value)
    assert reason in REASONS


@pytest.mark.parametrize("key", [None, b"", b"tr/34/kadikoy"])
def test_a_record_under_a_key_that_is_not_its_district_is_misrouted(key: bytes | None) -> None:
    assert reason_of(value_of(counted()), key=key) == "misrouted"


def test_a_record_in_a_partition_that_is_not_its_keys_is_misrouted() -> None:
    """Another client's partitioner must not split a district: its version would no longer be one rising number."""
    assert reason_of(value_of(counted()), partition=1) == "misrouted"


def test_records_crafted_to_run_together_do_not() -> None:
    """Joined by commas these three would be one valid array of two events; each alone is broken."""
    first, second = value_of(counted(box=1001)), value_of(counted(box=1002))
    crafted = [first + b',{"a":[1', b"2]}", second]
    fold = new_fold()
    records = [Stored(offset, b"tr/34/uskudar", value) for offset, value in enumerate(crafted)]

    outputs = fold.apply(0, records)

    assert [record.offset for record in outputs.quarantined] == [0, 1]
    assert fold.ledgers[Cell("mayor", "aa", "tr/34/uskudar")].sums.boxes_opened == 1


def test_a_conflict_is_set_aside_and_the_first_in_the_log_stands() -> None:
    fold = new_fold()
    values = [value_of(counted({"kurum": 1})), value_of(counted({"kurum": 2}))]
    outputs = fold.apply(0, [Stored(offset, b"tr/34/uskudar", value) for offset, value in enumerate(values)])

    assert [record.reason for record in outputs.quarantined] == ["conflict"]
    assert fold.ledgers[Cell("mayor", "aa", "tr/34/uskudar")].sums.votes["kurum"] == 1
    assert dict(fold.outcomes) == {"counted": 1, "conflict": 1}


def test_sources_and_contests_are_kept_side_by_side() -> None:
    fold = new_fold()
    feed(fold, [counted(), counted(source="anka"), counted({"chp": 9}, contest="district_mayor")])

    assert len(fold.ledgers) == 3


def test_a_district_with_its_own_ballot_takes_no_other_candidates() -> None:
    fold = new_fold()
    event = counted({"ak_parti": 3}, contest="district_mayor", district="tr/41/gebze")
    outputs = fold.apply(1, [Stored(0, b"tr/41/gebze", value_of(event))])

    assert [record.reason for record in outputs.quarantined] == ["unknown_candidate"]


def test_a_partition_can_be_forgotten_and_its_cells_named() -> None:
    fold = new_fold()
    feed(fold, [counted(), counted(district="tr/34/kadikoy")])
    uskudar, kadikoy = (Cell("mayor", "aa", f"tr/34/{name}") for name in ("uskudar", "kadikoy"))
    assert [[uskudar], [kadikoy]] == [fold.cells_of(0), fold.cells_of(1)]
    assert fold.partition_of(kadikoy) == 1

    fold.forget(0)
    assert [kadikoy] == list(fold.ledgers)


def test_flags_are_summed_over_the_cells() -> None:
    fold = new_fold()
    feed(fold, [counted(registered=1), counted(registered=1, source="anka"), withdrawn(box=1002)])

    assert fold.flags()["cast_over_registered"] == 2


def test_folding_a_duplicate_is_idempotent() -> None:
    fold = new_fold()
    record = Stored(0, b"tr/34/uskudar", value_of(counted()))
    assert fold.apply(0, [record]).changed
    assert not fold.apply(0, [Stored(1, record.key, record.value)]).changed


def reports_in(*reports: Tally) -> tuple[TallyFold, list[Outputs]]:
    """Each event of Üsküdar in a batch of its own, at the next offset."""
    fold = new_fold()
    return fold, [
        fold.apply(0, [Stored(offset, b"tr/34/uskudar", value_of(report))]) for offset, report in enumerate(reports)
    ]


def test_an_agencys_totals_stand_beside_the_sum_of_the_boxes() -> None:
    fold, _ = reports_in(reported(), counted(), counted(box=1002))
    agency, boxes = (fold.ledgers[Cell("mayor", source, "tr/34/uskudar")] for source in ("agency", "aa"))

    assert (10, 1500) == (agency.sums.boxes_opened, agency.sums.votes["imamoglu"])
    assert (2, 300) == (boxes.sums.boxes_opened, boxes.sums.votes["imamoglu"])
    assert isinstance(agency, ReportLedger)
    assert isinstance(boxes, BoxLedger)


@pytest.mark.parametrize("event", [reported(source="aa"), counted(source="agency"), withdrawn(source="agency")])
def test_an_event_of_the_kind_that_its_source_does_not_send_is_refused_whatever_came_before(event: Tally) -> None:
    said: list[Tally] = [counted(), reported()]
    for before in (said[:0], said):
        fold, outputs = reports_in(*before, event)

        assert ["wrong_kind"] == [record.reason for record in outputs[-1].quarantined]
        assert len(before) == len(fold.ledgers)


def test_a_report_that_names_a_stranger_is_refused() -> None:
    fold, (outputs,) = reports_in(reported({"nobody": 1}))

    assert ["unknown_candidate"] == [record.reason for record in outputs.quarantined]
    assert {} == fold.ledgers


def test_a_report_with_other_figures_under_the_same_revision_is_a_conflict() -> None:
    _, outputs = reports_in(reported(), reported({"kurum": 1}))

    assert ["conflict"] == [record.reason for record in outputs[1].quarantined]
    assert "tr/34/uskudar" in outputs[1].quarantined[0].detail


def test_boxes_that_go_backwards_unmarked_are_set_aside_with_an_alarm_and_kept_for_the_checkpoint() -> None:
    fold, outputs = reports_in(reported(), reported({"kurum": 1}, revision=2, boxes_opened=9))

    assert ["backwards"] == [record.reason for record in outputs[1].quarantined]
    assert "from 10 boxes opened to 9, unmarked" in outputs[1].alarms[0]
    assert {Cell("mayor", "agency", "tr/34/uskudar")} == outputs[1].changed
    assert {"counted": 1, "backwards": 1} == dict(fold.outcomes)


def test_a_late_report_that_shows_boxes_went_backwards_is_an_alarm_too() -> None:
    fold, outputs = reports_in(reported(revision=2), reported(boxes_opened=12))

    assert [] == outputs[1].quarantined
    assert "came late" in outputs[1].alarms[0]
    assert {"counted": 1, "overturned": 1} == dict(fold.outcomes)


def test_a_corrected_report_goes_back_without_an_alarm() -> None:
    _, outputs = reports_in(reported(), reported(revision=2, boxes_opened=9, type="report_corrected"))

    assert [] == outputs[1].alarms + outputs[1].quarantined


def test_odd_reports_are_counted_with_the_flagged_boxes() -> None:
    fold, _ = reports_in(reported(boxes_opened=21, registered=1), counted(registered=1))

    assert {"boxes_over_total": 1, "cast_over_registered": 2, "impossible": 1} == {
        flag: n for flag, n in fold.flags().items() if n
    }


def test_a_ledger_that_is_taken_over_goes_on_where_it_was() -> None:
    first, second = new_fold(), new_fold()
    feed(first, [counted(box=1001)])
    for ledger in first.ledgers.values():
        second.adopt(ledger)
    feed(second, [counted(box=1001), counted(box=1002)])

    assert {"duplicate": 1, "counted": 1} == {name: times for name, times in second.outcomes.items() if times}
    assert [2] == [ledger.sums.boxes_opened for ledger in second.ledgers.values()]


def test_a_batch_longer_than_what_is_parsed_at_once_is_folded_whole_and_in_order() -> None:
    fold = new_fold()
    said = [counted({"imamoglu": number}, revision=number + 1) for number in range(2 * PARSED_AT_ONCE + 1)]
    key = said[0].district.encode()
    fold.apply(partition_of(key), [Stored(offset, key, value_of(event)) for offset, event in enumerate(said)])

    assert len(said) == fold.outcomes["counted"]
    assert len(said) - 1 == fold.ledgers[Cell("mayor", "aa", "tr/34/uskudar")].sums.votes["imamoglu"]


BALLOT = ("bagimsiz_1", "imamoglu", "kurum")
USKUDAR = Cell("mayor", "aa", "tr/34/uskudar")
AGENCYS = Cell("mayor", "agency", "tr/34/uskudar")


@pytest.mark.parametrize(
    ("ledger", "expected"),
    [
        (BoxLedger(USKUDAR, BALLOT, 20), True),
        (ReportLedger(AGENCYS, Sums.zero(BALLOT), 20), True),
        (BoxLedger(AGENCYS, BALLOT, 20), False),
        (ReportLedger(USKUDAR, Sums.zero(BALLOT), 20), False),
        (BoxLedger(USKUDAR, BALLOT[1:], 20), False),
        (BoxLedger(USKUDAR, BALLOT, 19), False),
        (BoxLedger(Cell("mayor", "aa", "tr/34/besiktas"), BALLOT, 20), False),
    ],
)
def test_a_ledger_is_held_only_where_tallies_of_this_definition_come_to_it(ledger: Ledger, expected: bool) -> None:
    assert expected is new_fold().could_hold(ledger)
