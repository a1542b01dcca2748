"""The examples of docs/client.md do what the page says, against the real gateway."""

import asyncio
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

from sandik.client import LiveNight, Night
from tests.gateway.gateways import night, publish, running
from tests.gateway.nights import totals
from tests.node.node import FOLDER, node_path, with_websocket
from tests.patience import LIMIT_S

PAGE = (Path(__file__).parents[2] / "docs" / "client.md").read_text()
CLIENT = Path(__file__).parents[2] / "gateway" / "pages" / "client"


def example(language: str) -> str:
    """The page's first example in a language: the whole program."""
    code, *_ = re.findall(rf"```{language}\n(.*?)\n```", PAGE, re.DOTALL)
    return str(code)


async def follows(folder: Path, *command: str) -> None:
    """A command that is given the gateway's address says what the night says."""
    async with night(folder) as log, running(log) as gateway:
        await publish(log, totals(votes={"imamoglu": 7}))
        process = await asyncio.create_subprocess_exec(*command, gateway.http, stdin=DEVNULL, stdout=PIPE, cwd=FOLDER)
        try:
            assert process.stdout is not None
            async with asyncio.timeout(3 * LIMIT_S):
                said = await process.stdout.readline()
        finally:
            process.kill()
            await process.communicate()
    assert said.startswith(b"tr/34/uskudar {")
    assert re.search(rb"imamoglu'?: 7", said)


async def test_the_example_in_python_follows_a_night(tmp_path: Path) -> None:
    script = tmp_path / "example.py"
    script.write_text(example("python"))
    await follows(tmp_path, sys.executable, str(script))


async def test_the_example_for_node_follows_a_night(tmp_path: Path) -> None:
    script = tmp_path / "example.mjs"
    script.write_text(example("js").replace("@sandik/client", (CLIENT / "index.js").as_uri()))
    await follows(tmp_path, node_path(), *await with_websocket(), str(script))


def test_what_there_is_to_read_is_there_in_both_languages() -> None:
    """In the page's table and, of JavaScript, in the package's own README."""
    declared = (CLIENT / "index.d.ts").read_text(encoding="utf-8")
    in_javascript = set(re.findall(r"^  (?:readonly )?(\w+)(?:\(|\??:)", declared, re.MULTILINE)) | {"on"}
    rows = [
        row.split("|")[1:3]
        for row in PAGE.split("| JavaScript | Python | |\n|---|---|---|\n")[1].split("\n\n")[0].splitlines()
    ]
    told = [names(javascript) for javascript, _ in rows]
    readme = (CLIENT / "README.md").read_text(encoding="utf-8")
    shown = {name.removeprefix("night.") for name in re.findall(r"`(night\.\w+)", readme)}
    in_python = {name for javascript, python in rows for name in names(javascript if "the same" in python else python)}

    assert {"entry", "held", "on"} <= {*told[0], *told[7], *told[-1]}
    assert set() == {name for row in told for name in row} - in_javascript
    assert set() == shown - in_javascript
    machine = Night(send=lambda _: None, tell=lambda _: None, now=lambda: 0.0, random=lambda: 0.0)
    assert set() == {name for name in in_python if not (hasattr(LiveNight, name) or hasattr(machine, name))}


def names(cell: str) -> list[str]:
    """What a cell of the table names."""
    return re.findall(r"`(\w+)(?:\([^`]*\))?`", cell)
