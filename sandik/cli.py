"""The command line: `sandik COMMAND …`; `sandik --help` lists them.

A command's module is imported when that command is asked for, so that none pays for what another one needs.
"""

import gc
import logging
import sys
from dataclasses import dataclass
from importlib.metadata import version
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from sandik import screen
from sandik.logs import LogForm, configure_logs
from schemas.errors import Interrupted, SandikError, UsageError


@dataclass(frozen=True, slots=True)
class Command:
    """A line of the list that `sandik --help` shows."""

    name: str
    help: str


COMMANDS: Final = (
    Command(
        "demo",
        "Run a simulated night end to end: simulator, embedded log, aggregator, gateway, board. Ctrl-C ends it.",
    ),
    Command(
        "run",
        "Publish a file of results, count it and serve the board, all in this one process. Ctrl-C ends it.",
    ),
    Command(
        "boxes",
        "Publish an official ballot-box table, a tally event for each box; create the run if it is not there.",
    ),
    Command(
        "reports",
        "Publish an agency's totals of whole districts, a report for each contest and district, as a source of their "
        "own.",
    ),
    Command(
        "mapping",
        "Make a first mapping for a file that is to be published.",
    ),
    Command(
        "publish",
        "Append tally events that another program made, one JSON object on each line, to a run that is there.",
    ),
    Command(
        "definition",
        "Make an election definition from tables or results, check one, compare two, and amend that of a run.",
    ),
    Command(
        "simulate",
        "Stage a night like İstanbul's of 31 March 2024 and publish it, each box when its time comes.",
    ),
    Command(
        "scenarios",
        "List the staged nights, each with its story. sandik simulate and sandik demo take a name with --scenario.",
    ),
    Command(
        "replay",
        "Publish an archive on its own clock, into a run of mode replay: a new one, or another take of one there is.",
    ),
    Command(
        "aggregate",
        "Fold a run's tallies into running totals. Start it as often as you like: they share the districts.",
    ),
    Command(
        "gateway",
        "Serve the run's board, its WebSocket stream and its HTTP endpoints on one port, until stopped.",
    ),
    Command(
        "graphics",
        "Write the overlays as graphics tools take them: an OGraf package, and templates for CasparCG and SPX-GC.",
    ),
    Command(
        "totals",
        "Print the run's totals, of every contest, source and unit: what is on air, or what --tell says.",
    ),
    Command(
        "export",
        "Write one source's totals to a file: every contest and unit, as they are on air now, or as --tell says.",
    ),
    Command(
        "compare",
        "Say how far two sources are apart, and why: boxes that one has and the other not, or other counts.",
    ),
    Command(
        "at",
        "Print the totals as they stood on air at a moment that has been, with what was held and embargoed then.",
    ),
    Command(
        "trace",
        "List the boxes, revisions and offsets behind a candidate's votes in a district, and what changed them last.",
    ),
    Command(
        "archive",
        "Archive a run's tallies and control records. Start it again with the same --out, and it goes on.",
    ),
    Command(
        "verify",
        "Work out again every link, file and state of an archive. Exit code 1 where anything is not as it was written.",
    ),
    Command(
        "restore",
        "Write an archived run back into a log that does not have it: the same name, mode, epoch, offsets and times.",
    ),
    Command(
        "timeline",
        "Write what was on air from when on, for OGraf graphics that are rendered afterwards.",
    ),
    Command(
        "topics",
        "Compare a run's topics with what they must be, and print what puts them right. Exit code 1 where one is not.",
    ),
    Command(
        "schema",
        "Write the contract as JSON Schema (2020-12): what feeds may send, and what clients get.",
    ),
    Command(
        "load",
        "Load a gateway with clients, measure how late they get what, and check that none is shown anything wrong.",
    ),
    Command(
        "token",
        "Print a read token, or make a key for tokens or for an operator's orders.",
    ),
    Command(
        "control",
        "Give orders to a run: embargo, hold, call, figures by hand; direct a replay; and read who gave which.",
    ),
)


EXTRAS: Final = {"pyarrow": "parquet"}
"""What some commands need beyond a plain install, and the extra that brings it."""


def load_command(name: str) -> Any | None:  # noqa: ANN401  Typer keeps a command's type to itself
    """Import the module that a command is in and return the command; `None` where there is none of that name.

    Raises:
        ModuleNotFoundError: the module needs an extra that is not installed.
    """
    match name:
        case "run" | "demo":
            from sandik.commands.run import app
        case "boxes" | "reports":
            from sandik.commands.tables import app
        case "publish" | "simulate":
            from sandik.commands.publish import app
        case "definition":
            from sandik.commands.definition import app
        case "replay" | "timeline":
            from sandik.commands.replay import app
        case "aggregate":
            from sandik.commands.aggregate import app
        case "gateway":
            from sandik.commands.gateway import app
        case "graphics":
            from sandik.commands.graphics import app
        case "totals" | "at" | "export" | "night-so-far":
            from sandik.commands.totals import app
        case "compare":
            from sandik.commands.compare import app
        case "trace":
            from sandik.commands.trace import app
        case "archive" | "verify" | "restore":
            from sandik.commands.archive import app
        case "topics":
            from sandik.commands.topics import app
        case "schema" | "scenarios" | "mapping":
            from sandik.commands.reference import app
        case "load":
            from sandik.commands.load import app
        case "token":
            from sandik.commands.token import app
        case "control":
            from sandik.commands.control import app
        case _:
            return None
    found = typer.main.get_command(app)
    return found.commands.get(name, found) if isinstance(found, TyperGroup) else found


class _CommandGroup(TyperGroup):
    """The group of all commands: it lists them without importing them, and imports the one that is asked for.

    Typer keeps the types of a context and a command to itself, hence `Any`.
    """

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401
        super().__init__(**settings)
        for command in COMMANDS:
            self.add_command(TyperCommand(command.name, help=command.help))

    def get_command(self, _context: object, cmd_name: str) -> Any:  # noqa: ANN401
        """Return the command itself; `None` where there is none of that name.

        Raises:
            UsageError: the command needs an extra that is not installed.
        """
        gc.disable()  # what an import makes stays: looking for garbage in it takes a sixth of the time
        try:
            return load_command(cmd_name)
        except ModuleNotFoundError as missing:
            extra = EXTRAS.get(missing.name or "")
            if extra is None:
                raise
            raise UsageError(
                f'sandik {cmd_name} needs {missing.name}, which is not installed: pip install "sandik[{extra}]".'
            ) from missing
        finally:
            gc.freeze()
            gc.enable()

    def format_commands(self, *where: Any) -> None:  # noqa: ANN401
        """Write the lines of `COMMANDS`. The base class would ask `get_command` for each, and so import them all."""
        TyperGroup(commands=list(self.commands.values())).format_commands(*where)


app = typer.Typer(
    name="sandik",
    cls=_CommandGroup,
    help="Carries every ballot box's count from the feed that reports it to the number on air.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _print_version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"sandik {version('sandik')}\n")
        raise typer.Exit


@app.callback()
def _logs(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", envvar="SANDIK_VERBOSE", help="Say what is going on.")
    ] = False,
    log_format: Annotated[
        LogForm,
        typer.Option(envvar="SANDIK_LOG_FORMAT", help="How log lines are written: console, or json for machines."),
    ] = LogForm.CONSOLE,
) -> None:
    configure_logs(log_format, verbose=verbose)


_log: Final = logging.getLogger(__name__)


def main() -> None:
    """Run the command line.

    Exit codes: 0 done, 1 the log failed or a file could not be used, 2 what was asked cannot work, 3 some lines were
    refused, 130 interrupted.
    """
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # while somebody can still be told that it could not be written
    except UsageError as error:
        screen.say(f"sandik: {error}")
        sys.exit(2)
    except (Interrupted, KeyboardInterrupt):
        screen.say("sandik: stopped.")
        sys.exit(130)
    except SandikError as error:
        screen.say(f"sandik: {error}")
        sys.exit(1)
    except BrokenPipeError:  # who read our output has seen enough
        screen.give_up_output()
        sys.exit(1)
    except OSError as error:
        _log.info("This came from", exc_info=True)
        what = "" if error.filename is None else f"{error.filename}: "
        screen.say(f"sandik: {what}{error.strerror or error}. Mend that and try again; --verbose says where it was.")
        screen.give_up_output()
        sys.exit(1)
