from datetime import datetime, timedelta
from typing import Any

import pytest

from eventlog.archive_segment import microseconds
from eventlog.run import Run
from eventlog.topics import RunTopics
from producers.replaying.control_topic import ReplayPosition
from producers.replaying.playhead import Status
from sandik.keys import keys_in, ordered_by
from tests.builders import NIGHT, small_election

RUN = Run(RunTopics("night"), "replay", "e1e1", small_election())
START = microseconds(NIGHT)
HOUR = timedelta(hours=1)


def place(clock: datetime = NIGHT + HOUR, speed: float = 60, status: Status = Status.PLAYING) -> ReplayPosition:
    return ReplayPosition(RUN, NIGHT, microseconds(clock), speed, status, START, microseconds(NIGHT + 2 * HOUR))


def test_what_a_terminal_sends_is_taken_apart_into_keys() -> None:
    assert list(keys_in("n \x1b[D\x1b[Cq")) == ["n", " ", "\x1b[D", "\x1b[C", "q"]


@pytest.mark.parametrize(
    ("key", "at", "expected"),
    [
        (" ", place(), {"type": "replay_paused"}),
        (" ", place(status=Status.PAUSED), {"type": "replay_resumed"}),
        ("\x1b[D", place(), {"type": "replay_sought", "to": NIGHT + timedelta(minutes=55)}),
        ("\x1b[D", place(NIGHT), {"type": "replay_sought", "to": NIGHT}),
        ("\x1b[C", place(NIGHT + 2 * HOUR), {"type": "replay_sought", "to": NIGHT + 2 * HOUR}),
        ("n", place(), {"type": "replay_stepped", "records": 1}),
        ("+", place(), {"type": "replay_speed_set", "speed": 120}),
        ("-", place(speed=0.1), {"type": "replay_speed_set", "speed": 0.1}),
        ("+", place(speed=0), {"type": "replay_speed_set", "speed": 120}),
        ("0", place(), {"type": "replay_sought", "to": NIGHT}),
        ("x", place(), None),
    ],
)
def test_a_key_orders_what_it_says(key: str, at: ReplayPosition, expected: dict[str, Any] | None) -> None:
    assert ordered_by(key, at, START) == expected
