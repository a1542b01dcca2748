import pytest

from schemas.late import Late, parse_late
from schemas.totals import is_aside

LATE = Late(partition=3, offset=1841)
OTHERS = [(None, b""), (b"mark:3", LATE.encode()), (LATE.key, b"{}"), (LATE.key, None)]


def test_a_delay_survives_the_way_through_the_log_beside_the_totals() -> None:
    assert LATE == parse_late(LATE.key, LATE.encode())
    assert (b"late:3@1841", True) == (LATE.key, is_aside(LATE.key))


@pytest.mark.parametrize(
    ("key", "value"), [(None, b""), (b"mark:3", LATE.encode()), (LATE.key, b"{}"), (LATE.key, None)]
)
def test_what_is_no_delay_is_passed_over(key: bytes | None, value: bytes | None) -> None:
    assert parse_late(key, value) is None
