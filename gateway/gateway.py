"""The gateway itself: one run's state, the broadcaster to its clients, and what moves between them.

Everything here happens in one event loop and without waiting. The loops in `follow` bring records and ticks, the
protocols in `connections` bring clients to its `broadcaster`, the endpoints in `routes` read.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from eventlog.clock import Clock
from eventlog.run import Run
from gateway.admission.access import Grant, may_see_numbers
from gateway.admission.handshake import ConnectionCounts, Handshake, Refusal, over_limit
from gateway.broadcaster import Broadcaster
from gateway.health import LogContact, Metrics, Reading, Reason, unready
from gateway.run_state import Client, RunState
from gateway.settings import GatewaySettings
from schemas.fields import Record
from schemas.moments import epoch_ms
from schemas.trust import Verdict
from schemas.wire import Feed, FeedState, Playback
from tabulation.derived.feeds import Arrivals
from tabulation.orders.effects import NO_EMBARGO, Embargo, complaint
from tabulation.replay_clock import is_surprising

_log: Final = logging.getLogger(__name__)

_TOLD_S: Final = 0.01
"""How old a state message may be: it tells times in milliseconds, and comes on a tick of fifty."""


class _Told(NamedTuple):
    """A state message, what it is of, and when it was made by a clock that never steps back."""

    basis: object
    at_s: float
    message: bytes


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
        self.caught_up_now: Final = asyncio.Event()
        """Set each time that a run is read to its end; whoever waits for that clears it."""
        self.clock: Final = clock
        self.handshake: Final = Handshake(settings.access, run_name)
        self.connection_counts: Final = ConnectionCounts(settings.limits)
        self.broadcaster: Final = Broadcaster(clock, settings, self._state, chance)
        self.metrics: Final = Metrics(run_name, settings.worker, self.reading)
        self._contact = LogContact(clock.monotonic())
        self._arrivals = Arrivals()
        self._watched: tuple[dict[str, tuple[FeedState, bool, bool, bool, bool]], tuple[str, ...], bool] = {}, (), True
        self._lives = 0
        self._played: tuple[Playback | None, datetime] = (None, clock.now())
        """Where everybody was last told that the replay is, and when."""
        self._told: dict[bool, _Told] = {}
        """The last state messages: with numbers, and without."""

    # What the log brings

    def begin(self, run: Run) -> RunState:
        """Follow this run: on with the view where its log is the one known already, else with a new one."""
        if self.run_state is not None and self.run_state.run.log_epoch == run.log_epoch:
            return self.run_state
        self._part_with_clients()
        self._lives = 0
        return self._make_run_state(run)

    def begin_again(self) -> None:
        """Begin anew after the log lost a position: what clients hold cannot be compared with it any more."""
        if self.run_state is None:
            return
        self._part_with_clients()
        self._lives += 1
        self._make_run_state(self.run_state.run)

    def fold(self, records: Iterable[Record]) -> None:
        """Fold records of the totals topic, in their order.

        Call order: `begin` comes before; a turn sends what has changed.
        """
        state = self._begun()
        skipped = state.view.skipped
        for record in records:
            state.fold(record)
            self.metrics.folded(record.timestamp, record.key)
        state.lead_over_time.look()
        self._arrivals.look(state.view.heard, self.clock.monotonic())
        if state.view.skipped > skipped:
            _log.warning(
                "%d records of the totals topic before %d cannot be used: another release of sandik wrote them, or "
                "nobody did. What they say is not shown.",
                state.view.skipped - skipped,
                state.view.seq,
            )
        self.broadcaster.work.set()
        self._look_at_replay()

    def fold_control(self, records: Iterable[Record]) -> None:
        """Fold records of the control topic, in their order, and do what they order."""
        state = self._begun()
        control = state.control
        embargo, told = control.embargo, (control.calls, control.rundown.on_air)
        for record in records:
            verdict = state.fold_control(record)
            if verdict is not None and (verdict.order is None or not verdict.counts):
                _log.warning("The control record at %d %s.", verdict.offset, verdict.effect)
        if control.embargo != embargo:
            self.set_embargo(control.embargo)
        elif (control.calls, control.rundown.on_air) != told and self.ready:
            self._tell_all()
        self._look_at_replay()

    @property
    def run_moved(self) -> bool:
        """Whether the run goes on in another take, or with another definition, than the one that is followed."""
        control = self.run_state.control if self.run_state is not None else None
        return control is not None and (control.take_ended or control.amended)

    def caught_up(self) -> None:
        """Let everybody in: the view is read to the log's end. A no-op where that has been so before."""
        if self.ready or self.run_state is None:
            return
        self.run_state.caught_up()
        self.caught_up_now.set()
        self.ready = True
        self.reason = "Ready."
        self.broadcaster.open()

    def log_reached(self, end: int = 0) -> None:
        """Note that the log has answered; the totals topic goes up to `end`, where that was asked."""
        self._contact.answered(self.clock.monotonic(), end)

    def log_refused(self, reason: str) -> None:
        """Note that the log is there and refuses us: as `log_lost`, and the gateway is not ready until it lets us."""
        if self._contact.refuses(reason):
            _log.error("%s What is held stands; it is tried again now and then.", reason)

    def log_lost(self, reason: str) -> None:
        """Note that the log does not answer: what is held stands, and every feed counts as down."""
        if self._contact.reachable:
            _log.warning("%s What is held stands; it is tried again.", reason)
        self._contact.reachable = False
        if not self.ready:
            self.reason = reason

    @property
    def log_age_s(self) -> float:
        """How long ago the log last answered."""
        return self._contact.age_s(self.clock.monotonic())

    def unready(self) -> tuple[Reason, ...]:
        """Why no clients should be sent here; empty where it is ready."""
        unverified = self.unverified()
        return unready(
            waits_for=None if self.ready and not self.retiring else self.reason,
            is_ending=self.retiring,
            unverified=complaint(unverified),
            orders=[f"{one.order.type} ({one.offset})" for one in unverified if one.order is not None],
            refused=self._contact.refused,
            log_age_s=self.log_age_s,
            log_limit_s=self.settings.log_silent_s,
        )

    # What operators order

    @property
    def embargo(self) -> Embargo:
        """The embargo, in force or not."""
        return self.broadcaster.embargo

    def set_embargo(self, embargo: Embargo) -> None:
        """From now on this embargo holds, instead of the one before."""
        self.broadcaster.set_embargo(embargo)
        if self.ready:
            self._tell_all()

    def may_see_numbers(self, grant: Grant) -> bool:
        """Whether the bearer of this grant may be told figures of the night now."""
        return may_see_numbers(grant.scope, self.embargo, self.clock.now())

    def may_be_counted_by(self, grant: Grant) -> bool:
        """Whether the bearer may be told what counts the night. Before the orders are read, there may be an embargo."""
        return self.may_see_numbers(grant) and (self.ready or grant.allows("control_room"))

    def exposed_to(self, grant: Grant) -> bytes:
        """The metrics, as far as the bearer of this grant may be told them."""
        return self.metrics.expose(numbers=self.may_be_counted_by(grant))

    def feeds_now(self) -> dict[str, Feed]:
        """How every source is doing; none, where there is no run yet."""
        if self.run_state is None:
            return {}
        return self.run_state.feeds(
            self.clock.now(),
            limits=self.settings.feeds,
            reachable=self._contact.reachable,
            arrived_s=self._arrivals.age_s(self.clock.monotonic()),
        )

    def unverified(self) -> tuple[Verdict, ...]:
        """The operators' restrictions that stand now though they cannot be verified, by their offset."""
        return self.run_state.control.unverified(self.clock.now()) if self.run_state is not None else ()

    def reading(self) -> Reading:
        """How the gateway is at the moment, for whoever watches it."""
        run_state = self.run_state
        return Reading(
            ready=not self.unready(),
            connections=self.broadcaster.connections,
            stalled=self.broadcaster.stalled,
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

    # How clients come and go

    def enter(self, address: str | None) -> Refusal | None:
        """Count a connection in, or say why there is no room for it; `connection_counts` counts it out."""
        return over_limit(self.connection_counts, address)

    def retire(self) -> list[Sequence[Client]]:
        """Let nobody in any more; the clients, in the batches in which to `broadcaster.dismiss` them."""
        self.retiring = True
        self.reason = "This gateway is about to end. Ask another one."
        return self.broadcaster.batches()

    # What time brings

    def turn(self) -> None:
        """Send everybody what they are owed."""
        self.broadcaster.work.clear()
        self.broadcaster.dismiss_expired()
        if not self.ready:
            return
        if self.broadcaster.apply_embargo():  # a clock that was set back may have brought it back since the last look
            self._tell_all()
        sent = self.broadcaster.send_owed()
        self.metrics.turned(epoch_ms(self.clock.now()), sent.frames, sent.size_bytes)

    def watch(self) -> None:
        """Tell everybody how the feeds are, if that changed, else those whose heartbeat is due; look who is there."""
        changed = self.broadcaster.apply_embargo()
        self._look_at_replay()
        self.broadcaster.dismiss_expired()
        self.broadcaster.dismiss_stalled()
        due = self.broadcaster.heartbeats_due()
        can_tell = False
        if self.ready and self.run_state is not None:
            feeds = self.feeds_now()
            states = {
                source: (feed.state, feed.set_aside > 0, feed.restarted > 0, feed.ahead > 0, feed.impossible > 0)
                for source, feed in feeds.items()
            }
            watched = states, self.run_state.program.hold, self._contact.reachable
            changed = changed or watched != self._watched
            self._watched = watched
            self.run_state.look_for_alarms(feeds, self.clock.now())
            can_tell = not changed
            if changed:
                self._tell_all()
        if due:
            self.broadcaster.check(due, with_state=can_tell)

    def _begun(self) -> RunState:
        if self.run_state is None:
            raise RuntimeError("There is no run yet; begin with one.")
        return self.run_state

    def _make_run_state(self, run: Run) -> RunState:
        # Another life of the same log has an epoch of its own: what a client holds of the one before means nothing.
        epoch = f"{run.log_epoch}+{self._lives}" if self._lives else run.log_epoch
        is_first = self.run_state is None
        state = self.run_state = RunState(run, epoch, self.settings.operators)
        self.broadcaster.begin(state)
        self._played = None, self.clock.now()
        if not is_first or state.control.embargo != NO_EMBARGO:
            self.set_embargo(state.control.embargo)
        self.reason = f"Reading the totals of run {self.run_name!r}."
        return state

    def _part_with_clients(self) -> None:
        self.ready = False
        self.broadcaster.part()

    def _look_at_replay(self) -> None:
        """Tell everybody where the replay is, if that is not what they take it to be.

        The figures go first: who is told a clock has been sent what it presumes.
        """
        state, now = self.run_state, self.clock.now()
        if state is None or not self.ready or not is_surprising(*self._played, state.control.clock.at(now), now):
            return
        self.turn()
        self._tell_all()

    def _tell_all(self) -> None:
        """Tell every client how the feeds are, and note where they now take the replay to be."""
        if self.run_state is not None:
            now = self.clock.now()
            self._played = self.run_state.control.clock.at(now), now
            self.broadcaster.send_state()

    def _state(self, numbers: bool) -> bytes:  # noqa: FBT001  as the broadcaster asks for it
        """Encode how the feeds are now. Without `numbers`, as much as may be known during an embargo.

        It is one object for all who ask while nothing has changed and hardly any time has passed: thousands may come
        back at once.
        """
        state, reachable, now = self._begun(), self._contact.reachable, self.clock.now()
        basis = state, state.positions, self.embargo, self.embargo.is_in_force(now), reachable
        told, now_s = self._told.get(numbers), self.clock.monotonic()
        if told is None or told.basis != basis or now_s - told.at_s > _TOLD_S:
            message = state.state(now, self.feeds_now(), self.embargo, reachable=reachable, numbers=numbers)
            told = self._told[numbers] = _Told(basis, now_s, message)
        return told.message
