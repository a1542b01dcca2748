"""The client in JavaScript, in Node, against the real gateway through a line that fails; its size and its types."""

import asyncio
import gzip
import json
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.client.chaos import WANTED, Screen, chaos
from tests.gateway.nights import DISTRICTS
from tests.node.node import FOLDER, needs_packages, node_path, run_node, with_websocket

CLIENT = Path(__file__).parents[2] / "gateway" / "pages" / "client"
UNITS = ["tr", "tr/06", "tr/34", *DISTRICTS]
MAX_GZIPPED_BYTES = 13_000
"""As it is served: with its comments, which say the types."""
MAX_LINE_BYTES = 1 << 20


@asynccontextmanager
async def following(url: str, screen: Screen) -> AsyncIterator[None]:
    """A client in a process of its own, as long as the block lasts."""
    arguments = [*await with_websocket(), "follow.mjs", url, json.dumps(WANTED), json.dumps(UNITS)]
    process = await asyncio.create_subprocess_exec(
        node_path(), *arguments, cwd=FOLDER, stdin=DEVNULL, stdout=PIPE, limit=MAX_LINE_BYTES
    )
    assert process.stdout is not None
    listening = asyncio.create_task(listen(process.stdout, screen))
    try:
        yield
    finally:
        process.kill()
        await asyncio.wait({listening})
        await process.wait()


async def listen(lines: asyncio.StreamReader, screen: Screen) -> None:
    """Pass on what the client says that it shows."""
    while line := await lines.readline():
        screen.show(*orjson.loads(line))


@pytest.mark.parametrize("seed", [3, 4])
async def test_after_every_fault_the_view_is_the_gateways(tmp_path: Path, seed: int) -> None:
    screen = Screen()
    async with chaos(tmp_path, seed) as staged, following(staged.url, screen):
        await staged.rounds(screen)


async def test_the_connection_does_in_node_what_it_should() -> None:
    await run_node("--test", "connection.test.mjs")


def test_the_client_is_small_and_depends_on_nothing() -> None:
    modules = sorted(CLIENT.glob("*.js"))
    described: dict[str, Any] = json.loads((CLIENT / "package.json").read_text())
    size_bytes = len(gzip.compress(b"".join(module.read_bytes() for module in modules)))

    assert size_bytes < MAX_GZIPPED_BYTES
    assert {"dependencies", "peerDependencies", "optionalDependencies"}.isdisjoint(described)


def test_the_client_imports_only_itself() -> None:
    imported = {
        line.split('"')[1]
        for module in CLIENT.glob("*.js")
        for line in module.read_text().splitlines()
        if line.startswith(("import ", "export {")) and '"' in line
    }

    assert {f"./{module.name}" for module in CLIENT.glob("*.js")} >= imported
    assert len(imported) > 3


async def test_the_types_say_what_the_client_does() -> None:
    needs_packages()
    await run_node("node_modules/typescript/bin/tsc", "--project", "tsconfig.json")
