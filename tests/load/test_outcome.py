from bisect import bisect_left
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from sandik.load.outcome import MAX_EXAMPLES, Histogram, LoadFigures
from tests.load.plans import outcome

VALUES = st.lists(st.integers(0, 10**9), min_size=1, max_size=300)
QUANTILES = st.lists(st.sampled_from([0.0, 0.01, 0.29, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0]), min_size=1).map(sorted)


@given(VALUES, QUANTILES)
def test_quantiles_are_those_of_the_sorted_values_to_three_digits(values: list[int], quantiles: list[float]) -> None:
    values.sort()
    for quantile, found in zip(quantiles, Histogram(values).quantiles(quantiles), strict=True):
        exact = values[max(0, ceil(round(quantile * len(values), 6)) - 1)]
        assert exact <= found <= exact + exact / 1000


@given(VALUES, VALUES)
def test_merging_is_counting_together(one: list[int], other: list[int]) -> None:
    merged = Histogram(one)
    merged.merge(Histogram(other))
    together = Histogram(one + other)

    assert list(together.quantiles((0.1, 0.5, 0.99, 1))) == list(merged.quantiles((0.1, 0.5, 0.99, 1)))
    assert (together.count, together.total, together.minimum, together.maximum) == (
        merged.count,
        merged.total,
        merged.minimum,
        merged.maximum,
    )


@given(st.integers(0, 10**9), st.integers(1, 1000))
def test_a_value_counted_often_is_that_value_recorded_often(value: int, count: int) -> None:
    counted = Histogram()
    counted.record(value, count)

    assert (count, value * count, value) == (counted.count, counted.total, counted.at(0.5))


def test_a_histogram_of_nothing_is_all_zeros() -> None:
    nothing = Histogram()
    nothing.merge(Histogram())

    assert (0, 0, 0.0, 0, 0) == (nothing.count, nothing.at(0.99), nothing.mean, nothing.minimum, nothing.maximum)


def test_merging_into_nothing_keeps_the_least() -> None:
    merged = Histogram()
    merged.merge(Histogram([7, 9]))

    assert (7, 9, 8.0) == (merged.minimum, merged.maximum, merged.mean)


def test_a_time_before_the_beginning_counts_as_none() -> None:
    """Two clocks may differ by a hair."""
    assert 0 == Histogram([-5]).at(1)


def test_every_value_has_one_slot_and_slots_do_not_overlap() -> None:
    """Around each power of two, where a slot's width doubles."""
    edges = sorted({2**power + step for power in range(40) for step in (-1, 0, 1)} - {-1})
    found = [Histogram([edge, 2**50]).at(0.5) for edge in edges]

    assert sorted(found) == found
    assert all(bisect_left(edges, value) >= index for index, value in enumerate(found))


def test_every_fault_is_counted_and_only_the_first_are_kept_as_examples() -> None:
    figures = LoadFigures()
    for number in range(MAX_EXAMPLES + 1):
        figures.fault("gap", f"number {number}")

    assert MAX_EXAMPLES + 1 == figures.faults["gap"]
    assert ["gap: number 0", f"gap: number {MAX_EXAMPLES - 1}"] == [figures.examples[0], figures.examples[-1]]


def test_what_clients_were_not_shown_is_wrong_and_so_is_one_that_never_caught_up() -> None:
    found = outcome()
    found.figures.late_clients = 2
    assert ["2 stalled clients never caught up"] == found.wrong
    found.figures.unshown = 3
    assert ["3 changes were never shown, to 2 clients"] == found.wrong
    found.figures.never_joined = 1
    assert "1 clients never showed anything" == found.wrong[-1]
