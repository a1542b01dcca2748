from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from schemas.control import (
    ORDER,
    EmbargoSet,
    EpochBegun,
    FigureOverridden,
    OverrideWithdrawn,
    QuarantineReleased,
    RunCreated,
    RunRestored,
    Takes,
    parse_control,
    parse_epoch,
    parse_restored,
    unknown_in,
)
from schemas.trust import encode_order
from tests.builders import NIGHT, small_election
from tests.schemas.orders import Kind, order
from tests.schemas.test_area import with_area


def test_a_run_survives_the_way_through_the_log() -> None:
    created = RunCreated(run="night", mode="test", epoch="e1e1", at=NIGHT, definition=small_election())

    assert created == parse_control(created.encode())


def test_a_type_that_came_later_is_passed_over() -> None:
    assert parse_control(b'{"type":"invented_later"}') is None


@pytest.mark.parametrize("value", [b"{", b"", b"\xff", b"[]", b'"run_created"', b"7", b"null"])
def test_broken_bytes_create_no_run(value: bytes) -> None:
    """Another tool's rubbish before the run must not keep everybody from finding it."""
    assert parse_control(value) is None


def test_a_run_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(ValueError, match="definition"):
        parse_control(b'{"type":"run_created"}')


def test_an_epoch_follows_the_take_before_it_and_no_other() -> None:
    begun = EpochBegun(run="night", epoch="e2e2", take=2, at=NIGHT)
    assert begun == parse_epoch(begun.encode())
    assert begun.follows("night", 1)
    assert not begun.follows("night", 2)
    assert not begun.follows("another", 1)


def test_what_begins_no_epoch_says_so() -> None:
    assert parse_epoch(None) is parse_epoch(b'{"type":"held"}') is parse_epoch(b'{"type":"epoch_begun"}') is None


def test_a_take_begins_behind_the_one_before_it_and_none_before_the_run() -> None:
    def begun(take: int, run: str = "night") -> bytes:
        return EpochBegun(run=run, epoch=f"e2e{take}", take=take, at=NIGHT).encode()

    takes = Takes("night")
    assert [None] * 4 == [takes.fold(value) for value in (begun(1), b"[]", b"{", None)]
    assert (None, False) == (takes.take, takes.is_beyond(0))
    created = b'{"\\u0074ype":"run_created","epoch":"e1e1"}'
    assert ["e1e1", None, None, None] == [takes.fold(one) for one in (created, created, begun(2), begun(1, "other"))]
    assert not takes.is_beyond(0)
    assert ["e2e1", None, "e2e2"] == [takes.fold(begun(take)) for take in (1, 1, 2)]
    assert (2, True, False) == (takes.take, takes.is_beyond(1), takes.is_beyond(2))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"type":"epoch_begun"', b'"note":"epoch_begun"'),
        (b'"take":2', b'"take":2,"note":NaN'),
        (b'"type":"epoch_begun"', b'"type":["epoch_begun"]'),
        (b'{"v"', b'[{"v"'),
    ],
)
def test_what_is_no_record_to_who_looks_for_orders_begins_no_epoch(old: bytes, new: bytes) -> None:
    """The run went on in another take for processes that began then, and for those that ran it did not."""
    begun = EpochBegun(run="night", epoch="e2e2", take=2, at=NIGHT).encode()
    assert parse_epoch(begun)
    assert parse_epoch(begun.replace(old, new)) is None


@pytest.mark.parametrize(
    ("kind", "changes", "says"),
    [
        (FigureOverridden, {"contest": "president"}, "no contest 'president'"),
        (FigureOverridden, {"source": "radio"}, "no source 'radio'"),
        (FigureOverridden, {"unit": "tr/99/atlantis"}, "no unit 'tr/99/atlantis'"),
        (FigureOverridden, {"unit": "tr/34"}, "is no district"),
        (FigureOverridden, {"figures": {"votes.nobody": 1}}, "no candidate 'nobody'"),
        (FigureOverridden, {"figures": {"flagged": 1}}, "no figure 'flagged'"),
        (FigureOverridden, {"figures": {"blank": 1}}, "'blank' is not known of 'mayor' from 'aa'"),
        (OverrideWithdrawn, {"source": "radio"}, "no source 'radio'"),
    ],
)
def test_an_order_that_names_what_is_not_there_says_so(kind: Kind, changes: dict[str, Any], says: str) -> None:
    figures = {"figures": {"valid": 1}} if kind is FigureOverridden else {}
    said = order(kind, **({"contest": "mayor", "source": "aa", "unit": "tr/34/uskudar"} | figures | changes))

    assert says in (unknown_in(said, small_election()) or "")


def test_figures_of_a_contest_that_is_not_held_in_a_district_are_set_by_nobody() -> None:
    election = with_area("tr/41")
    given = order(FigureOverridden, contest="mayor", source="aa", unit="tr/34/uskudar", figures={"valid": 1})

    assert "Contest 'mayor' is not held in 'tr/34/uskudar'." == unknown_in(given, election)


@pytest.mark.parametrize(
    "said",
    [
        order(
            FigureOverridden, contest="mayor", source="aa", unit="tr/34/uskudar", figures={"votes.kurum": 1, "cast": 2}
        ),
        order(OverrideWithdrawn, contest="mayor", source="aa", unit="tr/34/uskudar"),
        order(QuarantineReleased, position="sandik.night.tallies/3/17"),
    ],
)
def test_an_order_that_names_what_is_there_is_good(said: Any) -> None:
    assert unknown_in(said, small_election()) is None


@pytest.mark.parametrize("until", ["20240331", "1711900000", "0", 1711900000, "2024-03-31"])
def test_a_ban_that_ends_at_no_written_out_time_is_no_order(until: object) -> None:
    """Digits alone would be seconds since 1970: a ban that is over."""
    said = orjson.loads(encode_order(order(EmbargoSet, until=None), None)) | {"until": until}

    with pytest.raises(ValidationError, match="a time is text as in RFC 3339"):
        ORDER.validate_json(orjson.dumps(said))


def test_a_record_of_a_restore_is_read_as_it_was_written_and_nothing_else_is_one() -> None:
    restored = RunRestored(run="night", epoch="e1e1", incarnation="0badcafe", at=NIGHT)

    assert restored == parse_restored(restored.encode())
    assert parse_restored(None) is None
    assert parse_restored(restored.encode().replace(b"0badcafe", b"../../..")) is None
