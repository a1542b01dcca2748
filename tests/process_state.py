"""What belongs to the whole process and a command sets for itself, put back: no test decides what a later one sees.

A command that runs in a test's own process configures the log lines and calms the garbage collector, and so does a
server of uvicorn's with the loggers that are its own.
"""

import gc
import logging
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import pytest

from sandik.logs import PACKAGES

_CONFIGURED: Final = (*PACKAGES, "aiokafka", "asyncio", "uvicorn", "uvicorn.access", "uvicorn.asgi", "uvicorn.error")
for _name in _CONFIGURED:
    logging.getLogger(_name)  # there from the start, so that what it is before the first test is known


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Around each test, its fixtures included."""
    with put_back():
        return (yield)


@dataclass(frozen=True, slots=True)
class _State:
    """What can be set of a logger."""

    level: int
    propagate: bool
    disabled: bool
    handlers: tuple[logging.Handler, ...]
    filters: tuple[object, ...]


@contextmanager
def put_back() -> Iterator[None]:
    """Leave every logger that there is, and when garbage is collected, as they were before."""
    loggers = {logger: _state(logger) for logger in _loggers()}
    silenced = logging.root.manager.disable
    thresholds, is_enabled = gc.get_threshold(), gc.isenabled()
    try:
        yield
    finally:
        logging.disable(silenced)
        for logger, state in loggers.items():
            if state != _state(logger):
                _restore(logger, state)
        gc.set_threshold(*thresholds)
        (gc.enable if is_enabled else gc.disable)()


def _loggers() -> list[logging.Logger]:
    named = logging.root.manager.loggerDict.values()
    return [logging.root, *(logger for logger in named if isinstance(logger, logging.Logger))]


def _state(logger: logging.Logger) -> _State:
    return _State(logger.level, logger.propagate, logger.disabled, tuple(logger.handlers), tuple(logger.filters))


def _restore(logger: logging.Logger, state: _State) -> None:
    logger.setLevel(state.level)
    logger.propagate, logger.disabled = state.propagate, state.disabled
    logger.handlers[:], logger.filters[:] = state.handlers, state.filters  # type: ignore[assignment]  # typed as either kind
