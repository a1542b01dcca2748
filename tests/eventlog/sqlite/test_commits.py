"""Noticing others' commits: none is missed, and of each it is told which topics it has made grow."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from eventlog.port import Entry, Topic
from eventlog.sqlite.commits import Commits
from eventlog.sqlite.file import LogFile
from eventlog.sqlite.tables import append, create_topics, find_topic
from tests.patience import LIMIT_S

TOPICS = ["control", "totals"]


@pytest.fixture
def file(tmp_path: Path) -> LogFile:
    made = LogFile(tmp_path / "log.db")
    made.ensure()
    with closing(made.open()) as connection:
        create_topics(connection, [Topic(name) for name in TOPICS])
    return made


@pytest.fixture
def own(file: LogFile) -> Iterator[sqlite3.Connection]:
    with closing(file.open()) as connection:
        yield connection


@pytest.fixture
def other(file: LogFile) -> Iterator[sqlite3.Connection]:
    with closing(file.open()) as connection:
        yield connection


def commit(connection: sqlite3.Connection, topic: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    append(connection, find_topic(connection, topic), [Entry(b"k", b"v")], now_ms=1)
    connection.execute("COMMIT")


def test_each_commit_of_another_connection_is_noticed_once(own: sqlite3.Connection, other: sqlite3.Connection) -> None:
    commits = Commits(own)
    before = commits.grown()
    commit(other, "control")
    first = commits.grown()  # nothing was known before: it tells of every topic
    commit(other, "totals")
    assert ([], TOPICS, ["totals"], []) == (before, first, commits.grown(), commits.grown())


def test_a_commit_of_another_process_is_noticed(file: LogFile, own: sqlite3.Connection) -> None:
    commits = Commits(own)
    program = "import sqlite3, sys; sqlite3.connect(sys.argv[1], isolation_level=None).execute(sys.argv[2])"
    statement = "UPDATE slot SET next_offset = next_offset + 1"
    subprocess.run([sys.executable, "-c", program, str(file.path), statement], check=True, timeout=LIMIT_S)
    assert TOPICS == commits.grown()


def test_commits_of_the_connection_itself_are_none(own: sqlite3.Connection) -> None:
    commits = Commits(own)
    commit(own, "control")
    assert [] == commits.grown()


def test_a_commit_by_which_no_topic_grows_tells_of_none(own: sqlite3.Connection, other: sqlite3.Connection) -> None:
    """Such as a lease that is renewed, twice a second."""
    commits = Commits(own)
    commit(other, "control")
    commits.grown()
    other.execute("INSERT INTO lease (topic_id, crew, expires_ms) VALUES (1, 'aggregate', 1)")
    assert [] == commits.grown()


def test_what_is_not_committed_is_not_noticed_before_it_is(own: sqlite3.Connection, other: sqlite3.Connection) -> None:
    commits = Commits(own)
    other.execute("BEGIN IMMEDIATE")
    append(other, find_topic(other, "control"), [Entry(b"k", b"v")], now_ms=1)
    before = commits.grown()
    other.execute("COMMIT")
    assert ([], TOPICS) == (before, commits.grown())


def test_commits_are_noticed_after_the_write_ahead_log_began_anew(
    own: sqlite3.Connection, other: sqlite3.Connection
) -> None:
    commits = Commits(own)
    commit(other, "control")
    commits.grown()
    other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    commits.grown()
    commit(other, "control")
    assert ["control"] == commits.grown()


def test_where_it_cannot_be_read_what_was_committed_that_is_said(
    own: sqlite3.Connection, other: sqlite3.Connection
) -> None:
    commits = Commits(own)
    other.execute("ALTER TABLE slot RENAME TO gone")
    assert commits.grown() is None
