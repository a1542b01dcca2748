import pytest

from schemas.control import RunCreated, parse_control
from tests.builders import NIGHT, small_election


def test_a_run_survives_the_way_through_the_log() -> None:
    created = RunCreated(run="night", mode="test", epoch="e1e1", at=NIGHT, definition=small_election())

    assert created == parse_control(created.encode())


def test_a_type_that_came_later_is_passed_over() -> None:
    assert parse_control(b'{"type":"invented_later"}') is None


def test_broken_bytes_are_an_error() -> None:
    with pytest.raises(ValueError, match="unexpected"):
        parse_control(b"{")
