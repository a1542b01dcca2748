"""A definition that is amended among the tallies: what is behind the amendment is judged by it, and nothing before."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.archive_fold import TalliesFold
from schemas.amendments import AMENDED_KEY, CHANGES, Amended, amended
from schemas.definition import Election
from schemas.errors import DefinitionError
from schemas.tally import Tally
from schemas.totals import Cell, parse_totals, state_of
from tabulation.counting.tally_fold import Outputs, TallyFold
from tabulation.counting.trace import Asked, Trace, counted_in
from tabulation.derived.history import History
from tests.builders import counted, reported, small_election, value_of, with_agency, withdrawn
from tests.tabulation.counting.test_tally_fold import ZONE, Stored, partition_of

ELECTION = with_agency(small_election())
USKUDAR = Cell("mayor", "aa", "tr/34/uskudar")
HOME = partition_of(USKUDAR.district.encode())
NEW = {"kind": "candidate_added", "contest": "mayor", "candidate": {"id": "yeni", "name": "Yeni"}}
BOX = {"kind": "boxes_added", "unit": "tr/34/uskudar", "boxes": [[1099, 1099]]}
UNIT: dict[str, Any] = {
    "kind": "unit_added",
    "unit": {"id": "tr/34/yeni", "level": "district", "name": "Yeni", "parent": "tr/34", "boxes": [[1, 2]]},
}


def amendments(*steps: Sequence[dict[str, Any]], base: Election = ELECTION) -> list[Amended]:
    """One amendment after the other, each of these changes."""
    made: list[Amended] = []
    for step in steps:
        changes = CHANGES.validate_json(orjson.dumps(step))
        after = amended(base, changes)
        made.append(
            Amended(version=len(made) + 2, order=len(made), amends=base.digest, yields=after.digest, changes=changes)
        )
        base = after
    return made


def new_fold(ordered: Sequence[Amended] | None = None) -> TallyFold:
    digests = None if ordered is None else [one.yields for one in ordered]
    return TallyFold(ELECTION, "tallies", partition_of, digests)


def fed(fold: TallyFold, *events: Tally | Amended, partition: int = HOME, begin: int = 0) -> Outputs:
    """What these come to in a partition, one after the other."""
    return fold.apply(partition, [stored(begin + offset, event) for offset, event in enumerate(events)])


def stored(offset: int, event: Tally | Amended) -> Stored:
    if isinstance(event, Amended):
        return Stored(offset, AMENDED_KEY, event.encode())
    return Stored(offset, event.district.encode(), value_of(event))


def test_a_new_candidate_s_votes_count_behind_the_amendment_alone() -> None:
    """What came before it is in quarantine, and is not judged anew."""
    fold = new_fold()
    (one,) = amendments([NEW])
    before, after = counted({"yeni": 5}), counted({"yeni": 7}, box=1002)

    outputs = fed(fold, counted(box=1003), before, one, after)

    assert ["unknown_candidate"] == [record.reason for record in outputs.quarantined]
    assert {"imamoglu": 150, "kurum": 100, "bagimsiz_1": 0, "yeni": 7} == fold.ledgers[USKUDAR].sums.votes
    assert one.yields == fold.definition_of(HOME).digest
    assert ELECTION == fold.definition_of(1 - HOME)


def test_cells_whose_ballot_is_amended_change_at_that_position() -> None:
    """So their totals are published with everybody on the ballot; those of other contests stay as they are."""
    fold = new_fold()
    mayor = counted({"chp": 5}, contest="district_mayor")
    outputs = fed(fold, counted(), reported(source="agency"), mayor, amendments([NEW])[0])

    assert {USKUDAR, Cell("mayor", "agency", "tr/34/uskudar")} <= outputs.changed
    assert [3, 3, 2] == [
        fold.ledgers[cell].version for cell in sorted(fold.ledgers, key=lambda c: c.contest != "mayor")
    ]
    assert 0 == fold.ledgers[USKUDAR].totals(ZONE).votes["yeni"]


def test_a_box_that_is_added_is_taken_and_one_that_is_closed_only_taken_back() -> None:
    """What was counted in a closed box stands until its source withdraws it."""
    fold = new_fold()
    closing = {"kind": "boxes_closed", "unit": "tr/34/uskudar", "boxes": [[1001, 1002]]}
    opened, closed = amendments([BOX], [closing])
    outputs = fed(fold, counted(), opened, counted(box=1099), closed, counted(box=1002), counted(revision=2))

    assert ["box 1002 of tr/34/uskudar is closed", "box 1001 of tr/34/uskudar is closed"] == [
        record.detail for record in outputs.quarantined
    ]
    assert 2 == fold.ledgers[USKUDAR].sums.boxes_opened
    assert [] == fed(fold, withdrawn(revision=3), begin=9).quarantined
    assert 1 == fold.ledgers[USKUDAR].sums.boxes_opened


def test_a_district_that_is_added_is_counted_in_its_partition() -> None:
    """Its key decides where it lies, as for all others."""
    fold = new_fold()
    event = counted(district="tr/34/yeni", box=1)
    home = partition_of(b"tr/34/yeni")
    outputs = fed(fold, event, amendments([UNIT])[0], event, partition=home)

    assert ["unknown_district"] == [record.reason for record in outputs.quarantined]
    assert 1 == fold.ledgers[Cell("mayor", "aa", "tr/34/yeni")].sums.boxes_opened


def test_an_amendment_that_is_there_again_says_nothing() -> None:
    """Several owners of a partition may have written it; an older one comes to nothing, too."""
    one, two = amendments([NEW], [BOX])
    fold, again = new_fold(), new_fold()
    fed(fold, counted(), one, two, counted(box=1099))
    outputs = fed(again, counted(), one, two, one, two, counted(box=1099))

    assert [] == outputs.quarantined
    assert fold.ledgers[USKUDAR].pack() == again.ledgers[USKUDAR].pack()


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (Stored(1, AMENDED_KEY, b"{}"), "cannot be read"),
        (Stored(1, AMENDED_KEY, None), "cannot be read"),
        (stored(1, amendments([NEW], [BOX])[1]), "does not follow"),
        (stored(1, amendments([BOX])[0].model_copy(update={"amends": "0" * 32})), "another version"),
        (stored(1, amendments([BOX])[0].model_copy(update={"yields": "0" * 32})), "as no order that counts does"),
    ],
)
def test_an_amendment_that_cannot_be_used_is_set_aside(record: Stored, reason: str) -> None:
    """Anybody who may publish tallies may write one; it counts only as an operator has ordered it."""
    fold = new_fold(amendments([NEW], [BOX]) + amendments([BOX]))
    (found,) = fold.apply(HOME, [record]).quarantined
    assert "malformed" == found.reason
    assert reason in found.detail


def test_a_partition_is_gone_on_with_where_its_amendments_hold() -> None:
    """As after a restart from a checkpoint; when it is forgotten, so are they."""
    made = amendments([NEW], [BOX])
    fold = new_fold(made)
    fold.resume(HOME, made)
    assert [] == fed(fold, counted({"yeni": 1}, box=1099)).quarantined
    assert fold.could_hold(fold.ledgers[USKUDAR])
    assert not new_fold().could_hold(fold.ledgers[USKUDAR])
    with pytest.raises(DefinitionError, match="does not follow"):
        new_fold().resume(HOME, made[1:])

    fold.forget(HOME)
    assert (ELECTION, []) == (fold.definition_of(HOME), list(fold.amendments_of(HOME)))
    assert ["unknown_box"] == [record.reason for record in fed(fold, counted(box=1099)).quarantined]


def test_a_cell_without_rules_is_a_fault_of_ours() -> None:
    """An amendment takes nothing away, so this does not happen; if it did, nothing would be counted on."""
    fold = new_fold()
    fed(fold, counted())
    fold.ledgers[Cell("senate", "aa", "tr/34/uskudar")] = fold.ledgers[USKUDAR]
    with pytest.raises(RuntimeError, match="has no rules any more"):
        fed(fold, amendments([NEW])[0], begin=1)


BOXES = st.sampled_from([1001, 1002, 1099])
EVENTS = st.lists(
    st.tuples(BOXES, st.sampled_from(["imamoglu", "yeni"]), st.integers(1, 400), st.integers(1, 3)),
    max_size=12,
    unique_by=lambda event: (event[0], event[3]),
)


@given(EVENTS, EVENTS, st.integers(0, 12), st.data())
def test_what_a_partition_comes_to_depends_on_its_records_alone(
    first: list[tuple[int, str, int, int]], second: list[tuple[int, str, int, int]], cut: int, data: st.DataObject
) -> None:
    """However it is read in batches, and what is let out later comes to the same as if it was known from the start."""
    said = {(box, revision): (box, name, votes, revision) for box, name, votes, revision in [*second, *first]}
    tallies = [counted({name: votes}, box=box, revision=revision) for box, name, votes, revision in said.values()]
    made = amendments([NEW, BOX])
    at = data.draw(st.integers(0, len(tallies)))
    events: list[Tally | Amended] = [*tallies[:at], *made, *tallies[at:]]
    records = [stored(offset, event) for offset, event in enumerate(events)]

    whole, parts, known = new_fold(), new_fold(), new_fold()
    aside = whole.apply(HOME, records).quarantined
    for some in (records[:cut], records[cut:]):
        parts.apply(HOME, some)
    known.resume(HOME, made)
    fed(known, *tallies)
    packed = [{cell: ledger.pack() for cell, ledger in fold.ledgers.items()} for fold in (whole, parts)]
    assert packed[0] == packed[1]

    let_out = [Stored(len(records) + at, USKUDAR.district.encode(), record.original) for at, record in enumerate(aside)]
    assert [] == whole.apply(HOME, let_out).quarantined
    assert {c: one.pack() for c, one in known.ledgers.items()} == {c: one.pack() for c, one in whole.ledgers.items()}


def test_a_trace_follows_the_amendments_of_its_partition() -> None:
    """A number of a candidate who is new is found behind the amendment."""
    trace = Trace(ELECTION, "tallies", partition_of, Asked("mayor", "tr/34/uskudar", "yeni", None))
    events: list[Tally | Amended] = [counted({"yeni": 5}), *amendments([NEW]), counted({"yeni": 7}, box=1002)]
    trace.fold(HOME, [stored(offset, event) for offset, event in enumerate(events)])
    ((behind,), (aside,)) = trace.behind(), trace.quarantined()
    assert (7, True, "unknown_candidate") == (behind.number, behind.adds_up, aside.reason)


def test_the_past_is_told_by_the_amendments_that_lie_before_the_moment() -> None:
    """By those of the partition that has most of them: they are appended to one after the other."""
    made = amendments([NEW])
    newest = amended(ELECTION, made[0].changes)
    history = History(newest, TallyFold(ELECTION, "tallies", partition_of), (), 10)
    assert 0 == history.amendments
    history.fold(1 - HOME, [])
    history.fold(HOME, [stored(0, counted({"yeni": 5})), stored(1, made[0]), stored(2, counted({"yeni": 7}, box=1002))])
    history.settle()
    assert (1, [7]) == (history.amendments, [totals.votes["yeni"] for totals in history.on_air()])


def test_what_is_counted_in_a_box_that_is_closed_is_told_with_its_votes() -> None:
    """Of every source that reports boxes; what was withdrawn, other boxes and whole districts are not."""
    fold = new_fold()
    fed(fold, counted(box=1001), counted(box=1002), counted({"kurum": 1_004}, box=1001, source="anka"))
    fed(fold, counted(box=1003), withdrawn(box=1003), reported(), begin=3)
    found = list(counted_in(fold, {"tr/34/uskudar": {1001, 1003}, "tr/34/kadikoy": {1001}}))
    assert [("aa", 1001, 250), ("anka", 1001, 1_004)] == [(one.source, one.box, one.votes) for one in found]
    said = str(found[1])
    assert said.startswith("Box 1001 of tr/34/uskudar is closed, and 1,004 votes of mayor are counted in it by anka")


def test_an_amendment_that_nobody_has_ordered_is_in_no_trace_and_in_no_past() -> None:
    """Whoever may write tallies can write one: the aggregator sets it aside."""
    made = amendments([NEW])
    records = [stored(0, counted({"imamoglu": 3})), stored(1, made[0]), stored(2, counted({"yeni": 7}, box=1002))]
    trace = Trace(ELECTION, "tallies", partition_of, Asked("mayor", "tr/34/uskudar", "imamoglu", None), ())
    history = History(ELECTION, TallyFold(ELECTION, "tallies", partition_of, ()), (), 10)
    for fold in (trace, history):
        fold.fold(HOME, records)
    history.settle()
    assert (0, [3]) == (history.amendments, [totals.votes["imamoglu"] for totals in history.on_air()])
    assert [3] == [behind.number for behind in trace.behind()]


def test_an_archive_s_state_follows_an_amendment() -> None:
    """The state behind it is that of the totals as they are published anew, record by record."""
    made = amendments([NEW])
    fold = TalliesFold(ELECTION, 1, {made[0].yields})
    events: list[Tally | Amended] = [
        counted(),
        counted(source="anka"),
        *made,
        counted({"yeni": 7}, box=1002),
    ]
    columns = fold.apply(0, [stored(offset, event) for offset, event in enumerate(events)])
    alone = TallyFold(ELECTION, "tallies", lambda _: 0)
    states = []
    for offset, event in enumerate(events):
        alone.apply(0, [stored(offset, event)])
        states.append(state_of(ledger.totals(ZONE) for ledger in alone.ledgers.values()))
    assert states == columns.state
    assert ["counted", "counted", "amended", "counted"] == columns.type


def test_partitions_that_take_up_the_same_amendment_come_to_the_same_definition() -> None:
    fold = new_fold()
    (one,) = amendments([NEW])
    for partition in (0, 1):
        outputs = fed(fold, one, partition=partition)
        assert ([], True) == (outputs.quarantined, outputs.amended)
    assert not fed(fold, one, begin=1).amended, "it holds there already"
    assert fold.definition_of(0) is fold.definition_of(1)
    assert one.yields == fold.definition_of(1).digest


@pytest.mark.parametrize("source", ["aa", "agency"])
def test_a_version_never_falls_where_a_kept_ledger_is_ahead_of_what_is_folded_again(source: str) -> None:
    """A crash between a checkpoint's ledgers and its marker leaves ledgers that hold more than the marker says."""
    event = counted(revision=2) if source == "aa" else reported(source=source, revision=2)
    ahead, again = new_fold(), new_fold()
    fed(ahead, event, begin=4)
    for ledger in ahead.ledgers.values():
        again.adopt(ledger)

    fed(again, amendments([NEW])[0], begin=1)
    assert [4] == [ledger.version for ledger in again.ledgers.values()]


def test_totals_say_how_many_opened_boxes_are_closed_until_they_are_withdrawn() -> None:
    """Also from a checkpoint, which does not know; and the amendment alone is a change of the totals."""
    (closed,) = amendments([{"kind": "boxes_closed", "unit": "tr/34/uskudar", "boxes": [[1001, 1002]]}])
    fold = new_fold()
    assert {USKUDAR} == {*fed(fold, counted(), counted(box=1003), closed).changed}
    assert (2, 1, 2) == told(fold)

    taken_up = new_fold()
    taken_up.resume(HOME, [closed])
    for ledger in fold.ledgers.values():
        taken_up.adopt(ledger.amended(("bagimsiz_1", "imamoglu", "kurum"), 20, 2))
    assert (2, 1, 2) == told(taken_up)

    fed(fold, withdrawn(revision=2), begin=3)
    assert (1, 0, 3) == told(fold)
    assert b"closed" not in fold.ledgers[USKUDAR].totals(ZONE).encode()


def told(fold: TallyFold) -> tuple[int, int, int]:
    totals = fold.ledgers[USKUDAR].totals(ZONE)
    assert totals == parse_totals(totals.encode())
    return totals.boxes_opened, totals.closed, totals.version
