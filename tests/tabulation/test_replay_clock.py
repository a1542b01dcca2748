from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.progress import PartitionProgress, ReplayMoved
from schemas.wire import Playback
from tabulation.replay_clock import LEASE_S, ReplayClock, ReplayProgress, is_surprising
from tests.builders import NIGHT
from tests.gateway.nights import START, Written

SPEED = 60.0
LAST = START + timedelta(hours=6)


def moved(minute: float = 0, wall_s: float = 0, **fields: Any) -> ReplayMoved:
    said: dict[str, Any] = {
        "run": "night",
        "epoch": "e1e1",
        "at": START + timedelta(seconds=wall_s),
        "clock": START + timedelta(minutes=minute),
        "speed": SPEED,
        "status": "playing",
        "first": START,
        "last": LAST,
        "positions": (0, 0),
    }
    return ReplayMoved(**(said | fields))


def marked(clock: ReplayClock, number: int, *partitions: int) -> None:
    for partition in partitions:
        clock.receive_progress(PartitionProgress(partition=partition, mark=number))


def minute(clock: ReplayClock, wall_s: float) -> float | None:
    found = clock.at(START + timedelta(seconds=wall_s))
    return None if found is None else (found.clock - START).total_seconds() / 60


def test_a_clock_is_shown_once_every_partition_is_there() -> None:
    clock = ReplayClock("e1e1", 2)
    clock.hear(3, moved())
    assert minute(clock, 0) is None
    marked(clock, 3, 0)
    assert minute(clock, 0) is None
    marked(clock, 3, 1)
    assert minute(clock, 0) == 0


def test_a_mark_may_come_before_its_clock() -> None:
    clock = ReplayClock("e1e1", 2)
    marked(clock, 3, 0, 1)
    assert minute(clock, 0) is None
    clock.hear(3, moved())
    assert minute(clock, 1) == 1


def test_of_progress_the_newest_counts_whatever_a_zombie_publishes() -> None:
    clock = ReplayClock("e1e1", 1)
    clock.hear(3, moved())
    clock.hear(4, moved(30, status="paused"))
    marked(clock, 4, 0)
    marked(clock, 3, 0)
    assert minute(clock, 100) == 30


def test_a_clock_of_another_epoch_is_not_ours() -> None:
    clock = ReplayClock("e1e1", 1)
    clock.hear(3, moved(epoch="e0e0"))
    marked(clock, 3, 0)
    assert minute(clock, 0) is None


def test_a_clock_runs_at_its_speed_and_stands_where_it_is_paused() -> None:
    clock = ReplayClock("e1e1", 1)
    clock.hear(3, moved(10))
    marked(clock, 3, 0)
    assert (minute(clock, -1), minute(clock, 0), minute(clock, 2)) == (10, 10, 12)
    clock.hear(4, moved(12, 2, status="paused"))
    marked(clock, 4, 0)
    assert minute(clock, 3600) == 12


def test_a_clock_does_not_run_beyond_figures_that_are_not_there() -> None:
    clock = ReplayClock("e1e1", 1)
    clock.hear(3, moved(10))
    marked(clock, 3, 0)
    clock.hear(4, moved(11, 1))
    assert minute(clock, 4) == 11
    marked(clock, 4, 0)
    assert minute(clock, 4) == 14


def test_a_clock_that_nobody_confirms_stands_still() -> None:
    clock = ReplayClock("e1e1", 1)
    clock.hear(3, moved(10))
    marked(clock, 3, 0)
    found = clock.at(START + timedelta(seconds=LEASE_S + 60))
    assert found is not None
    assert (found.status, minute(clock, LEASE_S + 60)) == ("seeking", 10 + LEASE_S)


def test_figures_that_change_say_that_a_clock_stands_no_longer() -> None:
    """They come through another topic than the word that the replay moves on, and may be there first."""
    clock = ReplayClock("e1e1", 1)
    clock.hear(3, moved(10, status="paused"))
    clock.figures_changed()
    marked(clock, 3, 0)
    assert told(clock) == ("paused", 10)
    clock.figures_changed()
    assert told(clock) == ("seeking", 10)
    clock.hear(4, moved(10))
    assert told(clock) == ("playing", 10)
    marked(clock, 4, 0)
    clock.figures_changed()
    assert told(clock) == ("playing", 10)
    clock.hear(5, moved(12, status="ended"))
    marked(clock, 5, 0)
    assert told(clock) == ("ended", 12)


def told(clock: ReplayClock) -> tuple[str, float | None]:
    found = clock.at(START)
    assert found is not None
    return found.status, minute(clock, 0)


def test_a_clock_ends_with_the_night() -> None:
    clock = ReplayClock("e1e1", 1)
    clock.hear(3, moved(359))
    marked(clock, 3, 0)
    assert minute(clock, 4) == 360


def test_that_the_replay_moves_is_told_before_its_figures_are_there_and_that_it_stands_after() -> None:
    clock = ReplayClock("e1e1", 1)
    clock.hear(3, moved(10, status="paused"))
    marked(clock, 3, 0)
    for offset, status, told in ((4, "playing", "playing"), (5, "seeking", "seeking"), (6, "paused", "seeking")):
        clock.hear(offset, moved(10 if offset < 6 else 30, status=status))
        found = clock.at(START)
        assert found is not None
        assert (found.status, minute(clock, 0)) == (told, 10)
    marked(clock, 5, 0)
    found = clock.at(START)
    assert found is not None
    assert (found.status, minute(clock, 0)) == ("seeking", 10)
    marked(clock, 6, 0)
    found = clock.at(START)
    assert found is not None
    assert (found.status, minute(clock, 0)) == ("paused", 30)


def test_a_seek_that_was_reached_is_none_to_play_on_before_its_end_is() -> None:
    clock = ReplayClock("e1e1", 1)
    clock.hear(3, moved(10, status="seeking"))
    clock.hear(4, moved(30))
    marked(clock, 3, 0)
    found = clock.at(START)
    assert found is not None
    assert (found.status, minute(clock, 0)) == ("seeking", 10)


def test_a_take_begins_by_seeking() -> None:
    clock = ReplayClock("e1e1", 2)
    clock.hear(3, moved(status="seeking"))
    clock.hear(4, moved(30, status="paused"))
    found = clock.at(START)
    assert found is not None
    assert (found.status, minute(clock, 0)) == ("seeking", 0)


@given(
    heard=st.lists(st.integers(0, 50), min_size=1, max_size=20),
    marks=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 25)), max_size=40),
)
def test_what_is_shown_is_the_newest_clock_that_all_have_reached(
    heard: list[int], marks: list[tuple[int, int]]
) -> None:
    clock, said = ReplayClock("e1e1", 2), {0: -1, 1: -1}
    for offset, at in enumerate(heard):
        clock.hear(offset, moved(at, status="paused"))
    for partition, number in marks:
        marked(clock, number, partition)
        said[partition] = max(said[partition], number)
        reached = min(said.values())
        expected = heard[min(reached, len(heard) - 1)] if reached >= 0 else None
        assert minute(clock, 0) == expected


def playback(clock_s: float, **fields: Any) -> Playback:
    said: dict[str, Any] = {
        "clock": START + timedelta(seconds=clock_s),
        "speed": SPEED,
        "status": "playing",
        "first": START,
        "last": LAST,
    }
    return Playback(**(said | fields))


def surprises(told: Playback | None, found: Playback | None, after_s: float = 1) -> bool:
    return is_surprising(told, START, found, START + timedelta(seconds=after_s))


def test_a_clock_that_goes_on_as_expected_is_no_news() -> None:
    assert not surprises(None, None)
    assert not surprises(playback(0), playback(60))
    assert not surprises(playback(0), playback(60 + 0.2 * SPEED))
    assert not surprises(playback(0, status="paused"), playback(0, status="paused"))
    assert not surprises(playback(6 * 3600), playback(6 * 3600))


def test_a_clock_that_jumps_or_changes_is_news() -> None:
    assert surprises(None, playback(0))
    assert surprises(playback(0), None)
    assert surprises(playback(0), playback(60 + 0.3 * SPEED))
    assert surprises(playback(0), playback(60, status="paused"))
    assert surprises(playback(0), playback(60, speed=30))
    assert surprises(playback(0, status="paused"), playback(1, status="paused"))


def clock_at(*positions: int, epoch: str = "e1e1") -> ReplayMoved:
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


def mark(partition: int, number: int) -> PartitionProgress:
    return PartitionProgress(partition=partition, mark=number)


def test_a_clock_is_marked_once_its_tallies_are_published() -> None:
    marks = ReplayProgress("e1e1")
    marks.hear(4, clock_at(10, 0))
    assert marks.owed({0: 9, 1: 0}) == [mark(1, 4)]
    assert marks.owed({0: 10}) == [mark(0, 4)]
    marks.published([mark(0, 4)])
    assert marks.owed({0: 11}) == []


def test_of_several_clocks_the_newest_that_is_reached_is_marked() -> None:
    marks = ReplayProgress("e1e1")
    for offset, position in ((4, 10), (5, 20), (6, 30)):
        marks.hear(offset, clock_at(position))
    assert marks.owed({0: 25}) == [mark(0, 5)]


def test_a_clock_of_another_epoch_says_nothing() -> None:
    marks = ReplayProgress("e1e1")
    marks.hear(4, clock_at(0, epoch="e0e0"))
    assert marks.owed({0: 10}) == []


def test_a_partition_that_the_clock_does_not_know_owes_it_nothing() -> None:
    marks = ReplayProgress("e1e1")
    marks.hear(4, clock_at(0))
    assert marks.owed({7: 0}) == [mark(7, 4)]


def test_progress_that_a_zombie_overwrote_is_published_again() -> None:
    marks = ReplayProgress("e1e1")
    marks.hear(4, clock_at(0))
    marks.hear(5, clock_at(0))
    marks.published(marks.owed({0: 0, 1: 0}))
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
        marks.hear(offset, clock_at(end))
    said = -1
    for position in sorted(reads):
        owed = marks.owed({0: position})
        marks.published(owed)
        expected = max((offset for offset, at in ends.items() if at <= position), default=-1)
        assert [one.mark for one in owed] == ([expected] if expected > said else [])
        said = expected
