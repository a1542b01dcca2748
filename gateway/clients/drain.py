"""Sending clients away without having all of them back at once. Pure.

Ten thousand that come back in the same moment would keep the gateways that are left from everybody else. So each is
told how long to wait, drawn at random, and a gateway that ends lets them go in batches.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, TypeVar

import orjson

RESTART_CODE: Final = 1012
"""RFC 6455's registry: the service restarts, come back."""

RESTART_REASON: Final = "the server restarts; connect again with the cursor"

RECONNECTS_PER_S: Final = 1_000
"""Clients that may come back in a second: handshake, greeting and first answer of so many take half a core."""

MIN_SPREAD_S: Final = 1.0
"""Also a few clients do not come back in the very moment in which others do."""

MAX_BATCHES: Final = 10
"""Batches in which a gateway lets its clients go: each a tenth of them, for who does not heed `retry_after_s`."""

MIN_BATCH_CLIENTS: Final = 100
"""Fewer than that are let go together, and the gateway need not wait."""

ClientT = TypeVar("ClientT")


def retry_after_s(clients: int, chance: float) -> float:
    """How long one of so many clients is to wait; `chance` is drawn from [0, 1) for each of them."""
    return round(chance * max(MIN_SPREAD_S, clients / RECONNECTS_PER_S), 3)


def goodbye_message(code: int, wait_s: float) -> bytes:
    """The message before a close that asks to come back after so long."""
    return orjson.dumps({"type": "goodbye", "code": code, "retry_after_s": wait_s})


def batches(clients: Sequence[ClientT]) -> list[Sequence[ClientT]]:
    """The clients in batches of about the same size: few clients in one, many in `MAX_BATCHES`."""
    count = min(MAX_BATCHES, -(-len(clients) // MIN_BATCH_CLIENTS))
    bounds = [len(clients) * number // count for number in range(count + 1)] if count else []
    return [clients[first:last] for first, last in pairwise(bounds)]
