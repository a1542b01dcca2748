import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.tally import Counted, Malformed, Reported, Tally, Withdrawn, encode, order_of, parse_tallies
from tests.builders import counted, reported, value_of, withdrawn


def test_a_batch_is_parsed_in_order() -> None:
    events: list[Tally] = [counted(), withdrawn(), reported(), counted(box=1002, type="corrected")]

    assert events == parse_tallies([value_of(event) for event in events])


def test_no_values_are_no_tallies() -> None:
    assert [] == parse_tallies([])


def test_a_broken_record_says_what_is_wrong_and_leaves_its_neighbours_alone() -> None:
    broken = orjson.dumps(orjson.loads(value_of(counted())) | {"cast": -1})

    first, fault, last = parse_tallies([value_of(counted()), broken, value_of(counted(box=1002))])

    assert [counted(), counted(box=1002)] == [first, last]
    assert isinstance(fault, Malformed)
    assert "cast: Input should be greater than or equal to 0" == fault.detail


def test_a_district_may_count_more_than_a_box_but_not_without_limit() -> None:
    over = orjson.loads(value_of(reported(votes={"kurum": 900_000}))) | {"boxes_opened": 100_001}

    (fault,) = parse_tallies([orjson.dumps(over)])

    assert Malformed("boxes_opened: Input should be less than or equal to 100000") == fault


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"])
def test_a_time_that_is_no_date_in_another_zone_is_malformed(at: str) -> None:
    """Such an event would otherwise stop whoever converts its time."""
    (fault,) = parse_tallies([orjson.dumps(orjson.loads(value_of(counted())) | {"at": at})])

    assert isinstance(fault, Malformed)
    assert fault.detail.startswith("at: Input should be ")


def test_fields_that_came_later_are_ignored() -> None:
    later = orjson.dumps(orjson.loads(value_of(counted())) | {"observer": "x"})

    assert [counted()] == parse_tallies([later])


_PIECES = st.sampled_from(
    [value_of(counted()), b",", b"[", b"]", b"{", b"}", b'"', b"1", b'{"a":[', b"]}", b" ", b"\xff"]
)


@given(st.lists(st.lists(_PIECES, max_size=4).map(b"".join), max_size=6))
def test_however_records_are_crafted_each_is_judged_by_itself(values: list[bytes]) -> None:
    together = parse_tallies(values)
    alone = [parse_tallies([value])[0] for value in values]

    assert len(values) == len(together)
    assert [type(tally) for tally in alone] == [type(tally) for tally in together]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_tally_or_malformed(value: bytes) -> None:
    (tally,) = parse_tallies([value])

    assert isinstance(tally, Counted | Withdrawn | Reported | Malformed)


@pytest.mark.parametrize("at", ["20240331", "1711900000", "1711900000.5", "-5", "0", "2024-03-31", "20240331T190000Z"])
@pytest.mark.parametrize("event", [counted(), withdrawn(), reported()])
def test_an_event_time_that_is_not_written_out_is_malformed(event: Tally, at: str) -> None:
    """Digits alone would be seconds since 1970: the day of the election a day in August of that year."""
    value = orjson.dumps(orjson.loads(encode(event)) | {"at": at})
    (found,) = parse_tallies([value])

    assert isinstance(found, Malformed)
    assert "a time is text as in RFC 3339" in found.detail


@pytest.mark.parametrize("event", [counted(released=3), withdrawn(released=3), reported(released=3)])
def test_what_was_let_out_says_so_and_what_was_not_says_nothing(event: Tally) -> None:
    assert [event] == parse_tallies([encode(event)])
    assert 3 == orjson.loads(encode(event))["released"]
    assert "released" not in orjson.loads(encode(counted()))


def test_statements_are_in_the_order_of_their_revisions_and_then_of_their_releases() -> None:
    orders = [(1, 0), (1, 1), (1, 255), (2, 0), (2**53 - 1, 0), (2**53 - 1, 255)]

    assert sorted(order_of(*one) for one in orders) == [order_of(*one) for one in orders]
    assert order_of(2**53 - 1, 255) < 2**64
