"""What a gateway is about: a run in one incarnation of its log, and the clients that look at it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import orjson

from eventlog.run import Run
from gateway.clients.framing import Framing
from gateway.clients.hub import Hub
from gateway.clients.session import Catalogue
from schemas.wire import PROTOCOL, Scope
from tabulation.derived.alarms import Alarms
from tabulation.orders.control import Control
from tabulation.view.comparisons import Comparisons
from tabulation.view.notice_groups import NoticeGroups
from tabulation.view.program import Program
from tabulation.view.quarantine import Quarantine
from tabulation.view.view import View


class Client(Protocol):
    """A connection, as far as the gateway is concerned."""

    @property
    def framing(self) -> Framing:
        """How it is to be sent messages."""
        ...

    def unsent_bytes(self) -> int:
        """How much of what was sent still waits for the client to take it."""
        ...

    def send(self, data: bytes, /) -> None:
        """Write whole frames; only while the gateway has not been told that the client leaves."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Begin to close; `Gateway.leave` is called on the way."""
        ...

    def check(self) -> None:
        """A heartbeat: ping, or give up a peer that gave no sign of life for too long."""
        ...


@dataclass(frozen=True, eq=False)
class RunState:
    """A run in one incarnation of its log: `epoch` is what clients are told, another state has another.

    The public follows `hub`, which is over what is on air; the control room `live_hub`, which is over all there is.
    """

    run: Run
    epoch: str
    program: Program
    control: Control
    hub: Hub[Client]
    live_hub: Hub[Client]
    catalogue: Catalogue

    @property
    def view(self) -> View:
        """All there is."""
        return self.program.live

    @property
    def hubs(self) -> tuple[Hub[Client], ...]:
        """Every hub; a client is in one of them."""
        return (self.hub, self.live_hub)

    def view_for(self, scope: Scope) -> View:
        """What whoever has this scope may see, once there is no embargo: the control room sees what is held, too."""
        return self.program.view if scope == "public" else self.program.live

    def hub_for(self, scope: Scope) -> Hub[Client]:
        """The hub that serves this scope."""
        return self.hub if scope == "public" else self.live_hub

    def hello(self, scope: Scope, *, numbers: bool, heartbeat_s: float) -> bytes:
        """Encode the first message to a client of this scope. Without `numbers` it is not told the position."""
        return orjson.dumps(
            {
                "type": "hello",
                "protocol": PROTOCOL,
                "run": self.run.name,
                "mode": self.run.mode,
                "epoch": self.epoch,
                "seq": self.view.seq if numbers else 0,
                "heartbeat_s": heartbeat_s,
                "scope": scope,
            }
        )

    @cached_property
    def comparisons(self) -> Comparisons:
        """Why sources differ, as far as the aggregator has said it."""
        return Comparisons(self.run.definition)

    @cached_property
    def notices(self) -> NoticeGroups:
        """Whose event times or revisions are odd."""
        return NoticeGroups(self.run.definition)

    @cached_property
    def quarantine(self) -> Quarantine:
        """What was set aside, and waits for somebody to look at it."""
        return Quarantine(self.run.definition)

    @cached_property
    def alarms(self) -> Alarms:
        """What an operator should look at."""
        return Alarms()

    @cached_property
    def definition_json(self) -> bytes:
        """The election definition as it goes to clients: megabytes for a whole country, so it is encoded once."""
        return self.run.definition.model_dump_json().encode()
