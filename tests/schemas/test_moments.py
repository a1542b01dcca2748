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


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "now", "moment"),
    [
        ("02:40", "2026-10-25T02:50:00+01:00", "2026-10-25T02:40:00+01:00"),
        ("02:40", "2026-10-25T02:30:00+01:00", "2026-10-25T02:40:00+02:00"),
        ("02:40", "2026-10-25T02:50:00+02:00", "2026-10-25T02:40:00+02:00"),
        ("02:40", "2026-10-25T02:30:00+02:00", "2026-10-24T02:40:00+02:00"),
        ("02:40", "2026-10-26T02:30:00+01:00", "2026-10-25T02:40:00+01:00"),
        ("02:40", "2026-03-29T01:30:00+01:00", "2026-03-28T02:40:00+01:00"),
        ("2026-10-25T02:40+02:00", "2026-10-25T02:50:00+01:00", "2026-10-25T02:40:00+02:00"),
    ],
)
def test_the_last_time_it_was_so_late_is_the_last_time_clocks_showed_it(text: str, now: str, moment: str) -> None:
    assert moment == parse_moment(text, BERLIN, datetime.fromisoformat(now)).isoformat()


@pytest.mark.parametrize(
    ("text", "day", "says"),
    [
        ("2026-10-25T02:40", None, "shown twice in Europe/Berlin.*02:40:00.02:00 and 2026-10-25T02:40:00.01:00"),
        ("02:40", date(2026, 10, 25), "shown twice"),
        ("2026-03-29T02:40", None, "never shown in Europe/Berlin"),
        ("02:40", date(2026, 3, 29), "never shown"),
    ],
)
def test_a_local_time_that_is_no_one_moment_is_refused(text: str, day: date | None, says: str) -> None:
    with pytest.raises(UsageError, match=f"{says}.*with its offset"):
        parse_moment(text, BERLIN, datetime(2026, 12, 1, tzinfo=UTC), day)


def test_a_time_of_day_that_clocks_went_forward_over_is_refused_on_that_day_and_the_next() -> None:
    for now in ("2026-03-29T12:00:00+02:00", "2026-03-30T01:00:00+02:00"):
        with pytest.raises(UsageError, match="2026-03-29 02:40 is never shown"):
            parse_moment("02:40", BERLIN, datetime.fromisoformat(now))
