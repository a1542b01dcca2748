from collections.abc import Sequence

from hypothesis import assume, given
from hypothesis import strategies as st

from producers.apportion import apportion, fill, pick
from producers.chance import seeded

SHARES = st.lists(st.tuples(st.floats(0.01, 100), st.integers(0, 400)), min_size=1, max_size=40)


@given(SHARES, st.integers(0, 20_000))
def test_shares_add_up_and_stay_under_their_caps(shares: list[tuple[float, int]], total: int) -> None:
    weights, caps = [weight for weight, _ in shares], [cap for _, cap in shares]
    assume(total <= sum(caps))
    found = apportion(total, weights, caps)
    assert sum(found) == total
    assert all(0 <= share <= cap for share, cap in zip(found, caps, strict=True))


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=20), st.integers(0, 5000))
def test_shares_without_caps_are_within_one_of_exact(weights: list[int], total: int) -> None:
    found = apportion(total, weights, [total] * len(weights))
    assert all(abs(share - total * weight / sum(weights)) < 1 for share, weight in zip(found, weights, strict=True))


@st.composite
def tables(draw: st.DrawFn) -> list[list[int]]:
    width = draw(st.integers(1, 6))
    return draw(st.lists(st.lists(st.integers(0, 300), min_size=width, max_size=width), min_size=1, max_size=30))


@given(tables(), st.integers(0, 99))
def test_a_filled_table_has_exactly_the_sums_it_was_given(table: list[list[int]], seed: int) -> None:
    rows, columns = [sum(row) for row in table], [sum(column) for column in zip(*table, strict=True)]
    chance = seeded(seed)
    weights = [[0.01 + chance.random() for _ in columns] for _ in rows]
    assert_sums(fill(rows, columns, weights, chance), rows, columns)


def assert_sums(found: Sequence[Sequence[int]], rows: Sequence[int], columns: Sequence[int]) -> None:
    assert [sum(row) for row in found] == list(rows)
    assert [sum(column) for column in zip(*found, strict=True)] == list(columns)
    assert min(min(row) for row in found) >= 0


def test_a_filled_table_is_shaped_like_its_weights() -> None:
    """Twice the weight is about twice the votes, where the sums leave the choice."""
    found = fill([300, 300], [300, 300], [[2.0, 1.0], [1.0, 2.0]], seeded(1))
    assert found == [[200, 100], [100, 200]]


def test_picking_finds_the_only_one_that_fits() -> None:
    assert pick(10_000, lambda index: index == 9_999, seeded(1)) == 9_999
