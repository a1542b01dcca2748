"""The embedded log's file: creating and opening it, mapping SQLite's errors, its write lock, and checking all of it.

A file that is deleted or replaced while it is open would take appends that nobody ever reads: `SameFile` notices that.

There is one write lock for all processes, and SQLite gives it to whoever asks first once it is free. A process with
much to append asks a moment after each of its commits; one that waits asks every 25 to 100 ms (SQLite's busy handler),
and rarely in such a moment: an append beside two hundred a second took seconds. So they take `Turns`: whoever wants to
write takes the place at the head first, and leaves it once it has the write lock: who has just committed does not
overtake it. The place is a lock (flock) on the write-ahead log, on which SQLite has no locks of its own. It keeps the
order and protects nothing: where it cannot be had, the write lock is asked for all the same, as earlier releases do.
"""

import fcntl
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from eventlog.sqlite.tables import columns, find_topic, records_of
from schemas.errors import LogError, LogFull, LogUnavailable, SandikError, UsageError

_Identity = tuple[int, int]
"""A file's device and inode, which stay the same when it is renamed."""


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
  expires_ms INTEGER NOT NULL, name TEXT, claim INTEGER NOT NULL DEFAULT 0) STRICT;
"""


_ADDED: Final = (("record", "checksum INTEGER"), ("lease", "name TEXT"), ("lease", "claim INTEGER NOT NULL DEFAULT 0"))
"""Columns that the first release's tables did not have, in the order in which they came."""


def _missing(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return the added columns, each with its table, that the file does not have yet."""
    return [(table, column) for table, column in _ADDED if column.split()[0] not in columns(connection, table)]


_log: Final = logging.getLogger(__name__)


class SameFile:
    """Remembers device and inode of the log's files when it first sees them, and notices where they change.

    The write-ahead log and its index are created and deleted with the connections, but not while one of ours is open.
    Who finds no index makes another one, and writes over what those append that have the first. They lie beside the
    `real` file, where `path` is a link to it. Thread-safe.
    """

    def __init__(self, path: Path, real: Path) -> None:
        self._files: Sequence[Path] = (path, *(real.with_name(f"{real.name}{end}") for end in ("", "-wal", "-shm")))
        self._known: dict[Path, _Identity] = {}

    def check(self) -> None:
        """Raise `LogError` where a file that was seen was deleted, or is another one.

        Raises `LogUnavailable` where the folder tells nothing at the moment.
        """
        for file in self._files:
            found, known = _identity(file), self._known.get(file)
            if known is None and found is not None:
                self._known.setdefault(file, found)
            elif known != found:
                what = "deleted" if found is None else "replaced"
                raise LogError(
                    f"{file} was {what} while it was in use. What was appended since is lost: what is shown may be old."
                    " Put it back or choose another file, and start again everything that uses it."
                )


def _identity(file: Path) -> _Identity | None:
    try:
        found = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:  # a permission was lost, a network's file system is away
        raise LogUnavailable(
            f"{file} cannot be looked at: {error.strerror}. Check its folder's permissions, and the disk."
        ) from error
    return found.st_dev, found.st_ino


@dataclass(frozen=True, slots=True)
class LogFile:
    """The path of an embedded log, and how large it may get; opens it and maps its errors."""

    path: Path
    max_bytes: int | None = None
    real: Path = field(init=False, compare=False)
    """The path from the root on and without links: where SQLite puts its other files, and no name that means something
    else to SQLite, such as `:memory:` or `file:`.
    """
    same: SameFile = field(init=False, compare=False)

    def __post_init__(self) -> None:
        try:
            real = Path(os.path.realpath(self.path))
        except OSError:  # the working directory is gone: what cannot be made below it is said then
            real = self.path
        object.__setattr__(self, "real", real)
        object.__setattr__(self, "same", SameFile(self.path, real))

    def open(self) -> sqlite3.Connection:
        """Open a connection, for use by one thread at a time. Call `ensure()` before. Raises as `translated` says."""
        with self.translated():
            connection = sqlite3.connect(self.real, isolation_level=None, check_same_thread=False, timeout=0)
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            return connection

    def ensure(self) -> None:
        """Create the file, its folder and its tables where they are missing, also where other processes do the same.

        Blocks for `_OPEN_ATTEMPTS * _OPEN_PAUSE_S` seconds at most. Raises `UsageError` where the path cannot be a log,
        else as `translated` says.
        """
        pause = threading.Event()
        for attempt in range(1, _OPEN_ATTEMPTS + 1):
            try:
                self._create()
            except LogUnavailable:
                if attempt == _OPEN_ATTEMPTS:
                    raise
                pause.wait(_OPEN_PAUSE_S)
            else:
                self._warn_of_other_names()
                return

    def _warn_of_other_names(self) -> None:
        """Say so where the file has a second name: who opens it by that has a write-ahead log of their own."""
        names = 1
        with suppress(OSError):  # a folder that tells nothing at the moment is for `SameFile` to tell
            names = self.real.stat().st_nlink
        if names > 1:
            _log.warning(
                "%s has another name, a hard link. Use one of them only: what is appended by the other is lost, and the"
                " file may be damaged.",
                self.path,
            )

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Map SQLite's errors to `LogFull`, `LogUnavailable`, `UsageError`, or `LogError` for a damaged file."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._mapped(error) from error
        except UnicodeDecodeError as error:  # a name in the file, or one in SQLite's own complaint about it
            raise self._damaged(str(error)) from error

    def _create(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            is_folder = self.path.is_dir()
        except OSError as error:
            raise UsageError(
                f"{self.path} cannot be made, or not its folder: {error.strerror}. Give another path."
            ) from error
        if is_folder:
            raise UsageError(f"{self.path} is a folder. Give the path of a file, for example {self.path}/night.db.")
        with self.translated(), closing(sqlite3.connect(self.real, isolation_level=None, timeout=0)) as connection:
            if self.is_ours(connection):
                self._add_columns(connection)
                return
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            connection.execute("PRAGMA journal_mode = WAL")
            self._prepare(connection)
            connection.executescript(
                f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA application_id = {_APPLICATION_ID};"
                f" PRAGMA user_version = {_SCHEMA_VERSION}; COMMIT;"
            )

    def _add_columns(self, connection: sqlite3.Connection) -> None:
        """Add what an earlier release's file lacks. That release can go on using it, and leaves these columns empty."""
        if not _missing(connection):
            return
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("BEGIN IMMEDIATE")
        try:
            for table, column in _missing(connection):  # still: another process may have been faster
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def is_ours(self, connection: sqlite3.Connection) -> bool:
        """Whether the file holds a log; `False` for an empty one. Raises `UsageError` for another program's file."""
        connection.execute("BEGIN")  # one snapshot for all three: another process may be creating it right now
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

    def _mapped(self, error: sqlite3.Error) -> SandikError:
        # Errors of Python's own module have no code. An `OperationalError` among them is a text that is no UTF-8.
        without_code = sqlite3.SQLITE_CORRUPT if isinstance(error, sqlite3.OperationalError) else 0
        match getattr(error, "sqlite_errorcode", without_code) & 0xFF:  # the low byte: without the extended code
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


@dataclass(slots=True)
class Checked:
    """How many records have the right checksum, and how many have none (`without`): of them nothing is known."""

    records: int = 0
    without: int = 0


def check_file(path: Path, on_progress: Callable[[int], None] = lambda _: None) -> Checked:
    """Check every record of a log's file, which may be in use, without writing to it. Blocks.

    `on_progress` is called with the number of records that were checked. Raises `RecordDamaged` for the first that is
    not what was appended, `LogError` where SQLite finds the file damaged, and `UsageError` where it is no log of ours.
    """
    file = LogFile(path)
    if not path.is_file():
        raise UsageError(f"{path} is no file. Give an archive's folder, or the file of an embedded log.")
    with file.translated(), closing(sqlite3.connect(f"{file.real.as_uri()}?mode=ro", uri=True)) as connection:
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
    """Raise `LogError` where SQLite's own check of pages, tables and their order fails."""
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise LogError(f"{path} is damaged ({found}). Restore the run from its archive, or a copy of the file.")


ASK_MS: Final = 1
"""How far apart to ask: an eighth of what a commit takes on a slow disk."""

PLACE_MS: Final = 200
"""How long to wait for the place: many commits. Longer than that, a process that was halted may have it."""


class Turns:
    """Begins the write transactions of one connection, whose own busy timeout it turns off. For one thread.

    The connection has read already: so its write-ahead log is there. `path` is the file that it has opened.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, *, place_ms: int = PLACE_MS) -> None:
        self.connection = connection
        self._place_ms = place_ms
        self._place: int | None = None
        self._pause = threading.Event()
        connection.execute("PRAGMA busy_timeout = 0")
        with suppress(OSError):
            self._place = os.open(f"{path}-wal", os.O_RDONLY | os.O_CLOEXEC)

    def begin(self) -> None:
        """Begin a write transaction, once it is this connection's turn.

        Raises SQLite's `SQLITE_BUSY` where another process has held the lock for `BUSY_TIMEOUT_MS`.
        """
        with self._at_the_head() as waited_ms:
            for _ in range(waited_ms, BUSY_TIMEOUT_MS, ASK_MS):
                if self._has_begun():
                    return
                self._pause.wait(ASK_MS / 1000)
            self.connection.execute("BEGIN IMMEDIATE")

    def close(self) -> None:
        """Give the place back for good."""
        if self._place is not None:
            os.close(self._place)

    @contextmanager
    def _at_the_head(self) -> Iterator[int]:
        """Have the place for the length of the block, if it is to be had; how many milliseconds that took, about."""
        if self._place is None:
            yield 0
            return
        waited_ms = 0
        while waited_ms < self._place_ms and not self._has_taken(self._place):
            self._pause.wait(ASK_MS / 1000)
            waited_ms += ASK_MS
        try:
            yield waited_ms
        finally:
            with suppress(OSError):
                fcntl.flock(self._place, fcntl.LOCK_UN)

    def _has_taken(self, place: int) -> bool:
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without such locks: nobody has the place
            return True
        return True

    def _has_begun(self) -> bool:
        try:
            self.connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            return False
        return True
