"""What a delta means to a cursor."""

import pytest

from sandik.client.cursor import Verdict, judge
from schemas.wire import Cursor

HERE = Cursor(epoch="e", seq=5)


@pytest.mark.parametrize(
    ("cursor", "epoch", "begins", "ends", "expected"),
    [
        (None, "e", 0, 9, "awaiting"),
        (HERE, "e", 5, 9, "next"),
        (HERE, "e", 2, 9, "next"),
        (HERE, "e", 2, 5, "next"),
        (HERE, "e", 2, 4, "old"),
        (HERE, "e", 6, 9, "gap"),
        (HERE, "other", 5, 9, "gap"),
    ],
)
def test_a_delta_is_judged_by_where_it_begins_and_ends(
    cursor: Cursor | None, epoch: str, begins: int, ends: int, expected: Verdict
) -> None:
    assert expected == judge(cursor, epoch, begins, ends)
