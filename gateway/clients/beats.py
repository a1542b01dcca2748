"""Whose heartbeat is due. Pure.

Every client has one in each `heartbeat_s`, but not all at once: ten thousand pings and states in one go would hold up
the night's numbers for a third of a second.
"""

from typing import Final, Generic, TypeVar

ClientT = TypeVar("ClientT")
"""Whatever the caller tells its clients apart by; it must be hashable."""

SLOTS: Final = 10
"""Into how many groups the clients are dealt: with a heartbeat of ten seconds, one group a second."""


class Beats(Generic[ClientT]):
    """The clients, each in one slot of the heartbeat."""

    def __init__(self, heartbeat_s: float, now: float) -> None:
        self._slot_s: Final = heartbeat_s / SLOTS
        self._slots: Final[list[dict[ClientT, None]]] = [{} for _ in range(SLOTS)]
        self._slot_of: Final[dict[ClientT, int]] = {}
        self._reached = now
        self._current = 0
        self._dealt = 0

    def enter(self, client: ClientT) -> None:
        """Deal the client into the next slot."""
        self._slot_of[client] = self._dealt
        self._slots[self._dealt][client] = None
        self._dealt = (self._dealt + 1) % SLOTS

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
