"""A table on its way into a run: once, or again and again as its file, folder or address changes.

What is new is asked of the log, so a watcher may be started anew, elsewhere, at any time. Lines that cannot be used are
told and left out; what was published of them before stands. `TableFeed` is one as options name it.

A file at an address is fetched again and again: only what has changed is sent (ETag, If-Modified-Since).
"""

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from functools import partial
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from eventlog.clock import Clock, Wall
from eventlog.loops import Tries, retried
from eventlog.port import EventLog
from eventlog.run import Run
from producers.input_files import some_of
from producers.publish import Publisher, boxes_of, entry, publish, reports_of
from producers.tables.boxes import Table, read_table, tallies
from producers.tables.fitting import fitting
from producers.tables.layout import FileState, parts_of, state_of
from producers.tables.lines import bounded
from producers.tables.mapping import BoxMapping, ReportMapping
from producers.tables.reports import ReportTable, read_box_statements, read_reports
from producers.tables.statements import News, ReportHistory, Statement
from sandik import screen
from sandik.process import in_thread
from sandik.quantities import grouped
from schemas.definition import Election
from schemas.errors import TableError, UsageError

if TYPE_CHECKING:
    pass


TIMEOUT_S: Final = 30
"""How long a server may be silent; what it sends is given more time."""

MAX_FETCHED_BYTES: Final = 512 * 1024 * 1024
"""The largest file that is fetched: a country's boxes with all their contests, several times over."""

_CHUNK_BYTES: Final = 1024 * 1024
_NOT_MODIFIED: Final = 304


class NotFetched(UsageError):
    """The file at an address could not be fetched; it may be another time."""

    retriable = True


def is_address(text: str) -> bool:
    """Return whether a text is an address on the web and no path."""
    return text.startswith(("http://", "https://"))


class Address:
    """A file at an address, kept as a file in a folder under its own name."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        name = PurePosixPath(unquote(urlsplit(url).path)).name
        self.file = folder / (name if name not in {"", "."} else "table")
        self._known: dict[str, str] = {}

    def fetch(self) -> bool:
        """Fetch the file if it has changed, and return whether it has. It blocks.

        The file gets the time at which its server says that it was changed. Raises `NotFetched`.
        """
        request = Request(self.url, headers={"User-Agent": "sandik", **self._known})  # noqa: S310  http alone: is_address
        try:
            with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                part = self.file.with_name(f"{self.file.name}.part")
                size = 0
                with part.open("wb") as kept:
                    while chunk := answer.read(_CHUNK_BYTES):
                        size += kept.write(chunk)
                        if size > MAX_FETCHED_BYTES:
                            raise NotFetched(f"{self.url} is over {MAX_FETCHED_BYTES} bytes. Is it the right address?")
                expected = answer.headers.get("Content-Length")
                if expected is not None and int(expected) != size:
                    raise NotFetched(f"{self.url} ended after {size} of {expected} bytes. Try again.")
                self._keep(part, answer.headers.get("ETag"), answer.headers.get("Last-Modified"))
        except HTTPError as error:
            error.close()
            if error.code == _NOT_MODIFIED:
                return False
            raise NotFetched(f"{self.url} answers {error.code} ({error.reason}).") from error
        except (URLError, OSError, HTTPException, ValueError) as error:
            raise NotFetched(f"{self.url} cannot be fetched: {error}.") from error
        return True

    def _keep(self, part: Path, tag: str | None, changed: str | None) -> None:
        known = {"If-None-Match": tag} if tag else {}
        seconds = _seconds_of(changed)
        if changed and seconds is not None:
            known["If-Modified-Since"] = changed
            os.utime(part, (seconds, seconds))
        part.replace(self.file)
        self._known = known  # not before the file is there: a server that is asked for news then has none


def _seconds_of(changed: str | None) -> float | None:
    """Return when a server says that a file was changed, in seconds since 1970; `None` where that is no date."""
    try:
        return parsedate_to_datetime(changed).timestamp() if changed else None
    except ValueError:
        return None


_log = logging.getLogger(__name__)

POLL_S: Final = 1.0
"""How often a watched file is looked at; it is read once it has not changed from one look to the next."""

ADDRESS_POLL_S: Final = 10.0
"""How often an address is asked: six times a minute is what agencies put up with."""

_GONE_SHOWN: Final = 5
"""How many districts that a file has no more are named."""

States = tuple[tuple[str, FileState], ...]


class ReportsPublished(NamedTuple):
    """How many statements of a file were published, how many the log had already, and how many lines were refused."""

    new: int
    known: int
    refused: int = 0


def read_feed(
    file: Path, mapping: BoxMapping | ReportMapping, definition: Election, clock: Clock, *, correction: bool = False
) -> ReportTable[Statement]:
    """Read a table of districts or of boxes, whatever its mapping. Raises `MappingError` or `TableError`."""
    fetched = clock.now()
    if isinstance(mapping, ReportMapping):
        if mapping.is_of_boxes:
            boxes = read_box_statements(file, mapping, definition, fetched=fetched)
            return ReportTable(tuple(boxes.reports), boxes.faults, boxes.wrong_totals, boxes.places, boxes.repeats)
        reports = read_reports(file, mapping, definition, correction=correction, fetched=fetched)
        return ReportTable(tuple(reports.reports), reports.faults, reports.wrong_totals, reports.places)
    table, left_out = fitting(read_table(file, mapping, strict=False, fetched=fetched), mapping, definition)
    for what in left_out:
        table.faults.add_table(what)
    return feed_of(table, mapping)


def feed_of(table: Table, mapping: BoxMapping) -> ReportTable[Statement]:
    """Return what a box table says that has nothing but what the run's definition has."""
    events = tuple(tallies(table, mapping))
    places = frozenset((event.contest, event.district, event.box) for event in events) if mapping.report.gone else None
    whole = None if table.faults.count else places
    return ReportTable(events, table.faults, table.wrong_totals, whole, table.duplicates)


def no_history(mapping: BoxMapping | ReportMapping) -> ReportHistory:
    """Return what a run has of a source before its first statement, judging new ones as the mapping says."""
    if isinstance(mapping, ReportMapping):
        return ReportHistory(by_time=mapping.is_by_time, by_content=mapping.is_by_content)
    return ReportHistory(by_content=mapping.report.revision == "content")


def exports_of(file: Path, mapping: BoxMapping | ReportMapping) -> list[Path]:
    """Return the files that are each all of a table as it was then, in the order of their names; mostly just one."""
    if mapping.table.exports and file.is_dir():
        return list(dict.fromkeys(part.path for part in parts_of(file, mapping.layout)))
    return [file]


class Publishing:
    """One source's file, folder or address on its way into a run."""

    def __init__(
        self,
        log: EventLog,
        run: Run,
        clock: Clock,
        file: Path | Address,
        mapping: BoxMapping | ReportMapping,
        *,
        correction: bool = False,
        strict: bool = False,
        poll_s: float | None = None,
        table: Table | None = None,
    ) -> None:
        """`table` is what the run's definition was made of just now: `once` does not read it again."""
        self._log = log
        self._run = run
        self._clock = clock
        self._mapping = mapping
        self._correction = correction
        self._strict = strict
        self._address = file if isinstance(file, Address) else None
        self._file = file.file if isinstance(file, Address) else file
        self._name = self._address.url if self._address else str(file)
        self._poll_s = (ADDRESS_POLL_S if self._address else POLL_S) if poll_s is None else poll_s
        self._publisher = Publisher(log, run.topics.tallies.name, clock, on_waiting=screen.say_waiting)
        self._history = no_history(mapping)
        if isinstance(mapping, ReportMapping):
            self._source, self._is_of_boxes = mapping.report.source, mapping.is_of_boxes
        else:
            self._source, self._is_of_boxes = mapping.source.id, True
        self._in_file: set[tuple[str, str]] = set()
        self._told = ""
        self._table = table

    async def once(self) -> ReportsPublished:
        """Publish what the log does not have of the file.

        Raises `TableError` where nothing of it can be used, or any line cannot and it is to be `strict`.
        """
        if self._address is not None:
            await in_thread(self._address.fetch)
        await self._recall()
        new = known = refused = 0
        files = exports_of(self._file, self._mapping)
        for file in files:
            try:
                table = await in_thread(partial(self._read, file))
            except UsageError as error:
                if self._strict or len(files) == 1:
                    raise
                screen.say(f"{error} What {file.name} says is left out.")
                refused += 1
                continue
            if self._is_older(table):
                known += len(table.reports)
                continue
            if self._strict or not table.reports:
                table.faults.raise_any()
            news = await in_thread(partial(self._news, table))
            if news.refused and (self._strict or not news.publish):
                raise TableError("\n".join([*bounded(news.refused), "Nothing was published."]))
            self._tell(table, news)
            await self._publish(news)
            new += len(news.publish)
            known += max(0, len(table.reports) - len(news.publish))
            refused += table.faults.count + len(news.refused)
        return ReportsPublished(new, known, refused)

    async def follow(self) -> None:
        """Publish what is new, now and whenever the file, folder or address has changed, until cancelled.

        A file that is being written is left alone until it has not changed from one look to the next.
        """
        await retried(self._recall, Tries(self._clock), screen.say_waiting)
        seen: States | None = None
        read: dict[str, FileState] | None = None
        while True:
            now = await self._look()
            if now is not None and (now == seen or self._address is not None) and dict(now) != read:
                await self._publish_new(now, read or {})
                read = dict(now)
            if now is None and seen is None is not read:
                screen.say(f"{self._name} is not there any more. What was published of it stands; waiting for it.")
                read = None
            seen = now
            await self._clock.sleep(self._poll_s)

    async def _look(self) -> States | None:
        """Return the states of the files as they are now; `None` where none is there."""
        if self._address is not None:
            try:
                await in_thread(self._address.fetch)
            except NotFetched as error:
                self._say_once(f"{error} What was published stands; trying again.")
                return self._states()
            self._told = ""
        return self._states()

    def _states(self) -> States | None:
        try:
            if not self._file.is_dir():
                return ((str(self._file), state_of(self._file)),)
            parts = parts_of(self._file, self._mapping.layout)
            return tuple((str(path), state_of(path)) for path in dict.fromkeys(part.path for part in parts))
        except (OSError, TableError):
            return None

    def _say_once(self, text: str) -> None:
        if text != self._told:
            screen.say(text)
        self._told = text

    async def _recall(self) -> None:
        """Learn from the log what was published before, by whatever process."""
        topic = self._run.topics.tallies.name
        if self._is_of_boxes:
            async for box in boxes_of(self._log, topic, self._source):
                self._history.add(box)
        else:
            async for report in reports_of(self._log, topic, self._source):
                self._history.add(report)

    def _read(self, file: Path) -> ReportTable[Statement]:
        table, self._table = self._table, None
        if table is not None and isinstance(self._mapping, BoxMapping):
            return feed_of(table, self._mapping)
        return read_feed(file, self._mapping, self._run.definition, self._clock, correction=self._correction)

    def _is_older(self, table: ReportTable[Statement]) -> bool:
        """Return whether an export is older than what was published: a watcher that begins anew reads it again."""
        latest = self._history.latest
        if not self._mapping.table.exports or latest is None or not table.reports:
            return False
        return max(event.at for event in table.reports) < latest

    def _news(self, table: ReportTable[Statement]) -> News:
        """Return what is new in a table, and with `gone` what is gone from it."""
        news = self._history.news(table.reports)
        if self._mapping.report.gone and self._is_of_boxes and table.reports:
            if table.places is None:
                news.odd.append("some lines do not say of which box they are, so no box is taken for gone.")
            else:
                gone = self._history.gone(table.places, max(event.at for event in table.reports))
                news.publish += gone.publish
                news.odd += gone.odd
        return news

    async def _publish_new(self, states: States, read: dict[str, FileState]) -> None:
        """Publish what was not published before, of the files that are not in this state yet; say what cannot be."""
        changed = [Path(name) for name, state in states if read.get(name) != state]
        files = changed if self._mapping.table.exports and self._file.is_dir() else [self._file]
        for file in files:
            try:
                table = await in_thread(partial(self._read, file))
            except UsageError as error:
                screen.say(str(error))
                continue
            if self._is_older(table):
                continue
            self._say_gone(table)
            news = await in_thread(partial(self._news, table))
            self._tell(table, news)
            await self._publish(news)
            if not read and not news.publish:
                screen.say(f"All {grouped(len(table.reports))} events of {file} were in the log already.")
            if news.publish:
                newest = max(report.at for report in news.publish)
                kind = "boxes" if self._is_of_boxes else "reports"
                screen.say(f"Published {grouped(len(news.publish))} {kind}, as of {newest}.")

    def _tell(self, table: ReportTable[Statement], news: News) -> None:
        if table.faults.count:
            kind = "boxes" if self._is_of_boxes else "reports"
            screen.say(table.faults.message(f"the {kind} that they are of are left out."))
        say_asides(self._name, table)
        for fault in bounded(news.refused):
            screen.say(fault)
        for odd in bounded(news.odd):
            _log.warning("%s: %s", self._name, odd)

    async def _publish(self, news: News) -> None:
        with screen.bar(f"publishing {'boxes' if self._is_of_boxes else 'reports'}") as bar:
            bar.expect(len(news.publish))
            publisher = replace(self._publisher, on_progress=lambda published: bar.reached(published.records))
            await publish(publisher, map(entry, news.publish))

    def _say_gone(self, table: ReportTable[Statement]) -> None:
        """Say where a file has fewer districts than it had; what it had of the others stands."""
        found = {(report.contest, report.district) for report in table.reports}
        gone = sorted(self._in_file - found)
        self._in_file |= found
        if gone and not table.faults.count:
            self._in_file = found
            _log.warning(
                "%s has no report any more of %s. What was published of them stands. Is the file whole?",
                self._name,
                some_of([f"{district} ({contest})" for contest, district in gone], _GONE_SHOWN),
            )


def say_asides(name: str, table: ReportTable[Statement]) -> None:
    """Say which totals of a table are wrong, and what of it is set aside or there twice."""
    _say_all(name, table.wrong_totals)
    _say_all(name, bounded(table.faults.aside))
    if table.repeats:
        screen.say(f"{name}: {grouped(table.repeats)} lines are there twice, and count once.")


def _say_all(name: str, sentences: Iterable[str] | Sequence[str]) -> None:
    for sentence in sentences:
        screen.say(f"{name}: {sentence}.")


@dataclass(frozen=True, slots=True)
class TableFeed:
    """A file, folder or address, and how it is read."""

    file: str
    plan: BoxMapping | ReportMapping
    correction: bool = False
    strict: bool = False
    every: float | None = None

    @property
    def source(self) -> str:
        """The id of its source."""
        return self.plan.report.source if isinstance(self.plan, ReportMapping) else self.plan.source.id

    @property
    def kind(self) -> str:
        """What its events are called."""
        return "reports" if isinstance(self.plan, ReportMapping) and not self.plan.is_of_boxes else "boxes"

    @contextmanager
    def into(self, log: EventLog, run: Run, clock: Clock, table: Table | None = None) -> Iterator[Publishing]:
        """It on its way into a run; what is fetched lies in a folder that is gone afterwards.

        `table` is what the definition of the run was made of just now.
        """
        with TemporaryDirectory(prefix="sandik-") as folder:
            file = Address(self.file, Path(folder)) if is_address(self.file) else Path(self.file)
            yield Publishing(
                log,
                run,
                clock,
                file,
                self.plan,
                correction=self.correction,
                strict=self.strict,
                poll_s=self.every,
                table=table,
            )

    @contextmanager
    def here(self) -> Iterator[Path]:
        """Its file or folder on this machine; what is fetched for that is gone afterwards. Raises `NotFetched`."""
        if not is_address(self.file):
            yield Path(self.file)
            return
        with TemporaryDirectory(prefix="sandik-") as folder:
            address = Address(self.file, Path(folder))
            address.fetch()
            yield address.file

    def own_table(self, plan: BoxMapping) -> Table:
        """Return all of a table that makes its definition of itself.

        Raises `TableError` where a line cannot be used: a box that is missing in a definition is missing for good.
        """
        with self.here() as file:
            return read_table(file, plan, fetched=Wall().now())
