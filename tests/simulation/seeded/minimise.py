"""Making a list of faults shorter while it still fails: delta debugging (Zeller and Hildebrandt, 2002). Pure."""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def minimise(items: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> list[T]:
    """Some of the items, in their order, that still fail, and of which none can be left out."""
    left, parts = list(items), 2
    while left:
        size = max(1, -(-len(left) // parts))
        for begin in range(0, len(left), size):
            fewer = left[:begin] + left[begin + size :]
            if fails(fewer):
                left, parts = fewer, max(2, parts - 1)
                break
        else:
            if size == 1:
                break
            parts = min(len(left), 2 * parts)
    return left
