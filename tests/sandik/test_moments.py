from datetime import date, datetime

import pytest

from sandik.moments import moment_of
from schemas.definition import Election
from schemas.errors import UsageError
from tests.builders import small_election

ELECTION = small_election()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("21:00", "2024-03-31T21:00+03:00"),
        ("9:15", "2024-04-01T09:15+03:00"),
        ("00:30:15", "2024-04-01T00:30:15+03:00"),
        ("12:00", "2024-03-31T12:00+03:00"),
        ("2024-03-31T19:20+03:00", "2024-03-31T19:20+03:00"),
    ],
)
def test_a_time_of_day_is_of_the_night(text: str, expected: str) -> None:
    assert moment_of(text, ELECTION) == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    ("text", "says"),
    [("25:00", "no time of day"), ("tonight", "is no time"), ("2024-03-31T19:20", "in which zone")],
)
def test_what_is_no_time_says_so(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        moment_of(text, ELECTION)


@pytest.mark.parametrize(("day", "says"), [("2026-10-24", "shown twice"), ("2026-03-28", "never shown")])
def test_a_time_of_the_night_when_clocks_change_is_refused(day: str, says: str) -> None:
    night = Election(**{**dict(ELECTION), "date": date.fromisoformat(day), "timezone": "Europe/Berlin"})

    assert f"{day}T23:00:00" == moment_of("23:00", night).isoformat()[:19]
    with pytest.raises(UsageError, match=f"{says} in Europe/Berlin.*with its offset"):
        moment_of("02:30", night)
