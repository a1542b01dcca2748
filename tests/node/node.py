"""Node, for what only it can say. Where it is absent a test skips visibly; in CI it fails."""

import asyncio
import os
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from typing import Final, NoReturn

import pytest

from tests import patience

FOLDER: Final = Path(__file__).parent
LIMIT_S: Final = 3 * patience.LIMIT_S
"""How long a script may take. Some load a parser of many modules first: two seconds, and minutes on a busy machine."""


def node_path() -> str:
    """Where Node is."""
    return shutil.which("node") or _go_without("no Node: install Debian's package nodejs")


def needs_packages() -> None:
    """Skip where `make test` has not installed what tests/node/package.json names."""
    if not (FOLDER / "node_modules").is_dir():
        _go_without("no packages of npm: run make node, or npm ci in tests/node")


async def run_node(*arguments: str, said: str = "", path: str | None = None) -> str:
    """Run Node until it ends well, and return what it printed; fail with what it complained of."""
    process = await asyncio.create_subprocess_exec(
        path or node_path(), *arguments, cwd=FOLDER, stdin=PIPE if said else DEVNULL, stdout=PIPE, stderr=PIPE
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            printed, complaints = await process.communicate(said.encode() if said else None)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        pytest.fail(f"node {' '.join(arguments)}\n{complaints.decode()}\n{printed.decode()}")
    return printed.decode()


async def with_websocket() -> tuple[str, ...]:
    """The option that gives this Node a WebSocket: none from version 22 on, where it has one anyway."""
    has = await run_node("--print", "typeof WebSocket")
    return () if has.strip() == "function" else ("--experimental-websocket",)


def _go_without(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
