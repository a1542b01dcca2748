from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gateway.clients.beats import SLOTS, Beats


@given(st.integers(1, 60), st.lists(st.integers(1, 4), min_size=1, max_size=60))
def test_everybody_has_one_beat_in_each_heartbeat(clients: int, steps: list[int]) -> None:
    """However the moments at which it is asked fall, as long as they come within a heartbeat of each other."""
    beats: Beats[int] = Beats(heartbeat_s=SLOTS, now=0)
    for client in range(clients):
        beats.enter(client)
    heard: Counter[int] = Counter()
    now = 0
    for step in steps:
        now += step
        heard.update(beats.due(now))

    whole, rest = divmod(now, SLOTS)
    assert all(whole <= heard[client] <= whole + (rest > 0) for client in range(clients))


def test_not_everybody_at_once() -> None:
    beats: Beats[int] = Beats(heartbeat_s=10, now=100)
    for client in range(1000):
        beats.enter(client)

    assert 1000 // SLOTS == len(beats.due(101))


def test_a_long_silence_is_one_beat_each() -> None:
    beats: Beats[str] = Beats(heartbeat_s=10, now=0)
    beats.enter("a")

    assert ["a"] == beats.due(500)


def test_who_left_has_none() -> None:
    beats: Beats[str] = Beats(heartbeat_s=10, now=0)
    beats.enter("a")
    beats.leave("a")
    beats.leave("a")

    assert [] == beats.due(10)
