import pytest

from producers.tables.line_faults import SHOWN_FAULTS, LineFaults
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
    lines = found(SHOWN_FAULTS + 3).told("they are left out.").splitlines()

    assert 1 + SHOWN_FAULTS + 1 == len(lines)
    assert "23 rows of boxes.csv cannot be used; they are left out." == lines[0]
    assert "  … and 3 more" == lines[-1]
