import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.tables.boxes import read_table, tallies
from producers.tables.lines import SHOWN_FAULTS
from producers.tables.mapping import BoxMapping, parse_mapping, read_mapping
from schemas.errors import MappingError, TableError
from schemas.tally import encode
from tests.producers.real_tables import MAPPING
from tests.producers.tables.test_boxes import FIRST, HEADER, MORE, OTHER, REVISIONS, SECOND, TIMED, TIMES, write


@pytest.fixture
def mapping() -> BoxMapping:
    return read_mapping(MAPPING)


def test_a_line_twice_in_the_same_words_is_one_box(tmp_path: Path, mapping: BoxMapping) -> None:
    table = read_table(write(tmp_path, FIRST, SECOND, FIRST), mapping)
    assert (len(table.rows), table.duplicates) == (2, 1)


def test_a_box_twice_with_other_counts_is_a_fault(tmp_path: Path, mapping: BoxMapping) -> None:
    with pytest.raises(TableError, match="line 3: box 1001 of ÇATALCA is in line 2 with other counts"):
        read_table(write(tmp_path, FIRST, FIRST.replace("185", "184")), mapping)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("295", "-295", "kayitli_secmen is '-295'"),
        ("295", "2.5", "kayitli_secmen is '2.5'"),
        ("295", "", "kayitli_secmen is ''"),
        ("295", "٢٩٥", "kayitli_secmen is"),
        ("295", "500001", "kayitli_secmen is 500001, over"),
        ("295", "9" * 5000, "more digits"),
        ("1001", "0", "box number 0"),
        (",3", "", "19 cells under a header of 20"),
        ("34,", ",", "the province id '' has no letter"),
        ("ÇATALCA", " - ", "the district name '-' has no letter"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(
    tmp_path: Path, mapping: BoxMapping, old: str, new: str, told: str
) -> None:
    with pytest.raises(TableError, match=r"1 line of .* cannot be used; nothing was published") as caught:
        read_table(write(tmp_path, SECOND, FIRST.replace(old, new, 1)), mapping)
    assert "line 3: " in str(caught.value)
    assert told in str(caught.value)


def test_blanks_around_a_number_do_no_harm(tmp_path: Path, mapping: BoxMapping) -> None:
    assert read_table(write(tmp_path, FIRST.replace("295", " 295 ")), mapping).rows[0].registered == 295


def test_numbers_are_read_as_the_mapping_says(tmp_path: Path) -> None:
    german = parse_mapping(MAPPING.read_text(encoding="utf-8") + '\n[table]\ndelimiter = ";"\nthousands = "."\n')
    lines = [line.replace(",", ";") for line in (FIRST, FIRST.replace("1001", "1.002").replace("295", "1.295"))]
    table = read_table(write(tmp_path, *lines, header=HEADER.replace(",", ";")), german)

    assert [(1001, 295), (1002, 1295)] == [(row.box, row.registered) for row in table.rows]


def test_a_province_with_two_names_is_a_fault(tmp_path: Path, mapping: BoxMapping) -> None:
    with pytest.raises(TableError, match="province '34' is called 'ANKARA' here, else 'İSTANBUL'"):
        read_table(write(tmp_path, FIRST, SECOND.replace("İSTANBUL", "ANKARA").replace("ÇATALCA", "ADALAR")), mapping)


@pytest.mark.parametrize(("id_", "again"), [("034", "34"), ("TR-34", "tr 34")])
def test_a_province_with_two_spellings_of_its_id_is_a_fault(
    tmp_path: Path, mapping: BoxMapping, id_: str, again: str
) -> None:
    """A spreadsheet that drops a leading zero would have a province count twice."""
    lines = [line.replace("34,", f"{name},", 1) for line, name in ((FIRST, id_), (SECOND, again))]
    with pytest.raises(
        TableError, match=f"line 3: the province id is '{again}' here, else '{id_}': is it the same one"
    ):
        read_table(write(tmp_path, *lines), mapping)


def test_many_faults_are_counted_and_the_first_are_shown(tmp_path: Path, mapping: BoxMapping) -> None:
    lines = [FIRST.replace("1001", str(2000 + number)).replace("295", "x") for number in range(57)]
    with pytest.raises(TableError, match="57 lines of") as caught:
        read_table(write(tmp_path, *lines), mapping)
    assert str(caught.value).count("  line ") == SHOWN_FAULTS
    assert "and 37 more" in str(caught.value)


def test_a_missing_column_is_named_with_the_nearest(tmp_path: Path, mapping: BoxMapping) -> None:
    with pytest.raises(MappingError, match=r"no column 'sandik_no'.*Nearest: 'Sandık No'"):
        read_table(write(tmp_path, FIRST, header=HEADER.replace("sandik_no", "Sandık No")), mapping)


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path, mapping: BoxMapping) -> None:
    with pytest.raises(MappingError, match="2 columns named 'MHP'"):
        read_table(write(tmp_path, FIRST, header=HEADER.replace("SAADET", "MHP")), mapping)


def test_the_same_box_at_another_time_is_no_contradiction(tmp_path: Path) -> None:
    lines = [f"{FIRST},2014-03-30T{hour}:00:00,1" for hour in (20, 22, 21)]

    for mapping in map(parse_mapping, (TIMES, REVISIONS)):
        table = read_table(write(tmp_path, *lines, header=TIMED), mapping)
        assert ["22:00:00"] == [event.at.strftime("%X") for event in tallies(table, mapping)]
    assert 2 == table.duplicates


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (MAPPING.read_text(encoding="utf-8"), "no column says which is newer. Delete one, or name as report.revision"),
        (TIMES, "in line 2 with other counts and the same saat"),
        (REVISIONS, "in line 2 with other counts and the same surum"),
    ],
)
def test_a_box_twice_with_no_order_between_is_refused_with_both_lines(tmp_path: Path, text: str, says: str) -> None:
    lines = [f"{line},2014-03-30T20:00:00,1" for line in (FIRST, MORE)]
    with pytest.raises(TableError, match="line 3: box 1001 of ÇATALCA is in line 2 with other counts") as caught:
        read_table(write(tmp_path, *lines, header=TIMED), parse_mapping(text))
    assert says in str(caught.value)


SUMS = [str(int(one) + int(other)) for one, other in zip(FIRST.split(",")[5:], SECOND.split(",")[5:], strict=True)]


@pytest.mark.parametrize(
    "start",
    ["34,,İSTANBUL,TOPLAM,,", "34,135,İSTANBUL,ÇATALCA,TOPLAM,", "34,,İSTANBUL TOPLAMI,,2,", ",,,Grand Total,,"],
)
def test_a_total_row_is_checked_and_is_no_box(tmp_path: Path, mapping: BoxMapping, start: str) -> None:
    right, wrong = start + ",".join(SUMS), start + ",".join([*SUMS[:-1], "5"])
    for total, told in ((right, ()), (wrong, ("line 4 is a total row, but Diger is 5 and the lines come to 4",))):
        table = read_table(write(tmp_path, FIRST, SECOND, total), mapping)
        assert (2, told) == (len(table.rows), table.wrong_totals)


def test_lines_that_the_mapping_skips_are_no_data(tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    path.write_text(
        f"# 30 Mart 2014\nSandık sonuçları\n{HEADER}\n{FIRST}\n{',' * 19}\nNOT: geçici\n# son", encoding="utf-8"
    )
    skipping = parse_mapping(TIMES.replace('{ column = "saat" }', "2014-03-30T20:00:00") + SKIP)

    assert 1 == len(read_table(path, skipping).rows)


SKIP = '\n[table]\nskip = ["#", "Sandık", "not"]\n'


def test_a_district_that_begins_like_a_skipped_word_is_data(tmp_path: Path) -> None:
    table = read_table(
        write(tmp_path, FIRST, FIRST.replace("34,", "341,").replace("İSTANBUL", "NOTLU")),
        parse_mapping(MAPPING.read_text(encoding="utf-8") + '\n[table]\nskip = ["34"]\n'),
    )

    assert ["NOTLU"] == [row.names.province_name for row in table.rows]


def events_of(path: Path, mapping: BoxMapping) -> set[bytes]:
    return {encode(event) for event in tallies(read_table(path, mapping), mapping)}


@given(st.permutations([FIRST, SECOND, OTHER, FIRST, MORE.replace("1001", "1003"), OTHER, SECOND]))
def test_any_order_and_duplication_of_the_lines_gives_the_same_events(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    folder, mapping = tmp_path_factory.mktemp("order"), read_mapping(MAPPING)
    once = write(folder, FIRST, SECOND, OTHER, MORE.replace("1001", "1003"))
    expected = events_of(once, mapping)

    assert expected == events_of(write(folder, *lines), mapping)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    "header", [HEADER, HEADER.replace("Diger", "Diger,saat"), HEADER.replace("Diger", "Diger,not")]
)
def test_a_file_cut_at_any_byte_says_no_other_counts(tmp_path: Path, header: str, zipped: bool) -> None:
    """Boxes may be missing that the file did not come to; what is read of a box is what it says."""
    mapping = parse_mapping(TIMES if "saat" in header else MAPPING.read_text(encoding="utf-8"))
    more = {"saat": ",2014-03-30T20:00:00+03:00", "not": ',"ilk, sayım"'}.get(header.rpartition(",")[2], "")
    path = tmp_path / ("boxes.csv.gz" if zipped else "boxes.csv")
    written = "".join(f"{line}{more}\r\n" for line in (FIRST, SECOND, OTHER)).encode()
    whole = f"{header}\n".encode() + written
    whole = gzip.compress(whole) if zipped else whole
    path.write_bytes(whole)
    expected, seen = events_of(path, mapping), set[int]()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        try:
            found = events_of(path, mapping)
        except (TableError, MappingError):
            continue
        assert found <= expected
        seen.add(len(found))
    assert seen == (set() if zipped else {1, 2, 3})


class BoxStatement(NamedTuple):
    """A line of one of two boxes: its revision, its hour, and how many votes one party has."""

    box: int
    revision: int
    hour: int
    votes: int

    def line(self) -> str:
        counts = f"295,272,253,19,{self.votes}{',0' * 10}"
        return f"34,135,İSTANBUL,ÇATALCA,{self.box},{counts},2014-03-30T2{self.hour}:00,{self.revision}"


STATEMENTS = st.lists(st.builds(BoxStatement, *[st.integers(1, 2)] * 3, st.integers(0, 1)), min_size=1, max_size=6)


def newest(statements: Sequence[BoxStatement], by: Callable[[BoxStatement], int]) -> dict[int, set[int]] | None:
    """The votes of each box in its newest lines; `None` where lines of a box contradict each other at one place."""
    places: dict[tuple[int, int], set[int]] = {}
    for each in statements:
        places.setdefault((each.box, by(each)), set()).add(each.votes)
    if any(len(votes) > 1 for votes in places.values()):
        return None
    return {box: places[box, max(order for other, order in places if other == box)] for box, _ in places}


@given(STATEMENTS, st.randoms(use_true_random=False))
def test_the_newest_line_of_each_box_is_published_or_none(
    tmp_path_factory: pytest.TempPathFactory, statements: list[BoxStatement], chance: Random
) -> None:
    """Whatever the order of the lines and how often each is there; against a naive reading of them."""
    folder = tmp_path_factory.mktemp("statements")
    lines = [each.line() for each in statements]
    shuffled = chance.sample([*lines, *lines], 2 * len(lines))
    rules: list[tuple[str, Callable[[BoxStatement], int]]] = [
        (TIMES, lambda each: each.hour),
        (REVISIONS, lambda each: each.revision),
        (MAPPING.read_text(encoding="utf-8"), lambda _: 0),
    ]
    for text, by in rules:
        mapping, expected = parse_mapping(text), newest(statements, by)
        for written in (lines, shuffled):
            path = write(folder, *written, header=TIMED)
            if expected is None:
                with pytest.raises(TableError, match="with other counts"):
                    read_table(path, mapping)
                continue
            events = tallies(read_table(path, mapping), mapping, revision=9)
            assert expected == {event.box: {event.votes.get("ak_parti", 0)} for event in events}


def test_a_last_line_that_is_never_ended_is_whole_where_the_mapping_says_so(tmp_path: Path) -> None:
    path, odd = tmp_path / "boxes.csv", FIRST.replace("253", "250")
    path.write_text(f"{HEADER}\n{odd}", encoding="utf-8")
    text = MAPPING.read_text(encoding="utf-8")

    with pytest.raises(TableError, match=r"ends here without a line end.*say table\.unended = true"):
        read_table(path, parse_mapping(text))
    assert 1 == len(read_table(path, parse_mapping(f"{text}\n[table]\nunended = true\n")).rows)
