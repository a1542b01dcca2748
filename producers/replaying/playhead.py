"""Where a replay is in its night, and which records are due: the schedule without any I/O. Pure.

Moments of the night are microseconds since 1970, UTC (`…_us`). Our own time is passed in as seconds of a clock that
never steps back (`now_s`). SEEKING publishes at full speed, up to a moment or for a number of records (a step). Then
the replay plays or is paused, as before the seek or as ordered meanwhile.

Call order in each turn of the loop: `due()`, publish so many, `published()`, then `look()` with the time of the next
record, and `wait_s()`.

| state   | event   | next    |
|---------|---------|---------|
| PLAYING | PAUSE   | PAUSED  |
| PLAYING | RESUME  | PLAYING |
| PLAYING | SEEK    | SEEKING |
| PLAYING | RAN_OUT | ENDED   |
| PAUSED  | PAUSE   | PAUSED  |
| PAUSED  | RESUME  | PLAYING |
| PAUSED  | SEEK    | SEEKING |
| SEEKING | PAUSE   | SEEKING |
| SEEKING | RESUME  | SEEKING |
| SEEKING | SEEK    | SEEKING |
| SEEKING | ARRIVED | PLAYING |
| SEEKING | HALTED  | PAUSED  |
| SEEKING | RAN_OUT | ENDED   |
| ENDED   | PAUSE   | ENDED   |
| ENDED   | RESUME  | ENDED   |
| ENDED   | SEEK    | SEEKING |
"""

from bisect import bisect_right
from collections.abc import Sequence
from enum import Enum, auto
from typing import Final

US_PER_S: Final = 1_000_000


class Status(Enum):
    """What a replay is doing; the values are what clients are told."""

    PLAYING = "playing"
    PAUSED = "paused"
    SEEKING = "seeking"
    ENDED = "ended"


class Event(Enum):
    """What moves a replay from one state to another."""

    PAUSE = auto()
    RESUME = auto()
    SEEK = auto()
    ARRIVED = auto()
    HALTED = auto()
    RAN_OUT = auto()


TRANSITIONS: Final[dict[Status, dict[Event, Status]]] = {
    Status.PLAYING: {
        Event.PAUSE: Status.PAUSED,
        Event.RESUME: Status.PLAYING,
        Event.SEEK: Status.SEEKING,
        Event.RAN_OUT: Status.ENDED,
    },
    Status.PAUSED: {Event.PAUSE: Status.PAUSED, Event.RESUME: Status.PLAYING, Event.SEEK: Status.SEEKING},
    Status.SEEKING: {
        Event.PAUSE: Status.SEEKING,
        Event.RESUME: Status.SEEKING,
        Event.SEEK: Status.SEEKING,
        Event.ARRIVED: Status.PLAYING,
        Event.HALTED: Status.PAUSED,
        Event.RAN_OUT: Status.ENDED,
    },
    Status.ENDED: {Event.PAUSE: Status.ENDED, Event.RESUME: Status.ENDED, Event.SEEK: Status.SEEKING},
}


class Playhead:
    """The schedule of a replay of the records from `first_us` to `last_us`; it begins by seeking `first_us`.

    `speed` is how many seconds of the night pass in one of ours; 0: as fast as possible.
    """

    def __init__(self, first_us: int, last_us: int, speed: float) -> None:
        self.first_us: Final = first_us
        self.last_us: Final = last_us
        self.speed = speed
        self.status = Status.SEEKING
        self._target_us = first_us
        self._left: int | None = None  # records that a step has still to publish; `None`: no step
        self._goes_on = True  # whether a seek ends in PLAYING
        self._from_us = first_us  # where the clock was, and when by ours, as it was set last
        self._from_s = 0.0
        self._reached_us: int | None = None  # the time of the newest record that was published
        self._owed_us: int | None = None
        """Set by a pause while playing: records that were due by then are still to be published."""

    def clock_us(self, now_s: float) -> int:
        """Return the replay's clock. It runs while PLAYING; otherwise it shows the time of the figures."""
        clock_us = self._from_us
        if self.status is Status.PLAYING:
            clock_us += round((now_s - self._from_s) * self.speed * US_PER_S)
        if self._reached_us is not None:
            clock_us = max(clock_us, self._reached_us)
        return min(clock_us, self.last_us)

    # Orders

    def pause(self, now_s: float) -> None:
        """Stop the clock. A seek is finished first, and what is due by now is published."""
        self._goes_on = False
        if self.status is Status.PLAYING:
            self._owed_us = self.clock_us(now_s)
        self._move(Event.PAUSE, now_s)

    def resume(self, now_s: float) -> None:
        """Let the clock run."""
        self._goes_on = True
        self._move(Event.RESUME, now_s)

    def set_speed(self, speed: float, now_s: float) -> None:
        """Change the speed, from now on."""
        self._stop_at(self.clock_us(now_s), now_s)
        self.speed = speed

    def seek(self, to_us: int, now_s: float) -> bool:
        """Go to another moment. Return whether that is back: records after it were published already.

        If so, the caller begins an epoch with empty topics and calls `rewind`. Raises `ValueError` for a moment outside
        of the replay.
        """
        if not self.first_us <= to_us <= self.last_us:
            raise ValueError("the moment is outside of the replay")
        if self.status in {Status.PLAYING, Status.ENDED}:
            self._goes_on = True
        elif self.status is Status.PAUSED:
            self._goes_on = False
        needs_rewind = self._reached_us is not None and self._reached_us > to_us
        clock_us = self.clock_us(now_s)
        self._move(Event.SEEK, now_s)
        self._stop_at(min(clock_us, to_us), now_s)
        self._target_us, self._left = to_us, None
        return needs_rewind

    def step(self, records: int, now_s: float) -> None:
        """Publish so many more records, then pause. At the end of the night it has no effect."""
        if self.status is Status.ENDED:
            return
        clock_us = self.clock_us(now_s)
        self._goes_on = False
        self._move(Event.SEEK, now_s)
        self._stop_at(clock_us, now_s)
        self._target_us, self._left = self.last_us, records

    def rewind(self, now_s: float) -> None:
        """Begin anew: the log is empty again, and the archive is read from its beginning."""
        self._reached_us = None
        self._stop_at(self.first_us, now_s)

    # Records and time

    def due(self, times: Sequence[int], begin: int, now_s: float) -> int:
        """Return up to which index, from `begin`, records are due; their `times` never fall."""
        if self.status is Status.SEEKING:
            end = bisect_right(times, self._target_us, begin)
            return end if self._left is None else min(end, begin + self._left)
        if self.status is Status.PAUSED and self._owed_us is not None:
            return bisect_right(times, self._owed_us, begin)
        if self.status is not Status.PLAYING:
            return begin
        if self.speed == 0:
            return bisect_right(times, self.last_us, begin)
        return bisect_right(times, self.clock_us(now_s), begin)

    def published(self, records: int, time_us: int) -> None:
        """Note that so many records were published, the last of them with this time."""
        self._reached_us = time_us
        if self._left is not None:
            self._left -= records

    def look(self, head_us: int | None, now_s: float) -> None:
        """Change the status if a seek has arrived, or the night is over. `head_us`: the next record's time, if any."""
        if self.status is Status.SEEKING:
            self._look_for_target(head_us, now_s)
        if self.status is not Status.PLAYING or (head_us is not None and head_us <= self.last_us):
            return
        if self.speed == 0 or self.clock_us(now_s) >= self.last_us:
            self._stop_at(self.last_us, now_s)
            self._move(Event.RAN_OUT, now_s)

    def is_settled(self, head_us: int | None) -> bool:
        """Return whether everything that was due when the replay was paused has been published."""
        return self._owed_us is None or head_us is None or head_us > self._owed_us

    def settled_us(self, head_us: int | None, now_s: float) -> int:
        """Return a time by which everything that was due is published: the clock, but before the next record."""
        clock_us = self.clock_us(now_s)
        if head_us is None or self.status in {Status.PAUSED, Status.ENDED}:
            return clock_us
        return min(clock_us, head_us - 1)

    def wait_s(self, head_us: int | None, now_s: float) -> float | None:
        """Return for how long nothing will be due if no order comes; `None`: for ever."""
        if self.status is Status.SEEKING or not self.is_settled(head_us):
            return 0.0
        if self.status is not Status.PLAYING:
            return None
        if self.speed == 0:
            return 0.0
        until_us = self.last_us if head_us is None else min(head_us, self.last_us)
        return max(0.0, (until_us - self.clock_us(now_s)) / US_PER_S / self.speed)

    def _look_for_target(self, head_us: int | None, now_s: float) -> None:
        if self._left is not None:
            if self._left > 0 and head_us is not None and head_us <= self.last_us:
                return
            if self._left > 0:
                self._stop_at(self.last_us, now_s)
                self._move(Event.RAN_OUT, now_s)
                return
        elif head_us is not None and head_us <= self._target_us:
            return
        else:
            self._stop_at(self._target_us, now_s)
        self._left = None
        self._move(Event.ARRIVED if self._goes_on else Event.HALTED, now_s)

    def _stop_at(self, clock_us: int, now_s: float) -> None:
        self._from_us, self._from_s = clock_us, now_s

    def _move(self, event: Event, now_s: float) -> None:
        try:
            following = TRANSITIONS[self.status][event]
        except KeyError:
            raise RuntimeError(f"A replay that is {self.status.name} cannot be {event.name}.") from None
        if following is not self.status:
            self._stop_at(self.clock_us(now_s), now_s)
            self.status = following
            if following is not Status.PAUSED:
                self._owed_us = None
