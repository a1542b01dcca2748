import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from producers.tables.layout import Layout, Sheet, TableLine
from producers.tables.lines import (
    SHOWN_FAULTS,
    LineFaults,
    LineFigures,
    check_totals,
    names_total,
    shaped,
    total_figures,
)
from producers.tables.mapping_sections import TableMapping
from producers.tables.notation import Numbers
from schemas.errors import TableError

HEADER = ("place", "zone", "a", "b")


def shape(derived: dict[str, object], *cells: list[str], where: dict[str, object] | None = None) -> list[list[str]]:
    """The cells of each line behind those of the table, or why the line cannot be used."""
    plan = TableMapping.model_validate(
        {"derived": derived, "table": {"thousands": ".", "zero": ["-"], "unreadable": ["?"], "where": where or {}}}
    )
    lines = (TableLine(number, line) for number, line in enumerate(cells, start=2))
    sheet = plan.shape(Sheet(HEADER, lines), "t.csv")
    assert sheet.header == (*HEADER, *derived)
    return [[line.fault] if line.fault else list(line.cells)[len(HEADER) :] for line in sheet.lines]


LINE = ["Kavak, Şile, İstanbul", "7", "1.200", "-"]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ({"of": "place", "split": ",", "part": 2}, "Şile"),
        ({"of": "place", "split": ",", "part": -1}, "İstanbul"),
        ({"of": "place", "match": r"^(\w)"}, "K"),
        ({"of": "place", "match": "Ka"}, "Ka"),
        ({"of": "place", "split": ",", "part": 1, "match": "(x)?a"}, ""),
        ({"of": "zone", "pad": 3}, "007"),
        ({"of": "zone", "values": {"7": "yedi"}}, "yedi"),
        ({"join": ["zone", "b"], "between": "/"}, "7/-"),
        ({"sum": ["zone", "a", "b"]}, "1207"),
        ({"constant": "x"}, "x"),
    ],
)
def test_a_column_is_made_of_others(column: dict[str, object], expected: str) -> None:
    assert [[expected]] == shape({"new": column}, LINE)


def test_a_derived_column_may_be_made_of_those_above_it() -> None:
    derived: dict[str, object] = {"town": {"of": "place", "split": ",", "part": 2}, "id": {"join": ["zone", "town"]}}
    assert [["Şile", "7Şile"]] == shape(derived, LINE)
    with pytest.raises(ValidationError, match="'id' is made of 'town', which comes after it: put 'town' before it"):
        shape(dict(reversed(derived.items())), LINE)


@pytest.mark.parametrize(
    ("column", "says"),
    [
        ({"of": "place", "split": ",", "part": 4}, "which has no part 4 for new"),
        ({"of": "place", "match": r"\d"}, r"in which new is not: \d"),
        ({"of": "zone", "values": {"8": "sekiz"}}, "new is '7', which its values do not have"),
        ({"of": "a", "pad": 3}, "new is '1.200', longer than the 3 that pad says"),
        ({"sum": ["place"]}, "place is 'Kavak, Şile, İstanbul', not a whole number"),
    ],
)
def test_a_line_of_which_a_column_cannot_be_made_says_why(column: dict[str, object], says: str) -> None:
    (found,) = shape({"new": column, "zone again": {"of": "zone"}}, LINE)
    assert says in found[0]


def test_a_sum_with_an_illegible_count_is_set_aside_unless_the_line_has_a_fault() -> None:
    derived: dict[str, object] = {"all": {"sum": ["a"]}, "town": {"of": "place", "match": "Ş"}}
    derived["none"] = {"of": "b", "values": {"": "", "-": "0"}}
    plan = TableMapping.model_validate({"derived": derived, "table": {"unreadable": ["?"]}})
    lines = iter([TableLine(2, ["Ş", "", "?", ""]), TableLine(3, ["x", "", "?", "!"]), TableLine(4, ["x"], fault="f")])
    found = list(plan.shape(Sheet(HEADER, lines), "t.csv").lines)
    assert [(True, "a is '?'"), (False, "place is 'x', in which town is not: Ş"), (False, "f")] == [
        (line.is_aside, line.fault) for line in found
    ]


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ({"zone": "7"}, 1),
        ({"zone": ["8", "7"]}, 1),
        ({"zone": "8"}, 0),
        ({"zone": {"none_of": ["", "-"]}}, 1),
        ({"b": {"none_of": ["", "-"]}}, 0),
        ({"place": {"matches": "Şile"}}, 1),
        ({"town": {"matches": "^Ş"}}, 1),
        ({"town": "sile"}, 1),
        ({"town": "Adalar"}, 0),
    ],
)
def test_lines_are_left_out_by_what_is_in_them(where: dict[str, object], kept: int) -> None:
    assert kept == len(shape({"town": {"of": "place", "split": ",", "part": 2}}, LINE, where=where))


def test_without_derived_columns_lines_stay_as_they_are() -> None:
    sheet = Sheet(HEADER, iter([TableLine(2, LINE)]))
    assert shaped(sheet, (), (), TableMapping().table.numbers, "t.csv") is sheet
    assert [] == shape({}, LINE, where={"zone": "8"})
    assert [[]] == shape({}, LINE, where={"zone": "7"})
    assert [["1 cells under a header of 4"]] == shape({}, ["x"], where={"zone": "7"})


@pytest.mark.parametrize(
    ("column", "says"),
    [
        ({}, "say one of: of"),
        ({"of": "a", "sum": ["b"]}, "say one of: of"),
        ({"of": "a", "split": ","}, "split and part go together"),
        ({"of": "a", "split": ",", "part": 0}, "split and part go together"),
        ({"sum": ["a"], "match": "x"}, "split and match are for a cell"),
        ({"of": "a", "match": "("}, "is no regular expression"),
    ],
)
def test_a_column_that_is_none_is_refused(column: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        TableMapping.model_validate({"derived": {"new": column}})


def test_the_name_of_the_file_is_a_column_where_it_is_asked_for() -> None:
    asked = TableMapping.model_validate({"derived": {"saat": {"of": "@file", "match": r"\d+"}}})
    assert (True, False) == (asked.layout.with_file, TableMapping().layout.with_file)
    assert Layout() == TableMapping().layout


def test_an_empty_cell_of_a_merged_column_has_the_text_above_it() -> None:
    rows = [["Şile", "1"], [" ", "2"], ["Fatih", ""], ["Lee"], ["", "3"]]
    lines = [TableLine(number, row) for number, row in enumerate(rows, start=2)]
    mapping = TableMapping.model_validate({"table": {"fill_down": ["town"]}})
    sheet = mapping.shape(Sheet(("town", "box"), iter(lines)), "t.csv")

    assert [["Şile", "1"], ["Şile", "2"], ["Fatih", ""], ["Lee"], ["Fatih", "3"]] == [
        list(line.cells) for line in sheet.lines
    ]


def found(count: int) -> LineFaults:
    faults = LineFaults("boxes.csv", "row")
    for number in range(1, count + 1):
        faults.add(number, "no district")
    return faults


def test_a_table_without_faults_raises_nothing() -> None:
    found(0).raise_any()


@pytest.mark.parametrize(
    ("count", "begins"), [(1, "1 row of boxes.csv cannot be used; "), (2, "2 rows of boxes.csv cannot be used; ")]
)
def test_a_table_with_faults_says_how_many_and_what_to_do(count: int, begins: str) -> None:
    with pytest.raises(TableError) as error:
        found(count).raise_any()

    first, *lines = str(error.value).splitlines()
    assert f"{begins}nothing was published. Mend the file and try again." == first
    assert [f"  row {number}: no district" for number in range(1, count + 1)] == lines


def test_the_first_faults_are_shown_and_all_are_counted() -> None:
    lines = found(SHOWN_FAULTS + 3).message("they are left out.").splitlines()

    assert 1 + SHOWN_FAULTS + 1 == len(lines)
    assert "23 rows of boxes.csv cannot be used; they are left out." == lines[0]
    assert "  … and 3 more" == lines[-1]


@pytest.mark.parametrize(
    "name", ["TOPLAM", "Genel Toplam", "İSTANBUL TOPLAMI", "Yekûn", "Grand Total", "sub-total", "SUBTOTAL"]
)
def test_a_total_row_is_known_by_what_its_unit_is_called(name: str) -> None:
    assert names_total(["", name])


@pytest.mark.parametrize("name", ["", "Üsküdar", "Toplamlı", "Totalburg", "-"])
def test_another_name_is_no_total(name: str) -> None:
    assert not names_total([name])


def test_the_words_can_be_others() -> None:
    assert names_total(["Summe Land"], ["summe"])
    assert not names_total(["TOPLAM"], [])


def part(line: int, valid: int, group: str = "mayor", **others: int) -> LineFigures:
    return LineFigures(line, group, {"valid": valid} | others)


LINES = [part(2, 10), part(3, 20), part(5, 5), part(6, 7), part(2, 1, "council")]


@pytest.mark.parametrize(
    ("totals", "told"),
    [
        ([part(4, 30), part(7, 12), part(8, 42)], []),
        ([part(1, 42)], []),
        ([part(1, 30), part(4, 12)], []),
        ([part(4, 30), part(7, 42)], []),
        ([part(8, 1, "council")], []),
        ([part(8, 7, "nothing")], []),
        ([part(8, 42, share=99)], []),
        ([part(4, 31)], ["line 4 is a total row, but valid is 31 and the lines come to 30"]),
        ([part(4, 30), part(7, 13)], ["line 7 is a total row, but valid is 13 and the lines come to 12"]),
    ],
)
def test_a_total_row_is_the_sum_of_some_lines_around_it(totals: list[LineFigures], told: list[str]) -> None:
    assert told == check_totals(totals, LINES)
    assert [each.replace("line ", "record ", 1) for each in told] == check_totals(totals, LINES, "record")


@given(st.lists(st.integers(0, 9), min_size=1), st.integers(0, 9))
def test_a_right_sum_is_never_told_and_another_always(counts: list[int], more: int) -> None:
    parts = [part(line, count) for line, count in enumerate(counts, start=2)]

    assert (more == 0) == (not check_totals([part(len(counts) + 2, sum(counts) + more)], parts))


def test_of_a_total_row_the_numbers_are_compared_and_a_share_is_not() -> None:
    texts = {"votes": "1.234", "share": "%51,14", "cast": ""}

    assert {"votes": 1_234} == total_figures(texts, Numbers(thousands=".", decimal=","))


def test_what_is_wrong_with_a_whole_table_counts_as_a_fault_too() -> None:
    faults = LineFaults("t.csv")
    for number in range(SHOWN_FAULTS + 1):
        faults.add_table(f"no box {number}")
    assert (SHOWN_FAULTS + 1, "  no box 0", SHOWN_FAULTS) == (faults.count, faults.shown[0], len(faults.shown))
