from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from schemas.progress import Late, Watermark
from tabulation.derived.history import PublishedPositions

Written = Watermark | Late


def published(moment_ms: int, records: Sequence[tuple[int, Written]]) -> PublishedPositions:
    """The fold of these records, each with its append time."""
    fold = PublishedPositions(moment_ms)
    for appended_ms, record in records:
        fold.fold(record.key, record.encode(), appended_ms)
    return fold


def watermark(positions: dict[int, int], second: int = 1) -> Watermark:
    return Watermark(owned_since=0, second=second, positions=positions)


def test_what_is_behind_the_furthest_watermark_by_then_was_not_published() -> None:
    records = [(0, watermark({0: 0, 1: 0}, 0)), (1_000, watermark({0: 4, 1: 2})), (1_500, watermark({0: 3, 1: 2}))]

    assert {0: 0, 1: 0} == published(999, records).unpublished_from()
    assert {0: 4, 1: 2} == published(1_000, records).unpublished_from()
    assert {0: 4, 1: 2} == published(1_500, records).unpublished_from()  # a zombie's changes nothing


def test_before_the_first_watermark_of_a_run_that_began_without_any_marks_of_delays_count() -> None:
    records: list[tuple[int, Written]] = [
        (500, Late(partition=0, offset=7)),
        (900, Late(partition=0, offset=9)),
        (2_000, watermark({0: 12})),
    ]
    before, between, after = (published(moment_ms, records) for moment_ms in (100, 600, 2_000))

    assert [{0: 7}, {0: 9}, {0: 12}] == [one.unpublished_from() for one in (before, between, after)]
    assert [False, False, True] == [one.is_exact(0) for one in (before, between, after)]
    assert not after.is_exact(1)


def test_a_mark_of_a_delay_says_nothing_where_watermarks_do() -> None:
    records: list[tuple[int, Written]] = [
        (0, watermark({0: 0}, 0)),
        (900, Late(partition=0, offset=1)),
        (1_000, watermark({0: 4})),
    ]

    assert {0: 0} == published(100, records).unpublished_from()


def test_records_of_other_kinds_say_nothing() -> None:
    fold = PublishedPositions(1_000)
    fold.fold(b"mayor/aa/tr/34/uskudar", watermark({0: 4}).encode(), 1)
    fold.fold(None, None, 1)

    assert {} == fold.unpublished_from()


@given(st.lists(st.tuples(st.integers(0, 50), st.dictionaries(st.integers(0, 3), st.integers(0, 9), min_size=1))))
def test_it_never_goes_back_as_time_goes_on(told: list[tuple[int, dict[int, int]]]) -> None:
    records = [(appended_ms, watermark(positions)) for appended_ms, positions in sorted(told, key=lambda one: one[0])]
    earlier: dict[int, int] = {}
    for moment_ms in range(52):
        found = published(moment_ms, records).unpublished_from()
        assert all(found[partition] >= position for partition, position in earlier.items())
        earlier = found
