"""Writes the reference of the command line: `python -m tools.cli_reference FILE`, which `make docs` runs.

Everything in it comes from the commands themselves, as `--help` does.
"""

import inspect
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any, Final

import typer.main

from sandik.cli import app

PAGE: Final = Path(__file__).parents[1] / "docs" / "cli.md"
WIDTH: Final = 1000
"""Columns that the usage of a command may take: more than any has, so that it stays on one line."""
HEAD: Final = """\
# The command line

<!-- Written by `python -m tools.cli_reference`, from the commands themselves; do not edit. -->

Every command and option, as `--help` has them. An option that is not given takes its value from its environment
variable, where it has one.

Exit codes: 0 done, 1 the log failed or what was checked is not right, 2 what was asked cannot work, 3 something was
published and some lines were refused, 130 interrupted.
"""


def reference() -> str:
    """The page, as Markdown."""
    top = typer.main.get_command(app)
    return "\n".join([HEAD, *(_section(command, context) for command, context in _walk(top, None, "sandik"))])


def _walk(command: Any, parent: Any, name: str) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401  # typer's own, private
    """Yield the command and each one below it, with its context."""
    context = command.context_class(command, info_name=name, parent=parent, terminal_width=WIDTH)
    yield command, context
    if hasattr(command, "list_commands"):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if not found.hidden:
                yield from _walk(found, context, below)


def _section(command: Any, context: Any) -> str:  # noqa: ANN401
    """What the page says of one command."""
    title = f"`{context.command_path}`" if context.parent is not None else "Options of every command"
    lines = [f"## {title}\n", f"{inspect.cleandoc(command.help or '')}\n", _block(command.get_usage(context))]
    records = [record for one in command.get_params(context) if (record := one.get_help_record(context))]
    options = [_row(*record) for record in records if not record[0].endswith("--help")]
    if options:
        lines += ["| option | meaning | setting |\n|---|---|---|", *options, ""]
    if command.epilog:
        lines.append(_block(command.epilog))
    return "\n".join(lines)


def _block(text: str) -> str:
    return f"```text\n{text}\n```\n"


def _row(names: str, meaning: str) -> str:
    """A row of the table; the library writes what an option is set to behind two spaces, in brackets."""
    text, _, setting = meaning.partition("  [")
    code = escape(names).replace("|", "&#124;")
    return f"| <code>{code}</code> | {_prose(text.strip())} | {_prose(setting.removesuffix(']'))} |"


def _prose(text: str) -> str:
    """Words as they stand in a cell of a table in Markdown."""
    return escape(text, quote=False).replace("|", "&#124;").replace("*", "&#42;")


def main() -> None:
    """Write the page to the file that is named, or to its place in the documentation."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE
    path.write_text(reference(), encoding="utf-8")


if __name__ == "__main__":
    main()
