"""Which event loops the gateway's tests run on."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

import pytest
import uvloop

_BOTH: Final = "test_server"
"""The tests that speak to real sockets about flow and closing, where the loops differ."""


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Both loops where it matters: the command line runs on uvloop, whoever embeds the gateway may not."""
    plain = {"asyncio": asyncio.new_event_loop}
    return plain | {"uvloop": uvloop.new_event_loop} if item.path.stem == _BOTH else plain
