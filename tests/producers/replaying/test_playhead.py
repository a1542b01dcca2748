"""The schedule of a replay, against a naive oracle."""

from bisect import bisect_right
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.replaying import playhead
from producers.replaying.playhead import TRANSITIONS, US_PER_S, Event, Playhead, Status

LAST = 100
TIMES = (0, 10, 10, 20, 50, 100)


def us(second: float) -> int:
    return round(second * US_PER_S)


def made(speed: float = 1.0) -> "Player":
    return Player(Playhead(0, us(LAST), speed), [us(time) for time in TIMES])


@dataclass
class Player:
    """The loop around a playhead, without anything to wait for."""

    head: Playhead
    times: list[int]
    at: int = 0
    now_s: float = 0.0
    published: list[int] = field(default_factory=list)
    takes: int = 0

    @property
    def next_us(self) -> int | None:
        return self.times[self.at] if self.at < len(self.times) else None

    @property
    def clock(self) -> float:
        return self.head.clock_us(self.now_s) / US_PER_S

    def run(self) -> None:
        """Do what is to be done at this moment."""
        while True:
            end = self.head.due(self.times, self.at, self.now_s)
            if end > self.at:
                self.published += self.times[self.at : end]
                self.head.published(end - self.at, self.times[end - 1])
                self.at = end
            before = self.head.status
            self.head.look(self.next_us, self.now_s)
            if before is self.head.status and self.head.due(self.times, self.at, self.now_s) == self.at:
                return

    def wait(self, seconds: float) -> None:
        """Let time pass, waking up whenever the playhead says so."""
        until = self.now_s + seconds
        while self.now_s < until:
            self.run()
            wait_s = self.head.wait_s(self.next_us, self.now_s)
            self.now_s = until if wait_s is None else min(until, self.now_s + max(wait_s, 1e-6))
        self.run()

    def seek(self, second: float) -> None:
        if self.head.seek(us(second), self.now_s):
            self.at, self.published = 0, []
            self.takes += 1
            self.head.rewind(self.now_s)
        self.run()


def test_the_table_in_the_docs_is_the_one_that_is_used() -> None:
    rows = [line.split("|") for line in (playhead.__doc__ or "").splitlines() if line.startswith("| ")][1:]
    documented: dict[Status, dict[Event, Status]] = {}
    for _, state, event, following, _ in rows:
        documented.setdefault(Status[state.strip()], {})[Event[event.strip()]] = Status[following.strip()]
    assert documented == TRANSITIONS


def test_what_is_due_at_the_beginning_comes_at_once_and_the_rest_in_its_time() -> None:
    player = made(speed=2)
    player.run()
    assert (player.head.status, player.published) == (Status.PLAYING, [0])
    player.wait(5)
    assert (player.clock, player.published) == (10, [0, us(10), us(10)])
    player.wait(45)
    assert (player.clock, player.head.status, len(player.published)) == (100, Status.ENDED, 6)


def test_a_pause_stands_and_what_was_due_by_then_is_published() -> None:
    player = made()
    player.run()
    player.now_s = 15
    player.head.pause(15)
    assert not player.head.is_settled(player.next_us)
    assert player.head.wait_s(player.next_us, 15) == 0
    player.run()
    assert (player.clock, len(player.published), player.head.is_settled(player.next_us)) == (15, 3, True)
    player.wait(1000)
    assert (player.clock, len(player.published)) == (15, 3)
    player.head.pause(player.now_s)
    player.head.resume(player.now_s)
    player.wait(5)
    assert (player.clock, len(player.published)) == (20, 4)


def test_a_seek_forward_goes_on_from_there_and_one_back_needs_an_empty_log() -> None:
    player = made()
    player.run()
    player.seek(60)
    assert (player.clock, len(player.published), player.takes, player.head.status) == (60, 5, 0, Status.PLAYING)
    player.seek(12)
    assert (player.clock, len(player.published), player.takes) == (12, 3, 1)
    player.wait(100)
    assert player.head.status is Status.ENDED
    player.seek(99)
    assert (player.clock, player.takes, player.head.status) == (99, 2, Status.PLAYING)


def test_a_seek_back_over_nothing_needs_no_empty_log() -> None:
    player = made()
    player.run()
    player.wait(15)
    player.seek(11)
    assert (player.clock, player.takes, len(player.published)) == (11, 0, 3)


def test_a_seek_while_it_stands_leaves_it_standing() -> None:
    player = made()
    player.run()
    player.head.pause(0)
    player.seek(20)
    assert (player.head.status, player.clock, len(player.published)) == (Status.PAUSED, 20, 4)


def test_what_is_said_while_seeking_counts_on_arrival() -> None:
    player = made()
    player.head.seek(us(20), 0)
    player.head.pause(0)
    assert (player.head.status, player.head.wait_s(0, 0)) == (Status.SEEKING, 0)
    player.head.seek(us(30), 0)
    player.run()
    assert (player.head.status, player.clock) == (Status.PAUSED, 30)
    player.head.seek(us(40), player.now_s)
    player.head.resume(player.now_s)
    player.run()
    assert player.head.status is Status.PLAYING


def test_a_step_publishes_so_many_and_stands() -> None:
    player = made()
    player.run()
    player.head.step(1, 0)
    player.run()
    assert (player.head.status, player.clock, len(player.published)) == (Status.PAUSED, 10, 2)
    player.head.step(2, 0)
    player.run()
    assert (player.clock, len(player.published)) == (20, 4)
    player.head.step(10, 0)
    player.run()
    assert (player.head.status, player.clock, len(player.published)) == (Status.ENDED, 100, 6)
    player.head.step(1, 0)
    player.head.pause(0)
    player.head.resume(0)
    assert player.head.status is Status.ENDED


def test_a_step_is_not_over_before_its_records_are_published() -> None:
    player = made()
    player.run()
    player.head.step(2, 0)
    player.head.look(player.next_us, 0)
    assert (player.head.status, player.head.wait_s(player.next_us, 0)) == (Status.SEEKING, 0)
    player.run()
    assert (player.head.status, len(player.published)) == (Status.PAUSED, 3)


def test_as_fast_as_it_goes_is_at_the_end_at_once() -> None:
    player = made(speed=0)
    assert player.head.wait_s(0, 0) == 0
    player.run()
    assert (player.head.status, player.clock, len(player.published)) == (Status.ENDED, 100, 6)


def test_as_fast_as_it_goes_can_be_slowed_down_again() -> None:
    player = made(speed=0)
    player.head.look(None if not player.times else 0, 0)
    player.head.due(player.times, 0, 0)
    player.head.published(1, 0)
    player.at = 1
    player.head.look(player.next_us, 0)
    assert (player.head.status, player.head.wait_s(player.next_us, 0)) == (Status.PLAYING, 0)
    player.head.set_speed(1, 0)
    player.wait(10)
    assert (player.clock, player.at) == (10, 3)


def test_the_clock_that_is_said_is_before_what_is_not_published_yet() -> None:
    player = made()
    player.run()
    player.now_s = 15
    assert player.head.settled_us(player.next_us, 15) == us(10) - 1
    player.run()
    assert player.head.settled_us(player.next_us, 15) == us(15)
    assert player.head.settled_us(None, 15) == us(15)
    player.head.pause(15)
    assert player.head.settled_us(player.next_us, 15) == us(15)


def test_a_seek_outside_of_the_night_and_a_wrong_move_are_our_own_faults() -> None:
    player = made()
    for moment in (-1, LAST + 1):
        with pytest.raises(ValueError, match="outside"):
            player.head.seek(us(moment), 0)
    player.run()
    with pytest.raises(RuntimeError, match="PLAYING cannot be ARRIVED"):
        player.head._move(Event.ARRIVED, 0)


commands = st.one_of(
    st.tuples(st.just("wait"), st.floats(0, 30)),
    st.tuples(st.just("seek"), st.integers(0, LAST)),
    st.tuples(st.just("pause"), st.just(0)),
    st.tuples(st.just("resume"), st.just(0)),
    st.tuples(st.just("speed"), st.sampled_from([0.5, 1.0, 3.0])),
)


@given(
    times=st.lists(st.integers(0, LAST), min_size=1, max_size=20).map(sorted),
    orders=st.lists(commands, max_size=20),
)
def test_whatever_is_ordered_the_log_holds_what_the_clock_shows(
    times: list[int], orders: list[tuple[str, float]]
) -> None:
    """The oracle: a position that moves by speed while it plays, and everything up to it is published."""
    player = Player(Playhead(0, us(LAST), 1.0), [us(time) for time in times])
    player.run()
    position, speed, plays = 0.0, 1.0, True
    for command, value in orders:
        if command == "wait":
            player.wait(value)
            position = min(LAST, position + value * speed) if plays else position
        elif command == "seek":
            position = value  # it goes on, or stands, as before: also from the end
            player.seek(value)
        elif command == "speed":
            speed = value
            player.head.set_speed(value, player.now_s)
        else:
            ended = player.head.status is Status.ENDED
            plays = plays if ended else command == "resume"
            (player.head.pause if command == "pause" else player.head.resume)(player.now_s)
            player.run()
        assert player.clock == pytest.approx(position, abs=1e-3)
        due = bisect_right(player.times, us(player.clock))
        assert player.published == player.times[:due]
