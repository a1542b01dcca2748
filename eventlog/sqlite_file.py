"""The embedded log's file: opening it, its tables, and what SQLite's errors mean to us."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from eventlog.sqlite_identity import SameFile
from eventlog.sqlite_tables import checksum_column
from schemas.errors import LogError, LogFull, LogUnavailable, SandikError, UsageError

PAGE_BYTES: Final = 8192
"""Records are 0.3 to 1 KiB: a page holds some ten of them."""

BUSY_TIMEOUT_MS: Final = 5_000
"""How long to wait for another process's transaction; theirs take milliseconds, a checkpoint of the WAL a second."""

WAL_CHECKPOINT_PAGES: Final = 2_000
"""The write-ahead log goes back into the file every 16 MiB: seldom enough to be cheap, small enough to be quick."""

_JOURNAL_LIMIT_BYTES: Final = 64 * 1024 * 1024
"""A write-ahead log that once grew larger (a reader held it) is cut back to this."""

_APPLICATION_ID: Final = 0x73616E64  # "sand": how this file is told from other programs' databases
_SCHEMA_VERSION: Final = 1

_OPEN_ATTEMPTS: Final = 50
_OPEN_PAUSE_S: Final = 0.1
"""Two processes that make one file at the same moment disturb each other (SQLite reports busy at once): 5 s in all."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS topic (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL, compacted INTEGER NOT NULL,
  max_record_bytes INTEGER NOT NULL) STRICT;
-- One partition of a topic. next_offset is kept, so that an offset is never given twice, whatever was deleted.
CREATE TABLE IF NOT EXISTS slot (
  id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL REFERENCES topic (id), partition INTEGER NOT NULL,
  next_offset INTEGER NOT NULL DEFAULT 0, last_ms INTEGER NOT NULL DEFAULT 0, compacted_to INTEGER NOT NULL DEFAULT 0,
  UNIQUE (topic_id, partition)) STRICT;
-- id is slot.id << 40 | offset: a partition is a range of the table itself, with no index beside it.
CREATE TABLE IF NOT EXISTS record (
  id INTEGER PRIMARY KEY, timestamp INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,
  checksum INTEGER) STRICT;
CREATE TABLE IF NOT EXISTS lease (
  id INTEGER PRIMARY KEY AUTOINCREMENT, topic_id INTEGER NOT NULL REFERENCES topic (id), crew TEXT NOT NULL,
  expires_ms INTEGER NOT NULL) STRICT;
"""


@dataclass(frozen=True, slots=True)
class LogFile:
    """Where an embedded log lives, and how large it may get."""

    path: Path
    max_bytes: int | None = None
    same: SameFile = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "same", SameFile(self.path))

    def open(self) -> sqlite3.Connection:
        """Open the file, which must be there, for use by one thread at a time. Raises as `translated` says."""
        with self.translated():
            connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=0)
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            return connection

    def ensure(self) -> None:
        """Create the file, its folder and its tables where they are missing. Safe among processes."""
        pause = threading.Event()
        for attempt in range(1, _OPEN_ATTEMPTS + 1):
            try:
                self._ensure()
            except LogUnavailable:
                if attempt == _OPEN_ATTEMPTS:
                    raise
                pause.wait(_OPEN_PAUSE_S)
            else:
                return

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn SQLite's errors into ours."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._meaning(error) from error
        except UnicodeDecodeError as error:  # a name in the file, or one in SQLite's own complaint about it
            raise self._damaged(str(error)) from error

    def _ensure(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"The folder of {self.path} cannot be made: {error.strerror}. Give another path."
            ) from error
        if self.path.is_dir():
            raise UsageError(f"{self.path} is a folder. Give the path of a file, for example {self.path}/night.db.")
        with self.translated(), closing(sqlite3.connect(self.path, isolation_level=None, timeout=0)) as connection:
            if self.is_ours(connection):
                self._add_checksums(connection)
                return
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            connection.execute("PRAGMA journal_mode = WAL")
            self._prepare(connection)
            connection.executescript(
                f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA application_id = {_APPLICATION_ID};"
                f" PRAGMA user_version = {_SCHEMA_VERSION}; COMMIT;"
            )

    def _add_checksums(self, connection: sqlite3.Connection) -> None:
        """Make room for them in a file that an earlier release made; it can go on with it, and writes none."""
        if checksum_column(connection) != "NULL":
            return
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("BEGIN IMMEDIATE")
        try:
            if checksum_column(connection) == "NULL":  # another process may have come first
                connection.execute("ALTER TABLE record ADD COLUMN checksum INTEGER")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def is_ours(self, connection: sqlite3.Connection) -> bool:
        """Whether the file holds a log already; `False` for an empty one. Raises `UsageError` for another's."""
        connection.execute("BEGIN")  # all three of one moment: somebody else may be making it just now
        try:
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        finally:
            connection.rollback()
        if tables and application != _APPLICATION_ID:
            raise UsageError(f"{self.path} is another program's database. Give the path of a new file.")
        if version > _SCHEMA_VERSION:
            raise UsageError(
                f"{self.path} was written by a newer sandik (format {version}). Upgrade sandik to read it."
            )
        return bool(tables)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_LIMIT_BYTES}")
        if self.max_bytes is not None:
            connection.execute(f"PRAGMA max_page_count = {max(1, self.max_bytes // PAGE_BYTES)}")

    def _damaged(self, what: str) -> LogError:
        return LogError(f"{self.path} is damaged ({what}). Restore a copy of it, or play into a new file.")

    def _meaning(self, error: sqlite3.Error) -> SandikError:
        bytes_that_are_no_text = sqlite3.SQLITE_CORRUPT if isinstance(error, sqlite3.OperationalError) else 0
        match getattr(error, "sqlite_errorcode", bytes_that_are_no_text) & 0xFF:  # Python's own errors have no code
            case sqlite3.SQLITE_FULL:
                limit = "the disk is full" if self.max_bytes is None else "the disk is full, or max_mb is reached"
                return LogFull(f"No room left for {self.path}: {limit}. Make room; then the same can be sent again.")
            case sqlite3.SQLITE_NOTADB:
                return UsageError(
                    f"{self.path} is no sandik log (not an SQLite database). Give the path of a new file."
                )
            case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_ERROR | sqlite3.SQLITE_CONSTRAINT | sqlite3.SQLITE_MISMATCH:
                return self._damaged(str(error))  # our statements are right: it is the file that does not fit them
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                seconds = BUSY_TIMEOUT_MS // 1000
                return LogUnavailable(f"Another process has held {self.path} for {seconds} s. Try again, or stop it.")
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
                return LogUnavailable(
                    f"{self.path} cannot be opened for writing. Check its permissions and its folder's."
                )
            case _:
                return LogUnavailable(f"{self.path} failed: {error}. Check the disk; then the same can be sent again.")
