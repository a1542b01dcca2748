from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.figures import COUNTS
from schemas.moments import epoch_ms
from schemas.totals import Cell, Row, Totals
from tabulation.figures import CONTRADICTIONS, MAX_ENCODED_KEPT, Wire, claim_of, unheard
from tabulation.view import Heard, View
from tests.gateway.gateways import Message, merge
from tests.gateway.nights import DISTRICTS, START, Written, election, totals

ELECTION = election()
EVERYWHERE = frozenset(ELECTION.unit_by_id)
UNITS = sorted(EVERYWHERE)
PAIRS = [(contest, source) for contest in ("council", "mayor") for source in ("aa", "anka")]


@st.composite
def records(draw: st.DrawFn) -> Totals:
    """Totals of any cell, at one of a few versions, with any votes on its ballot."""
    contest, source = draw(st.sampled_from(PAIRS))
    district = draw(st.sampled_from(DISTRICTS))
    ballot = [candidate.id for candidate in ELECTION.contest_by_id[contest].ballot(district)]
    return totals(
        district,
        draw(st.dictionaries(st.sampled_from(ballot), st.integers(0, 3))),
        version=draw(st.integers(0, 5)),
        boxes=draw(st.integers(0, 3)),
        minute=draw(st.integers(0, 3)),
        contest=contest,
        source=source,
    )


def fold(night: Sequence[Totals]) -> View:
    view = View(ELECTION)
    for offset, record in enumerate(night):
        view.apply(offset, record)
    return view


def newest(night: Sequence[Totals]) -> dict[Cell, Totals]:
    """What stands at the end: the first record of each cell's highest version."""
    held: dict[Cell, Totals] = {}
    for record in night:
        if record.cell not in held or record.version > held[record.cell].version:
            held[record.cell] = record
    return held


def summed(held: dict[Cell, Totals]) -> dict[tuple[str, str, str], Row]:
    """The result table, by adding everything up, naively."""
    rows: dict[tuple[str, str, str], Row] = {}
    for (contest, source, district), record in held.items():
        ballot = [candidate.id for candidate in ELECTION.contest_by_id[contest].ballot(district)]
        for unit in (district, *ELECTION.ancestors[district]):
            empty = Row(contest, source, unit, ELECTION.unit_by_id[unit].level, 0, 0, 0, 0, 0, 0, 0, 0, {})
            row = rows.get((contest, source, unit), empty)
            rows[contest, source, unit] = row._replace(
                boxes_opened=row.boxes_opened + record.boxes_opened,
                boxes_total=ELECTION.boxes_total[unit],
                registered=(row.registered or 0) + record.registered,
                cast=(row.cast or 0) + record.cast,
                valid=(row.valid or 0) + record.valid,
                votes=row.votes | {name: row.votes.get(name, 0) + record.votes.get(name, 0) for name in ballot},
            )
    return {where: row._replace(**claimed(held, *where)) for where, row in rows.items()}


def claimed(held: dict[Cell, Totals], contest: str, source: str, unit: str) -> dict[str, Any]:
    """What may be said of a unit, district by district."""
    found = []
    for district in ELECTION.districts_below[unit]:
        record = held.get(Cell(contest, source, district))
        boxes = ELECTION.boxes_total[district]
        if record is not None:
            found.append(claim_of(boxes, None, {name: getattr(record, name) for name in COUNTS}, record.votes))
        else:
            found.append(unheard(ELECTION.unit_by_id[district].registered))
    return {
        "boxes_surplus": sum(claim.boxes_surplus for claim in found),
        "complete": all(claim.complete for claim in found),
        "contradictions": tuple(name for name in CONTRADICTIONS if any(name in one.contradictions for one in found)),
    }


def everything(view: View) -> dict[tuple[str, str], dict[str, Wire]]:
    """What a client that follows everything would show, had it just come."""
    return shown_to_all({pair: view.changed_since(*pair, EVERYWHERE, 0) for pair in PAIRS})


def shown_to_all(entries: Mapping[tuple[str, str], Iterable[Wire]]) -> dict[tuple[str, str], dict[str, Wire]]:
    """What is shown, by unit; that nothing is set by hand is shown by showing nothing."""
    return {
        pair: {
            str(entry["unit"]): {name: value for name, value in entry.items() if name != "overridden" or value}
            for entry in table
        }
        for pair, table in entries.items()
    }


@given(st.lists(records(), max_size=30))
def test_the_view_equals_a_naive_sum(night: list[Totals]) -> None:
    """Any interleaving, duplication and staleness: the newest version of each district, added up."""
    expected = summed(newest(night))
    assert {(row.contest, row.source, row.unit): row for row in fold(night).rows()} == expected
    assert [row[:3] for row in fold(night).rows()] == sorted(expected)


@given(st.lists(records(), max_size=20, unique_by=lambda record: (record.cell, record.version)), st.randoms())
def test_any_order_ends_in_the_same_state(night: list[Totals], random: object) -> None:
    shuffled = [*night, *night]
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis hands over a random.Random
    assert everything(fold(shuffled)) == everything(fold(night))


@given(st.lists(records(), max_size=30), st.sets(st.integers(0, 30)))
def test_the_deltas_of_any_cursors_lead_to_the_view(night: list[Totals], stops: set[int]) -> None:
    """A client that looks in at any moments, and merges what it is sent, shows what the view holds."""
    view = View(ELECTION)
    shown: dict[tuple[str, str], dict[str, Message]] = {pair: {} for pair in PAIRS}
    cursor = 0
    for offset, record in enumerate(night):
        view.apply(offset, record)
        if offset in stops or offset == len(night) - 1:
            catch_up(shown, view, cursor)
            cursor = view.seq
            assert shown == everything(view)


def catch_up(shown: dict[tuple[str, str], dict[str, Message]], view: View, cursor: int) -> None:
    for pair, units in shown.items():
        for entry in view.changed_since(*pair, EVERYWHERE, cursor):
            merge(units.setdefault(str(entry["unit"]), {}), entry)


@given(st.lists(records(), max_size=30), st.lists(st.tuples(st.integers(0, 30), st.sets(st.sampled_from(UNITS)))))
def test_entries_encoded_for_sharing_are_the_same_as_for_oneself(
    night: list[Totals], asked: list[tuple[int, set[str]]]
) -> None:
    """Whenever they are asked for, and from whatever cursor."""
    view = View(ELECTION)
    for offset, record in enumerate(night):
        view.apply(offset, record)
        for cursor, units in asked:
            expected = orjson.dumps(view.changed_since("mayor", "aa", units, cursor))
            assert view.encoded_since("mayor", "aa", units, cursor) == expected


def test_many_units_are_found_by_what_changed_and_few_by_name() -> None:
    view = fold([totals(), totals("tr/06/cankaya")])
    crowd = EVERYWHERE | {f"tr/{number}" for number in range(100, 200)}
    for cursor in (0, 1):
        assert view.encoded_since("mayor", "aa", crowd, cursor) == view.encoded_since("mayor", "aa", EVERYWHERE, cursor)
    assert view.changed_units("mayor", "aa", 1) == ["tr", "tr/06", "tr/06/cankaya"]


def test_encodings_kept_are_bounded() -> None:
    night = [totals(version=number, votes={"kurum": number}) for number in range(3 * MAX_ENCODED_KEPT)]
    view = fold(night)
    for cursor in range(len(night)):
        view.encoded_since("mayor", "aa", {"tr"}, cursor)
    assert len(view._boards["mayor", "aa"]["tr"].encoded) <= MAX_ENCODED_KEPT


def test_a_delta_holds_only_the_fields_that_changed() -> None:
    view = fold([totals(votes={"imamoglu": 3, "kurum": 2}), totals(votes={"imamoglu": 3, "kurum": 1}, version=1)])
    assert view.changed_since("mayor", "aa", {"tr/34/uskudar"}, 1) == [
        {"unit": "tr/34/uskudar", "cast": 4, "valid": 4, "votes": {"kurum": 1}}
    ]


def test_a_candidate_who_falls_to_nothing_is_sent_with_zero() -> None:
    view = fold([totals(votes={"imamoglu": 3}), totals(votes={}, version=1)])
    assert view.changed_since("mayor", "aa", {"tr"}, 1)[0]["votes"] == {"imamoglu": 0}


def test_nothing_is_sent_for_a_newer_version_that_says_the_same() -> None:
    view = fold([totals(), totals(version=1)])
    assert view.seq == 2
    assert view.changed_since("mayor", "aa", EVERYWHERE, 1) == []


def test_an_empty_board_has_nothing() -> None:
    view = View(ELECTION)
    assert view.changed_since("mayor", "aa", EVERYWHERE, 0) == []
    assert view.as_of("mayor", "aa") is None
    assert view.rows() == []
    assert view.heard == {}


def test_a_province_is_as_of_its_newest_district() -> None:
    """Also after that district's figures were replaced by older ones."""
    view = fold([totals("tr/34/uskudar", minute=9), totals("tr/34/adalar", minute=5), totals(version=1, minute=1)])
    assert view.as_of("mayor", "aa") == START + timedelta(minutes=5)
    assert view.changed_since("mayor", "aa", {"tr/34"}, 2)[0]["as_of"] == START + timedelta(minutes=5)


def test_rows_can_be_filtered() -> None:
    view = fold([totals(), totals(source="anka"), totals(contest="council", votes={"a": 1})])
    assert {row.unit for row in view.rows()} == {"tr", "tr/34", "tr/34/uskudar"}
    assert [row[:3] for row in view.rows(contest="mayor", source="anka", units={"tr"})] == [("mayor", "anka", "tr")]


def test_a_source_was_heard_when_its_last_change_was_appended() -> None:
    """A stale record is no sign of life; and the newest event is that of what stands, not of what stood."""
    view = View(ELECTION)
    view.fold(Written(0, totals(minute=7, version=4).encode(), timestamp=1_000))
    view.fold(Written(1, totals(minute=3, version=5).encode(), timestamp=2_000))
    view.fold(Written(2, totals(minute=9, version=1).encode(), timestamp=3_000))
    assert view.heard == {"aa": Heard(START + timedelta(minutes=3), 2_000)}
    assert view.stale == 1
    view.fold(Written(3, totals(contest="council", votes={}, minute=5).encode(), timestamp=4_000))
    assert view.heard == {"aa": Heard(START + timedelta(minutes=5), 4_000)}


@pytest.mark.parametrize("lie", [timedelta(hours=3), timedelta(days=64_000)])
def test_an_event_time_ahead_of_its_append_dates_nothing_later_than_it(lie: timedelta) -> None:
    """Neither its district, nor what is above, nor its source; what comes after it does."""
    view, appended = View(ELECTION), epoch_ms(START)
    ahead = totals("tr/34/adalar", minute=0).model_copy(update={"as_of": START + lie})
    view.fold(Written(0, ahead.encode(), timestamp=appended))
    assert view.heard == {"aa": Heard(START, appended)}
    view.fold(Written(1, totals("tr/34/uskudar", minute=4).encode(), timestamp=appended + 300_000))

    found = {unit: figures.as_of for unit in UNITS if (figures := view.figures("mayor", "aa", unit))}
    later = START + timedelta(minutes=4)
    assert {"tr": later, "tr/34": later, "tr/34/adalar": START, "tr/34/uskudar": later} == found
    assert view.heard == {"aa": Heard(later, appended + 300_000)}


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"not JSON",
        b"{}",
        totals("tr/34/kadikoy").encode(),
        totals("tr/34").encode(),
        totals(contest="president").encode(),
        totals(source="reuters").encode(),
        totals(votes={"nobody": 1}).encode(),
    ],
)
def test_what_cannot_be_used_is_counted_and_passed_over(value: bytes | None) -> None:
    view = View(ELECTION)
    assert not view.fold(Written(0, value))
    assert (view.seq, view.skipped) == (1, 1)
    assert view.rows() == []


def test_an_offset_that_was_folded_is_a_no_op() -> None:
    """A reader that starts a little too early changes nothing."""
    view = fold([totals(), totals(version=1, votes={"kurum": 2})])
    before = view.rows()
    assert not view.apply(0, totals(version=9, votes={"kurum": 9}))
    assert not view.fold(Written(1, b"not JSON"))
    assert (view.seq, view.skipped, view.rows()) == (2, 0, before)


def test_what_is_hidden_leaves_the_sum_of_what_is_left() -> None:
    whole = fold([totals("tr/34/uskudar", {"kurum": 1}), totals("tr/34/adalar", {"kurum": 2}, minute=1)])
    whole.hide(2, Cell("mayor", "aa", "tr/34/uskudar"))
    whole.hide(3, Cell("mayor", "aa", "tr/34/uskudar"))
    rest = fold([totals("tr/34/adalar", {"kurum": 2}, minute=1)])

    assert rest.rows() == whole.rows()
    assert ["tr", "tr/34"] == sorted(str(entry["unit"]) for entry in whole.changed_since("mayor", "aa", EVERYWHERE, 2))
    whole.hide(4, Cell("mayor", "aa", "tr/34/adalar"))
    assert ([], 5) == (whole.rows(), whole.seq)


@pytest.mark.parametrize("figure", ["votes.kurum", "registered", "version", "excess"])
def test_figures_that_no_district_can_have_are_passed_by(figure: str) -> None:
    """What is beyond 64 bits no gateway could tell anybody; nor the sum of some that are not."""
    own = orjson.loads(totals(votes={"kurum": 3}).encode()) | {"excess": 0}
    name, _, candidate = figure.partition(".")
    own[name] = {candidate: 2**60} if candidate else 2**60
    view = View(ELECTION)
    view.fold(Written(0, orjson.dumps(own), key=b"mayor/aa/tr/34/uskudar"))

    assert ([], 1, 1) == (view.rows(), view.skipped, view.seq)
