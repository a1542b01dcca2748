"""The examples of docs/client.md do what the page says, against the real gateway."""

import asyncio
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

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
