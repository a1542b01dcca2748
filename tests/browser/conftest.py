from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from eventlog.port import EventLog
from tests.browser.chromium import chromium
from tests.browser.city import election
from tests.browser.stage import begin, log_at, publish, totals


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all tests of a process: each has a context of its own in it."""
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def night(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EventLog]:
    """Two districts have reported, in a rehearsal."""
    async with log_at(tmp_path_factory.mktemp("night")) as log:
        await begin(log, election(), mode="test")
        await publish(
            log,
            totals("tr/34/fatih", {"imamoglu": 600, "kurum": 400}, boxes=4),
            totals("tr/34/sile", {"imamoglu": 100, "kurum": 300}, boxes=2),
        )
        yield log
