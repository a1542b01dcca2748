import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.tables.names import MAX_SUGGESTED_FOR, Names, Spellings
from schemas.definition import Candidate, Contest, Election, Unit
from schemas.spelling import fold, same_letters, same_text
from tests.builders import small_election

ELECTION = small_election()


def names(**options: object) -> Names:
    return Names(ELECTION, districts={}, **options)  # type: ignore[arg-type]  # some options or none


@pytest.mark.parametrize("name", ["ÜSKÜDAR", "Üsküdar", "uskudar", " USKUDAR "])
def test_a_district_is_found_whatever_its_case_and_accents(name: str) -> None:
    assert "tr/34/uskudar" == names().district(name)


def test_a_district_that_is_not_there_is_told_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="no district 'Kadıkoyu' in the election definition; nearest: tr/34/kadikoy"):
        names().district("Kadıkoyu")
    with pytest.raises(ValueError, match=r"no district 'Gebze' in the election definition$"):
        names(within="tr/34").district("Gebze")


def test_of_a_source_that_tells_provinces_a_district_is_none_of_its_units() -> None:
    provinces = names(units={"tr/34", "tr/41"})
    assert "tr/34" == provinces.district("İSTANBUL")
    with pytest.raises(
        ValueError, match=r"no unit 'Üsküdar' of those that the source tells \(levels in the definition\)"
    ):
        provinces.district("Üsküdar")


def test_a_name_that_is_not_the_definitions_own_can_be_given() -> None:
    assert "tr/34/adalar" == Names(ELECTION, districts={"Princes' Islands": "tr/34/adalar"}).district(
        "PRINCES' ISLANDS"
    )


def test_districts_of_one_name_are_told_apart_by_their_province() -> None:
    twin = Unit(id="tr/41/adalar", level="district", name="Adalar", parent="tr/41", boxes=((1, 2),))
    both = Names(Election(**{**dict(ELECTION), "units": (*ELECTION.units, twin)}), districts={})

    assert "tr/41/adalar" == both.district("Adalar", "KOCAELİ")
    assert "tr/34/adalar" == both.district("Adalar", "34")
    with pytest.raises(ValueError, match="there are 2 districts 'Adalar'"):
        both.district("Adalar")
    with pytest.raises(ValueError, match="no district 'Adalar' in 'Bursa'"):
        both.district("Adalar", "Bursa")


@pytest.mark.parametrize(
    ("contest", "name", "found"),
    [
        ("mayor", "EKREM İMAMOĞLU", "imamoglu"),
        ("mayor", "bagimsiz_1", "bagimsiz_1"),
        ("mayor", "Adalet ve Kalkınma Partisi", "kurum"),
        ("mayor", "AK PARTİ", "kurum"),
        ("district_mayor", "AK Parti", "ak_parti"),
    ],
)
def test_a_candidate_is_found_by_name_id_or_party(contest: str, name: str, found: str) -> None:
    assert found == names().candidate(contest, "tr/34/uskudar", [name])


def test_the_first_name_that_is_known_counts_and_others_can_be_given() -> None:
    assert "kurum" == names().candidate("mayor", "tr/34/uskudar", ["PARTİ ADAYI", "AK Parti"])
    assert "kurum" == names(candidates={"1": "kurum"}).candidate("mayor", "tr/34/uskudar", ["1"])


def test_each_district_is_asked_by_its_own_ballot_however_often() -> None:
    known = names()
    asked = [("district_mayor", "tr/34/uskudar"), ("mayor", "tr/34/uskudar"), ("district_mayor", "tr/34/uskudar")]

    assert ["ak_parti", "kurum", "ak_parti"] == [known.candidate(*where, ["AK Parti"]) for where in asked]


def test_a_candidate_that_is_not_on_the_ballot_is_told_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"no candidate 'Murat Kurun' or 'X' on the ballot of .*; nearest: kurum"):
        names().candidate("mayor", "tr/34/uskudar", ["Murat Kurun", "X"])
    with pytest.raises(ValueError, match="no candidate 'ak_parti' on the ballot of tr/41/gebze"):
        names().candidate("district_mayor", "tr/41/gebze", ["ak_parti"])


def test_a_given_name_is_on_the_ballot_too_or_refused() -> None:
    assert "kurum" == names(candidates={"reis": "kurum"}).candidate("mayor", "tr/34/uskudar", ["REİS"])
    with pytest.raises(ValueError, match="'1' is 'ak_parti', no candidate on the ballot of tr/41/gebze"):
        names(candidates={"1": "ak_parti"}).candidate("district_mayor", "tr/41/gebze", ["1"])


def test_who_is_on_another_districts_ballot_is_known_as_that() -> None:
    known = names()

    assert known.is_elsewhere("district_mayor", "tr/41/gebze", ["AK Parti"])
    assert not known.is_elsewhere("district_mayor", "tr/41/gebze", ["CHP"])
    assert not known.is_elsewhere("district_mayor", "tr/41/gebze", ["Kimse"])
    assert ("chp", "ak_parti", "") == tuple(
        known.anywhere("district_mayor", [name]) for name in ("Gebze Adayı", "AK Parti", "Kimse")
    )


def test_whether_there_is_such_a_district_can_be_asked() -> None:
    known = Names(ELECTION, districts={"Ada": "tr/34/adalar"}, within="tr/34")

    assert [True, True, False, False] == [known.has(name) for name in ("ADA", "Üsküdar", "Gebze", "Toplam")]


def test_a_name_that_two_candidates_fold_to_is_told_with_both() -> None:
    """Each is found by its own spelling; a third spelling may be either."""
    contest = Contest(
        id="mayor", name="Başkan", candidates=(Candidate(id="a", name="Ali Öz"), Candidate(id="b", name="Ali Oz"))
    )
    known = Names(Election(**{**dict(ELECTION), "contests": (contest,)}), districts={})

    assert ["a", "b"] == [known.candidate("mayor", "tr/34/uskudar", [name]) for name in ("Ali Öz", "Ali Oz")]
    with pytest.raises(ValueError, match=r"'ALİ ÔZ' may be any of a, b on the ballot of tr/34/uskudar\. Name the id"):
        known.candidate("mayor", "tr/34/uskudar", ["ALİ ÔZ"])


NAMES = st.text(st.sampled_from("aAáıIiİsßșşКкйиЙИїі北京दिी -'\u0301\u0306"), min_size=1, max_size=4).filter(str.strip)


@given(st.sets(NAMES, min_size=1, max_size=8), NAMES)
def test_a_name_never_finds_what_has_another_one(names: set[str], asked: str) -> None:
    """A name that is there finds what has its letters; any other text all that it may be a spelling of, or nothing."""
    known = Spellings(names=[(name, f"id of {name}") for name in names])
    same = same_letters if same_text(asked) in set(map(same_text, names)) else fold
    expected = {name for name in names if same(name) == same(asked)}

    assert {f"id of {name}" for name in expected} == set(known.find(asked))
    assert all(f"id of {name}" in known.find(name) for name in names)


def test_a_name_that_is_there_to_the_letter_goes_before_its_spellings() -> None:
    known = Spellings(names=[("San José", "a"), ("San Jose", "b")])

    assert (["a"], ["b"], ["a", "b"]) == (known.find("San José"), known.find(" San Jose "), known.find("SAN JOSE"))
    assert [["a"], ["a", "b"]] == list(known.matches("San Jose\u0301"))


def test_a_given_name_takes_the_place_of_the_same_name_only() -> None:
    known = Spellings(
        given=[("Merkez", "x")], names=[("Merkez", "a"), ("Merkez", "b"), ("Kaza", "c")], also=[("k", "c")]
    )

    assert (["x"], ["x"], ["c"], []) == tuple(map(known.find, ("Merkez", "MERKEZ", "K", "Köy")))


def test_nothing_is_found_by_a_blank_name_or_under_one() -> None:
    known = Spellings(names=[("", "a"), (" ", "b"), ("Київ", "c")])

    assert ([], [], []) == tuple(map(known.find, ("", " ", "Харків")))


def test_the_nearest_names_are_told_in_any_script() -> None:
    assert "; nearest: kyiv" == Spellings(names=[("Київ", "kyiv"), ("Львів", "lviv")]).near("Киів")
    assert "" == Spellings(names=[("Київ", "kyiv")]).near("Одеса")


def test_suggestions_are_sought_for_so_many_names_only() -> None:
    """A file of another election has a hundred thousand unknown names, and twenty are shown."""
    spellings = Spellings(names=[("Kadıköy", "kadikoy")])
    told = [spellings.near(f"Kadıkoy{number}") for number in range(MAX_SUGGESTED_FOR + 5)]

    assert ["; nearest: kadikoy"] * MAX_SUGGESTED_FOR + [""] * 5 == told
    assert "; nearest: kadikoy" == spellings.near("Kadıkoy7")
