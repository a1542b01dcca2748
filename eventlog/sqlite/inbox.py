"""What the writer's thread sleeps on: jobs, touches of the file while readers wait, and the time to look anyway."""

import os
import select
from collections import deque
from typing import Final, Generic, TypeVar

from eventlog.sqlite.touches import Touches

T = TypeVar("T")

LOOK_MS: Final = 100
"""How often to look, while a reader waits, whether somebody committed without touching the file.

So does a release before this one, and every other program.
"""

LOOK_UNTOLD_MS: Final = 20
"""The same where nothing tells of touches."""

PAUSE_MS: Final = 5
"""How long no touch is heeded after one: two hundred looks a second are enough, however many commits there are."""

_RINGS_BYTES: Final = 64


class Inbox(Generic[T]):
    """Items for one thread, in the order in which they were put, and its sleep until there is something to do.

    `put()` and `watch()` are for other threads, everything else for that one.
    """

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._rings, self._bell = os.pipe()
        self._touches: Touches | None = None
        self._look_ms: int | None = LOOK_UNTOLD_MS
        self._pause_ms: int | None = 0
        self._items_alone, self._all = select.poll(), select.poll()
        for poll in (self._items_alone, self._all):
            poll.register(self._rings, select.POLLIN)
        self._was_touched = self._is_asleep = self._is_unlimited = False
        self.is_watching = False

    def hear(self, touches: Touches, *, look_ms: int | None = LOOK_MS, pause_ms: int | None = PAUSE_MS) -> None:
        """Let touches end a sleep from now on; they are closed with the inbox. `None` is for ever."""
        self._touches, self._look_ms, self._pause_ms = touches, look_ms, pause_ms
        self._all.register(touches.fileno(), select.POLLIN)

    def put(self, item: T) -> None:
        """Add an item, and wake the thread."""
        self._items.append(item)
        if self._is_asleep:
            self._ring()

    def watch(self, watching: bool) -> None:  # noqa: FBT001  a callback's only argument
        """Say whether anybody waits for what others commit: while nobody does, only an item ends a sleep."""
        self.is_watching = watching
        if watching and self._is_unlimited:
            self._ring()

    def __bool__(self) -> bool:
        """Whether there is an item."""
        return bool(self._items)

    def take(self) -> T:
        """Return the next item. Raises `IndexError` where there is none."""
        return self._items.popleft()

    def sleep(self) -> None:
        """Return once there is an item or it is time to look, and now and then for no reason."""
        self._is_asleep = self._is_unlimited = True  # from here on the others ring; what they did before is seen below
        try:
            if not self._items:
                self._wait()
        finally:
            self._is_asleep = self._is_unlimited = False

    def forget_touches(self) -> None:
        """Forget the touches so far. Call order: this, then the look, which finds what they told of."""
        if self._touches is not None:
            self._touches.clear()

    def close(self) -> None:
        """Close the descriptors. Nothing is put any more."""
        os.close(self._rings)
        os.close(self._bell)
        if self._touches is not None:
            self._touches.close()

    def _wait(self) -> None:
        if not self.is_watching:
            self._has_rung(self._items_alone.poll())
            return
        self._is_unlimited = False
        if self._was_touched and self._has_rung(self._items_alone.poll(self._pause_ms)):
            return
        found = self._all.poll(self._look_ms)
        self._was_touched = len(found) > self._has_rung(found)

    def _has_rung(self, found: list[tuple[int, int]]) -> bool:
        """Whether the bell is among the descriptors that can be read; it is quiet then."""
        if all(descriptor != self._rings for descriptor, _ in found):
            return False
        os.read(self._rings, _RINGS_BYTES)
        return True

    def _ring(self) -> None:
        self._is_asleep = self._is_unlimited = False  # once is enough
        os.write(self._bell, b"\0")
