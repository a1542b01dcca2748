from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tabulation.derived.columns as module
from schemas.definition import Candidate, Contest, Election
from tabulation.derived.columns import (
    Columns,
    Language,
    Pictures,
    Row,
    SameKey,
    Shape,
    count_text,
    percent_text,
    points_text,
)
from tabulation.view import View
from tests.builders import small_election
from tests.gateway.nights import totals

ELECTION = small_election()
KADIKOY = "tr/34/kadikoy"


def changed(election: Election = ELECTION, **fields: Any) -> Election:
    return Election(**{**dict(election), **fields})


def row(
    view: View,
    *,
    unit: str = KADIKOY,
    slots: int = 3,
    language: Language = "tr",
    election: Election = ELECTION,
) -> Row:
    columns = Columns(election)
    shape = Shape(slots, language, columns.candidates(["mayor"], [unit]))
    return columns.row("mayor", election.unit_by_id[unit], view.figures("mayor", "aa", unit), shape)


def counted(votes: dict[str, int], *, boxes: int = 3) -> View:
    view = View(ELECTION)
    view.apply(0, totals(KADIKOY, votes, boxes=boxes))
    return view


VOTES = st.dictionaries(st.sampled_from(["imamoglu", "kurum", "bagimsiz_1"]), st.integers(0, 10**7))


@given(VOTES, st.integers(0, 20), st.integers(0, 6), st.sampled_from(["tr", "en"]))
def test_the_keys_and_their_types_are_there_before_the_first_box_and_ever_after(
    votes: dict[str, int], boxes: int, slots: int, language: Language
) -> None:
    before = row(View(ELECTION), slots=slots, language=language)
    after = row(counted(votes, boxes=boxes), slots=slots, language=language)
    assert [(name, type(value)) for name, value in before.items()] == [
        (name, type(value)) for name, value in after.items()
    ]


def test_before_the_first_box_numbers_are_0_and_texts_of_shares_and_slots_are_empty() -> None:
    empty = row(View(ELECTION))
    assert {name: empty[name] for name in ("1_name", "1_votes", "1_votes_text", "1_pct", "1_pct_text", "1_rank")} == {
        "1_name": "",
        "1_votes": 0,
        "1_votes_text": "",
        "1_pct": 0,
        "1_pct_text": "",
        "1_rank": 0,
    }
    assert (empty["imamoglu_name"], empty["imamoglu_votes"], empty["imamoglu_pct_text"]) == ("Ekrem İmamoğlu", 0, "")
    assert (empty["as_of"], empty["as_of_text"], empty["boxes_pct_text"], empty["turnout_pct_text"]) == (
        "",
        "",
        "%0,00",
        "",
    )


def test_slots_are_by_rank_and_columns_of_candidates_by_id() -> None:
    said = row(counted({"imamoglu": 5_114, "kurum": 3_959, "bagimsiz_1": 927}))
    assert [said[f"{slot}_name"] for slot in (1, 2, 3)] == ["Ekrem İmamoğlu", "Murat Kurum", "Bir Bağımsız"]
    assert [said[f"{slot}_rank"] for slot in (1, 2, 3)] == [1, 2, 3]
    assert (said["1_pct"], said["1_pct_text"], said["1_votes_text"]) == (51.14, "%51,14", "5.114")
    assert (said["1_name_upper"], said["1_party"], said["1_color"]) == ("EKREM İMAMOĞLU", "CHP", "#d7263d")
    assert (said["kurum_votes"], said["kurum_rank"], said["kurum_pct_text"]) == (3_959, 2, "%39,59")
    assert (said["leader"], said["leader_name"], said["leaders"]) == ("imamoglu", "Ekrem İmamoğlu", 1)
    assert (said["margin_votes_text"], said["margin_points"], said["margin_points_text"]) == ("1.155", 11.55, "11,55")
    assert (said["boxes_pct_text"], said["as_of_text"]) == ("%15,00", "20:00")
    english = row(counted({"imamoglu": 5_114, "kurum": 4_886}), language="en")
    assert (english["1_pct_text"], english["1_votes_text"]) == ("51.14%", "5,114")


def test_a_tie_shares_a_rank_and_has_no_leader() -> None:
    said = row(counted({"kurum": 10, "imamoglu": 10, "bagimsiz_1": 1}))
    assert [said[f"{slot}_id"] for slot in (1, 2, 3)] == ["imamoglu", "kurum", "bagimsiz_1"]
    assert [(said[f"{slot}_rank"], said[f"{slot}_tied"]) for slot in (1, 2, 3)] == [(1, 1), (1, 1), (3, 0)]
    assert (said["leader"], said["leader_name"], said["leaders"], said["margin_votes"]) == ("", "", 2, 0)


def test_more_slots_than_candidates_stay_empty() -> None:
    said = row(counted({"kurum": 10}), slots=5)
    assert (said["4_name"], said["5_votes_text"]) == ("", "")


def test_units_are_sorted_by_level_and_then_as_the_alphabet_has_it() -> None:
    units = [unit.model_copy(update={"name": unit.name.replace("GEBZE", "Çayırova")}) for unit in ELECTION.units]
    columns = Columns(changed(units=tuple(units)))
    assert [unit.name for unit in columns.sorted_units(None)] == [
        "Türkiye",
        "İstanbul",
        "Kocaeli",
        "ADALAR",
        "Çayırova",
        "KADIKOY",
        "USKUDAR",
    ]
    assert [unit.id for unit in columns.sorted_units({"tr/41", "tr"})] == ["tr", "tr/41"]


def test_a_unit_is_called_by_its_own_name_unless_another_has_it_too() -> None:
    twins = {"tr/34/adalar": "tr/34/orta-merkez", "tr/41/gebze": "tr/41/orta-merkez"}
    units = tuple(unit.model_copy(update={"id": twins.get(unit.id, unit.id)}) for unit in ELECTION.units)
    columns = Columns(changed(units=units, contests=ELECTION.contests[:1]))
    assert [columns.unit_key(unit.id) for unit in units] == [
        "tr",
        "34",
        "41",
        "tr_34_orta_merkez",
        "kadikoy",
        "uskudar",
        "tr_41_orta_merkez",
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tr/34/orta-merkez", "tr/34/orta_merkez"),
        ("tr/34/orta", "tr/34/orta-1"),  # candidate 1-2 of the one, the second slot of the other
    ],
)
def test_units_whose_columns_would_be_the_same_are_refused(one: str, other: str) -> None:
    twins = {"tr/34/adalar": one, "tr/34/kadikoy": other}
    units = tuple(unit.model_copy(update={"id": twins.get(unit.id, unit.id)}) for unit in ELECTION.units)
    election = changed(units=units, contests=ELECTION.contests[:1])
    columns, shape = Columns(election), Shape(2, "tr", ("1-2",))
    names = list(columns.row("mayor", units[0], None, shape))
    with pytest.raises(SameKey, match="'-' and '_' are the same") as refused:
        columns.check_apart(units, names)
    assert all(repr(name) in str(refused.value) for name in (one, other))
    columns.check_apart([unit for unit in units if unit.id != other], names)


KEYS = st.lists(st.sampled_from(["a", "a-1", "a_1", "a-1-x", "b", "b-a", "1"]), min_size=1, max_size=4, unique=True)
NAMES = st.frozensets(st.sampled_from(["name", "1_name", "1_1_name", "x_name", "a_name", "id"]), min_size=1)


@given(KEYS, NAMES)
def test_units_are_refused_exactly_where_one_object_would_lose_a_column(keys: list[str], names: frozenset[str]) -> None:
    country, province = ELECTION.units[0], ELECTION.units[1]
    units = [ELECTION.unit_by_id[KADIKOY].model_copy(update={"id": f"tr/34/{key}"}) for key in keys]
    columns = Columns(changed(units=(country, province, *units), contests=ELECTION.contests[:1]))
    alone = {f"{columns.unit_key(unit.id)}_{name}" for unit in units for name in names}
    if len(alone) == len(units) * len(names):
        columns.check_apart(units, names)
    else:
        with pytest.raises(SameKey):
            columns.check_apart(units, names)


def test_rows_are_the_same_when_the_names_of_their_columns_were_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SHAPES_KEPT", 2)
    columns, unit = Columns(ELECTION), ELECTION.units[0]
    shapes = [Shape(slots, "tr", ("kurum",)) for slots in range(4)] * 2
    assert [columns.row("mayor", unit, None, shape) for shape in shapes] == [
        Columns(ELECTION).row("mayor", unit, None, shape) for shape in shapes
    ]


def test_candidates_whose_columns_would_be_the_same_are_refused() -> None:
    names = tuple(Candidate(id=name, name=name) for name in ("a-b", "a_b"))
    election = changed(contests=(Contest(id="mayor", name="Mayor", candidates=names),))
    with pytest.raises(SameKey, match="'a-b' and 'a_b'"):
        row(View(election), election=election)


@pytest.mark.parametrize(("candidate", "key"), [("1", "candidate_1"), ("unit", "candidate_unit"), ("a-b", "a_b")])
def test_a_candidates_columns_are_no_others(candidate: str, key: str) -> None:
    names = (Candidate(id=candidate, name="Bir Ad"),)
    election = changed(contests=(Contest(id="mayor", name="Mayor", candidates=names),))
    said = row(View(election), election=election)
    assert said[f"{key}_name"] == "Bir Ad"
    assert (said["1_name"], said["unit_name"]) == ("", "KADIKOY")


def test_who_stands_only_somewhere_has_columns_where_that_is_asked_for() -> None:
    columns = Columns(ELECTION)
    gebze = Contest(id="x", name="X", candidates=(), ballots={"tr/41/gebze": (Candidate(id="own", name="Own"),)})
    local = Columns(changed(contests=(gebze,)))
    assert local.candidates(["x"], ["tr/41/gebze"]) == ("own",)
    assert local.candidates(["x"], ["tr/41"]) == ()
    assert columns.candidates(["mayor", "district_mayor"], ["tr"]) == (
        "imamoglu",
        "kurum",
        "bagimsiz_1",
        "chp",
        "ak_parti",
    )
    shape = Shape(1, "tr", ("chp",))
    said = columns.row("mayor", ELECTION.unit_by_id["tr"], None, shape)
    assert (said["chp_name"], said["chp_votes"], said["chp_votes_text"]) == ("", 0, "")


def test_a_leader_that_only_districts_know_is_called_by_its_id() -> None:
    gebze = Contest(id="mayor", name="X", candidates=(), ballots={KADIKOY: (Candidate(id="own", name="Own"),)})
    election = changed(contests=(gebze,))
    view = View(election)
    view.apply(0, totals(KADIKOY, {"own": 3}))
    assert row(view, unit="tr/34", election=election)["leader_name"] == "own"
    assert row(view, unit="tr/34", election=election)["1_name"] == "own"


def test_the_time_is_that_of_the_elections_zone() -> None:
    assert row(counted({"kurum": 1}), election=changed(timezone="Asia/Tokyo"))["as_of_text"] == "02:00"


@given(VOTES, st.integers(0, 10**7), st.integers(0, 20), st.sampled_from(["tr", "en"]))
def test_no_text_of_a_share_or_of_progress_is_over_a_hundred_per_cent(
    votes: dict[str, int], valid: int, boxes: int, language: Language
) -> None:
    """And those of the candidates are a hundred together where the valid votes are theirs."""
    view = View(ELECTION)
    view.apply(0, totals(KADIKOY, votes, boxes=boxes).model_copy(update={"valid": valid}))
    said = row(view, language=language)
    texts = [str(said[name]).replace("%", "").replace(",", ".") or "0" for name in said if name.endswith("_pct_text")]
    assert max(float(text) for text in texts) <= 100
    if 0 < sum(votes.values()) >= valid:
        assert round(sum(round(100 * float(said[f"{slot}_pct"])) for slot in (1, 2, 3))) == 10_000


@pytest.mark.parametrize(
    ("language", "count", "percent", "points"),
    [("tr", "11.360.000", "%51,14", "1.155,05"), ("en", "11,360,000", "51.14%", "1,155.05")],
)
def test_each_language_has_its_marks(language: Language, count: str, percent: str, points: str) -> None:
    assert count_text(11_360_000, language) == count
    assert percent_text(5_114, language) == percent
    assert points_text(115_505, language) == points


def test_nothing_is_no_number() -> None:
    assert (percent_text(None, "tr"), points_text(None, "en"), count_text(0, "tr"), percent_text(0, "tr")) == (
        "",
        "",
        "0",
        "%0,00",
    )


@given(st.integers(0, 10**12))
def test_a_text_reads_back_as_its_number(number: int) -> None:
    assert int(count_text(number, "tr").replace(".", "")) == number
    assert int(percent_text(number, "tr").strip("%").replace(".", "").replace(",", "")) == number


def test_faces_and_logos_have_columns_where_there_are_any_and_are_empty_where_there_is_none() -> None:
    view, unit = counted({"imamoglu": 2, "kurum": 1}), ELECTION.unit_by_id[KADIKOY]
    assert not [name for name in row(view) if name.endswith(("_photo", "_logo"))]
    party = next(one.party for one in ELECTION.contests[0].candidates if one.id == "kurum")
    columns = Columns(ELECTION, Pictures({"imamoglu": "/p/imamoglu.webp"}, {party or "": "/l/party.svg"}))
    shape = Shape(3, "tr", ("kurum",), "http://cg:1")
    shown = columns.row("mayor", unit, view.figures("mayor", "aa", KADIKOY), shape)
    assert ("http://cg:1/p/imamoglu.webp", "") == (shown["1_photo"], shown["1_logo"])
    assert ("", "http://cg:1/l/party.svg") == (shown["2_photo"], shown["kurum_logo"])
    assert ("", "") == (shown["3_photo"], shown["3_logo"])
    before = columns.row("mayor", unit, None, shape)
    assert (list(shown), "") == (list(before), before["1_photo"])
