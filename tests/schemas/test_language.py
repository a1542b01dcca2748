import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import turkish
from schemas.definition import Election
from schemas.language import collation_key, title, upper
from tests.builders import small_election


@pytest.mark.parametrize(
    ("name", "language", "expected"),
    [
        ("BALI", "id", "Bali"),
        ("KEPULAUAN RIAU", "id", "Kepulauan Riau"),
        ("IĞDIR", "tr", "Iğdır"),
        ("SALYAN İCRA", "az-Latn", "Salyan İcra"),
        ("COMUNIDAD DE MADRID", "es", "Comunidad De Madrid"),
        ("LA CORUN\u0303A", "es", "La Coruña"),
        ("КИЇВСЬКА", "uk", "Київська"),
        ("ΑΘΗΝΑΣ", "el", "Αθηνας"),
        ("თბილისი", "ka", "თბილისი"),
        ("नई दिल्ली", "hi", "नई दिल्ली"),
        ("北京市", "zh", "北京市"),
        ("Nueva York", "es", "Nueva York"),
    ],
)
def test_a_name_in_capitals_is_read_as_its_language_has_it(name: str, language: str, expected: str) -> None:
    assert expected == title(name, language)


def test_capitals_are_those_of_the_language() -> None:
    assert ("BALI", "BALİ", "KOLI") == (upper("Bali", "id"), upper("Bali", "tr"), upper("koli", "en-GB"))


@given(st.text(), st.text())
def test_turkish_has_the_order_of_its_alphabet(one: str, other: str) -> None:
    expected = turkish.collation_key(one) < turkish.collation_key(other)
    assert expected == (collation_key(one, "tr") < collation_key(other, "tr"))


def test_another_language_has_marked_letters_beside_the_plain_ones() -> None:
    names = ["Zamora", "Ávila", "Avila", "Álava", "Badajoz"]
    assert ["Álava", "Avila", "Ávila", "Badajoz", "Zamora"] == sorted(names, key=lambda name: collation_key(name, "es"))


def test_a_definition_says_its_language_and_one_that_does_not_is_written_as_before() -> None:
    election = small_election()
    other = Election(**{**dict(election), "language": "id"})

    assert "tr" == election.language
    assert "language" not in election.model_dump(mode="json")
    assert "id" == Election.model_validate_json(other.model_dump_json()).language
    with pytest.raises(ValueError, match="language"):
        Election(**{**dict(election), "language": "not a tag"})
