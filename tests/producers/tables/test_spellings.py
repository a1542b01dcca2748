from hypothesis import given
from hypothesis import strategies as st

from producers.tables.spellings import MAX_SUGGESTED_FOR, Spellings
from schemas.spelling import fold, same_letters, same_text

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
