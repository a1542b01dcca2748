"""What is fuzzed: a corpus of sound inputs, and a check that raises where the product breaks a law on an input."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import NamedTuple

Check = Callable[[bytes], None]
"""Gives the product an input. Returns where it was taken or refused as it should be, and raises anything else."""


class Broken(Exception):
    """A law does not hold for an input."""


class Opened(NamedTuple):
    """A target that is ready: sound inputs to begin from, and what is asked of every input."""

    corpus: Sequence[bytes]
    check: Check


@dataclass(frozen=True, slots=True)
class Target:
    """One kind of input. `share` is its part of a campaign's inputs, `cpu_s` what one of them may take at most."""

    name: str
    about: str
    share: int
    opened: Callable[[], AbstractContextManager[Opened]]
    cpu_s: float = 2.0


def simple(make: Callable[[], Opened]) -> Callable[[], AbstractContextManager[Opened]]:
    """A target that holds nothing that has to be closed."""

    @contextmanager
    def opened() -> Iterator[Opened]:
        yield make()

    return opened


def expect(holds: object, law: str) -> None:
    """Raise `Broken` where a law does not hold."""
    if not holds:
        raise Broken(law)
