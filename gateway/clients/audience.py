"""Who of the clients may see numbers, whose heartbeat is due, who has stalled, and how a gateway lets them go. Pure.

While an embargo is in force, the public's subscriptions are kept here and not in the hub: what is not in the hub cannot
be sent anything. When it ends they go there, each with the cursor that it came with, and get what they are owed.

Every client has one heartbeat in each `heartbeat_s`, but not all at once: ten thousand pings and states in one go would
hold up the night's numbers for a third of a second.

A client whose socket does not drain is sent nothing, so its unsent bytes only ever get fewer. While they do, it is
slow, and it is kept. Where they stay the same for too long, it has stalled, and is closed.

Ten thousand clients that reconnect in the same moment would keep the gateways that are left from everybody else. So
each is told how long to wait, drawn at random, and a gateway that ends drains them in batches.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final, Generic, NamedTuple, TypeVar

import orjson

from gateway.admission.access import PUBLIC, Grant, may_see_numbers
from gateway.clients.session import Follow
from tabulation.orders.effects import NO_EMBARGO, Embargo

ClientT = TypeVar("ClientT")
"""Whatever the caller tells its clients apart by; it must be hashable."""


class Audience(Generic[ClientT]):
    """The clients by what they may see."""

    def __init__(self) -> None:
        self.embargo: Embargo = NO_EMBARGO
        self.public_sees = True
        """Whether the public may see numbers, as of the last `look`."""
        self._grants: Final[dict[ClientT, Grant]] = {}
        self._first_expiry: datetime | None = None
        """Before this moment no token expires; `None`: none of those that are here ever does."""
        self._kept: Final[dict[ClientT, dict[str, Follow]]] = {}

    def enter(self, client: ClientT, grant: Grant) -> None:
        """Note a client's grant. The public, who are most, take no room."""
        if grant != PUBLIC:
            self._grants[client] = grant
            self._first_expiry = _earlier(self._first_expiry, grant.expires)

    def leave(self, client: ClientT) -> None:
        """Forget a client."""
        self._grants.pop(client, None)
        self._kept.pop(client, None)

    def grant(self, client: ClientT) -> Grant:
        """What the client may do."""
        return self._grants.get(client, PUBLIC)

    def sees(self, client: ClientT) -> bool:
        """Whether the client may see numbers."""
        return self.public_sees or self.grant(client).allows("control_room")

    def look(self, now: datetime) -> bool:
        """Work out anew whether the public sees numbers at `now`; returns whether that has changed."""
        before, self.public_sees = self.public_sees, may_see_numbers("public", self.embargo, now)
        return before != self.public_sees

    def keep(self, client: ClientT, follow: Follow) -> None:
        """Keep what a client has asked for who may not see it yet, instead of what it asked before by the same id."""
        self._kept.setdefault(client, {})[follow.subscription.id] = follow

    def drop(self, client: ClientT, subscription_id: str) -> None:
        """Forget a kept subscription."""
        self._kept.get(client, {}).pop(subscription_id, None)

    def release_kept(self) -> list[tuple[ClientT, Follow]]:
        """Return every kept subscription, and keep none of them any longer."""
        kept = [(client, follow) for client, follows in self._kept.items() for follow in follows.values()]
        self._kept.clear()
        return kept

    def unseeing(self, clients: Iterable[ClientT]) -> list[ClientT]:
        """Those of the clients who may not see numbers."""
        return [client for client in clients if not self.sees(client)]

    def expired(self, now: datetime) -> list[ClientT]:
        """Those whose token has expired. Quick to say that there are none."""
        if self._first_expiry is None or now < self._first_expiry:
            return []
        found = [client for client, grant in self._grants.items() if grant.has_expired(now)]
        self._first_expiry = None
        for grant in self._grants.values():
            self._first_expiry = _earlier(self._first_expiry, grant.expires)
        return found


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """The earlier of two moments, where `None` never comes."""
    return min((moment for moment in (one, other) if moment is not None), default=None)


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
