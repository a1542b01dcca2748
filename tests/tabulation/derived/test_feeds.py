from datetime import timedelta

import orjson
import pytest

from schemas.moments import epoch_ms
from schemas.wire import SERVER_MESSAGE, Playback, State
from tabulation.derived.feeds import Arrivals, FeedLimits, feed_state, feeds, heard_by, state_message
from tabulation.view import Heard, View
from tests.gateway.nights import START, election, totals

LIMITS = FeedLimits(quiet_s=60, stale_s=300, down_s=900)


@pytest.mark.parametrize(
    ("age_s", "state"),
    [(None, "quiet"), (0, "live"), (59, "live"), (60, "quiet"), (299, "quiet"), (300, "stale"), (900, "down")],
)
def test_a_feed_is_called_by_its_age(age_s: float | None, state: str) -> None:
    assert feed_state(age_s, reachable=True, limits=LIMITS) == state


@pytest.mark.parametrize("age_s", [None, 0, 10_000])
def test_every_feed_is_down_while_the_log_is(age_s: float | None) -> None:
    assert feed_state(age_s, reachable=False, limits=LIMITS) == "down"


def test_every_source_has_a_feed_with_its_age() -> None:
    heard = {"aa": Heard(START, epoch_ms(START))}
    found = feeds({"anka", "aa"}, heard, START + timedelta(seconds=90), reachable=True, limits=LIMITS)
    assert list(found) == ["aa", "anka"]
    assert (found["aa"].state, found["aa"].last_event, found["aa"].age_s) == ("quiet", START, 90)
    assert (found["anka"].last_event, found["anka"].age_s) == (None, None)


def test_an_age_is_never_negative() -> None:
    """The log's clock may be ahead of ours."""
    heard = {"aa": Heard(START, epoch_ms(START) + 5_000)}
    assert feeds({"aa"}, heard, START, reachable=True, limits=LIMITS)["aa"].age_s == 0


def test_a_feed_that_was_heard_ahead_of_the_clock_grows_old_all_the_same() -> None:
    """The machine's clock was set back by an hour: what was appended before is as old as it is here."""
    arrivals = Arrivals()
    before, after = Heard(START, epoch_ms(START) + 3_600_000), Heard(START, epoch_ms(START) + 3_601_000)

    def found(now_s: float) -> tuple[str, float | None]:
        now = START + timedelta(seconds=now_s)
        heard = feeds({"aa"}, {"aa": last}, now, reachable=True, limits=LIMITS, arrived_s=arrivals.age_s(now_s))
        return heard["aa"].state, heard["aa"].age_s

    last = before
    arrivals.look({"aa": before}, 10.0)
    arrivals.look({"aa": before}, 900.0)
    assert [("live", 0), ("quiet", 60), ("stale", 300), ("down", 900)] == [found(s) for s in (10, 70, 310, 910)]
    last = after
    arrivals.look({"aa": after}, 1_000.0)
    assert ("live", 1) == found(1_001)
    assert ("quiet", 100) == found(3_701)


def test_the_state_message_keeps_to_the_contract() -> None:
    found = feeds({"aa"}, {"aa": Heard(START, epoch_ms(START))}, START, reachable=True, limits=LIMITS)
    message = state_message(7, START, found)
    state = SERVER_MESSAGE.validate_json(message)
    assert isinstance(state, State)
    assert (state.seq, state.at, state.feeds) == (7, START, found)
    assert orjson.loads(message)["hold"] == []


def test_in_a_replay_ages_are_the_nights() -> None:
    """A pause does not make a feed stale, and a silent hour looks as it did on the night, at any speed."""
    heard = {"aa": Heard(START, epoch_ms(START))}
    later = START + timedelta(days=200)
    for clock_s, state in ((0, "live"), (3600, "down")):
        replay = Playback(clock=START + timedelta(seconds=clock_s), speed=60, status="paused", first=START, last=START)
        found = feeds({"aa", "anka"}, heard, later, reachable=True, limits=LIMITS, replay=replay)
        assert (found["aa"].state, found["aa"].age_s, found["anka"].age_s) == (state, clock_s, None)
        assert orjson.loads(state_message(7, later, found, replay=replay))["replay"]["speed"] == 60


def test_in_a_replay_what_is_dated_ahead_of_its_clock_does_not_keep_a_feed_young() -> None:
    """One box of the night was dated three hours ahead; then the source fell silent."""
    view = View(election())
    lie = totals("tr/34/adalar").model_copy(update={"as_of": START + timedelta(hours=3)})
    for offset, one in enumerate((totals(minute=1), lie)):
        view.apply(offset, one)
    playback = Playback(clock=START, speed=1, status="playing", first=START, last=START)
    for minutes, status, expected in (
        (1, "playing", timedelta(minutes=1)),
        (31, "paused", timedelta(minutes=1)),
        (31, "seeking", timedelta(hours=3)),
        (180, "playing", timedelta(hours=3)),
    ):
        moved = playback.model_copy(update={"clock": START + timedelta(minutes=minutes), "status": status})
        heard = heard_by(view, moved)
        assert START + expected == heard["aa"].as_of
    assert view.heard == heard_by(view, None)
    only = View(election())
    only.apply(0, lie)
    assert only.heard == heard_by(only, playback)


def test_how_much_of_a_source_is_ignored_ahead_or_impossible_is_told_but_not_where_it_would_count_what_came() -> None:
    found = feeds(
        {"aa"}, {}, START, reachable=True, limits=LIMITS, restarted={"aa": 3}, ahead={"aa": 2}, impossible={"aa": 1}
    )
    for numbers, expected in ((True, (3, 2, 1)), (False, (0, 0, 0))):
        state = SERVER_MESSAGE.validate_json(state_message(7, START, found, numbers=numbers))
        assert isinstance(state, State)
        assert expected == (state.feeds["aa"].restarted, state.feeds["aa"].ahead, state.feeds["aa"].impossible)


def test_how_much_of_a_source_is_set_aside_is_told_but_not_where_it_would_count_what_came_in() -> None:
    found = feeds({"aa", "anka"}, {}, START, reachable=True, limits=LIMITS, set_aside={"aa": 3})
    assert (3, 0) == (found["aa"].set_aside, found["anka"].set_aside)
    for numbers, expected in ((True, 3), (False, 0)):
        state = SERVER_MESSAGE.validate_json(state_message(7, START, found, numbers=numbers))
        assert isinstance(state, State)
        assert expected == state.feeds["aa"].set_aside
