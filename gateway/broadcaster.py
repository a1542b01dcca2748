"""The broadcaster: the clients of one gateway, and what each of them is sent.

Call order: `begin` with a run's state; `open` once its totals are read; `part` before another begins. Clients may
`connect` at any moment: they are greeted when the broadcaster is open. Nothing here waits.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from eventlog.clock import Clock
from gateway.admission.access import PUBLIC, Grant
from gateway.clients.audience import (
    RESTART_CODE,
    RESTART_REASON,
    Audience,
    HeartbeatSchedule,
    Stalls,
    batches,
    goodbye_message,
    retry_after_s,
)
from gateway.clients.framing import Framing, framed
from gateway.clients.hub import Hub
from gateway.clients.session import Close, Follow, Output, Reply, Session, State, Unfollow
from gateway.run_state import Client, RunState
from gateway.settings import GatewaySettings
from schemas.wire import CLOSE_REASONS, CloseCode, Scope
from tabulation.orders.effects import Embargo


class Sent(NamedTuple):
    """How much one turn has written, over all clients."""

    frames: int = 0
    size_bytes: int = 0


class Broadcaster:
    """Fans out to clients what they are owed."""

    def __init__(
        self, clock: Clock, settings: GatewaySettings, state: Callable[[bool], bytes], chance: Callable[[], float]
    ) -> None:
        """`state` encodes how the feeds are now: with numbers (True), or as much as may be known during an embargo.

        While that is the same it returns the same object. `chance` draws from [0, 1) how long a client that is sent
        away waits.
        """
        self.work: Final = asyncio.Event()
        """Set while `send_owed` would have something to do."""
        self._clock = clock
        self._settings = settings
        self._state = state
        self._chance = chance
        self._run_state: RunState | None = None
        self._is_open = False
        self._audience: Audience[Client] = Audience()
        self._stalls: Stalls[Client] = Stalls(settings.stalled_s)
        self._heartbeats: HeartbeatSchedule[Client] = HeartbeatSchedule(settings.heartbeat_s, clock.monotonic())
        self._clients: dict[Client, None] = {}
        self._sessions: dict[Client, Session] = {}
        self._greetings: dict[tuple[Scope, bool, Framing], tuple[bytes, bytes]] = {}
        """The last state told in a greeting, and that greeting: by scope, with numbers or without, and framing."""

    @property
    def connections(self) -> int:
        """How many clients are connected, also those that wait for the run."""
        return len(self._clients)

    @property
    def stalled(self) -> int:
        """How many clients do not drain at the moment."""
        return len(self._stalls)

    @property
    def embargo(self) -> Embargo:
        """The embargo, in force or not."""
        return self._audience.embargo

    # Which run it is about

    def begin(self, run_state: RunState) -> None:
        """Send from this state of a run from now on. Clients wait until it is open."""
        self._run_state = run_state

    def open(self) -> None:
        """Greet everybody who waits: the totals are read."""
        self._is_open = True
        self.apply_embargo()
        for client, session in list(self._sessions.items()):
            self._greet(client, session)

    def part(self) -> None:
        """Send away those who were sent something, which is of a log that is no more. Who still waits stays."""
        self._is_open = False
        greeted = [client for client, session in self._sessions.items() if session.state is State.OPEN]
        self.dismiss(greeted, CloseCode.EPOCH_ENDED, CLOSE_REASONS[CloseCode.EPOCH_ENDED], leaving=len(greeted))

    def set_embargo(self, embargo: Embargo) -> None:
        """From now on this embargo holds, instead of the one before."""
        self._audience.embargo = embargo
        self.apply_embargo()

    def apply_embargo(self) -> bool:
        """Give the public what it was kept from, or take it away, if the time or an order has come; whether it has."""
        if not self._audience.look(self._clock.now()):
            return False
        if self._audience.public_sees:
            for client, follow in self._audience.release_kept():
                self._follow(client, follow)
        elif self._run_state is not None:
            # What is not in the hub cannot be sent: the public's subscriptions wait beside it, each without a cursor,
            # so that the end of the embargo begins with a snapshot.
            hub = self._run_state.hub
            for client in self._audience.unseeing(self._sessions):
                for subscription in hub.subscriptions(client):
                    hub.unsubscribe(client, subscription.id)
                    self._audience.keep(client, Follow(subscription, None))
        return True

    # What clients bring

    def connect(self, client: Client, grant: Grant = PUBLIC) -> None:
        """Take in a client. It is greeted at once, or when the run is there."""
        self._clients[client] = None
        self._heartbeats.enter(client)
        self._audience.enter(client, grant)
        session = self._sessions[client] = Session()
        if self._is_open:
            self._greet(client, session)

    def receive(self, client: Client, text: str) -> None:
        """Act on a message of a client."""
        session = self._sessions.get(client)
        if session is not None:
            self._act(client, session.receive(text))

    def set_draining(self, client: Client, draining: bool) -> None:  # noqa: FBT001  a state, not a mode
        """Say whether a client takes more at the moment: one that does not is not sent to (back-pressure)."""
        if client not in self._sessions:
            return
        if draining:
            self._stalls.resumed(client)
        else:
            self._stalls.stopped(client, client.unsent_bytes(), self._clock.monotonic())
        if self._run_state is not None:
            self._hub_of(client).set_draining(client, draining)
            self.work.set()

    def leave(self, client: Client) -> None:
        """Send a client nothing more: it is closing."""
        session = self._sessions.pop(client, None)
        if session is not None:
            session.end()
        self._audience.leave(client)
        self._stalls.resumed(client)
        for hub in self._run_state.hubs if self._run_state is not None else ():
            hub.disconnect(client)

    def disconnect(self, client: Client) -> None:
        """Forget a client: its connection is gone."""
        self.leave(client)
        self._clients.pop(client, None)
        self._heartbeats.leave(client)

    # How clients are sent away

    def batches(self) -> list[Sequence[Client]]:
        """The clients, in the batches in which to `dismiss` them when the gateway ends."""
        return batches(list(self._clients))

    def dismiss(
        self, clients: Collection[Client], code: int = RESTART_CODE, reason: str = RESTART_REASON, *, leaving: int
    ) -> None:
        """Send these clients away who are to come back, each after a pause of its own: so many go in all."""
        for client in clients:
            session = self._sessions.get(client)
            if session is not None and session.state is State.OPEN:
                goodbye = goodbye_message(code, retry_after_s(leaving, self._chance()))
                client.send(framed(goodbye, client.framing.for_one))
            client.close(code, reason)

    def dismiss_expired(self) -> None:
        """Close the connections of those whose token has expired, before they are sent anything more."""
        for client in self._audience.expired(self._clock.now()):
            client.close(CloseCode.TOKEN_EXPIRED, CLOSE_REASONS[CloseCode.TOKEN_EXPIRED])

    def dismiss_stalled(self) -> None:
        """Close the connections that have taken nothing for too long."""
        for client in self._stalls.overdue(lambda client: client.unsent_bytes(), self._clock.monotonic()):
            client.close(CloseCode.STALLED, CLOSE_REASONS[CloseCode.STALLED])

    # What clients are sent

    def send_owed(self) -> Sent:
        """Send everybody what of the figures they are owed; sets `work` again where somebody's rate lets them wait."""
        frames = size_bytes = 0
        for hub in self._run_state.hubs if self._run_state is not None else ():
            for sending in hub.turn(self._clock.monotonic()):
                for client in sending.connections:
                    client.send(sending.data)
                frames += sending.frames * len(sending.connections)
                size_bytes += len(sending.data) * len(sending.connections)
            if hub.pending:
                self.work.set()
        return Sent(frames, size_bytes)

    def heartbeats_due(self) -> list[Client]:
        """The clients whose heartbeat is due. Each is named once."""
        return self._heartbeats.due(self._clock.monotonic())

    def send_state(self) -> None:
        """Send everybody how the feeds are; who may not see numbers, as much as they may know.

        Who does not drain is left out: it is told with the next heartbeat after it does.
        """
        states = self._framed_states()
        for client in self._sessions:
            message = self._state_for(client, states)
            if message:
                client.send(message)

    def check(self, clients: Iterable[Client], *, with_state: bool) -> None:
        """Have these clients' heartbeats: see whether they are there and, in the same write, tell how the feeds are."""
        states = self._framed_states() if with_state else None
        for client in clients:
            client.check(self._state_for(client, states) if states is not None else b"")

    def _framed_states(self) -> dict[bool, list[bytes]]:
        """Two messages, with numbers and without, each framed once for all who take it that way."""
        return {sees: [framed(self._state(sees), framing) for framing in Framing] for sees in (True, False)}

    def _state_for(self, client: Client, states: Mapping[bool, Sequence[bytes]]) -> bytes:
        """The state as this client is to be told; nothing for one that waits for the run, or does not drain."""
        session = self._sessions.get(client)
        if session is None or session.state is not State.OPEN or not self._hub_of(client).is_draining(client):
            return b""
        return states[self._audience.sees(client)][client.framing]

    def _greet(self, client: Client, session: Session) -> None:
        greeting = self._greeting(self._audience.grant(client).scope, self._audience.sees(client), client.framing)
        self._act(client, session.ready(self._followed.catalogue), greeting)

    def _greeting(self, scope: Scope, numbers: bool, framing: Framing) -> bytes:  # noqa: FBT001  as `_state` is asked
        """Frame `hello` and `state`, once for all who are greeted alike while the state is the same."""
        state, alike = self._state(numbers), (scope, numbers, framing)
        told, greeting = self._greetings.get(alike, (None, b""))
        if told is not state:
            hello = self._followed.hello(scope, numbers=numbers, heartbeat_s=self._settings.heartbeat_s)
            greeting = framed(hello, framing.for_one) + framed(state, framing.for_one)
            self._greetings[alike] = state, greeting
        return greeting

    def _act(self, client: Client, outputs: Collection[Output], first: bytes = b"") -> None:
        framing = client.framing.for_one
        replies = first + b"".join([framed(output.payload, framing) for output in outputs if isinstance(output, Reply)])
        if replies:
            client.send(replies)  # in one write: each costs as much as all the rest of a greeting
        for output in outputs:
            match output:
                case Close(code, reason):
                    client.close(code, reason)
                case Follow():
                    self._follow(client, output)
                case Unfollow(subscription_id):
                    self._audience.drop(client, subscription_id)
                    self._hub_of(client).unsubscribe(client, subscription_id)

    def _follow(self, client: Client, follow: Follow) -> None:
        if not self._audience.sees(client):
            self._audience.keep(client, follow)
            return
        self._hub_of(client).subscribe(client, follow.subscription, follow.since, client.framing)
        self.work.set()

    def _hub_of(self, client: Client) -> Hub[Client]:
        return self._followed.hub_for(self._audience.grant(client).watches)

    @property
    def _followed(self) -> RunState:
        if self._run_state is None:
            raise RuntimeError("A session was opened before there was a run.")
        return self._run_state
