"""`sandik publish`: append events that another program made, one on each line, checked as the count checks them."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Final

import typer

from eventlog.clock import Wall
from producers.publish import Publisher, entry, publish
from producers.tables.lines import LineFaults
from sandik import screen
from sandik.options import EMBEDDED_LOG, LogUrl, OperatorKeys, RunName, command_app, operator_keys
from sandik.process import run_to_completion
from sandik.quantities import grouped
from sandik.wiring import known_run, open_log
from schemas.definition import Election
from schemas.errors import UsageError
from schemas.tally import MAX_TALLY_BYTES, Malformed, Tally, parse_tallies
from schemas.totals import Cell
from tabulation.counting.cells import CellRules, Refusal, Rulebook

if TYPE_CHECKING:
    from schemas.trust import OperatorKey

EXAMPLE: Final = "Example: sandik publish events.jsonl --run 2024-yerel"

SOME_REFUSED: Final = 3
"""The exit code where some lines were refused."""

_CHUNK_BYTES: Final = 256 * 1024
_SHOWN_CHARS: Final = 80

app = command_app()


@app.command("publish", epilog=EXAMPLE)
def publish_events(
    file: Annotated[str, typer.Argument(help="Tally events, one JSON object on each line; - for standard input.")],
    run: RunName,
    log: LogUrl = EMBEDDED_LOG,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Publish nothing if any line cannot be used. It reads all of them first."),
    ] = False,
    operator_key: OperatorKeys = None,
) -> None:
    """Append tally events that another program made, one JSON object on each line, to a run that is there.

    Each is checked as the count would check it (sandik schema tally has their form). Those that can be used are
    appended as they come; the others are named, and the exit code is 3.
    """
    with _opened(file) as source:
        named = "standard input" if file == "-" else file
        appended, refused = run_to_completion(
            _publish(source, named, log, run, operator_keys(operator_key), strict=strict)
        )
    screen.say(f"Published {grouped(appended)} events to run {run!r}.")
    if refused:
        raise typer.Exit(SOME_REFUSED)


class EventCheck:
    """Checks lines by a run's definition and notes in `faults` what is wrong with those that cannot be used."""

    def __init__(self, definition: Election, faults: LineFaults) -> None:
        self._rulebook = Rulebook(definition, lambda _: 0)
        self._rules: dict[Cell, CellRules | Refusal] = {}
        self.faults = faults
        self.lines = 0

    def usable(self, lines: list[bytes]) -> Iterator[Tally]:
        """Yield the events of these lines, which come after all those before."""
        values = [line if len(line) <= MAX_TALLY_BYTES else b"" for line in lines]
        for line, event in zip(lines, parse_tallies(values), strict=True):
            self.lines += 1
            if not line.strip():
                continue
            if len(line) > MAX_TALLY_BYTES:
                self.faults.add(self.lines, f"it is over the {MAX_TALLY_BYTES} bytes that an event may have")
            elif isinstance(event, Malformed):
                self.faults.add(self.lines, f"{event.detail}: {line.decode(errors='replace')[:_SHOWN_CHARS]!r}")
            elif refusal := self._refusal(event):
                self.faults.add(self.lines, f"{refusal.detail} ({refusal.reason})")
            else:
                yield event

    def _refusal(self, event: Tally) -> Refusal | None:
        cell = Cell(event.contest, event.source, event.district)
        if cell not in self._rules:
            self._rules[cell] = self._rulebook.rules_for(cell)
        rules = self._rules[cell]
        return rules if isinstance(rules, Refusal) else rules.refusal(event, event.district.encode(), 0)


@contextmanager
def _opened(file: str) -> Iterator[IO[bytes]]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        source = Path(file).open("rb")  # noqa: SIM115  closed below
    except OSError as error:
        raise UsageError(f"{file} cannot be read ({error}). Give the path of a file, or - for stdin.") from error
    with source:
        yield source


async def _publish(
    source: IO[bytes], named: str, url: str, name: str, operators: "tuple[OperatorKey, ...]", *, strict: bool
) -> tuple[int, int]:
    """Return how many events were appended, and how many lines could not be used."""
    clock = Wall()
    async with open_log(url, clock) as log:
        run = await known_run(log, name, operators)
        publisher = Publisher(log, run.topics.tallies.name, clock, on_waiting=screen.say_waiting)
        check = EventCheck(run.definition, LineFaults(named))
        appended, kept = 0, list[Tally]()
        rest = b""
        while chunk := await asyncio.to_thread(_read, source):
            *lines, rest = (rest + chunk).split(b"\n")
            events = list(check.usable(lines))
            if strict:
                kept += events
            else:
                appended += (await publish(publisher, map(entry, events))).records
        kept += check.usable([rest])
        if strict:
            check.faults.raise_any()
        appended += (await publish(publisher, map(entry, kept))).records
    if check.faults.count:
        screen.say(check.faults.message("they are left out."))
    return appended, check.faults.count


def _read(source: IO[bytes]) -> bytes:
    """Return what there is to read by now, at least a byte, or nothing at the end."""
    found: bytes = source.read1(_CHUNK_BYTES)  # type: ignore[attr-defined]  # files and standard input have it
    return found
