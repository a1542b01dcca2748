"""What a gateway follows: a run in one incarnation of its log, with all folds of its topics and who is sent them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

import orjson

from eventlog.run import Run
from gateway.clients.framing import Framing
from gateway.clients.hub import Hub
from gateway.clients.session import Catalogue
from schemas.fields import Record
from schemas.progress import is_progress, parse_progress
from schemas.trust import OperatorKey, Verdict
from schemas.wire import PROTOCOL, Feed, Scope
from tabulation.counting.comparisons import Comparisons
from tabulation.counting.notices import NoticeGroups
from tabulation.counting.quarantine import Quarantine
from tabulation.derived.alarms import Alarms
from tabulation.derived.feeds import FeedLimits, feeds, heard_by, state_message
from tabulation.derived.history import LeadOverTime
from tabulation.orders.confirmations import moved
from tabulation.orders.control import Control
from tabulation.orders.effects import Embargo
from tabulation.program import Program
from tabulation.view import View


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

    def check(self, news: bytes) -> None:
        """A heartbeat: send these frames and a ping, or give up a peer that gave no sign of life for too long."""
        ...


class RunState:
    """A run in one incarnation of its log: `epoch` is what clients are told, another state has another.

    The public follows `hub`, which is over what is on air; the control room `live_hub`, which is over all there is.
    """

    def __init__(self, run: Run, epoch: str, operators: Sequence[OperatorKey] = ()) -> None:
        definition = run.definition
        self.run: Final = run
        self.epoch: Final = epoch
        self.program: Final = Program(definition)
        self.lead_over_time: Final = LeadOverTime(self.program.view)
        """How the units stood since this gateway began and, once that is recalled, before."""
        self.control: Final = Control(run, operators)
        self.hub: Final = Hub[Client](self.program.view, epoch)
        self.live_hub: Final = Hub[Client](self.program.live, epoch)
        self.catalogue: Final = Catalogue(definition)
        self.comparisons: Final = Comparisons(definition)
        """Why sources differ, as far as the aggregator has published it."""
        self.notices: Final = NoticeGroups(definition)
        """Whose event times or revisions are odd."""
        self.quarantine: Final = Quarantine(definition)
        """What is in quarantine, and waits for somebody to look at it."""
        self._encoded: dict[int, bytes] = {}
        self.alarms: Final = Alarms()
        """What an operator should look at."""

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

    def definition_json(self, version: int) -> bytes:
        """This version of the definition as it goes to clients: megabytes for a country, so it is encoded once."""
        if version not in self._encoded:
            self._encoded[version] = self.run.definition_of(version).model_dump_json().encode()
        return self._encoded[version]

    @property
    def positions(self) -> tuple[int, int, int]:
        """How far the topics are folded of which the state message tells: while they stand, only time changes it."""
        return self.view.seq, self.control.position, self.quarantine.seq

    def fold(self, record: Record) -> None:
        """Fold the next record of the totals topic."""
        if self.program.fold(record):
            self.control.clock.figures_changed()
        self.notices.fold(record)
        if is_progress(record.key) and (progress := parse_progress(record.value)) is not None:
            self.control.clock.receive_progress(progress)

    def caught_up(self) -> None:
        """Note that the totals topic is folded to the end that it had at the start."""
        self.program.caught_up()
        self.lead_over_time.begin()

    def fold_control(self, record: Record) -> Verdict | None:
        """Fold the next record of the control topic; returns what was judged of it, `None` where it is no order."""
        verdict = self.control.fold(record)
        if verdict is not None and verdict.order is not None and verdict.counts:
            self.quarantine.apply_order(verdict.order)
        return verdict

    def feeds(
        self, now: datetime, *, limits: FeedLimits, reachable: bool, arrived_s: Mapping[str, float]
    ) -> dict[str, Feed]:
        """How every source is doing. `arrived_s`: seconds since each source's newest record came in."""
        replay = self.control.clock.at(now)
        return feeds(
            self.run.definition.source_ids,
            heard_by(self.view, replay),
            now,
            reachable=reachable,
            limits=limits,
            replay=replay,
            set_aside=self.quarantine.open.by_source,
            restarted=self.notices.by_source("restarted"),
            ahead=self.notices.by_source("ahead"),
            impossible=self.notices.by_source("impossible"),
            arrived_s=arrived_s,
        )

    def look_for_alarms(self, found: Mapping[str, Feed], now: datetime) -> None:
        """Raise what an operator should look at by now. `found` is how the feeds are."""
        self.alarms.check_overridden(moved(self.program.on_air), now)
        self.alarms.look(self.view, found, now, self.quarantine.open, self.notices)

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
                "definition_version": self.run.version,
            }
        )

    def state(
        self, now: datetime, found: Mapping[str, Feed], embargo: Embargo, *, reachable: bool, numbers: bool
    ) -> bytes:
        """Encode the state message. Without `numbers` it has only what may be known during an embargo."""
        program = self.program
        return state_message(
            *(program.seq, now, found, embargo),
            reachable=reachable,
            numbers=numbers,
            hold=program.hold,
            held_in_part=program.held_in_part,
            calls=self.control.calls,
            replay=self.control.clock.at(now),
            graphics={channel: shown.graphic for channel, shown in self.control.rundown.on_air.items()},
        )
