"""A table and the run that it goes into, as options name them: what `sandik boxes`, `reports` and `run` share."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import typer
from pydantic import ValidationError

from eventlog.clock import Clock, Wall
from eventlog.port import EventLog
from eventlog.run import Run, create_run
from producers.input_files import all_faults, indented
from producers.tables.boxes import Table, election, read_table
from producers.tables.mapping import BoxMapping, ReportMapping
from sandik import screen
from sandik.feed import Address, Publishing, exports_of, is_address, no_history, read_feed, say_asides
from sandik.process import in_thread
from sandik.quantities import grouped
from sandik.wiring import absent_file, known_run, new_epoch, open_log, warn_of_missed
from schemas.control import Mode
from schemas.definition import Election
from schemas.errors import UnknownRun, UsageError
from schemas.tally import encode

if TYPE_CHECKING:
    from schemas.trust import OperatorKey

DRY_RUN_EVENTS: Final = 10
"""How many events a dry run shows."""

MAX_DEFINITION_BYTES: Final = 64 * 1024 * 1024
"""The largest definition: all of Türkiye with its boxes and ballots is 5 MB; ten times that."""


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


@dataclass(frozen=True, slots=True)
class TargetRun:
    """The run that events go into; with a definition it is created where it is not there."""

    url: str
    name: str
    definition: Election | None
    mode: Mode
    partitions: int | None = None
    operators: "tuple[OperatorKey, ...]" = ()

    @asynccontextmanager
    async def opened(self, clock: Clock) -> AsyncIterator[tuple[EventLog, Run]]:
        """The log, open, and the run."""
        async with open_log(self.url, clock) as log:
            yield log, await self.found(log, clock)

    async def found(self, log: EventLog, clock: Clock) -> Run:
        """Return the run in an open log. Raises `UnknownRun`, `RunConflict`."""
        if self.definition is None:
            return await known_run(log, self.name, self.operators)
        run = await create_run(
            log,
            self.name,
            self.definition,
            mode=self.mode,
            epoch=new_epoch(),
            clock=clock,
            partitions=self.partitions,
            operators=self.operators,
        )
        warn_of_missed(run)
        return run

    async def known_definition(self, clock: Clock) -> Election | None:
        """Return the definition that is given, else that of the run; `None` where there is no such run."""
        if self.definition is not None or absent_file(self.url) is not None:
            return self.definition
        async with open_log(self.url, clock) as log:
            try:
                return (await known_run(log, self.name, self.operators)).definition
            except UnknownRun:
                return None


async def show(into: TargetRun, feed: TableFeed) -> None:
    """Print the first events of a table, and what of it was not understood. Nothing is published."""
    clock, plan = Wall(), feed.plan
    definition = await into.known_definition(clock)
    if definition is None and isinstance(plan, BoxMapping):
        definition = await in_thread(lambda: election(feed.own_table(plan), plan))
    if definition is None:
        raise UnknownRun(into.name)
    history = no_history(plan)
    with feed.here() as file:
        for each in exports_of(file, plan):
            table = read_feed(each, plan, definition, clock, correction=feed.correction)
            for event in islice(history.news(table.reports).publish, DRY_RUN_EVENTS):
                typer.echo(encode(event).decode())
            screen.say(f"{each}: {grouped(len(table.reports))} events, of which new ones would be published.")
            say_asides(str(each), table)
            if table.faults.count:
                screen.say(table.faults.message("what they are of would be left out."))


def read_definition(path: Path) -> Election:
    """Read a file that has an election definition. Raises `UsageError`."""
    try:
        if path.stat().st_size > MAX_DEFINITION_BYTES:
            raise UsageError(f"{path} is over {MAX_DEFINITION_BYTES} bytes: is it an election definition?")
        return Election.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"The definition {path} cannot be read ({error}). Give the path of a JSON file.") from error
    except ValidationError as error:
        raise UsageError(f"{path} is no election definition:\n{indented(all_faults(error, Election))}") from error
