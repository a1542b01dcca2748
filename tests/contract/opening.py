"""Opening any log that keeps the contract, by its URL."""

from typing import Final

from eventlog.clock import Clock
from eventlog.port import EventLog
from sandik import wiring
from schemas.moments import epoch_ms
from tests.simulation.seeded.log import SimulatedLog
from tests.simulation.seeded.store import Store

_stores: Final[dict[str, Store]] = {}


def open_log(url: str, clock: Clock) -> EventLog:
    """The log behind a URL: `simulated:NAME` is the store of that name, in this process."""
    if not url.startswith("simulated:"):
        return wiring.open_log(url, clock)
    return SimulatedLog(_stores.setdefault(url, Store(lambda: epoch_ms(clock.now()), clock.monotonic)))
