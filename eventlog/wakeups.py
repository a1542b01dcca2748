"""Waking readers that wait for more: by topic, without polling and without missing an append."""

import asyncio
from collections.abc import Callable
from typing import Final

_NEVER: Final = 0


class Wakeups:
    """Counts the appends to each topic, and lets readers wait for the next. Lives on one event loop.

    A reader takes `seen(topic)`, looks for records, and only then waits for the count to move on; so an append between
    the look and the wait is not missed.
    """

    def __init__(self, on_watch: Callable[[bool], None]) -> None:
        self._on_watch = on_watch
        self._counts: dict[str, int] = {}
        self._everywhere = 0
        self._waiting: dict[asyncio.Future[None], str] = {}

    def seen(self, topic: str) -> int:
        """How many appends were noticed so far."""
        return self._counts.get(topic, _NEVER) + self._everywhere

    def wake(self, topic: str | None) -> None:
        """Something was appended to the topic; or, for `None`, to nobody knows which."""
        if topic is None:
            self._everywhere += 1
        else:
            self._counts[topic] = self._counts.get(topic, _NEVER) + 1
        for future, waits_for in self._waiting.items():
            if topic in (None, waits_for) and not future.done():
                future.set_result(None)

    async def wait(self, topic: str, seen: int, seconds: float) -> None:
        """Return once more was appended than had been `seen`, or when the time is up."""
        if seconds <= 0 or self.seen(topic) != seen:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[future] = topic
        if len(self._waiting) == 1:
            self._on_watch(True)  # noqa: FBT003  the callback's only argument
        try:
            await asyncio.wait([future], timeout=seconds)
        finally:
            del self._waiting[future]
            if not self._waiting:
                self._on_watch(False)  # noqa: FBT003  as above
