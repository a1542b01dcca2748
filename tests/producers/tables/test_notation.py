from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.tables.notation import Numbers, Times

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
    ],
)
def test_what_is_no_number_is_told(numbers: Numbers, text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as error:
        numbers.parse(text, "valid", MOST)

    assert str(error.value).startswith("valid is")


def test_a_time_is_read_in_its_zone_or_in_the_one_that_is_meant() -> None:
    moment = datetime(2024, 3, 31, 18, 14, tzinfo=UTC)
    turkish = Times("%d.%m.%Y %H:%M", ZoneInfo("Europe/Istanbul"))

    assert moment == Times().parse(" 2024-03-31T21:14:00+03:00", "at")
    assert moment == turkish.parse("31.03.2024 21:14", "at")


@pytest.mark.parametrize(
    ("times", "text", "says"),
    [
        (Times(), "2024-03-31 21:14", "in no time zone. Say as report.timezone"),
        (Times(), "late", "not a time like 2024-03-31T21:14"),
        (Times("%H:%M"), "late", "not a time like %H:%M"),
    ],
)
def test_what_is_no_moment_is_told(times: Times, text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        times.parse(text, "at")
