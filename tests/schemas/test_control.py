import pytest

from schemas.control import EpochBegun, RunCreated, parse_control, parse_epoch
from tests.builders import NIGHT, small_election


def test_a_run_survives_the_way_through_the_log() -> None:
    created = RunCreated(run="night", mode="test", epoch="e1e1", at=NIGHT, definition=small_election())

    assert created == parse_control(created.encode())


def test_a_type_that_came_later_is_passed_over() -> None:
    assert parse_control(b'{"type":"invented_later"}') is None


def test_broken_bytes_are_an_error() -> None:
    with pytest.raises(ValueError, match="unexpected"):
        parse_control(b"{")


def test_an_epoch_follows_the_take_before_it_and_no_other() -> None:
    begun = EpochBegun(run="night", epoch="e2e2", take=2, at=NIGHT)
    assert begun == parse_epoch(begun.encode())
    assert begun.follows("night", 1)
    assert not begun.follows("night", 2)
    assert not begun.follows("another", 1)


def test_what_begins_no_epoch_says_so() -> None:
    assert parse_epoch(None) is parse_epoch(b'{"type":"held"}') is parse_epoch(b'{"type":"epoch_begun"}') is None
