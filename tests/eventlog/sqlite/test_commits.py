"""Noticing others' commits: none is missed, and looking costs no transaction while there are none."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from eventlog.sqlite import commits
from eventlog.sqlite.commits import ASK_EVERY_LOOKS, Commits
from eventlog.sqlite.file import LogFile
from tests.patience import LIMIT_S

_INSERT = "INSERT INTO topic (name, partitions, compacted, max_record_bytes) VALUES (?, 1, 0, 1)"


@pytest.fixture
def file(tmp_path: Path) -> LogFile:
    made = LogFile(tmp_path / "log.db")
    made.ensure()
    return made


@pytest.fixture
def own(file: LogFile) -> Iterator[sqlite3.Connection]:
    with closing(file.open()) as connection:
        yield connection


@pytest.fixture
def other(file: LogFile) -> Iterator[sqlite3.Connection]:
    with closing(file.open()) as connection:
        yield connection


def test_each_commit_of_another_connection_is_noticed_once(
    file: LogFile, own: sqlite3.Connection, other: sqlite3.Connection
) -> None:
    seen = Commits(own, file.path)
    found = []
    for number in range(3):
        found.append(seen.are_new())
        other.execute(_INSERT, (f"topic {number}",))
        found += [seen.are_new(), seen.are_new()]
    assert [False, True, False] * 3 == found


def test_a_commit_of_another_process_is_noticed(file: LogFile, own: sqlite3.Connection) -> None:
    seen = Commits(own, file.path)
    program = f"import sqlite3, sys; sqlite3.connect(sys.argv[1], isolation_level=None).execute({_INSERT!r}, ('one',))"
    subprocess.run([sys.executable, "-c", program, str(file.path)], check=True, timeout=LIMIT_S)
    assert seen.are_new()


def test_commits_of_the_connection_itself_are_none(file: LogFile, own: sqlite3.Connection) -> None:
    seen = Commits(own, file.path)
    own.execute(_INSERT, ("one",))
    assert not seen.are_new()


def test_what_is_not_committed_is_not_noticed_before_it_is(
    file: LogFile, own: sqlite3.Connection, other: sqlite3.Connection
) -> None:
    seen = Commits(own, file.path)
    other.execute("BEGIN IMMEDIATE")
    other.execute(_INSERT, ("one",))
    before = seen.are_new()
    other.execute("COMMIT")
    assert (False, True) == (before, seen.are_new())


def test_commits_are_noticed_after_the_write_ahead_log_began_anew(
    file: LogFile, own: sqlite3.Connection, other: sqlite3.Connection
) -> None:
    seen = Commits(own, file.path)
    other.execute(_INSERT, ("one",))
    seen.are_new()
    other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    seen.are_new()
    other.execute(_INSERT, ("two",))
    assert seen.are_new()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="this system does not tell of descriptors")
def test_sqlite_is_asked_only_now_and_then_while_nothing_is_committed(file: LogFile, own: sqlite3.Connection) -> None:
    seen = Commits(own, file.path)
    seen.are_new()
    asked: list[str] = []
    own.set_trace_callback(asked.append)
    for _ in range(ASK_EVERY_LOOKS):
        seen.are_new()
    assert 1 == len(asked)


def test_where_the_descriptor_is_not_told_sqlite_is_asked_each_time(
    file: LogFile, own: sqlite3.Connection, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commits, "_DESCRIPTORS", file.path.parent / "none")
    seen = Commits(own, file.path)
    other.execute(_INSERT, ("one",))
    assert [True, False] == [seen.are_new(), seen.are_new()]


def test_a_descriptor_that_is_something_else_hides_a_commit_for_a_second_at_most(
    file: LogFile, own: sqlite3.Connection, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path(os.devnull).open("rb") as nothing:
        monkeypatch.setattr(commits, "_wal_index", lambda _: nothing.fileno())
        seen = Commits(own, file.path)
        seen.are_new()
        other.execute(_INSERT, ("one",))
        assert any(seen.are_new() for _ in range(ASK_EVERY_LOOKS))


def test_a_descriptor_that_cannot_be_read_is_not_tried_again(
    file: LogFile, own: sqlite3.Connection, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    os.close(writing)
    monkeypatch.setattr(commits, "_wal_index", lambda _: reading)  # there is no reading at a position in a pipe
    try:
        seen = Commits(own, file.path)
        other.execute(_INSERT, ("one",))
        assert [True, False] == [seen.are_new(), seen.are_new()]
    finally:
        os.close(reading)
