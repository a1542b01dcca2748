"""A box's counts are decoded by msgspec where they come as nearly all do, and judged by pydantic where they do not.

Nobody can tell: whatever msgspec decodes, pydantic takes for the same event; the rest is pydantic's word alone.
"""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.tally import Counted, Malformed, Tally, _decode_counted, _judge, encode, parse_tallies
from tests.builders import counted, reported, value_of, withdrawn

FIELDS = {
    "v": "1",
    "type": '"counted"',
    "contest": '"mayor"',
    "district": '"tr/34/uskudar"',
    "box": "1001",
    "source": '"aa"',
    "revision": "1",
    "at": '"2024-03-31T19:00:00+03:00"',
    "registered": "300",
    "cast": "255",
    "valid": "250",
    "invalid": "5",
    "unattributed": "0",
    "votes": '{"imamoglu":150,"kurum":100}',
}

NUMBERS = [
    *("0", "1", "-0", "-1", "01", "1.0", "1e0", "1e3", "10E-1", "1.5", "-0.0", "+1", "1.", ".5", "0x1"),
    *("500000", "500001", "9999999", "10000000", "9007199254740991", "9007199254740992", "99999999999999999999999"),
    *("1" + "0" * 5000, "1e400", "NaN", "Infinity", "-Infinity", "true", "false", "null", '"1"', "[1]", "{}"),
]
TIMES = [
    *("2024-03-31T19:00:00Z", "2024-03-31t19:00:00z", "2024-03-31 19:00:00+03:00", "2024-03-31_19:00:00Z"),
    *("2024-03-31T19:00:00", "2024-03-31T19:00Z", "2024-03-31", "2024-02-30T19:00:00Z", "2024-13-01T00:00:00Z"),
    *("2024-03-31T23:59:60Z", "2016-12-31T23:59:60+00:00", "2024-03-31T24:00:00Z", "2024-03-31T19:60:00Z"),
    *("2024-03-31T19:00:00.1Z", "2024-03-31T19:00:00.123456Z", "2024-03-31T19:00:00.1234565Z"),
    *("2024-03-31T19:00:00.9999999Z", "2024-03-31T19:00:00,5Z", "2024-03-31T19:00:00.Z"),
    *("2024-03-31T19:00:00+0300", "2024-03-31T19:00:00+03", "2024-03-31T19:00:00-00:00"),
    *("2024-03-31T19:00:00+23:59", "2024-03-31T19:00:00+24:00", "2024-03-31T19:00:00+03:60"),
    *("1899-12-31T23:59:59Z", "1900-01-01T00:00:00Z", "1900-01-01T00:00:00+03:00", "1901-01-01T00:00:00+03:00"),
    *("2199-12-31T23:59:59-01:00", "2199-01-01T00:00:00Z", "2200-01-01T00:00:00Z", "2200-01-01T00:00:00+14:00"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "1711893600", "1711893600000", "", "2024"),
    *("2024-03-31T19:00:00\\u002e9999999Z", "2024-03-31T19:00:00.99999\\u0039\\u0039Z", "2024-03-31T19:00:00\\/Z"),
]
STRINGS = [
    *('""', '"tr\\/34\\/uskudar"', '"\\u00fc"', '"ü"', '"\\ud83d\\ude00"', '"\\ud800"', '"\\udc00\\ud800"', '"a.b"'),
    *('"\\u0000"', '"\x00"', '"\n"', '"\x7f"', '"\\x"', "'a'", "a", '"corrected"', '"withdrawn"', '"Counted"'),
]
VOTES = [
    *("{}", "[]", "null", '{"kurum":1,"kurum":2}', '{"kurum":-1,"kurum":2}', '{"kurum":2,"kurum":-1}', '{"":1}'),
    *('{"kurum":1.0}', '{"kurum":true}', '{"kurum":1,}', "{1:1}", '{"\\ud800":1}', '{"kurum":{"kurum":1}}'),
]
NESTED = [*("[" * depth + "]" * depth for depth in (1, 150, 250, 900, 20_000)), '{"a":' * 300 + "1" + "}" * 300]

values = st.one_of(
    st.sampled_from(NUMBERS + STRINGS + VOTES + NESTED),
    st.sampled_from(TIMES).map('"{}"'.format),
    st.integers().map(str),
    st.floats().map(str),
)
times = st.datetimes(
    datetime(1890, 1, 1), datetime(2210, 1, 1),  # noqa: DTZ001  zones follow
    timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)  # fmt: skip
fields = st.one_of(
    st.tuples(st.sampled_from([*FIELDS]), values),
    st.tuples(st.just("at"), st.sampled_from(TIMES).map('"{}"'.format)),
    st.tuples(st.just("at"), times.map(lambda at: f'"{at.isoformat()}"')),
    st.tuples(st.just("released"), st.sampled_from(["0", "1", "255", "256", "-1", "1.0", "true", "null", '"1"'])),
    st.tuples(st.sampled_from(["observer", "boxes_opened", "Type", ""]), values),
)
blanks = st.sampled_from(["", "", "", " ", "\n\t", "\r", "\f", "\u00a0", "\ufeff", "/**/", ",", "{}", "\x00"])


@st.composite
def records(draw: st.DrawFn) -> bytes:
    """The bytes of a box's counts with some fields changed, doubled, added, left out, moved; or plainly damaged."""
    said = [*FIELDS.items()]
    gone = draw(st.sets(st.sampled_from([*FIELDS]), max_size=1))
    said = [(name, value) for name, value in said if name not in gone]
    for name, value in draw(st.lists(fields, max_size=3)):
        at = draw(st.integers(0, len(said)))
        known = next((index for index, (other, _) in enumerate(said) if other == name), None)
        if known is None or draw(st.booleans()):
            said.insert(at, (name, value))
        else:
            said[known] = name, value
    blank = draw(blanks)
    text = "{" + ",".join(f'"{name}":{blank}{value}' for name, value in said) + "}"
    record = (draw(blanks) + text + draw(blanks)).encode("utf-8")
    for at, change in draw(st.lists(st.tuples(st.integers(0, len(record)), st.binary(max_size=2)), max_size=1)):
        record = record[:at] + change + record[at + draw(st.integers(0, 2)) :]
    return record


def with_field(name: str, value: str) -> bytes:
    said = FIELDS | {name: value}
    return ("{" + ",".join(f'"{field}":{text}' for field, text in said.items()) + "}").encode()


def both(value: bytes) -> tuple[Counted | None, Tally | Malformed]:
    (decoded,) = _decode_counted([value])
    (judged,) = _judge([value])
    return decoded, judged


def check(value: bytes) -> None:
    decoded, judged = both(value)
    assert [judged] == parse_tallies([value])
    if decoded is not None:
        assert isinstance(judged, Counted)
        assert decoded == judged
        assert encode(decoded) == encode(judged)


@given(records())
@settings(max_examples=500)
@example(b"")
@example(b"\xef\xbb\xbf" + value_of(counted()))
@example(value_of(counted()) + b"\x00")
@example(value_of(counted()).replace(b"mayor", b"ma\xffor"))
@example(value_of(counted()).replace(b"mayor", b"ma\xed\xa0\x80or"))
def test_what_is_decoded_is_what_pydantic_takes_it_for(value: bytes) -> None:
    check(value)


@pytest.mark.parametrize("name", FIELDS)
def test_no_odd_value_of_any_field_is_taken_otherwise(name: str) -> None:
    for value in [*NUMBERS, *STRINGS, *VOTES, *NESTED, *map('"{}"'.format, TIMES)]:
        check(with_field(name, value))
        check(with_field("observer", value))


@pytest.mark.parametrize(
    "event",
    [
        counted(),
        counted(type="corrected", unattributed=3, votes={}),
        counted(at=datetime(2024, 3, 31, 16, 0, 0, 123_456, tzinfo=UTC)),
        counted(votes={"a.b": 1}),
    ],
)
def test_counts_as_nearly_all_come_are_decoded_without_pydantic(event: Counted) -> None:
    """Or all of this were for nothing."""
    for value in (encode(event), value_of(event), encode(event).replace(b"/", rb"\/")):
        assert event == both(value)[0]


@pytest.mark.parametrize("event", [withdrawn(), reported()])
def test_the_few_others_are_left_to_pydantic(event: Tally) -> None:
    assert (None, event) == both(value_of(event))
