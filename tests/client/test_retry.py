"""When to come back."""

import pytest

from sandik.client.retry import Retry, may_reconnect


def test_pauses_double_to_a_limit_and_are_jittered_from_nothing() -> None:
    retry = Retry(first_s=2, longest_s=8)
    assert [2, 4, 8, 8, 8] == [retry.delay_s(failures, lambda: 1) for failures in (0, 1, 2, 3, 10_000)]
    assert 0 == retry.delay_s(5, lambda: 0)


@pytest.mark.parametrize(("code", "expected"), [(1000, True), (1006, True), (4499, True), (4500, False), (4999, False)])
def test_close_codes_say_whether_to_come_back(code: int, expected: bool) -> None:
    assert expected == may_reconnect(code)
