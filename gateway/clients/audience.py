"""Who of the clients may see numbers at the moment, and what the others have asked for meanwhile. Pure.

While an embargo is in force, the public's subscriptions are kept here and not in the hub: what is not in the hub cannot
be sent anything. When it ends they go there, each with the cursor that it came with, and get what they are owed.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Generic, TypeVar

from gateway.admission.access import PUBLIC, Grant, may_see_numbers
from gateway.clients.session import Follow
from tabulation.orders.restrictions import NO_EMBARGO, Embargo

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
