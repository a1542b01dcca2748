from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import UsageError
from schemas.moments import day_of_night, moment_in, moments_at, parse_moment, zone_named

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


TWICE = datetime(2026, 10, 25, 2, 30)  # noqa: DTZ001  a local time
NEVER = datetime(2026, 3, 29, 2, 30)  # noqa: DTZ001  a local time


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Istanbul", "did you mean Asia/Istanbul or Europe/Istanbul?"),
        ("europe/istanbul", "did you mean Europe/Istanbul?"),
        ("Europe/Istambul", "did you mean Europe/Istanbul"),
        ("New York", "did you mean America/New_York?"),
        ("Mars/Olympus", "write it like Europe/Istanbul"),
        ("UTC+3", "write it like Europe/Istanbul"),
        ("", "write it like Europe/Istanbul"),
        ("Europe", "no time zone"),
        ("../Istanbul", "no time zone"),
        ("GMT+3", "; write it like Europe/Istanbul"),
        ("x" * 5000, "no time zone"),
        ("localtime", "no time zone"),
        ("right/Europe/Istanbul", "did you mean"),
    ],
)
def test_a_zone_that_is_not_there_is_told_with_the_nearest(name: str, says: str) -> None:
    with pytest.raises(ValueError, match="there is no time zone") as error:
        zone_named(name)
    assert says in str(error.value)


def test_a_zone_is_found_by_its_name() -> None:
    assert "Europe/Istanbul" == zone_named("Europe/Istanbul").key


def test_a_time_that_clocks_show_twice_is_two_moments() -> None:
    assert ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"] == [
        moment.isoformat() for moment in moments_at(TWICE, BERLIN)
    ]
    assert () == moments_at(NEVER, BERLIN)


def test_which_of_two_moments_is_meant_has_to_be_said() -> None:
    first, second = moments_at(TWICE, BERLIN)

    assert (first, second) == (moment_in(TWICE, BERLIN, "first"), moment_in(TWICE, BERLIN, "second"))
    with pytest.raises(
        ValueError, match=r"2026-10-25 02:30 is shown twice in Europe/Berlin.*02:30:00\+02:00 and .*02:30:00\+01:00"
    ):
        moment_in(TWICE, BERLIN)
    with pytest.raises(ValueError, match="2026-03-29 02:30 is never shown in Europe/Berlin"):
        moment_in(NEVER, BERLIN, "first")
    with pytest.raises(ValueError, match="in no year"):
        moment_in(datetime.max, BERLIN)  # noqa: DTZ901  a local time


@given(st.integers(-2_000_000_000, 7_000_000_000), st.sampled_from(["Europe/Berlin", "America/New_York"]))
def test_every_moment_is_among_those_that_its_local_time_means(seconds: int, name: str) -> None:
    zone, moment = ZoneInfo(name), datetime.fromtimestamp(seconds, UTC)
    local = moment.astimezone(zone).replace(tzinfo=None, fold=0)
    found = moments_at(local, zone)

    assert moment in found
    assert sorted(found) == list(found)
    assert {local} == {each.astimezone(zone).replace(tzinfo=None, fold=0) for each in found}


@pytest.mark.parametrize(("of_day", "days"), [(time(12), 0), (time(23, 59), 0), (time(0), 1), (time(11, 59), 1)])
def test_the_night_ends_at_noon(of_day: time, days: int) -> None:
    night = date(2024, 12, 31)

    assert night + timedelta(days=days) == day_of_night(of_day, night)
