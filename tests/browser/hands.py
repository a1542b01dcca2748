"""An operator's hands on a keyboard: every key is counted, and every task timed."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from playwright.async_api import Page


class Task(NamedTuple):
    """What was done, with how many keys, in how many seconds until the screen showed that it is done."""

    name: str
    keys: int
    seconds: float


class Hands:
    """Keys on a page, and nothing else."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._keys = 0
        self.tasks: list[Task] = []

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other; a chord is one."""
        for key in keys:
            self._keys += 1
            await self._page.keyboard.press(key)

    async def type(self, text: str) -> None:
        """Type a text, a key for each letter."""
        self._keys += len(text)
        await self._page.keyboard.type(text)

    @asynccontextmanager
    async def task(self, name: str) -> AsyncIterator[None]:
        """Count and time what is done in the block."""
        self._keys, begun = 0, time.perf_counter()
        yield
        self.tasks.append(Task(name, self._keys, time.perf_counter() - begun))

    def table(self) -> str:
        """The tasks as a table in Markdown."""
        lines = ["| task | keys | seconds |", "|---|---:|---:|"]
        return "\n".join([*lines, *(f"| {task.name} | {task.keys} | {task.seconds:.1f} |" for task in self.tasks)])
