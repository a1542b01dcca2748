"""Making a list of faults shorter while it still fails."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from tests.simulation.seeded.minimise import minimise


@given(st.lists(st.integers(), unique=True, max_size=40), st.data())
def test_what_is_left_is_what_the_failure_needs(items: list[int], data: st.DataObject) -> None:
    needed = set(data.draw(st.lists(st.sampled_from(items), max_size=4))) if items else set()

    def fails(some: Sequence[int]) -> bool:
        return needed <= set(some)

    assert minimise(items, fails) == [item for item in items if item in needed]


def test_a_failure_that_needs_any_two_is_left_with_two() -> None:
    assert len(minimise(range(25), lambda some: len(some) >= 2)) == 2
