import re
import unicodedata
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from schemas.definition import Election
from schemas.fields import Id
from schemas.spelling import TURKISH_ORDER, collation_key, fold, lower, same_letters, same_text, slug, title, upper
from tests.builders import small_election

TURKISH = "abcçdefgğhıijklmnoöprsştuüvyzABCÇDEFGĞHIİJKLMNOÖPRSŞTUÜVYZâîûÂÎÛ"
BEFORE = str.maketrans("çğıöşüâîûÇĞIİÖŞÜÂÎÛ", "cgiosuaiucgiiosuaiu")
"""What the ids of the first definitions were made with."""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ÇATALCA", "catalca"),
        ("Iğdır", "igdir"),
        ("IĞDIR", "igdir"),
        ("İSTANBUL", "istanbul"),
        ("BEYOĞLU", "beyoglu"),
        ("KIRKLARELİ MERKEZ-ÜSKÜP", "kirklareli-merkez-uskup"),
        ("  Hakkâri  ", "hakkari"),
        ("19 MAYIS", "19-mayis"),
        ("San José", "san-jose"),
        ("SAN JOSE", "san-jose"),
        ("Alcalá de Henares", "alcala-de-henares"),
        ("La Coruña", "la-coruna"),
        ("São Paulo", "sao-paulo"),
        ("ŁÓDŹ", "lodz"),
        ("Đà Nẵng", "da-nang"),
        ("Tromsø", "tromso"),
        ("WEIẞENBURG", "weissenburg"),
        ("Weißenburg", "weissenburg"),
        ("Ærøskøbing", "aeroskobing"),
        ("Þingeyjarsveit", "thingeyjarsveit"),
        ("Ħamrun", "hamrun"),
        ("Gəncə", "gence"),
        ("Sant’Agata", "sant-agata"),
        ("Ｔｏｋｙｏ", "tokyo"),
        ("٣", "3"),
    ],
)
def test_a_name_in_latin_letters_becomes_an_ascii_id(name: str, expected: str) -> None:
    assert expected == slug(name)


@pytest.mark.parametrize("name", ["Київ", "Αθήνα", "القاهرة", "दिल्ली", "北京", "Київ 1", "가평군", "#", "—", "", "  "])
def test_a_name_that_ascii_cannot_write_has_no_id(name: str) -> None:
    assert slug(name) == ""


@given(st.text(st.sampled_from(TURKISH + " -.1'/")))
def test_the_ids_of_turkish_names_are_what_they_were(name: str) -> None:
    assert re.sub("[^a-z0-9]+", "-", name.translate(BEFORE).lower()).strip("-") == slug(name)


@given(st.text(max_size=40))
def test_a_slug_is_an_id_or_empty_and_stays_itself(name: str) -> None:
    once = slug(name)
    assert once == slug(once)
    if once:
        TypeAdapter(Id).validate_python(once)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("КИЇВ", "Київ"),
        ("ΑΘΉΝΑΣ", "Αθήνας"),
        ("Αθηνας", "Αθήνας"),
        ("Кам'янець", "Камʼянець"),
        ("Ho Chi Minh", "HỒ CHÍ MINH"),
        ("ｶﾞ", "ガ"),
        ("क़स्बा", unicodedata.normalize("NFC", "क़स्बा")),
        ("São\u00adPaulo", "SÃOPAULO"),
    ],
)
def test_spellings_of_one_name_have_one_key(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Йосип", "Иосип"),
        ("Київ", "Киів"),
        ("की", "का"),
        ("कि", "क"),
        ("عَلي", "علي"),
        ("ガ", "カ"),
        ("Київ", "Львів"),
        ("#", "*"),
    ],
)
def test_what_tells_names_apart_in_their_own_script_is_in_the_key(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(st.text())
def test_a_key_is_its_own_key_and_not_empty_and_does_not_depend_on_how_accents_are_encoded(name: str) -> None:
    key = fold(name)

    assert key == fold(key)
    assert bool(key) == bool(name.strip())
    assert {key} == {fold(unicodedata.normalize(form, name)) for form in ("NFC", "NFD")}


def test_a_text_is_compared_without_blanks_and_with_one_way_of_writing_an_accent() -> None:
    assert "é" == same_text(" e\u0301 ")


def test_letters_are_compared_whatever_their_case_and_accents_are_not_left_out() -> None:
    assert same_letters("ILICA") == same_letters("Ilıca") == same_letters("ılıca")
    assert same_letters("ŞİLE") == same_letters("Şile") != same_letters("Sile")


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


def test_another_language_has_marked_letters_beside_the_plain_ones() -> None:
    names = ["Zamora", "Ávila", "Avila", "Álava", "Badajoz"]
    assert ["Álava", "Avila", "Ávila", "Badajoz", "Zamora"] == sorted(names, key=lambda name: collation_key(name, "es"))


LETTERS = "abcçdefgğhıijklmnoöprsştuüvyz"
CAPITALS = "ABCÇDEFGĞHIİJKLMNOÖPRSŞTUÜVYZ"
turkish_key = partial(collation_key, language="tr")


def test_every_letter_has_its_own_capital() -> None:
    assert upper(LETTERS, "tr") == CAPITALS
    assert lower(CAPITALS, "tr") == LETTERS


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
    assert (upper(small, "tr"), lower(capital, "tr")) == (capital, small)
    assert upper(unicodedata.normalize("NFD", small), "tr") == capital
    assert lower(unicodedata.normalize("NFD", capital), "tr") == small


@given(st.text(st.sampled_from(LETTERS)))
def test_there_and_back_is_the_same_word(word: str) -> None:
    assert lower(upper(word, "tr"), "tr") == word
    assert len(upper(word, "tr")) == len(word)


@given(st.text(st.sampled_from(LETTERS)), st.text(st.sampled_from(LETTERS)))
def test_words_are_in_the_order_of_the_alphabet(one: str, other: str) -> None:
    expected = [LETTERS.index(letter) for letter in one] < [LETTERS.index(letter) for letter in other]
    assert (turkish_key(one) < turkish_key(other)) is expected


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
    assert sorted(set(names), key=turkish_key) == names


def test_signs_come_before_digits_and_these_before_letters_and_other_scripts() -> None:
    assert sorted(["б", "z", "x", "w", "v", "q", "p", "1", "-", ""], key=turkish_key) == [
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
        assert turkish_key(one) != turkish_key(other)


def test_the_alphabet_has_its_letters_and_three_guests() -> None:
    assert [letter for letter in TURKISH_ORDER if letter not in "qwx"] == list(LETTERS)


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
    assert expected == title(name, "tr")


def test_a_definition_says_its_language_and_one_that_does_not_is_written_as_before() -> None:
    election = small_election()
    other = Election(**{**dict(election), "language": "id"})

    assert "tr" == election.language
    assert "language" not in election.model_dump(mode="json")
    assert "id" == Election.model_validate_json(other.model_dump_json()).language
    with pytest.raises(ValueError, match="language"):
        Election(**{**dict(election), "language": "not a tag"})
