"""Seeded random numbers: the only place in sandik that makes a random number generator."""

import random
from collections.abc import MutableSequence
from typing import Any, Protocol


class Chance(Protocol):
    """A random number generator, as far as sandik needs one: a part of `random.Random`."""

    def random(self) -> float:
        """Return a number from 0 up to, not including, 1."""
        ...

    def gauss(self, mu: float = 0.0, sigma: float = 1.0) -> float:
        """Return a normally distributed number."""
        ...

    def randrange(self, start: int, stop: int) -> int:
        """Return a whole number from `start` up to, not including, `stop`."""
        ...

    def shuffle(self, x: MutableSequence[Any]) -> None:
        """Put a list in a random order, in place."""
        ...


def seeded(*parts: object) -> Chance:
    """Return a generator for what the parts name, such as `seeded(1, "tr/34/uskudar", "counts")`.

    The same parts give the same numbers in every process: `random.Random` hashes a text with SHA-512, not with
    Python's per-process `hash`.
    """
    return random.Random("/".join(map(str, parts)))  # noqa: S311  a staged night keeps no secrets
