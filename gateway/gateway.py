"""The gateway itself: one run's view, its clients, and what moves between them.

Everything here happens in one event loop and without waiting. The loops in `follow` bring records and ticks, the
protocol in `connections` brings clients and takes frames, the endpoints in `routes` look.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from eventlog.clock import Clock
from eventlog.run import Run
from gateway.admission.access import PUBLIC, Grant, may_see_numbers
from gateway.admission.handshake import Handshake, Refusal, over_limit
from gateway.admission.limits import Census
from gateway.clients.audience import Audience
from gateway.clients.framing import Framing, framed
from gateway.clients.hub import Hub
from gateway.clients.liveness import (
    RESTART_CODE,
    RESTART_REASON,
    HeartbeatSchedule,
    Stalls,
    batches,
    goodbye_message,
    retry_after_s,
)
from gateway.clients.session import Catalogue, Close, Follow, Output, Reply, Session, State, Unfollow
from gateway.metrics import Metrics, Reading
from gateway.readiness import LogContact, unready
from gateway.run_state import Client, RunState
from gateway.settings import GatewaySettings
from schemas.moments import epoch_ms
from schemas.playback import is_mark, parse_mark
from schemas.record import Record
from schemas.trust import Verdict
from schemas.wire import CLOSE_REASONS, CloseCode, Feed, FeedState, Playback
from tabulation.derived.feeds import Arrivals, feeds, heard_by, state_message
from tabulation.on_air.replay_clock import is_surprising
from tabulation.orders.by_hand import moved
from tabulation.orders.control import Control
from tabulation.orders.embargo import NO_EMBARGO, Embargo
from tabulation.orders.restrictions import complaint
from tabulation.view.program import Program

_log: Final = logging.getLogger(__name__)


class Gateway:
    """One run's gateway. `ready` once the log's end, as it was at the start, is in the view."""

    def __init__(
        self,
        run_name: str,
        *,
        clock: Clock,
        settings: GatewaySettings,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.run_name: Final = run_name
        self.settings: Final = settings
        self.run_state: RunState | None = None
        self.ready = False
        self.retiring = False
        """Whether nobody is let in any more, since this gateway is about to end."""
        self.reason = f"Looking for run {run_name!r}."
        self.work: Final = asyncio.Event()
        """Set while a turn would have something to do."""
        self.clock: Final = clock
        self.handshake: Final = Handshake(settings.access, run_name)
        self.census: Final = Census(settings.limits)
        self._clock = clock
        self._chance = chance
        self.metrics: Final = Metrics(run_name, settings.worker, self.reading)
        self._audience: Audience[Client] = Audience()
        self._stalls: Stalls[Client] = Stalls(settings.stalled_s)
        self._contact = LogContact(clock.monotonic())
        self._arrivals = Arrivals()
        self._clients: dict[Client, None] = {}
        self._sessions: dict[Client, Session] = {}
        self._watched: tuple[dict[str, tuple[FeedState, bool, bool, bool, bool]], tuple[str, ...], bool] = {}, (), True
        self._heartbeats: HeartbeatSchedule[Client] = HeartbeatSchedule(settings.heartbeat_s, clock.monotonic())
        self._lives = 0
        self._played: tuple[Playback | None, datetime] = (None, clock.now())
        """Where everybody was last told that the replay is, and when."""

    # What the log brings

    def begin(self, run: Run) -> RunState:
        """Follow this run: on with the view where its log is the one known already, else with a new one."""
        if self.run_state is not None and self.run_state.run.log_epoch == run.log_epoch:
            return self.run_state
        self._part()
        self._lives = 0
        return self._make_run_state(run)

    def begin_again(self) -> None:
        """The log lost a position: nothing that clients hold can be compared with it any more."""
        if self.run_state is None:
            return
        self._part()
        self._lives += 1
        self._make_run_state(self.run_state.run)

    def fold(self, records: Iterable[Record]) -> None:
        """Fold records of the totals topic, in their order."""
        if self.run_state is None:
            raise RuntimeError("There is no run yet; begin with one.")
        clock, skipped = self.run_state.control.clock, self.run_state.view.skipped
        for record in records:
            if self.run_state.program.fold(record):
                clock.figures_changed()
            self.run_state.notices.fold(record)
            self.metrics.folded(record.timestamp, record.key)
            if is_mark(record.key) and (mark := parse_mark(record.value)) is not None:
                clock.mark(mark)
        self._arrivals.look(self.run_state.view.heard, self._clock.monotonic())
        if self.run_state.view.skipped > skipped:
            _log.warning(
                "%d records of the totals topic before %d cannot be used: another release of sandik wrote them, or "
                "nobody did. What they say is not shown.",
                self.run_state.view.skipped - skipped,
                self.run_state.view.seq,
            )
        self.work.set()
        self._look_at_replay()

    def fold_control(self, records: Iterable[Record]) -> None:
        """Fold records of the control topic, in their order, and do what they order."""
        if self.run_state is None:
            raise RuntimeError("There is no run yet; begin with one.")
        control = self.run_state.control
        before = control.embargo, control.calls
        for record in records:
            verdict = control.fold(record)
            if verdict is None:
                continue
            if verdict.order is not None and verdict.counts:
                self.run_state.quarantine.obey(verdict.order)
            else:
                _log.warning("The control record at %d %s.", verdict.offset, verdict.effect)
        if control.embargo != before[0]:
            self.set_embargo(control.embargo)
        elif control.calls != before[1] and self.ready:
            self._tell(self.run_state, self._feeds(self.run_state))
        self._look_at_replay()

    @property
    def take_ended(self) -> bool:
        """Whether the run goes on in another take than the one that is followed."""
        return self.run_state is not None and self.run_state.control.take_ended

    def caught_up(self) -> None:
        """The view is current: let everybody in."""
        if self.ready or self.run_state is None:
            return
        self.run_state.program.caught_up()
        self.ready = True
        self.reason = "Ready."
        self._look_at_embargo()
        for client, session in list(self._sessions.items()):
            self._greet(client, session, self.run_state)

    def log_reached(self, end: int = 0) -> None:
        """The log has answered; the totals topic goes up to `end`, where that was asked."""
        self._contact.answered(self._clock.monotonic(), end)

    def log_refused(self, reason: str) -> None:
        """The log is there and refuses us: as `log_lost`, and until that is mended this is not ready."""
        if self._contact.refuses(reason):
            _log.error("%s What is held stands; it is tried again now and then.", reason)

    def log_lost(self, reason: str) -> None:
        """The log does not answer: what is held stands, and every feed counts as down."""
        if self._contact.reachable:
            _log.warning("%s What is held stands; it is tried again.", reason)
        self._contact.reachable = False
        if not self.ready:
            self.reason = reason

    @property
    def log_age_s(self) -> float:
        """How long ago the log last answered."""
        return self._contact.age_s(self._clock.monotonic())

    def unready(self) -> tuple[str, ...]:
        """Why no clients should be sent here; empty where it is ready."""
        return unready(
            waits_for=None if self.ready and not self.retiring else self.reason,
            unverified=complaint(self.unverified()),
            refused=self._contact.refused,
            log_age_s=self.log_age_s,
            log_limit_s=self.settings.log_silent_s,
        )

    # What operators order

    @property
    def embargo(self) -> Embargo:
        """The embargo, in force or not."""
        return self._audience.embargo

    def set_embargo(self, embargo: Embargo) -> None:
        """From now on this embargo holds, instead of the one before."""
        self._audience.embargo = embargo
        self._look_at_embargo()
        if self.ready and self.run_state is not None:
            self._tell(self.run_state, self._feeds(self.run_state))

    def may_see_numbers(self, grant: Grant) -> bool:
        """Whether the bearer of this grant may be told figures of the night now."""
        return may_see_numbers(grant.scope, self.embargo, self._clock.now())

    def may_be_counted_by(self, grant: Grant) -> bool:
        """Whether the bearer may be told what counts the night. Before the orders are read, there may be an embargo."""
        return self.may_see_numbers(grant) and (self.ready or grant.allows("control_room"))

    def exposed_to(self, grant: Grant) -> bytes:
        """The metrics, as far as the bearer of this grant may be told them."""
        return self.metrics.expose(numbers=self.may_be_counted_by(grant))

    def feeds_now(self) -> dict[str, Feed]:
        """How every source is doing; none, where there is no run yet."""
        return self._feeds(self.run_state) if self.run_state is not None else {}

    def unverified(self) -> tuple[Verdict, ...]:
        """The operators' restrictions that stand now though they cannot be verified, by their offset."""
        return self.run_state.control.unverified(self._clock.now()) if self.run_state is not None else ()

    def reading(self) -> Reading:
        """How the gateway is at the moment, for whoever watches it."""
        run_state = self.run_state
        return Reading(
            ready=not self.unready(),
            connections=len(self._clients),
            stalled=len(self._stalls),
            groups=sum(hub.groups for hub in run_state.hubs) if run_state else 0,
            seq=run_state.view.seq if run_state else 0,
            behind=max(0, self._contact.end - run_state.view.seq) if run_state else 0,
            log_age_s=self.log_age_s,
            skipped=run_state.view.skipped if run_state else 0,
            stale=run_state.view.stale if run_state else 0,
            unverified=len(self.unverified()),
            feeds=self.feeds_now(),
            partitions=run_state.run.topics.partitions if run_state else 0,
        )

    # What clients bring

    def enter(self, address: str | None) -> Refusal | None:
        """Count a connection in, or say why there is no room for it; `census` counts it out."""
        return over_limit(self.census, address)

    def connect(self, client: Client, grant: Grant = PUBLIC) -> None:
        """A client is there. It is greeted at once, or when the run is."""
        self._clients[client] = None
        self._heartbeats.enter(client)
        self._audience.enter(client, grant)
        session = self._sessions[client] = Session()
        if self.ready and self.run_state is not None:
            self._greet(client, session, self.run_state)

    def receive(self, client: Client, text: str) -> None:
        """A client said something."""
        session = self._sessions.get(client)
        if session is not None:
            self._act(client, session.receive(text))

    def set_draining(self, client: Client, draining: bool) -> None:  # noqa: FBT001  a state, not a mode
        """A client takes no more at the moment, or takes it again."""
        if client not in self._sessions:
            return
        if draining:
            self._stalls.resumed(client)
        else:
            self._stalls.stopped(client, client.unsent_bytes(), self._clock.monotonic())
        if self.run_state is not None:
            self._hub_of(client).set_draining(client, draining)
            self.work.set()

    def leave(self, client: Client) -> None:
        """A client is going: it is sent nothing more."""
        session = self._sessions.pop(client, None)
        if session is not None:
            session.end()
        self._audience.leave(client)
        self._stalls.resumed(client)
        for hub in self.run_state.hubs if self.run_state is not None else ():
            hub.disconnect(client)

    def disconnect(self, client: Client) -> None:
        """A client is gone."""
        self.leave(client)
        self._clients.pop(client, None)
        self._heartbeats.leave(client)

    # How clients are sent away

    def retire(self) -> list[Sequence[Client]]:
        """Let nobody in any more; the clients, in the batches in which to `dismiss` them."""
        self.retiring = True
        self.reason = "This gateway is about to end. Ask another one."
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

    # What time brings

    def turn(self) -> None:
        """Send everybody what they are owed."""
        self.work.clear()
        self._dismiss_expired()
        if not self.ready or self.run_state is None:
            return
        if self._look_at_embargo():  # a clock that was set back may have brought it back since the last look
            self._tell(self.run_state, self._feeds(self.run_state))
        frames = size_bytes = 0
        for hub in self.run_state.hubs:
            for sending in hub.turn(self._clock.monotonic()):
                for client in sending.connections:
                    client.send(sending.data)
                frames += sending.frames * len(sending.connections)
                size_bytes += len(sending.data) * len(sending.connections)
            if hub.pending:
                self.work.set()
        self.metrics.turned(epoch_ms(self._clock.now()), frames, size_bytes)

    def watch(self) -> None:
        """Tell everybody how the feeds are, if that changed, else those whose heartbeat is due; look who is there."""
        changed = self._look_at_embargo()
        self._look_at_replay()
        self._dismiss_expired()
        now = self._clock.monotonic()
        for client in self._stalls.overdue(lambda client: client.unsent_bytes(), now):
            client.close(CloseCode.STALLED, CLOSE_REASONS[CloseCode.STALLED])
        due = self._heartbeats.due(now)
        if self.ready and self.run_state is not None:
            found = self._feeds(self.run_state)
            states = {
                source: (feed.state, feed.set_aside > 0, feed.restarted > 0, feed.ahead > 0, feed.impossible > 0)
                for source, feed in found.items()
            }
            watched = states, self.run_state.program.hold, self._contact.reachable
            changed = changed or watched != self._watched
            self._watched = watched
            self.run_state.alarms.look_under(moved(self.run_state.program.on_air), self._clock.now())
            self.run_state.alarms.look(
                self.run_state.view, found, self._clock.now(), self.run_state.quarantine.open, self.run_state.notices
            )
            if changed or due:
                self._tell(self.run_state, found, None if changed else due)
        for client in due:
            client.check()

    def _make_run_state(self, run: Run) -> RunState:
        epoch = f"{run.log_epoch}+{self._lives}" if self._lives else run.log_epoch
        program, control = Program(run.definition), Control(run, self.settings.operators)
        hubs = Hub[Client](program.view, epoch), Hub[Client](program.live, epoch)
        is_first = self.run_state is None
        self.run_state = RunState(run, epoch, program, control, *hubs, Catalogue(run.definition))
        self._played = None, self._clock.now()
        if not is_first or control.embargo != NO_EMBARGO:
            self.set_embargo(control.embargo)
        self.reason = f"Reading the totals of run {self.run_name!r}."
        return self.run_state

    def _part(self) -> None:
        """Send away whoever was told something: it is of a log that is no more. Who still waits may go on waiting."""
        self.ready = False
        told = [client for client, session in self._sessions.items() if session.state is State.OPEN]
        self.dismiss(told, CloseCode.EPOCH_ENDED, CLOSE_REASONS[CloseCode.EPOCH_ENDED], leaving=len(told))

    def _dismiss_expired(self) -> None:
        """Close the connections of those whose token has expired, before they are sent anything more."""
        for client in self._audience.expired(self._clock.now()):
            client.close(CloseCode.TOKEN_EXPIRED, CLOSE_REASONS[CloseCode.TOKEN_EXPIRED])

    def _look_at_embargo(self) -> bool:
        """Give the public what it was kept from, or take it away, if the time or an order has come; whether it has."""
        if not self._audience.look(self._clock.now()):
            return False
        if self._audience.public_sees:
            for client, follow in self._audience.take_kept():
                self._follow(client, follow)
        elif self.run_state is not None:
            for client in self._audience.unseeing(self._sessions):
                for subscription in self.run_state.hub.subscriptions(client):
                    self.run_state.hub.unsubscribe(client, subscription.id)
                    self._audience.keep(client, Follow(subscription, None))
        return True

    def _look_at_replay(self) -> None:
        """Tell everybody where the replay is, if that is not what they take it to be.

        The figures go first: who is told a clock has been sent what it presumes.
        """
        state, now = self.run_state, self._clock.now()
        if state is None or not self.ready or not is_surprising(*self._played, state.control.clock.at(now), now):
            return
        self.turn()
        self._tell(state, self._feeds(state))

    def _follow(self, client: Client, follow: Follow) -> None:
        if not self._audience.sees(client):
            self._audience.keep(client, follow)
            return
        hub = self._hub_of(client)
        hub.subscribe(client, follow.subscription, follow.since, client.framing)
        self.work.set()

    def _hello(self, run_state: RunState, client: Client) -> bytes:
        scope, numbers = self._audience.grant(client).scope, self._audience.sees(client)
        return run_state.hello(scope, numbers=numbers, heartbeat_s=self.settings.heartbeat_s)

    def _state(self, run_state: RunState, found: Mapping[str, Feed], *, numbers: bool) -> bytes:
        program, now = run_state.program, self._clock.now()
        replay = run_state.control.clock.at(now)
        return state_message(
            *(program.seq, now, found, self.embargo),
            reachable=self._contact.reachable,
            numbers=numbers,
            hold=program.hold,
            held_in_part=program.held_in_part,
            calls=run_state.control.calls,
            replay=replay,
        )

    def _greet(self, client: Client, session: Session, run_state: RunState) -> None:
        outputs = session.ready(self._hello(run_state, client), run_state.catalogue)
        state = self._state(run_state, self._feeds(run_state), numbers=self._audience.sees(client))
        self._act(client, [outputs[0], Reply(state), *outputs[1:]])

    def _act(self, client: Client, outputs: Collection[Output]) -> None:
        framing = client.framing.for_one
        replies = [framed(output.payload, framing) for output in outputs if isinstance(output, Reply)]
        if replies:
            client.send(b"".join(replies))  # in one write: each costs as much as all the rest of a greeting
        for output in outputs:
            match output:
                case Close(code, reason):
                    client.close(code, reason)
                case Follow():
                    self._follow(client, output)
                case Unfollow(subscription_id):
                    self._audience.drop(client, subscription_id)
                    self._hub_of(client).unsubscribe(client, subscription_id)

    def _hub_of(self, client: Client) -> Hub[Client]:
        if self.run_state is None:
            raise RuntimeError("A session was opened before there was a run.")
        return self.run_state.hub_for(self._audience.grant(client).watches)

    def _feeds(self, run_state: RunState) -> dict[str, Feed]:
        now = self._clock.now()
        replay = run_state.control.clock.at(now)
        return feeds(
            run_state.run.definition.source_ids,
            heard_by(run_state.view, replay),
            now,
            reachable=self._contact.reachable,
            limits=self.settings.feeds,
            replay=replay,
            set_aside=run_state.quarantine.open.by_source,
            restarted=run_state.notices.by_source("restarted"),
            ahead=run_state.notices.by_source("ahead"),
            impossible=run_state.notices.by_source("impossible"),
            arrived_s=self._arrivals.age_s(self._clock.monotonic()),
        )

    def _tell(self, run_state: RunState, found: Mapping[str, Feed], clients: Iterable[Client] | None = None) -> None:
        """Tell these clients (or all) who read how the feeds are; who may not see numbers, as much as they may know."""
        if clients is None:
            now = self._clock.now()
            self._played = run_state.control.clock.at(now), now
        frames = {}
        for sees in (True, False):
            payload = self._state(run_state, found, numbers=sees)
            frames[sees] = [framed(payload, framing) for framing in Framing]
        for client in self._sessions if clients is None else clients:
            session = self._sessions.get(client)
            if session is not None and session.state is State.OPEN and self._hub_of(client).is_draining(client):
                client.send(frames[self._audience.sees(client)][client.framing])
