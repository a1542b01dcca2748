import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.tables.line_numbers import LineNumbers, NumberColumn
from producers.tables.notation import Numbers

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
