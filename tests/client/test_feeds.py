"""How old the feeds are, and where a replay is, between the server's messages."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from sandik.client.feeds import FeedNow, Feeds
from schemas.playback import PlaybackStatus
from schemas.wire import Feed, Playback, State
from tests.builders import NIGHT

SECONDS = st.integers(0, 10_000)


class Clock:
    """Seconds that somebody else lets pass."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def state(age_s: float | None = None, replay: Playback | None = None) -> State:
    feeds = {"aa": Feed(state="live", last_event=NIGHT, age_s=age_s)}
    return State(type="state", seq=1, at=NIGHT, feeds=feeds, replay=replay)


def playback(status: PlaybackStatus, speed: float = 60.0) -> Playback:
    return Playback(clock=NIGHT, speed=speed, status=status, first=NIGHT, last=NIGHT + timedelta(hours=1))


def test_before_the_first_state_nothing_is_known() -> None:
    feeds = Feeds(Clock())
    feeds.heard("aa")

    assert ({}, None) == (feeds.read(connected=True), feeds.replay())


def test_without_a_connection_nobody_knows_how_a_feed_is() -> None:
    feeds = Feeds(Clock())
    feeds.receive(state(age_s=3))

    assert {"aa": FeedNow("live", NIGHT, 3.0)} == feeds.read(connected=True)
    assert {"aa": FeedNow("unknown", NIGHT, 3.0)} == feeds.read(connected=False)


@given(said=st.none() | SECONDS, waited=SECONDS, heard=st.none() | SECONDS, passed=SECONDS)
def test_a_feed_is_as_old_as_the_newest_that_is_known_of_it(
    said: int | None, waited: int, heard: int | None, passed: int
) -> None:
    clock = Clock()
    feeds = Feeds(clock)
    feeds.receive(state(age_s=said))
    clock.now += waited
    if heard is not None:
        feeds.heard("aa")
        clock.now += heard
    clock.now += passed
    age_s = feeds.read(connected=True)["aa"].age_s
    known = [] if said is None else [said + clock.now]
    known += [] if heard is None else [heard + passed]

    assert (min(known) if known else None) == age_s


@given(passed=SECONDS, status=st.sampled_from(["playing", "paused", "seeking", "ended"]), speed=st.integers(0, 600))
def test_a_replays_clock_goes_on_while_it_plays_and_never_beyond_its_end(
    passed: int, status: PlaybackStatus, speed: int
) -> None:
    clock = Clock()
    feeds = Feeds(clock)
    feeds.receive(state(replay=playback(status, speed)))
    clock.now += passed
    replay = feeds.replay()
    runs_s = min(passed * speed, 3_600) if status == "playing" else 0

    assert replay is not None
    assert NIGHT + timedelta(seconds=runs_s) == replay.clock


def test_a_replays_clock_stops_at_its_end_however_long_nothing_was_said() -> None:
    clock = Clock()
    feeds = Feeds(clock)
    feeds.receive(state(replay=playback("playing", speed=100_000.0)))
    clock.now = 1e9

    found = feeds.replay()

    assert found is not None
    assert NIGHT + timedelta(hours=1) == found.clock
