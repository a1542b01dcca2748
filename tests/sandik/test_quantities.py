from collections.abc import Callable
from datetime import date, datetime

import pytest

from sandik.quantities import (
    decimal,
    grouped,
    parse_night_moment,
    parse_rate,
    parse_seconds,
    parse_share,
    percent,
    percent_from_bp,
)
from schemas.definition import Election
from schemas.errors import UsageError
from tests.builders import small_election


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (999, "999"), (11_360_000, "11.360.000"), (-1234, "-1.234")])
def test_thousands_are_apart(number: int, text: str) -> None:
    assert text == grouped(number)


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(5114, 10_000, "%51,14"), (1, 1, "%100,00"), (0, 5, "%0,00"), (0, 0, "—"), (1360, 100, "%1.360,00")],
)
def test_a_percentage_has_its_sign_in_front(part: int, whole: int, text: str) -> None:
    assert text == percent(part, whole)


@pytest.mark.parametrize(("hundredths", "text"), [(5114, "%51,14"), (0, "%0,00"), (None, "—"), (110_000, "%1.100,00")])
def test_a_share_is_written_as_a_percentage(hundredths: int | None, text: str) -> None:
    assert text == percent_from_bp(hundredths)


@pytest.mark.parametrize(("number", "text"), [(0.0, "0,0"), (12.34, "12,3"), (1234.56, "1.234,6"), (-0.5, "-0,5")])
def test_decimals_come_after_a_comma(number: float, text: str) -> None:
    assert text == decimal(number)


@pytest.mark.parametrize(("text", "expected"), [("500ms", 0.5), ("10s", 10), ("1.5 m", 90), ("1h", 3600), ("0s", 0)])
def test_times_have_units(text: str, expected: float) -> None:
    assert expected == parse_seconds(text, "--ramp")


@pytest.mark.parametrize(("text", "expected"), [("20%", 0.2), ("0 %", 0), ("100%", 1), ("12.5%", 0.125)])
def test_shares_are_percentages(text: str, expected: float) -> None:
    assert expected == parse_share(text, "--stalled")


@pytest.mark.parametrize(("text", "expected"), [("2000/s", 2000), ("0.5 / s", 0.5)])
def test_rates_are_per_second(text: str, expected: float) -> None:
    assert expected == parse_rate(text, "--feed")


@pytest.mark.parametrize(
    ("read", "text"),
    [
        *((parse_seconds, text) for text in ("", "10", "ten", "-1s", "1 d", "10s please")),
        *((parse_share, text) for text in ("20", "101%", "-1%", "x%")),
        *((parse_rate, text) for text in ("2000", "0/s", "2000/m", "/s")),
    ],
)
def test_what_is_none_names_the_option_and_an_example(read: Callable[[str, str], float], text: str) -> None:
    with pytest.raises(UsageError, match=r"--option.*Give for example"):
        read(text, "--option")


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
    assert parse_night_moment(text, ELECTION) == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    ("text", "says"),
    [("25:00", "no time of day"), ("tonight", "is no time"), ("2024-03-31T19:20", "in which zone")],
)
def test_what_is_no_time_says_so(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse_night_moment(text, ELECTION)


@pytest.mark.parametrize(("day", "says"), [("2026-10-24", "shown twice"), ("2026-03-28", "never shown")])
def test_a_time_of_the_night_when_clocks_change_is_refused(day: str, says: str) -> None:
    night = Election(**{**dict(ELECTION), "date": date.fromisoformat(day), "timezone": "Europe/Berlin"})

    assert f"{day}T23:00:00" == parse_night_moment("23:00", night).isoformat()[:19]
    with pytest.raises(UsageError, match=f"{says} in Europe/Berlin.*with its offset"):
        parse_night_moment("02:30", night)
