"""In which order the tests run: modules with slow tests first, so that none begins when all the others are done."""

import os
from collections.abc import Sequence
from itertools import chain, groupby
from typing import Final, Protocol, TypeVar

import pytest

_WORKERS: Final = "PYTEST_XDIST_WORKER_COUNT"


class Test(Protocol):
    """What is asked of a test."""

    @property
    def path(self) -> object:
        """Its module's file."""
        ...

    def get_closest_marker(self, name: str) -> object:
        """The marker of this name, if it has one."""
        ...


T = TypeVar("T", bound=Test)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put them in order; pytest-randomly has shuffled modules, and the tests in each."""
    items[:] = slow_first(items, int(os.environ.get(_WORKERS, "1")))


def slow_first(tests: Sequence[T], workers: int) -> list[T]:
    """Put modules that have a slow test first, as many in each worker's part; otherwise the order stays.

    pytest-xdist's `worksteal` gives each worker its part of the row from the start. Who is done steals from the ends of
    other parts, where quick tests are.
    """
    modules = [list(group) for _, group in groupby(tests, key=lambda test: test.path)]
    slow = [module for module in modules if any(test.get_closest_marker("slow") for test in module)]
    quick = list(chain.from_iterable(module for module in modules if module not in slow))
    ordered: list[T] = []
    for worker in range(workers):
        size = (len(tests) - len(ordered)) // (workers - worker)
        ordered += chain.from_iterable(slow[worker::workers])
        room = max(0, size - sum(map(len, slow[worker::workers])))
        ordered += quick[:room]
        del quick[:room]
    return ordered + quick
