"""Checking the file of an embedded log: that SQLite finds it whole, and every record is what was appended."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from eventlog.sqlite_file import LogFile
from eventlog.sqlite_tables import find_topic, records_of
from schemas.errors import LogError, UsageError


@dataclass(slots=True)
class Checked:
    """How many records are as they were appended, and of how many that cannot be said: they have no checksum."""

    records: int = 0
    without: int = 0


def check_file(path: Path, on_progress: Callable[[int], None] = lambda _: None) -> Checked:
    """Check a log's file, which may be in use, without writing to it. Blocks.

    `on_progress` is told how many records were looked at. Raises `RecordDamaged` for the first that is not what was
    appended, `LogError` where SQLite finds the file damaged, and `UsageError` where it is no log of ours.
    """
    file = LogFile(path)
    if not path.is_file():
        raise UsageError(f"{path} is no file. Give an archive's folder, or the file of an embedded log.")
    with file.translated(), closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        if not file.is_ours(connection):
            raise UsageError(f"{path} is empty: there is no log in it.")
        _check_pages(connection, path)
        checked = Checked()
        for (name,) in connection.execute("SELECT name FROM topic ORDER BY id").fetchall():
            for has_checksum in records_of(connection, find_topic(connection, name)):
                checked.records += has_checksum
                checked.without += not has_checksum
                on_progress(checked.records + checked.without)
    return checked


def _check_pages(connection: sqlite3.Connection, path: Path) -> None:
    """What SQLite itself knows to be wrong: pages, tables and their order."""
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise LogError(f"{path} is damaged ({found}). Restore the run from its archive, or a copy of the file.")
