"""Who has taken nothing for too long. Pure.

A client that does not drain is sent nothing, so its unsent bytes only ever get fewer; while they do, it is slow, and
slow is welcome. Where they stay the same, nobody reads any more.
"""

from collections.abc import Callable
from typing import Final, Generic, NamedTuple, TypeVar

ClientT = TypeVar("ClientT")
"""Whatever the caller tells its clients apart by; it must be hashable."""


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
        """The client takes no more at the moment."""
        self._stopped[client] = _Progress(unsent_bytes, now)

    def resumed(self, client: ClientT) -> None:
        """The client takes more again, or is gone."""
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
