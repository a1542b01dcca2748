import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from producers.turkish import slug, title
from schemas.fields import Id

ALPHABET = "abcçdefgğhıijklmnoöprsştuüvyzABCÇDEFGĞHIİJKLMNOÖPRSŞTUÜVYZâîûÂÎÛ"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ÇATALCA", "catalca"),
        ("Iğdır", "igdir"),
        ("IĞDIR", "igdir"),
        ("İSTANBUL", "istanbul"),
        ("istanbul", "istanbul"),
        ("ÜSKÜDAR", "uskudar"),
        ("Şişli", "sisli"),
        ("BEYOĞLU", "beyoglu"),
        ("KIRKLARELİ MERKEZ-ÜSKÜP", "kirklareli-merkez-uskup"),
        ("  Hakkâri  ", "hakkari"),
        ("19 MAYIS", "19-mayis"),
    ],
)
def test_a_turkish_name_becomes_an_ascii_id(name: str, expected: str) -> None:
    assert expected == slug(name)


def test_every_letter_of_the_alphabet_has_an_ascii_letter() -> None:
    assert slug(ALPHABET) == ("abccdefgghiijklmnooprsstuuvyz" + "abccdefgghiijklmnooprsstuuvyz" + "aiuaiu")


@given(st.text(st.sampled_from(ALPHABET + " -.1"), min_size=1, max_size=60))
def test_a_slug_is_an_id_or_empty_and_stays_itself(name: str) -> None:
    once = slug(name)
    assert once == slug(once)
    if once:
        TypeAdapter(Id).validate_python(once)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("KIRKLARELİ MERKEZ-ÜSKÜP", "Kırklareli Merkez-Üsküp"),
        ("ŞİŞLİ", "Şişli"),
        ("IĞDIR", "Iğdır"),
        ("İZMİR", "İzmir"),
        ("Afyon Karahisar", "Afyon Karahisar"),
    ],
)
def test_capitals_are_read_in_turkish_case(name: str, expected: str) -> None:
    assert expected == title(name)
