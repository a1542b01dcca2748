"""Taking turns at the write lock: who waits is not overtaken, and nobody is held up by one who was halted."""

import errno
import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from eventlog.sqlite import file as sqlite_file
from eventlog.sqlite.commits import Commits
from eventlog.sqlite.file import LogFile, Turns
from tests.patience import LIMIT_S

Opening = Callable[[], Turns]


@pytest.fixture
def file(tmp_path: Path) -> LogFile:
    made = LogFile(tmp_path / "log.db")
    made.ensure()
    return made


@pytest.fixture
def opening(file: LogFile) -> Iterator[Opening]:
    """Opens a connection that takes turns, and would wait for the place as long as a test may last."""
    with ExitStack() as resources:

        def opened() -> Turns:
            connection = resources.enter_context(closing(file.open()))
            Commits(connection)  # reads
            return resources.enter_context(closing(Turns(connection, file.real, place_ms=LIMIT_S * 1_000)))

        yield opened


def has_place(file: LogFile) -> bool:
    """Whether anybody has the place at the head."""
    with Path(f"{file.real}-wal").open("rb") as wal:
        try:
            fcntl.flock(wal, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_a_free_lock_is_taken_and_the_place_left(opening: Opening, file: LogFile) -> None:
    turns = opening()
    turns.begin()
    assert (True, False) == (turns.connection.in_transaction, has_place(file))


def test_who_waits_is_not_overtaken_by_who_has_just_committed(opening: Opening, file: LogFile) -> None:
    busy, waiting, order = opening(), opening(), list[str]()

    def wait() -> None:
        waiting.begin()
        order.append("who waited")
        waiting.connection.execute("COMMIT")

    busy.begin()
    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    while not has_place(file):
        assert thread.is_alive()
    busy.connection.execute("COMMIT")
    busy.begin()
    order.append("who came again")
    thread.join(LIMIT_S)
    assert ["who waited", "who came again"] == order


def test_a_place_that_is_never_left_holds_nobody_up_for_long(opening: Opening, file: LogFile) -> None:
    """Its process may have been halted in it."""
    turns = opening()
    with (
        Path(f"{file.real}-wal").open("rb") as halted,
        closing(file.open()) as connection,
        closing(Turns(connection, file.real, place_ms=3)) as others,
    ):
        fcntl.flock(halted, fcntl.LOCK_EX)
        others.begin()
        others.connection.execute("COMMIT")
        assert has_place(file)
    turns.begin()


def test_a_lock_that_is_never_free_is_not_waited_for_for_ever(
    opening: Opening, file: LogFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_TIMEOUT_MS", 3)
    holding, turns = opening(), opening()
    holding.begin()
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        turns.begin()
    assert not has_place(file)


def test_another_error_is_raised_at_once(opening: Opening, file: LogFile) -> None:
    turns = opening()
    turns.begin()
    with pytest.raises(sqlite3.OperationalError, match="within a transaction"):
        turns.begin()
    assert not has_place(file)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_where_there_is_no_place_the_lock_is_taken_without_it(
    opening: Opening, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", fail)
    turns = opening()
    turns.begin()
    assert turns.connection.in_transaction


def test_without_a_write_ahead_log_to_open_the_lock_is_taken_without_a_place(file: LogFile, tmp_path: Path) -> None:
    with closing(file.open()) as connection, closing(Turns(connection, tmp_path / "elsewhere.db")) as turns:
        turns.begin()
        assert connection.in_transaction
