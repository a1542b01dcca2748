import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.tables.notation import (
    MAX_SUGGESTED_FOR,
    LineNumbers,
    Names,
    NumberColumn,
    Numbers,
    Spellings,
    Times,
    check_pattern,
    revision_of,
)
from schemas.definition import Candidate, Contest, Election, Unit
from schemas.fields import MAX_BOX_NUMBER
from schemas.spelling import fold, same_letters, same_text
from tests.builders import small_election

PLAIN, TURKISH = Numbers(), Numbers(".", ",")
MOST = 10_000_000


@given(st.integers(0, MOST))
def test_a_number_reads_back_however_it_is_grouped(number: int) -> None:
    grouped = f"{number:,}".replace(",", ".")

    assert number == TURKISH.parse(grouped, "valid", MOST)
    assert number == TURKISH.parse(f" {grouped},00", "valid", MOST)
    assert number == TURKISH.parse(str(number), "valid", MOST)
    assert number == PLAIN.parse(str(number), "valid", MOST)


@pytest.mark.parametrize(
    ("numbers", "text", "says"),
    [
        (PLAIN, "-5", "'-5', not a whole number from 0 up"),
        (PLAIN, "", "'', not a whole number"),
        (PLAIN, "1.234", "'1.234', not a whole number"),
        (PLAIN, "\u0661", "not a whole number"),
        (PLAIN, "10000001", "over the 10000000"),
        (PLAIN, "9" * 5000, "over the 10000000"),
        (TURKISH, "12.34", "not a whole number from 0 up"),
        (TURKISH, "1234.567", "not a whole number from 0 up"),
        (TURKISH, "12,5", "'12,5', not a whole number"),
        (TURKISH, "2,000", "'2,000': with ',' as decimal mark that is 2, but it looks like thousands"),
        (TURKISH, "2,000,000", "not a whole number"),
        (TURKISH, "2,", "not a whole number"),
        (TURKISH, ",0", "not a whole number"),
        (TURKISH, "0.123", "not a whole number"),
        (TURKISH, "001.234", "not a whole number"),
        (TURKISH, "2 000", r"'2 000', not a whole number from 0 up \(thousands = '.', decimal = ','\)"),
        (Numbers("", "."), "2.000", "looks like thousands"),
        (PLAIN, "2.000", r"number from 0 up. Where that is one number, say table.thousands = '.' in the mapping"),
        (PLAIN, "1\u202f234\u202f567", r"say table.thousands = '\\u202f' in the mapping"),
        (PLAIN, "2,000", "not a whole number"),
        (PLAIN, "1e3", "not a whole number"),
        (PLAIN, "+5", "not a whole number"),
        (PLAIN, "-", "not a whole number"),
        (PLAIN, "1_000", "not a whole number"),
        (PLAIN, "１２", "not a whole number"),
        (PLAIN, "12.0", "not a whole number"),
        (PLAIN, "5\x00", "not a whole number"),
    ],
)
def test_what_is_no_number_is_told(numbers: Numbers, text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as error:
        numbers.parse(text, "valid", MOST)

    assert str(error.value).startswith("valid is")


MARKS = st.sampled_from(["", ".", ",", " ", "'"])


@given(st.text("0123456789.,' +-e", max_size=9), MARKS, MARKS)
def test_a_number_is_what_its_digits_say_or_is_refused(text: str, thousands: str, decimal: str) -> None:
    """Whatever the marks: what is read is what is written out again with those marks, or has a part of zeros behind."""
    if thousands and thousands == decimal:
        return
    try:
        number = Numbers(thousands, decimal).parse(text, "valid", MOST)
    except ValueError:
        return
    digits, mark, rest = text.strip().partition(decimal) if decimal else (text.strip(), "", "")
    assert digits.lstrip("0") in {str(number).lstrip("0"), f"{number:,}".replace(",", thousands)}
    assert not mark or (rest and not rest.strip("0") and len(rest) != 3)


NIGHT = date(2024, 3, 31)
ISTANBUL, BERLIN = ZoneInfo("Europe/Istanbul"), ZoneInfo("Europe/Berlin")


def test_a_time_is_read_in_its_zone_or_in_the_one_that_is_meant() -> None:
    moment = datetime(2024, 3, 31, 18, 14, tzinfo=UTC)
    turkish = Times("%d.%m.%Y %H:%M", ISTANBUL)

    assert moment == Times().parse(" 2024-03-31T21:14:00+03:00", "at")
    assert moment == turkish.parse("31.03.2024 21:14", "at")


@pytest.mark.parametrize(
    ("text", "moment"), [("21:14", "2024-03-31T21:14:00+03:00"), ("00:05", "2024-04-01T00:05:00+03:00")]
)
def test_a_time_of_day_is_of_the_elections_night(text: str, moment: str) -> None:
    assert moment == Times("%H:%M", ISTANBUL, NIGHT).parse(text, "at").isoformat()
    assert moment == Times("%H:%M%z", None, NIGHT).parse(f"{text}+0300", "at").isoformat()


def test_a_time_that_clocks_show_twice_is_refused_or_the_one_that_the_mapping_says() -> None:
    night = date(2026, 10, 24)
    read = [Times("%H:%M", BERLIN, night, showing).parse("02:30", "at") for showing in ("first", "second")]

    assert ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"] == [moment.isoformat() for moment in read]
    with pytest.raises(ValueError, match=r"at: 2026-10-25 02:30 is shown twice.*\+02:00 and .*report.repeated_hour"):
        Times("%H:%M", BERLIN, night).parse("02:30", "at")
    with pytest.raises(ValueError, match=r"at: 2026-03-29 02:30 is never shown in Europe/Berlin.*Ask"):
        Times(None, BERLIN, night, "first").parse("2026-03-29T02:30", "at")


@pytest.mark.parametrize(
    ("times", "text", "says"),
    [
        (Times(), "2024-03-31 21:14", "in no time zone. Say as report.timezone"),
        (Times(), "late", "not a time like 2024-03-31T21:14"),
        (Times(), "2024-03-31", "not a time like 2024-03-31T21:14.*report.time_format"),
        (Times(), "20240331", "not a time like"),
        (Times(), "1711911240", "not a time like"),
        (Times(), "1711911240000", "not a time like"),
        (Times(), "21:14", "not a time like"),
        (Times("%H:%M"), "late", "not a time like %H:%M"),
        (Times("%H:%M", ISTANBUL), "21:14", "at is a time of day, 21:14:00, and nothing says of which day"),
        (Times(), "1899-03-31T21:14:00+03:00", "in no year"),
        (Times(None, ISTANBUL), "9999-12-31T21:14", "in no year"),
    ],
)
def test_what_is_no_moment_is_told(times: Times, text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        times.parse(text, "at")


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("%d.%m %H:%M", "says no year"),
        ("%Y %H:%M", "says no month"),
        ("%m/%Y %H:%M", "says no day"),
        ("%d.%m.%Y", "says no hour"),
        ("%d.%m.%Y %I:%M", "says no hour"),
        ("%d.%m.%Y %H:%M %Z", "whose names say no zone"),
        ("%d.%m.%Y %H:%M %q", "cannot be read by"),
        ("%d.%d.%m.%Y %H:%M", "cannot be read by"),
        ("saat", "says no hour"),
        ("%%H:%M", "says no hour"),
    ],
)
def test_a_pattern_of_half_a_time_is_refused(pattern: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check_pattern(pattern)


@pytest.mark.parametrize("pattern", ["%H:%M", "%d.%m.%y %H:%M:%S", "%a %d %b %Y %I:%M %p", "%Y%j%H%M", "%c", "%H:%M%z"])
def test_a_pattern_of_a_whole_time_or_a_time_of_day_is_taken(pattern: str) -> None:
    assert pattern == check_pattern(pattern)


def test_a_times_revision_is_its_milliseconds_since_1970() -> None:
    assert 1_711_908_840_250 == revision_of(datetime(2024, 3, 31, 18, 14, 0, 250_000, tzinfo=UTC))
    with pytest.raises(ValueError, match="too early to be a revision"):
        revision_of(datetime(1970, 1, 1, 23, tzinfo=UTC))


def test_a_box_that_is_too_long_for_a_number_is_told_with_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"over the 9999999 that there can be\. Make a shorter number of it"):
        PLAIN.parse("001001000100101", "the box", MAX_BOX_NUMBER)


NUMBERS = Numbers(thousands=".", decimal=",")
CELL = st.one_of(
    st.integers(0, 2_000).map(str), st.sampled_from(["", " 7 ", "1.234", "12,0", "-1", "x", "٣", "²", "0" * 12 + "5"])
)


@given(st.lists(CELL, min_size=1, max_size=6), st.lists(st.integers(1, 1_500), min_size=6, max_size=6))
def test_numbers_read_together_are_what_each_cell_is_by_itself(cells: list[str], most: list[int]) -> None:
    columns = [NumberColumn(f"c{place}", place, most[place]) for place in range(len(cells))]
    try:
        expected = [NUMBERS.parse(cells[place].strip(), name, limit) for name, place, limit in columns]
    except ValueError as error:
        with pytest.raises(ValueError, match=re.escape(str(error))):
            LineNumbers(columns, NUMBERS).read(cells)
    else:
        assert expected == LineNumbers(columns, NUMBERS).read(cells)


def test_columns_are_read_in_their_own_order_wherever_they_are() -> None:
    columns = [NumberColumn("b", 2, 9), NumberColumn("a", 0, 9)]
    assert [3, 1] == LineNumbers(columns, NUMBERS).read(["1", "x", "3"])
    assert [3] == LineNumbers(columns[:1], NUMBERS).read(["1", "x", "3"])
    assert [] == LineNumbers([], NUMBERS).read(["1"])


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
