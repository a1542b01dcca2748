import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.tables.line_checks import (
    SHOWN_FAULTS,
    LineFaults,
    LineFigures,
    check_totals,
    names_total,
    total_figures,
)
from producers.tables.notation import Numbers
from schemas.errors import TableError


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
