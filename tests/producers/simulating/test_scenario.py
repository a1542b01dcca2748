from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.simulating.library import DEFAULT_SCENARIO, parse_scenario, read_scenario
from producers.simulating.scenario import Scenario, votes_with_shares
from schemas.errors import ScenarioError

TEXT = resources.files("producers").joinpath(f"scenarios/{DEFAULT_SCENARIO}.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def istanbul() -> Scenario:
    return read_scenario()


def test_istanbul_has_the_districts_boxes_and_voters_of_2024(istanbul: Scenario) -> None:
    definition = istanbul.definition()
    assert len(definition.districts) == 39
    assert definition.boxes_total["tr/34"] == 33_273
    assert sum(district.registered or 0 for district in definition.districts) == 11_314_534
    boxes = {district.id: district.boxes_total for district in definition.districts}
    assert max(boxes, key=lambda name: boxes[name]) == "tr/34/esenyurt"
    assert min(boxes, key=lambda name: boxes[name]) == "tr/34/adalar"
    assert (boxes["tr/34/esenyurt"], boxes["tr/34/adalar"]) == (1_869, 42)


def test_the_mayoral_ballot_has_22_parties_and_27_independents(istanbul: Scenario) -> None:
    mayor = istanbul.definition().contest_by_id["metropolitan_mayor"]
    assert len(mayor.candidates) == 49
    assert sum(candidate.party is None for candidate in mayor.candidates) == 27
    assert mayor.ballots == {}


def test_the_mayoral_result_is_that_of_2024(istanbul: Scenario) -> None:
    results = [district.results["metropolitan_mayor"] for district in istanbul.districts]
    valid = sum(result.valid for result in results)
    shares = {
        name: round(100 * sum(result.votes[name] for result in results) / valid, 2) for name in ("imamoglu", "kurum")
    }
    assert shares == {"imamoglu": 51.15, "kurum": 39.59}


def test_a_districts_own_ballot_has_its_own_names_under_the_parties_ids(istanbul: Scenario) -> None:
    mayor = istanbul.definition().contest_by_id["district_mayor"]
    uskudar = {candidate.id: candidate.name for candidate in mayor.ballot("tr/34/uskudar")}
    assert (uskudar["chp"], uskudar["ak_parti"]) == ("Sinem Dedetaş", "Hilmi Türkmen")
    assert {candidate.id: candidate.name for candidate in mayor.candidates}["chp"] == "CHP"
    assert len(mayor.ballots) == 39


def test_the_contests_are_counted_in_order(istanbul: Scenario) -> None:
    assert [contest.id for contest in istanbul.contests] == ["metropolitan_mayor", "district_mayor", "district_council"]


def test_parties_have_colours_of_their_own(istanbul: Scenario) -> None:
    colors = [party.color for party in istanbul.parties]
    assert len(set(colors)) == len(colors)


def test_a_smaller_night_has_that_part_of_everything(istanbul: Scenario) -> None:
    small = istanbul.shrink(districts=["tr/34/adalar", "tr/34/esenyurt"], boxes_per_district=20)
    assert [(district.id, district.boxes) for district in small.districts] == [
        ("tr/34/adalar", 20),
        ("tr/34/esenyurt", 20),
    ]
    adalar = small.districts[0]
    assert adalar.registered == 13_682 * 20 // 42
    for result in adalar.results.values():
        assert sum(result.votes.values()) == result.valid <= result.cast <= adalar.registered
    assert small.definition().boxes_total["tr"] == 40
    assert parse_scenario(TEXT).shrink(boxes_per_district=10_000) == istanbul


def test_a_district_that_is_not_there_is_told(istanbul: Scenario) -> None:
    with pytest.raises(ScenarioError, match=r"no district 'tr/34/cankaya'.*tr/34/adalar"):
        istanbul.shrink(districts=["tr/34/cankaya"])


def test_a_scenario_that_is_not_there_is_told() -> None:
    with pytest.raises(
        ScenarioError, match=r"no scenario 'ankara-2024'. There is: annulment-and-rerun, boxes-listed-twice"
    ):
        read_scenario("ankara-2024")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("cast = 10883", "cast = 10", "is over cast = 10"),
        ("registered = 13682", "registered = 13", "more cast than registered"),
        ("imamoglu = 6", "imamoglu = 7", "sum up to"),
        ("votes = { kurum", "votes = { kurun", "no candidate 'kurun'"),
        ("[districts.results.district_council]", "[districts.results.muhtar]", "results must be those of"),
        ("lag_minutes = 0", "lag_minutes = 90", "must not fall"),
        ("share = [0,", "share = [0, 0,", "as many minutes as shares"),
        ("minutes = [22, 55,", "minutes = [55, 22,", "must rise"),
        ("share = [0,", "share = [0.001,", "begin with 0"),
        ("typo = 0.006", "typo = 1.006", "sources.aa.typo"),
        ("coverage = 1.0", "", "sources.aa.coverage"),
        ("[arrivals]", "[arrivals", "not readable as TOML"),
        ('timezone = "Europe/Istanbul"', 'timezone = "Istanbul"', "Asia/Istanbul or Europe/Istanbul"),
    ],
)
def test_a_scenario_that_contradicts_itself_is_refused(old: str, new: str, told: str) -> None:
    assert old in TEXT
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(TEXT.replace(old, new, 1))
    assert told in str(caught.value)


DISTRICTS = st.lists(
    st.fixed_dictionaries({name: st.integers(0, 5_000) for name in ("a", "b", "c")}), min_size=1, max_size=6
)


@given(DISTRICTS, st.floats(0, 0.6), st.floats(0, 0.4))
def test_shares_come_out_to_the_vote_and_every_district_keeps_its_votes(
    districts: list[dict[str, int]], first: float, second: float
) -> None:
    moved = votes_with_shares(districts, {"a": first, "b": second})
    valid = sum(sum(votes.values()) for votes in districts)
    assert [sum(votes.values()) for votes in moved] == [sum(votes.values()) for votes in districts]
    assert abs(sum(votes["a"] for votes in moved) - first * valid) <= 1
    assert abs(sum(votes["b"] for votes in moved) - second * valid) <= 1
    assert min(count for votes in moved for count in votes.values()) >= 0


def test_equal_shares_are_equal_votes() -> None:
    moved = votes_with_shares([{"a": 10, "b": 90, "c": 1}, {"a": 80, "b": 5, "c": 3}], {"a": 0.4, "b": 0.4})
    assert sum(votes["a"] for votes in moved) == sum(votes["b"] for votes in moved) == round(0.4 * 189)


def test_an_outcome_may_name_every_candidate() -> None:
    moved = votes_with_shares([{"a": 60, "b": 40}, {"a": 10, "b": 90}], {"a": 0.5, "b": 0.5})
    assert [100, 100] == [sum(votes.values()) for votes in moved]
    assert sum(votes["a"] for votes in moved) == sum(votes["b"] for votes in moved) == 100


def test_a_district_keeps_its_character() -> None:
    moved = votes_with_shares([{"a": 900, "b": 100, "c": 10}, {"a": 100, "b": 900, "c": 10}], {"a": 0.6, "b": 0.35})
    assert moved[0]["a"] > moved[0]["b"]
    assert moved[1]["b"] > moved[1]["a"]
