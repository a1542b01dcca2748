"""Amendments: every kind, every refusal, and what holds of whatever is amended."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.amendments import (
    CHANGES,
    Amended,
    BoxesAdded,
    BoxesClosed,
    BoxesMerged,
    CandidateAdded,
    CandidateReplaced,
    CandidateWithdrawn,
    Change,
    UnitAdded,
    UnitSplit,
    VotersRevised,
    amended,
    amended_as,
    closed_by,
    deserts,
    parse_amended,
    read_changes,
)
from schemas.definition import Candidate, Election, Unit
from schemas.errors import DefinitionError
from tests.builders import DISTRICTS, small_election
from tests.shapes import deep

ELECTION = small_election()
ADALAR, KADIKOY, USKUDAR, GEBZE = DISTRICTS
NEW = Candidate(id="yeni", name="Yeni Aday", party="chp", ballot_no=9)


def adds(**changes: Any) -> CandidateAdded:
    fields: dict[str, Any] = {"kind": "candidate_added", "contest": "mayor", "candidate": NEW}
    return CandidateAdded(**(fields | changes))


def replaces(**changes: Any) -> CandidateReplaced:
    fields: dict[str, Any] = {"kind": "candidate_replaced", "contest": "mayor", "candidate": "kurum", "by": NEW}
    return CandidateReplaced(**(fields | changes))


def withdraws(**changes: Any) -> CandidateWithdrawn:
    fields: dict[str, Any] = {"kind": "candidate_withdrawn", "contest": "mayor", "candidate": "kurum"}
    return CandidateWithdrawn(**(fields | changes))


def opens(*boxes: tuple[int, int], unit: str = USKUDAR) -> BoxesAdded:
    return BoxesAdded(kind="boxes_added", unit=unit, boxes=boxes)


def closes(*boxes: tuple[int, int], unit: str = USKUDAR) -> BoxesClosed:
    return BoxesClosed(kind="boxes_closed", unit=unit, boxes=boxes)


def merges(*boxes: tuple[int, int], into: int, unit: str = USKUDAR) -> BoxesMerged:
    return BoxesMerged(kind="boxes_merged", unit=unit, boxes=boxes, into=into)


def revises(**registered: int) -> VotersRevised:
    return VotersRevised(kind="voters_revised", registered=registered)


def district(name: str, boxes: tuple[tuple[int, int], ...] = ((1, 3),), **changes: Any) -> Unit:
    fields: dict[str, Any] = {
        "id": name,
        "level": "district",
        "name": name,
        "parent": "tr/34",
        "registered": 900,
        "boxes": boxes,
    }
    return Unit(**(fields | changes))


def adds_unit(unit: Unit) -> UnitAdded:
    return UnitAdded(kind="unit_added", unit=unit)


def splits(*into: Unit, unit: str = USKUDAR) -> UnitSplit:
    return UnitSplit(kind="unit_split", unit=unit, into=into)


def test_a_candidate_who_is_added_is_last_on_the_ballot() -> None:
    """All others keep their places, and other ballots their names."""
    after = amended(ELECTION, [adds()])
    assert ("imamoglu", "kurum", "bagimsiz_1", "yeni") == after.ballot_order("mayor", USKUDAR)
    assert ELECTION.ballot("district_mayor", GEBZE) == after.ballot("district_mayor", GEBZE)


def test_a_unit_s_own_ballot_is_amended_by_itself() -> None:
    """The contest's ballot, which all other units have, stays as it is."""
    after = amended(ELECTION, [adds(contest="district_mayor", unit=GEBZE)])
    assert ("chp", "yeni") == after.ballot_order("district_mayor", GEBZE)
    assert ("chp", "ak_parti") == after.ballot_order("district_mayor", USKUDAR)


def test_who_is_replaced_stays_on_the_ballot_and_is_marked() -> None:
    """Who stands instead is next; votes of before stay with who had them."""
    after = amended(ELECTION, [replaces()])
    assert ("imamoglu", "kurum", "yeni", "bagimsiz_1") == after.ballot_order("mayor", USKUDAR)
    _, old, new, _ = after.ballot("mayor", USKUDAR)
    assert (True, "yeni") == (old.withdrawn, old.replaced_by)
    assert NEW == new


def test_who_stands_for_a_list_is_replaced_under_the_list_s_id() -> None:
    """Votes hang on the id, so they go on; nobody is marked."""
    by = Candidate(id="kurum", name="Another", party="ak_parti", ballot_no=2)
    after = amended(ELECTION, [replaces(by=by)])
    assert ("imamoglu", "kurum", "bagimsiz_1") == after.ballot_order("mayor", USKUDAR)
    assert by == after.ballot("mayor", USKUDAR)[1]


def test_who_withdraws_stays_on_the_ballot_and_is_marked() -> None:
    """So the votes that were given are seen as theirs."""
    after = amended(ELECTION, [withdraws()])
    assert ELECTION.ballot_order("mayor", USKUDAR) == after.ballot_order("mayor", USKUDAR)
    assert [False, True, False] == [one.withdrawn for one in after.ballot("mayor", USKUDAR)]
    assert b'"withdrawn":true' in after.model_dump_json().encode()


def test_a_ballot_that_is_left_without_anybody_is_told_once() -> None:
    """On the contest's ballot as on a unit's own; not where somebody stands in the place of the last one."""
    everybody = [withdraws(candidate=one.id) for one in ELECTION.contest_by_id["mayor"].candidates]
    gebze = withdraws(contest="district_mayor", unit=GEBZE, candidate="chp")
    said = deserts(ELECTION, [closes((1002, 1002)), *everybody, gebze])
    assert [
        "Everybody on the ballot of 'mayor' has withdrawn",
        f"Everybody on the ballot of 'district_mayor' in {GEBZE!r} has withdrawn",
    ] == [sentence.partition(": nobody is left to vote for there")[0] for sentence in said]
    assert () == deserts(ELECTION, everybody[1:])
    assert () == deserts(ELECTION, [*everybody[:2], replaces(candidate="bagimsiz_1")])
    assert () == deserts(amended(ELECTION, everybody), [adds()])
    assert () == deserts(amended(ELECTION, everybody), [withdraws(contest="district_mayor", candidate="chp")])


def test_boxes_are_added_to_their_ranges() -> None:
    """Totals of boxes follow, up to the country."""
    after = amended(ELECTION, [opens((1030, 1031), (1021, 1021))])
    assert ((1001, 1021), (1030, 1031)) == after.unit_by_id[USKUDAR].boxes
    assert [23, 63, 83] == [after.boxes_total[unit] for unit in (USKUDAR, "tr/34", "tr")]


def test_boxes_that_are_closed_are_remembered() -> None:
    """They are not waited for, and can be opened again."""
    after = amended(ELECTION, [closes((1005, 1006))])
    assert (((1001, 1004), (1007, 1020)), ((1005, 1006),)) == (
        after.unit_by_id[USKUDAR].boxes,
        after.unit_by_id[USKUDAR].closed,
    )
    assert 18 == after.boxes_total[USKUDAR]
    assert ELECTION == amended(after, [opens((1005, 1006))])


def test_boxes_that_are_merged_are_closed() -> None:
    """The one that they are counted in stays."""
    after = amended(ELECTION, [merges((1002, 1003), into=1001)])
    assert ((1001, 1001), (1004, 1020)) == after.unit_by_id[USKUDAR].boxes
    assert ((1002, 1003),) == after.unit_by_id[USKUDAR].closed


def test_the_boxes_that_an_amendment_closes_are_those_that_are_there_no_more() -> None:
    """However it closes them; units that keep theirs are not among them, nor are new ones."""
    definition = small_election()
    after = amended(
        definition,
        [
            BoxesClosed(kind="boxes_closed", unit="tr/34/uskudar", boxes=((1002, 1003),)),
            BoxesAdded(kind="boxes_added", unit="tr/34/kadikoy", boxes=((1090, 1090),)),
        ],
    )
    assert {"tr/34/uskudar": {1002, 1003}} == closed_by(definition, after)
    assert {} == closed_by(definition, definition)


def test_voters_are_revised_in_counting_units() -> None:
    after = amended(ELECTION, [revises(**{USKUDAR: 7000, ADALAR: 1})])
    assert (7000, 1) == (after.unit_by_id[USKUDAR].registered, after.unit_by_id[ADALAR].registered)


def test_a_unit_that_is_added_is_a_counting_unit_of_every_contest_held_above_it() -> None:
    """Its boxes are in the sums above."""
    after = amended(ELECTION, [adds_unit(district("tr/34/yeni"))])
    assert after.is_district("tr/34/yeni")
    assert after.is_held("mayor", "tr/34/yeni")
    assert 63 == after.boxes_total["tr/34"]


def test_a_split_moves_boxes_and_voters_and_changes_no_sum() -> None:
    """The old unit goes on with the rest."""
    into = district("tr/34/yeni", ((1011, 1020),), registered=2500)
    after = amended(ELECTION, [splits(into)])
    assert (10, 10, 3500) == (
        after.boxes_total[USKUDAR],
        after.boxes_total["tr/34/yeni"],
        after.unit_by_id[USKUDAR].registered,
    )
    assert [ELECTION.boxes_total[unit] for unit in ("tr/34", "tr")] == [after.boxes_total[u] for u in ("tr/34", "tr")]
    assert [sum(unit.registered or 0 for unit in election.districts) for election in (ELECTION, after)] == [24_000] * 2


def test_a_split_of_a_unit_whose_voters_are_not_known_leaves_them_unknown() -> None:
    """Nothing can be taken away from what nobody has said."""
    unknown = ELECTION.unit_by_id[USKUDAR].model_copy(update={"registered": None})
    units = tuple(unknown if unit.id == USKUDAR else unit for unit in ELECTION.units)
    before = Election.model_validate({**dict(ELECTION), "units": units})
    after = amended(before, [splits(district("tr/34/yeni", ((1011, 1020),), registered=None))])
    assert after.unit_by_id[USKUDAR].registered is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (adds(contest="senate"), "no contest 'senate'"),
        (adds(unit=USKUDAR), "no ballot of its own"),
        (adds(candidate=Candidate(id="kurum", name="K")), "already, or was"),
        (adds(candidate=NEW.model_copy(update={"party": "nobody"})), "unknown party 'nobody'"),
        (adds(candidate=NEW.model_copy(update={"withdrawn": True})), "Take the mark away"),
        (adds(candidate=NEW.model_copy(update={"replaced_by": "kurum"})), "Take the mark away"),
        (replaces(candidate="nobody"), "no 'nobody' on this ballot"),
        (replaces(by=Candidate(id="imamoglu", name="İ")), "already, or was"),
        (withdraws(candidate="nobody"), "no 'nobody' on this ballot"),
        (opens((1020, 1021)), "has a box 1020 already"),
        (opens((1030, 1029)), "must rise"),
        (opens((1030, 999_999)), "more than 100000 boxes"),
        (opens((1, 1), unit="tr/34"), "has units below it"),
        (opens((1, 1), unit="tr/99"), "no unit 'tr/99'"),
        (closes((1020, 1021)), "no box 1021 to close"),
        (merges((1001, 1002), into=1002), "into itself"),
        (merges((1001, 1002), into=1050), "no box 1050 to merge"),
        (revises(**{"tr/34": 5}), "has units below it"),
        (adds_unit(district(USKUDAR)), "a unit 'tr/34/uskudar' already"),
        (adds_unit(district("tr/34/yeni", ())), "has no boxes"),
        (adds_unit(district("tr/34/yeni", level="ward")), "of level 'ward'"),
        (adds_unit(district("tr/34/yeni", parent="tr/35")), "tr/35"),
        (splits(district("tr/34/yeni", ((1, 3),))), "no box 1 to close"),
        (splits(district("tr/34/yeni", ((1001, 1002),), registered=9000)), "more voters than are left"),
    ],
)
def test_what_cannot_be_changed_is_refused_with_what_to_do(change: Change, reason: str) -> None:
    """One clear error, and nothing is changed."""
    with pytest.raises(DefinitionError, match=reason):
        amended(ELECTION, [change])


def test_nobody_withdraws_twice() -> None:
    """The second word is a mistake of whoever gives it."""
    with pytest.raises(DefinitionError, match="withdrawn already"):
        amended(ELECTION, [withdraws(), withdraws()])


def test_a_counting_unit_stays_one() -> None:
    """Its figures are there: it keeps a box, and gets no unit below it."""
    election = deep()
    abroad = election.unit_by_id["n/abroad"]
    with pytest.raises(DefinitionError, match="must go on being a counting unit"):
        amended(election, [BoxesClosed(kind="boxes_closed", unit=abroad.id, boxes=abroad.boxes)])


def test_boxes_do_not_lie_in_units_of_another_tree() -> None:
    """They would count twice."""
    with pytest.raises(DefinitionError, match="has units below it"):
        amended(deep(), [BoxesAdded(kind="boxes_added", unit="n/c/1", boxes=((1, 2),))])


def test_what_the_models_refuse_is_a_definition_error_too() -> None:
    """A change is only as good as what it yields: here a round that is there twice is not; a field that is wrong is."""
    broken = district("tr/34/yeni").model_copy(update={"registered": -1})
    with pytest.raises(DefinitionError, match=r"boxes|no definition"):
        amended(Election.model_construct(**{**dict(ELECTION), "sources": ()}), [adds_unit(broken)])


# What holds of whatever is amended


def amendment(definition: Election, *changes: Change, version: int = 2) -> Amended:
    after = amended(definition, changes)
    return Amended(version=version, order=7, amends=definition.digest, yields=after.digest, changes=changes)


def test_an_amendment_is_applied_to_the_definition_that_it_names_alone() -> None:
    """So it is applied once, and never to what somebody else has amended meanwhile."""
    one = amendment(ELECTION, adds())
    after = amended_as(ELECTION, one)
    assert one.yields == after.digest
    with pytest.raises(DefinitionError, match="another version"):
        amended_as(after, one)
    with pytest.raises(DefinitionError, match="another definition than it says"):
        amended_as(ELECTION, one.model_copy(update={"yields": "0" * 32}))


def test_an_amendment_is_the_same_after_it_was_written() -> None:
    """Also its bytes."""
    one = amendment(ELECTION, adds(), opens((1030, 1031)), revises(**{USKUDAR: 5}))
    assert one == parse_amended(one.encode())
    assert one.encode() == parse_amended(one.encode()).encode()
    with pytest.raises(ValidationError):
        parse_amended(None)


def test_changes_are_read_from_a_list_or_from_an_object() -> None:
    """As a person writes them."""
    changes = (adds(), closes((1001, 1002)))
    text = CHANGES.dump_json(changes)
    assert changes == read_changes(text, "a.json")
    assert changes == read_changes(b'{"changes": ' + text + b"}", "a.json")
    with pytest.raises(DefinitionError, match=r"a\.json holds no amendment"):
        read_changes(orjson.dumps([{"kind": "box_burnt"}]), "a.json")


INDEPENDENT = (
    adds(),
    withdraws(),
    opens((1030, 1031)),
    closes((1001, 1003)),
    merges((1005, 1005), into=1006, unit=KADIKOY),
    revises(**{ADALAR: 5000}),
    adds(contest="district_mayor", unit=GEBZE),
    withdraws(contest="district_mayor", candidate="ak_parti"),
)


@given(st.permutations(INDEPENDENT), st.integers(0, len(INDEPENDENT)))
def test_changes_that_are_independent_come_to_the_same_in_any_order(changes: list[Change], cut: int) -> None:
    """And in one amendment as in two."""
    expected = amended(ELECTION, INDEPENDENT)
    assert expected == amended(ELECTION, changes)
    assert expected.digest == amended(amended(ELECTION, changes[:cut]), changes[cut:]).digest


@st.composite
def some_changes(draw: st.DrawFn) -> list[Change]:
    """Changes of boxes, voters and ballots in the small election, many of which cannot be made."""
    unit = st.sampled_from(DISTRICTS)
    first = draw(st.integers(995, 1025))
    span = ((first, first + draw(st.integers(0, 4))),)
    name = st.sampled_from(["imamoglu", "kurum", "bagimsiz_1", "a", "b"])
    made = [
        opens(*span, unit=draw(unit)),
        closes(*span, unit=draw(unit)),
        merges(*span, into=draw(st.integers(995, 1025)), unit=draw(unit)),
        revises(**{draw(unit): draw(st.integers(0, 9000))}),
        adds(candidate=Candidate(id=draw(name), name="N")),
        replaces(candidate=draw(name), by=Candidate(id=draw(name), name="N")),
        withdraws(candidate=draw(name)),
        splits(district("tr/34/x", span, registered=draw(st.integers(0, 2000))), unit=draw(unit)),
    ]
    return draw(st.lists(st.sampled_from(made), max_size=6))


@given(some_changes())
def test_nothing_that_a_figure_hangs_on_ever_goes(changes: list[Change]) -> None:
    """Units and names on ballots stay, totals of boxes are those of the units, and a refusal changes nothing."""
    definition = ELECTION
    for change in changes:
        before = definition
        try:
            definition = amended(before, [change])
        except DefinitionError:
            continue
        assert before.unit_by_id.keys() <= definition.unit_by_id.keys()
        assert {one.id for one in before.districts} <= {one.id for one in definition.districts}
        for unit in DISTRICTS:
            assert before.ballot_ids("mayor", unit) <= definition.ballot_ids("mayor", unit)
        assert sum(one.boxes_total for one in definition.districts) == definition.boxes_total["tr"]
        for one in definition.districts:
            assert not {box for a, b in one.boxes for box in range(a, b + 1)} & {
                box for a, b in one.closed for box in range(a, b + 1)
            }
        assert definition == Election.model_validate_json(definition.model_dump_json())
    assert ELECTION == small_election()


@pytest.mark.parametrize("text", ['[{"kind": "candidate_withdrawn", "contest": "mayor", %s}]', '{"changes": [{%s}]}'])
def test_a_key_that_no_change_has_is_refused(text: str) -> None:
    """A withdrawal with `units` in place of `unit` would hold everywhere."""
    keys = '"candidate": "kurum", "units": "tr/34"'
    whole = text % (keys if "mayor" in text else f'"kind": "candidate_withdrawn", "contest": "mayor", {keys}')

    with pytest.raises(DefinitionError, match=r"the key .*candidate_withdrawn\.units means nothing"):
        read_changes(whole.encode(), "a.json")
