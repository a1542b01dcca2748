"""Slow tests first, in every worker's part."""

from dataclasses import dataclass

import pytest

from tests.order import slow_first


@dataclass(frozen=True)
class Some:
    """A test of a module."""

    path: str
    number: int
    slow: bool = False

    def get_closest_marker(self, name: str) -> object:
        return True if self.slow and name == "slow" else None


def some(path: str, count: int, slow: int = 0) -> list[Some]:
    """A module's tests, of which the last are slow."""
    return [Some(path, number, number >= count - slow) for number in range(count)]


TESTS = [
    *some("a", 5),
    *some("b", 3, slow=1),
    *some("c", 4),
    *some("d", 2, slow=2),
    *some("e", 6),
    *some("f", 1, slow=1),
]


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 30])
def test_no_test_is_lost_and_none_comes_twice(workers: int) -> None:
    assert sorted(TESTS, key=str) == sorted(slow_first(TESTS, workers), key=str)


def test_each_workers_part_begins_with_modules_that_have_slow_tests() -> None:
    ordered = slow_first(TESTS, 2)
    half = len(TESTS) // 2

    assert [*some("b", 3, slow=1), *some("f", 1, slow=1), *some("a", 5)] == ordered[: half - 1]
    assert some("d", 2, slow=2) == ordered[half : half + 2]


def test_where_there_are_none_the_order_stays() -> None:
    quick = [*some("b", 5), *some("a", 4)]

    assert quick == slow_first(quick, 2)
    assert [] == slow_first([], 2)
