import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.turkish import ALPHABET, collation_key, lower, title, upper

LETTERS = "abcçdefgğhıijklmnoöprsştuüvyz"
CAPITALS = "ABCÇDEFGĞHIİJKLMNOÖPRSŞTUÜVYZ"


def test_every_letter_has_its_own_capital() -> None:
    assert upper(LETTERS) == CAPITALS
    assert lower(CAPITALS) == LETTERS


@pytest.mark.parametrize(
    ("small", "capital"),
    [
        ("diyarbakır", "DİYARBAKIR"),
        ("ığdır", "IĞDIR"),
        ("izmir", "İZMİR"),
        ("hakkâri", "HAKKÂRİ"),
        ("üsküdar", "ÜSKÜDAR"),
    ],
)
def test_names_keep_their_dots(small: str, capital: str) -> None:
    assert (upper(small), lower(capital)) == (capital, small)
    assert upper(unicodedata.normalize("NFD", small)) == capital
    assert lower(unicodedata.normalize("NFD", capital)) == small


@given(st.text(st.sampled_from(LETTERS)))
def test_there_and_back_is_the_same_word(word: str) -> None:
    assert lower(upper(word)) == word
    assert len(upper(word)) == len(word)


@given(st.text(st.sampled_from(LETTERS)), st.text(st.sampled_from(LETTERS)))
def test_words_are_in_the_order_of_the_alphabet(one: str, other: str) -> None:
    expected = [LETTERS.index(letter) for letter in one] < [LETTERS.index(letter) for letter in other]
    assert (collation_key(one) < collation_key(other)) is expected


def test_districts_are_sorted_as_in_an_almanac() -> None:
    names = [
        "Adalar",
        "Arnavutköy",
        "Ataşehir",
        "Beylikdüzü",
        "Beyoğlu",
        "Çatalca",
        "Çekmeköy",
        "Esenler",
        "Gaziosmanpaşa",
    ]
    names += [
        "Hakkâri",
        "Hakkari Merkez",
        "Iğdır",
        "İzmir",
        "Kadıköy",
        "Kâğıthane",
        "Kartal",
        "Sarıyer",
        "Şile",
        "Şişli",
    ]
    names += ["Ümraniye", "Üsküdar", "Zeytinburnu"]
    assert sorted(set(names), key=collation_key) == names


def test_signs_come_before_digits_and_these_before_letters_and_other_scripts() -> None:
    assert sorted(["б", "z", "x", "w", "v", "q", "p", "1", "-", ""], key=collation_key) == [
        "",
        "-",
        "1",
        "p",
        "q",
        "v",
        "w",
        "x",
        "z",
        "б",
    ]


@given(st.text(), st.text())
def test_different_texts_have_different_keys(one: str, other: str) -> None:
    if unicodedata.normalize("NFC", one) != unicodedata.normalize("NFC", other):
        assert collation_key(one) != collation_key(other)


def test_the_alphabet_has_its_letters_and_three_guests() -> None:
    assert [letter for letter in ALPHABET if letter not in "qwx"] == list(LETTERS)


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
