"""What an archive says of each record, without an archive."""

from datetime import UTC, datetime, timedelta, timezone
from functools import reduce
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.archive_fold import ArchiveFold, Counts, Range, TalliesFold, summary
from eventlog.archive_files import START, Columns, all_microseconds, link, microseconds
from schemas.totals import joined
from tests.builders import NIGHT, counted
from tests.consumers.archiving import NIGHT_MS, PARTITIONS, RUN, Logged, logged, naive_state, said
from tests.consumers.nights import arrivals, tallies

NUMBERS = st.lists(st.none() | st.integers(-99, 99))
JUNK = [(b"tr/34/uskudar", b"\xff"), (b"nowhere", b"{}"), (b"tr/41/gebze", b"")]


def tallies_fold() -> TalliesFold:
    return TalliesFold(RUN.definition, PARTITIONS)


def control(*values: bytes) -> tuple[ArchiveFold, Columns]:
    fold = ArchiveFold()
    return fold, fold.apply(0, [Logged(offset, NIGHT_MS, b"", value) for offset, value in enumerate(values)])


ZONES = [UTC, timezone(timedelta(hours=3)), timezone(timedelta(hours=-11)), ZoneInfo("Europe/Istanbul")]
LEAST, GREATEST = datetime(2, 1, 1), datetime(9998, 1, 1)  # noqa: DTZ001  each is given its zone
MOMENTS = st.builds(datetime.replace, st.datetimes(LEAST, GREATEST), tzinfo=st.sampled_from(ZONES))


@given(moments=st.lists(st.none() | MOMENTS))
def test_moments_in_any_zones_are_converted_together_as_each_by_itself(moments: list[datetime | None]) -> None:
    assert [None if at is None else microseconds(at) for at in moments] == all_microseconds(moments)


@given(data=st.data(), at_once=st.integers(1, 9))
def test_the_state_after_each_record_is_that_of_the_totals_by_then(data: st.DataObject, at_once: int) -> None:
    events = data.draw(tallies().flatmap(arrivals))
    logs = logged(data.draw(st.permutations([*said(events), *JUNK])))["tallies"]
    fold = tallies_fold()
    for partition, records in logs.items():
        states: list[Any] = []
        for begin in range(0, len(records), at_once):
            states += fold.apply(partition, records[begin : begin + at_once]).state

        assert [naive_state(records[: end + 1], partition) for end in range(len(records))] == states
    whole = [naive_state(records, partition) for partition, records in logs.items() if records]
    assert joined(whole) == fold.state()
    assert [state.hex() for state in whole] == [end.state for end in fold.ends()]


@given(data=st.data(), at_once=st.integers(1, 9))
def test_each_record_is_linked_to_the_one_before_it_however_many_come_at_once(
    data: st.DataObject, at_once: int
) -> None:
    times = data.draw(st.lists(st.integers(0, 50), min_size=1, max_size=20))
    records = [Logged(3 * offset, time, b"k", b"%d" % offset) for offset, time in enumerate(times)]
    fold = ArchiveFold()
    found = [fold.apply(0, records[begin : begin + at_once]) for begin in range(0, len(records), at_once)]
    appends = [time for columns in found for time in columns.append_ms]
    rows = zip(records, appends, strict=True)

    assert [max(times[: end + 1]) for end in range(len(times))] == appends  # an archive's clock never steps back
    assert found[-1].chain[-1] == fold.chain(0)
    assert fold.chain(0) == reduce(
        lambda chain, row: link(chain, row[0].offset, row[1], b"k", row[0].value), rows, START
    )
    assert (3 * len(times) - 2, 0) == (fold.next_offset(0), fold.next_offset(1))
    assert START == fold.chain(1)
    assert [(0, len(times), None)] == [(end.partition, end.records, end.state) for end in fold.ends()]


@pytest.mark.parametrize(
    ("value", "kind", "at"),
    [
        (b"", None, None),
        (b"\xff", None, None),
        (b"[]", None, None),
        (b'{"type": 3}', None, None),
        (b'{"type": "held"}', "held", None),
        (b'{"type": "held", "at": "soon"}', "held", None),
        (b'{"type": "held", "at": 7}', "held", None),
        (b'{"type": "held", "at": "2024-03-31T19:00:00"}', "held", None),
        (b'{"type": "held", "at": "9999-12-31T23:59:59-12:00"}', "held", None),
        (b'{"type": "held", "at": "1970-01-01T03:00:01+03:00"}', "held", 1_000_000),
    ],
)
def test_a_control_record_says_its_type_and_time_as_far_as_it_has_them(
    value: bytes, kind: str | None, at: int | None
) -> None:
    _, columns = control(value)

    assert ([kind], [at]) == (columns.type, columns.event_us)


def test_a_tally_says_who_said_it_where_and_when_and_junk_says_nothing() -> None:
    records = [Logged(0, NIGHT_MS, *one) for one in [*said([counted()]), *JUNK[:1]]]
    partition = next(number for number, found in logged(said([counted()]))["tallies"].items() if found)
    columns = tallies_fold().apply(partition, records)

    assert ["counted", None] == columns.type
    assert [("aa", "tr/34/uskudar"), (None, None)] == list(zip(columns.source, columns.district, strict=True))
    assert [microseconds(NIGHT), None] == columns.event_us


@given(NUMBERS, NUMBERS)
def test_a_range_holds_the_least_and_the_greatest(first: list[int | None], second: list[int | None]) -> None:
    found = Range()
    found.add(first)
    found.add(second)
    numbers = [number for number in (*first, *second) if number is not None]

    assert (min(numbers, default=None), max(numbers, default=None)) == (found.least, found.greatest)


def test_what_two_have_counted_is_joined() -> None:
    times = [NIGHT, NIGHT + timedelta(minutes=1)]
    folds = [control(orjson.dumps({"type": "held", "at": at}), b"junk")[0] for at in times]
    joint = Counts()
    for fold in folds:
        joint.join(fold.counts)

    assert {
        "records": {"tallies": {}, "control": {"held": 2, "unreadable": 2}},
        "first_append": None,
        "last_append": None,
        "first_event": None,
        "last_event": None,
    } == summary(Counts(), joint)
    assert {
        "first_append": datetime.fromtimestamp(NIGHT_MS / 1000, UTC),
        "last_append": datetime.fromtimestamp(NIGHT_MS / 1000, UTC),
        "first_event": times[0],
        "last_event": times[1],
    }.items() <= summary(joint, Counts()).items()
