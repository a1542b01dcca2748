from hypothesis import given
from hypothesis import strategies as st

from schemas.progress import Mark, ReplayMoved
from tabulation.on_air.replay_progress import ReplayProgress
from tests.builders import NIGHT
from tests.gateway.nights import Written


def moved(*positions: int, epoch: str = "e1e1") -> ReplayMoved:
    return ReplayMoved(
        run="night",
        epoch=epoch,
        at=NIGHT,
        clock=NIGHT,
        speed=1,
        status="playing",
        first=NIGHT,
        last=NIGHT,
        positions=positions,
    )


def mark(partition: int, number: int) -> Mark:
    return Mark(partition=partition, mark=number)


def test_a_clock_is_marked_once_its_tallies_are_published() -> None:
    marks = ReplayProgress("e1e1")
    marks.hear(4, moved(10, 0))
    assert marks.owed({0: 9, 1: 0}) == [mark(1, 4)]
    assert marks.owed({0: 10}) == [mark(0, 4)]
    marks.said([mark(0, 4)])
    assert marks.owed({0: 11}) == []


def test_of_several_clocks_the_newest_that_is_reached_is_marked() -> None:
    marks = ReplayProgress("e1e1")
    for offset, position in ((4, 10), (5, 20), (6, 30)):
        marks.hear(offset, moved(position))
    assert marks.owed({0: 25}) == [mark(0, 5)]


def test_a_clock_of_another_epoch_says_nothing() -> None:
    marks = ReplayProgress("e1e1")
    marks.hear(4, moved(0, epoch="e0e0"))
    assert marks.owed({0: 10}) == []


def test_a_partition_that_the_clock_does_not_know_owes_it_nothing() -> None:
    marks = ReplayProgress("e1e1")
    marks.hear(4, moved(0))
    assert marks.owed({7: 0}) == [mark(7, 4)]


def test_a_mark_that_a_zombie_overwrote_is_said_again() -> None:
    marks = ReplayProgress("e1e1")
    marks.hear(4, moved(0))
    marks.hear(5, moved(0))
    marks.said(marks.owed({0: 0, 1: 0}))
    for late in (mark(0, 4), mark(1, 5)):
        marks.fold(Written(0, late.encode(), key=late.key))
    marks.fold(Written(1, b"broken", key=b"mark:1"))
    marks.fold(Written(2, b"{}", key=b"mayor/aa/tr"))
    assert marks.overwritten(frozenset({0, 1})) == [mark(0, 5)]
    assert marks.overwritten(frozenset({1})) == []


@given(
    steps=st.lists(st.integers(0, 5), min_size=1, max_size=20),
    reads=st.lists(st.integers(0, 100), min_size=1, max_size=20),
)
def test_no_mark_is_said_before_its_tallies_are_published(steps: list[int], reads: list[int]) -> None:
    marks, ends, end = ReplayProgress("e1e1"), {}, 0
    for offset, step in enumerate(steps):
        end += step
        ends[offset] = end
        marks.hear(offset, moved(end))
    said = -1
    for position in sorted(reads):
        owed = marks.owed({0: position})
        marks.said(owed)
        expected = max((offset for offset, at in ends.items() if at <= position), default=-1)
        assert [one.mark for one in owed] == ([expected] if expected > said else [])
        said = expected
