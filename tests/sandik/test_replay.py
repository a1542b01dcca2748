"""`sandik replay` and what directs it, on a run of the embedded log."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from eventlog.archive_files import microseconds
from eventlog.run import Run, RunTopics
from producers.replaying.playhead import Status
from producers.replaying.replay import ReplayPosition
from sandik.commands.replay import keys_in, order_for_key
from tests.builders import NIGHT, small_election
from tests.patience import LIMIT_S
from tests.sandik.conftest import Sandik


@pytest.fixture
def archive(sandik: Sandik) -> str:
    """An archived night of two small districts."""
    sandik(
        *("simulate", "--run", "night", "--speed", "0", "--district", "tr/34/adalar", "--district", "tr/34/sile"),
        *("--boxes-per-district", "5", "--partitions", "2"),
    )
    sandik("archive", "--run", "night", "--out", "archive", "--no-follow")
    return "archive"


def totals(sandik: Sandik, run: str) -> bytes:
    sandik("aggregate", "--run", run, "--until-end")
    return sandik("totals", "--run", run, "--format", "json")[1].encode()


def test_a_replay_and_another_take_of_it_end_in_the_same_totals(sandik: Sandik, archive: str) -> None:
    expected = totals(sandik, "night")
    for _ in range(2):
        assert 0 == sandik("replay", archive, "--run", "again", "--speed", "0")[0]
        assert totals(sandik, "again") == expected


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--run", "night"), "Run 'night' is test: a replay never writes to it"),
        (("--run", "r", "--from", "12:00"), "The replay cannot begin at 2024-03-31T12:00:00+03:00"),
        (("--run", "r", "--from", "22:00", "--to", "21:00"), "would end before it begins"),
        (("--run", "r", "--from", "late"), "'late' is no time"),
        (("--run", "bad.name"), "cannot be a run's name"),
    ],
)
def test_what_cannot_be_replayed_says_why(arguments: tuple[str, ...], says: str, sandik: Sandik, archive: str) -> None:
    code, _, said = sandik("replay", archive, *arguments)
    assert (2, True) == (code, says in " ".join(said.split()))


def test_a_run_of_another_election_is_refused(sandik: Sandik, archive: str) -> None:
    sandik(
        *("simulate", "--run", "other", "--mode", "replay", "--speed", "0", "--district", "tr/34/adalar"),
        *("--boxes-per-district", "2"),
    )
    code, _, said = sandik("replay", archive, "--run", "other")
    assert (2, True) == (code, "another definition" in said)


def test_a_director_directs_replays_and_nothing_else(sandik: Sandik, archive: str) -> None:
    sandik("replay", archive, "--run", "r", "--speed", "0")
    sandik("replay", archive, "--run", "r", "--speed", "0")
    who = ("--run", "r", "--by", "A. Kaya")
    said = (("pause",), ("resume",), ("seek", "--to", "21:00"), ("step", "--records", "3"), ("speed", "--times", "2"))
    for order in said:
        assert 0 == sandik("control", *order, *who)[0]
    found = orjson.loads(sandik("control", "log", "--run", "r", "--format", "json")[1])
    assert [(one["type"], one["counts"], one["reason"]) for one in found] == [
        (kind, True, "rehearsal")
        for kind in ("replay_paused", "replay_resumed", "replay_sought", "replay_stepped", "replay_speed_set")
    ]
    code, _, text = sandik("control", "pause", "--run", "night", "--by", "A. Kaya")
    assert (2, True) == (code, "is no replay" in text)
    code, _, text = sandik("control", "speed", "--times", "0.01", *who)
    assert (2, True) == (code, "a speed is from 0.1" in text)


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)


def test_keys_at_a_terminal_pause_and_end_it(
    sandik: Sandik, archive: str, terminal: tuple[int, int], tmp_path: Path
) -> None:
    ours, theirs = terminal
    command = [sys.executable, "-m", "sandik", "replay", archive, "--run", "r", "--speed", "1"]
    with subprocess.Popen(command, cwd=tmp_path, stdin=theirs, stderr=theirs, stdout=theirs) as process:
        os.close(theirs)
        said = b""
        while b"playing" not in said:
            said += os.read(ours, 1_024)
        os.write(ours, b" ")
        while b"paused" not in said:
            said += os.read(ours, 1_024)
        os.write(ours, b"q")
        while b"Replayed" not in said:
            said += os.read(ours, 1_024)
        assert process.wait(LIMIT_S) == 0
    (order,) = orjson.loads(sandik("control", "log", "--run", "r", "--format", "json")[1])
    assert (order["type"], order["by"]) == ("replay_paused", "terminal")


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
    assert order_for_key(key, at, START) == expected
