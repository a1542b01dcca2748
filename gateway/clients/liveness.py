"""Liveness: whose heartbeat is due, who has stalled, and how a gateway that ends drains its clients. Pure.

Every client has one heartbeat in each `heartbeat_s`, but not all at once: ten thousand pings and states in one go would
hold up the night's numbers for a third of a second.

A client whose socket does not drain is sent nothing, so its unsent bytes only ever get fewer. While they do, it is
slow, and it is kept. Where they stay the same for too long, it has stalled, and is closed.

Ten thousand clients that reconnect in the same moment would keep the gateways that are left from everybody else. So
each is told how long to wait, drawn at random, and a gateway that ends drains them in batches.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final, Generic, NamedTuple, TypeVar

import orjson

ClientT = TypeVar("ClientT")
"""Whatever the caller tells its clients apart by; it must be hashable."""

SLOTS: Final = 10
"""Into how many groups the clients are divided: with a heartbeat of ten seconds, one group a second."""


class HeartbeatSchedule(Generic[ClientT]):
    """The clients, each in one slot of the heartbeat."""

    def __init__(self, heartbeat_s: float, now: float) -> None:
        self._slot_s: Final = heartbeat_s / SLOTS
        self._slots: Final[list[dict[ClientT, None]]] = [{} for _ in range(SLOTS)]
        self._slot_of: Final[dict[ClientT, int]] = {}
        self._reached = now
        self._current = 0
        self._next_slot = 0

    def enter(self, client: ClientT) -> None:
        """Put the client into the next slot, in turn."""
        self._slot_of[client] = self._next_slot
        self._slots[self._next_slot][client] = None
        self._next_slot = (self._next_slot + 1) % SLOTS

    def leave(self, client: ClientT) -> None:
        """Forget the client."""
        slot = self._slot_of.pop(client, None)
        if slot is not None:
            del self._slots[slot][client]

    def due(self, now: float) -> list[ClientT]:
        """The clients of the slots that were passed since this was last asked; each once."""
        passed = int((now - self._reached) / self._slot_s)
        self._reached += passed * self._slot_s
        clients: list[ClientT] = []
        for _ in range(min(passed, SLOTS)):
            clients += self._slots[self._current]
            self._current = (self._current + 1) % SLOTS
        return clients


class _Progress(NamedTuple):
    unsent_bytes: int
    since: float


class Stalls(Generic[ClientT]):
    """The clients that do not drain, and when each last took something."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s: Final = patience_s
        self._stopped: Final[dict[ClientT, _Progress]] = {}

    def __len__(self) -> int:
        """How many do not drain."""
        return len(self._stopped)

    def stopped(self, client: ClientT, unsent_bytes: int, now: float) -> None:
        """Note that the client's socket does not drain, with its unsent bytes at `now` (monotonic seconds)."""
        self._stopped[client] = _Progress(unsent_bytes, now)

    def resumed(self, client: ClientT) -> None:
        """Forget the client: its socket drains again, or it is gone."""
        self._stopped.pop(client, None)

    def overdue(self, unsent_bytes: Callable[[ClientT], int], now: float) -> list[ClientT]:
        """Those who have taken nothing for longer than there is patience; each is named once."""
        found = []
        for client, before in list(self._stopped.items()):
            left = unsent_bytes(client)
            if left < before.unsent_bytes:
                self._stopped[client] = _Progress(left, now)
            elif now - before.since >= self._patience_s:
                del self._stopped[client]
                found.append(client)
        return found


RESTART_CODE: Final = 1012
"""RFC 6455's registry: the service restarts, come back."""

RESTART_REASON: Final = "the server restarts; connect again with the cursor"

RECONNECTS_PER_S: Final = 1_000
"""Clients that may come back in a second: handshake, greeting and first answer of so many take a fifth of a core."""

MIN_SPREAD_S: Final = 1.0
"""Also a few clients do not come back in the very moment in which others do."""

MAX_BATCHES: Final = 10
"""Batches in which a gateway lets its clients go: each a tenth of them, for who does not heed `retry_after_s`."""

MIN_BATCH_CLIENTS: Final = 100
"""Fewer than that are let go together, and the gateway need not wait."""


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
