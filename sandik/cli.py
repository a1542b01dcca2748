"""The command line: `sandik COMMAND …`; `sandik --help` lists them."""

import asyncio
import sys
from typing import Annotated

import typer

from sandik import screen
from sandik.commands import (
    aggregate,
    archive,
    at,
    boxes,
    compare,
    control,
    demo,
    export,
    gateway,
    graphics,
    load,
    replay,
    reports,
    restore,
    scenarios,
    schema,
    simulate,
    timeline,
    token,
    totals,
    trace,
    verify,
)
from sandik.logs import LogForm, configure_logs
from schemas.errors import SandikError, UsageError

app = typer.Typer(
    name="sandik",
    help="Carries every ballot box's count from the feed that reports it to the number on air.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)

for module in (
    demo,
    boxes,
    reports,
    simulate,
    scenarios,
    replay,
    aggregate,
    gateway,
    graphics,
    totals,
    export,
    compare,
    at,
    trace,
    archive,
    verify,
    restore,
    timeline,
    schema,
    load,
    token,
):
    name = module.__name__.rsplit(".", 1)[1]
    app.command(name, epilog=module.EXAMPLE)(getattr(module, name))
app.add_typer(control.app, name="control", epilog=control.EXAMPLE)


@app.callback()
def _logs(
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", envvar="SANDIK_VERBOSE", help="Say what is going on.")
    ] = False,
    log_format: Annotated[
        LogForm,
        typer.Option(envvar="SANDIK_LOG_FORMAT", help="How log lines are written: console, or json for machines."),
    ] = LogForm.CONSOLE,
) -> None:
    configure_logs(log_format, verbose=verbose)


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 the log failed, 2 what was asked cannot work, 130 interrupted."""
    try:
        app()
    except UsageError as error:
        screen.say(f"sandik: {error}")
        sys.exit(2)
    except SandikError as error:
        screen.say(f"sandik: {error}")
        sys.exit(1)
    except (KeyboardInterrupt, asyncio.CancelledError):
        screen.say("sandik: stopped.")
        sys.exit(130)
