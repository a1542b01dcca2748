"""The logs that the contract is tested on: both of the product's, and the one that simulations run on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from eventlog.clock import Wall
from eventlog.port import EventLog
from tests.contract.opening import open_log


@pytest.fixture(params=["sqlite", pytest.param("kafka", marks=pytest.mark.kafka), "simulated"])
def log_url(request: pytest.FixtureRequest, tmp_path: Path, unique: str) -> str:
    """The URL of an event log: an embedded one that is empty, Kafka, which is shared, or a simulated one."""
    if request.param == "sqlite":
        return f"sqlite:{tmp_path / 'log.db'}"
    if request.param == "simulated":
        return f"simulated:{unique}"
    return f"kafka://{request.getfixturevalue('kafka')}"


@pytest.fixture
async def log(log_url: str) -> AsyncIterator[EventLog]:
    """An open event log of each kind."""
    async with open_log(log_url, Wall()) as opened:
        yield opened
