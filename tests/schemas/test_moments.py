from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from schemas.errors import UsageError
from schemas.moments import parse_moment

ZONE = ZoneInfo("Europe/Istanbul")
NOW = datetime(2024, 3, 31, 22, 0, tzinfo=UTC)
"""01:00 of the first of April in İstanbul."""


@pytest.mark.parametrize(
    ("text", "day", "moment"),
    [
        ("22:14", None, "2024-03-31T22:14:00+03:00"),
        ("00:59", None, "2024-04-01T00:59:00+03:00"),
        ("01:00", None, "2024-04-01T01:00:00+03:00"),
        ("01:00:01", None, "2024-03-31T01:00:01+03:00"),
        ("22:14:05.250", date(2024, 3, 30), "2024-03-30T22:14:05.250000+03:00"),
        ("2024-03-31T22:14", None, "2024-03-31T22:14:00+03:00"),
        ("2024-03-31 22:14", None, "2024-03-31T22:14:00+03:00"),
        ("2024-03-31T19:14Z", None, "2024-03-31T19:14:00+00:00"),
        (" 2024-03-31T22:14+02:00 ", None, "2024-03-31T22:14:00+02:00"),
    ],
)
def test_a_moment_is_what_people_write(text: str, day: date | None, moment: str) -> None:
    assert moment == parse_moment(text, ZONE, NOW, day).isoformat()


@pytest.mark.parametrize(
    ("text", "day", "hint"),
    [
        ("soon", None, "22:14:30"),
        ("", None, "22:14:30"),
        ("22", None, "no moment"),
        ("25:00", None, "no moment"),
        ("2024-03-31", None, "no moment"),
        ("2024-03-31T22:14 03:00", None, "%2B"),
        ("22:14+03:00", None, "no moment"),
        ("2024-03-31T22:14", date(2024, 3, 31), "Leave the other one out"),
        ("2024-04-01T01:00:01", None, "still to come"),
        ("22:14", date(2024, 4, 1), "still to come"),
    ],
)
def test_what_is_no_moment_that_has_been_is_refused(text: str, day: date | None, hint: str) -> None:
    with pytest.raises(UsageError, match=hint.replace("+", r"\+")):
        parse_moment(text, ZONE, NOW, day)
