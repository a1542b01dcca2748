"""The hub: who follows what, and who is owed what. Fan-out, conflation and back-pressure are the one rule below.

A client is a cursor: the seq it has. Followers of equal subscriptions at the same cursor form a group; a group is
served with one encoding and one frame, and then stands at the newest cursor together. A connection that is not draining
is in no group: it is not sent to, its cursor stays, and once it drains it gets everything since, once, in its newest
state. So a slow client costs one integer per subscription, and nobody is ever sent a gap.

A turn costs what changed, not what is followed: it goes from the units that changed to the selections they are in, and
from those to the groups. What one connection is owed in a turn is one piece of bytes, however many frames it is.
"""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, Generic, NamedTuple, TypeVar

import orjson

from gateway.clients.framing import Framing, framed
from gateway.clients.session import Subscription
from schemas.wire import Cursor
from tabulation.derived.events import Events, FollowedUnit, Happened
from tabulation.view import View

MAX_BODIES_KEPT: Final = 256
"""Encoded bodies kept for sharing at one seq. At about 20 KB for all of a province's districts that is 5 MB."""

AHEAD_PATIENCE_S: Final = 2.0
"""How long a cursor may be ahead of the view: a client may come from a gateway that has read further than this one.

Until then it is sent nothing, so that its seq never steps back; then its cursor is taken for a mistake.
"""

NEWS_KEPT_S: Final = 10.0
"""How long an event is kept for those whose rate holds their delta back; later it would tell of the past as if now."""

ConnectionT = TypeVar("ConnectionT")
"""Whatever the caller tells its connections apart by; it must be hashable."""


class Sending(NamedTuple, Generic[ConnectionT]):
    """Bytes to write, and to whom. No connection is in two of a turn's sendings."""

    data: bytes
    connections: list[ConnectionT]
    frames: int = 1
    """How many whole frames the bytes are."""


class _Owed(Enum):
    SNAPSHOT = auto()
    ANSWER = auto()
    """A delta, be it an empty one: a subscription that resumes is answered too."""
    CHANGES = auto()


class _Position(NamedTuple):
    seq: int
    owed: _Owed


_NEW: Final = _Position(0, _Owed.SNAPSHOT)


@dataclass(slots=True, eq=False)
class _Group(Generic[ConnectionT]):
    """The followers of one subscription at one position."""

    position: _Position
    checked: int
    """There is nothing new for this subscription up to here."""
    members: dict[ConnectionT, "_Follower[ConnectionT]"] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class _Selection(Generic[ConnectionT]):
    """Some units of one contest and source, and every topic about exactly these: those share their bodies."""

    contest: str
    source: str
    units: frozenset[str]
    topics: dict["_Topic[ConnectionT]", None] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class _Topic(Generic[ConnectionT]):
    """One subscription in one framing, and all who have it so."""

    subscription: Subscription
    framing: Framing
    selection: _Selection[ConnectionT]
    groups: dict[_Position, _Group[ConnectionT]] = field(default_factory=dict)
    followers: int = 0
    due: float = 0.0


@dataclass(slots=True, eq=False)
class _Follower(Generic[ConnectionT]):
    """One connection's place in one subscription: in a group while it drains, else alone at its position."""

    topic: _Topic[ConnectionT]
    parked: _Position
    group: _Group[ConnectionT] | None = None
    ahead_until: float | None = None
    """When its own patience ends, from the first turn that found its cursor ahead of the view."""


@dataclass(slots=True, eq=False)
class _Connection(Generic[ConnectionT]):
    draining: bool = True
    followers: dict[str, _Follower[ConnectionT]] = field(default_factory=dict)


class _News(NamedTuple):
    number: int
    """Their order: of what happened in one turn, too."""
    place: FollowedUnit
    seq: int
    payload: bytes
    at: float


class _RecentNews:
    """What happened within the last `NEWS_KEPT_S`, by place: in a busy country there are thousands at a time."""

    def __init__(self) -> None:
        self._in_order: deque[_News] = deque()
        self._by_unit: defaultdict[tuple[str, str], dict[str, deque[_News]]] = defaultdict(dict)
        self._count = 0

    def add(self, happened: Happened, now: float) -> None:
        self._count += 1
        news = _News(self._count, happened.place, happened.seq, happened.message(), now)
        self._in_order.append(news)
        self._by_unit[news.place[:2]].setdefault(news.place.unit, deque()).append(news)

    def drop_old(self, now: float) -> None:
        while self._in_order and now - self._in_order[0].at >= NEWS_KEPT_S:
            contest, source, unit = self._in_order.popleft().place
            of_unit = self._by_unit[contest, source][unit]
            of_unit.popleft()
            if not of_unit:
                del self._by_unit[contest, source][unit]

    def since(self, contest: str, source: str, units: frozenset[str], seq: int) -> list[bytes]:
        """The messages about these units behind a position, in their order."""
        by_unit = self._by_unit.get((contest, source))
        if not by_unit:
            return []
        found = [news for unit in units & by_unit.keys() for news in by_unit[unit] if news.seq > seq]
        return [news.payload for news in sorted(found)]


class Hub(Generic[ConnectionT]):
    """Cursors and groups over one view. Connections are whatever the caller tells them apart by.

    What happens in a unit goes with the delta that has its figures, to all who follow the unit.
    """

    def __init__(self, view: View, epoch: str) -> None:
        self._view = view
        self._epoch = epoch
        self._connections: dict[ConnectionT, _Connection[ConnectionT]] = {}
        self._topics: dict[tuple[Subscription, Framing], _Topic[ConnectionT]] = {}
        self._selections: dict[tuple[str, str, frozenset[str]], _Selection[ConnectionT]] = {}
        self._following: dict[tuple[str, str], dict[str, dict[_Selection[ConnectionT], None]]] = {}
        self._pending: dict[_Topic[ConnectionT], None] = {}
        self._events = Events(view)
        self._begun: dict[FollowedUnit, None] = {}
        self._news: Final = _RecentNews()
        self._turned = 0
        self._bodies: dict[tuple[_Selection[ConnectionT], int], bytes] = {}
        self._bodies_seq = 0

    @property
    def groups(self) -> int:
        """How many groups there are: what a turn encodes at the most."""
        return sum(len(topic.groups) for topic in self._topics.values())

    @property
    def pending(self) -> bool:
        """Whether somebody has to wait for a later turn, or is to be served in the next."""
        return bool(self._pending)

    def subscribe(
        self,
        connection: ConnectionT,
        subscription: Subscription,
        since: Cursor | None,
        framing: Framing = Framing.PLAIN,
    ) -> None:
        """Let the connection follow the subscription, instead of one with the same id if it had one."""
        self.unsubscribe(connection, subscription.id)
        known = self._connections.setdefault(connection, _Connection())
        topic = self._topics.get((subscription, framing)) or self._add_topic(subscription, framing)
        topic.followers += 1
        resumes = since is not None and since.epoch == self._epoch and since.seq > 0
        follower = _Follower(topic, _Position(since.seq, _Owed.ANSWER) if since and resumes else _NEW)
        known.followers[subscription.id] = follower
        if known.draining:
            self._join(connection, follower)

    def unsubscribe(self, connection: ConnectionT, subscription_id: str) -> None:
        """Send no more for this subscription; a no-op where there is none."""
        known = self._connections.get(connection)
        follower = known.followers.pop(subscription_id, None) if known else None
        if follower is not None:
            self._leave(connection, follower)
            self._drop(follower.topic)

    def subscriptions(self, connection: ConnectionT) -> list[Subscription]:
        """What the connection follows."""
        known = self._connections.get(connection)
        return [follower.topic.subscription for follower in known.followers.values()] if known else []

    def disconnect(self, connection: ConnectionT) -> None:
        """Forget the connection."""
        known = self._connections.pop(connection, None)
        for follower in known.followers.values() if known else ():
            self._leave(connection, follower)
            self._drop(follower.topic)

    def set_draining(self, connection: ConnectionT, draining: bool) -> None:  # noqa: FBT001  a state, not a mode
        """Say whether the connection takes more at the moment."""
        known = self._connections.setdefault(connection, _Connection())
        if known.draining == draining:
            return
        known.draining = draining
        move = self._join if draining else self._leave
        for follower in known.followers.values():
            move(connection, follower)

    def is_draining(self, connection: ConnectionT) -> bool:
        """Whether the connection takes more at the moment."""
        known = self._connections.get(connection)
        return known is None or known.draining

    def turn(self, now: float) -> list[Sending[ConnectionT]]:
        """What to write where, so that all who drain (and whose rate allows it) have everything up to the view's seq.

        `now` is in seconds of a clock that never steps back. The connections count as written to.
        """
        if not self._topics:
            self._turned = self._view.seq
            return []
        self._find_news(self._find_changed(), now)
        pending, self._pending = self._pending, {}
        sendings: list[Sending[ConnectionT]] = []
        for topic in pending:
            sendings += self._serve(topic, now)
        return _one_each(sendings)

    def _find_changed(self) -> list[FollowedUnit]:
        """Note who is owed something, and say where: the places that changed and are followed."""
        before, self._turned = self._turned, self._view.seq
        if before == self._turned:
            return []
        places = []
        changed: dict[_Selection[ConnectionT], None] = {}
        # From the units that changed to the selections they are in: a turn costs what changed, not what is followed.
        for pair, followed in self._following.items():
            for unit in self._view.changed_units(*pair, before):
                selections = followed.get(unit)
                if selections:
                    changed.update(selections)
                    places.append(FollowedUnit(*pair, unit))
        for selection in changed:
            for topic in selection.topics:
                if topic not in self._pending:
                    self._pending[topic] = None
                    _nothing_until(before, topic)
        return places

    def _find_news(self, changed: list[FollowedUnit], now: float) -> None:
        """See what happened. To whoever follows a place only since the last turn, what it shows is no news."""
        self._news.drop_old(now)
        for happened in self._events.look(place for place in changed if place not in self._begun):
            self._news.add(happened, now)
        if self._begun:
            self._events.begin(self._begun)
            self._begun.clear()

    def _serve(self, topic: _Topic[ConnectionT], now: float) -> list[Sending[ConnectionT]]:
        sendings = []
        early = now < topic.due
        for position in list(topic.groups):
            group = topic.groups[position]
            if position.seq > self._view.seq:  # it comes from a gateway that has read further
                self._wait_for_view(topic, group, now)
            elif early and position.owed is _Owed.CHANGES:  # conflation by `max_rate_hz`; answers are never held back
                self._pending[topic] = None
            elif (frame := self._frame(topic, group)) is not None:
                frames = [frame, *self._event_frames(topic, position)]
                sendings.append(Sending(b"".join(frames), list(group.members), len(frames)))
                self._advance(topic, group)
                if topic.subscription.max_rate_hz is not None and not early:
                    topic.due = now + 1 / topic.subscription.max_rate_hz
        return sendings

    def _wait_for_view(self, topic: _Topic[ConnectionT], group: _Group[ConnectionT], now: float) -> None:
        """Let every member wait for as long as it may, whenever the others of its group came."""
        self._pending[topic] = None
        for connection, follower in list(group.members.items()):
            if follower.ahead_until is None:
                follower.ahead_until = now + AHEAD_PATIENCE_S
            elif now >= follower.ahead_until:
                self._leave(connection, follower)
                follower.parked = _NEW
                self._join(connection, follower)

    def _frame(self, topic: _Topic[ConnectionT], group: _Group[ConnectionT]) -> bytes | None:
        subscription = topic.subscription
        seq, owed = group.position
        if owed is _Owed.SNAPSHOT:
            head: dict[str, object] = {
                "type": "snapshot",
                "id": subscription.id,
                "contest": subscription.contest,
                "source": subscription.source,
                "epoch": self._epoch,
            }
        else:
            head = {"type": "delta", "id": subscription.id, "from": seq}
        body = self._body(topic.selection, group.checked)
        if owed is _Owed.CHANGES and body == b"[]":
            group.checked = self._view.seq
            return None
        as_of = self._view.as_of(subscription.contest, subscription.source)
        tail = {"seq": self._view.seq, "as_of": as_of, "totals": orjson.Fragment(body)}
        payload = orjson.dumps(head | tail)
        return framed(payload, topic.framing, f"{self._epoch}.{self._view.seq}")

    def _event_frames(self, topic: _Topic[ConnectionT], since: _Position) -> list[bytes]:
        """The frames of what happened since, for those who have followed since then."""
        if since.owed is not _Owed.CHANGES:
            return []
        selection, framing = topic.selection, topic.framing.for_one
        payloads = self._news.since(selection.contest, selection.source, selection.units, since.seq)
        return [framed(payload, framing) for payload in payloads]

    def _body(self, selection: _Selection[ConnectionT], since: int) -> bytes:
        # A body is shared by every topic about the same selection; at another seq it is another one.
        if self._bodies_seq != self._view.seq or len(self._bodies) >= MAX_BODIES_KEPT:
            self._bodies.clear()
            self._bodies_seq = self._view.seq
        body = self._bodies.get((selection, since))
        if body is None:
            body = self._view.encoded_since(selection.contest, selection.source, selection.units, since)
            self._bodies[selection, since] = body
        return body

    def _advance(self, topic: _Topic[ConnectionT], group: _Group[ConnectionT]) -> None:
        self._move(topic, group, _Position(self._view.seq, _Owed.CHANGES))

    def _move(self, topic: _Topic[ConnectionT], group: _Group[ConnectionT], position: _Position) -> None:
        """Put the group at a position; one that stands there already is joined, the smaller moving to the larger."""
        del topic.groups[group.position]
        there = topic.groups.get(position)
        group.position, group.checked = position, position.seq
        if there is None:
            topic.groups[position] = group
            return
        # Two groups at one position become one: from now on they share every frame.
        small, large = sorted((there, group), key=lambda one: len(one.members))
        for follower in small.members.values():
            follower.group = large
        large.members.update(small.members)
        large.checked = max(large.checked, small.checked)
        topic.groups[position] = large

    def _join(self, connection: ConnectionT, follower: _Follower[ConnectionT]) -> None:
        topic, position = follower.topic, follower.parked
        group = topic.groups.get(position)
        if group is None:
            group = topic.groups[position] = _Group(position, position.seq)
        group.members[connection] = follower
        follower.group = group
        self._pending[topic] = None

    def _leave(self, connection: ConnectionT, follower: _Follower[ConnectionT]) -> None:
        group = follower.group
        if group is None:
            return
        follower.parked, follower.group = group.position, None
        del group.members[connection]
        if not group.members:
            del follower.topic.groups[group.position]

    def _add_topic(self, subscription: Subscription, framing: Framing) -> _Topic[ConnectionT]:
        contest, source, units = key = (subscription.contest, subscription.source, subscription.units)
        selection = self._selections.get(key)
        if selection is None:
            selection = self._selections[key] = _Selection(contest, source, units)
            following = self._following.setdefault((contest, source), {})
            for unit in units:
                if unit not in following:
                    following[unit] = {}
                    self._begun[FollowedUnit(contest, source, unit)] = None
                following[unit][selection] = None
        topic = self._topics[subscription, framing] = _Topic(subscription, framing, selection)
        selection.topics[topic] = None
        return topic

    def _drop(self, topic: _Topic[ConnectionT]) -> None:
        topic.followers -= 1
        if topic.followers == 0:
            del self._topics[topic.subscription, topic.framing]
            self._pending.pop(topic, None)
            del topic.selection.topics[topic]
            if not topic.selection.topics:
                self._drop_selection(topic.selection)

    def _drop_selection(self, selection: _Selection[ConnectionT]) -> None:
        del self._selections[selection.contest, selection.source, selection.units]
        following = self._following[selection.contest, selection.source]
        for unit in selection.units:
            del following[unit][selection]
            if not following[unit]:
                del following[unit]
                place = FollowedUnit(selection.contest, selection.source, unit)
                self._begun.pop(place, None)
                self._events.end([place])
        if not following:
            del self._following[selection.contest, selection.source]


def _nothing_until(seq: int, topic: _Topic[ConnectionT]) -> None:
    """Note that the topic's groups are owed nothing up to `seq`: else it would have been pending before.

    They then ask for the same bodies as others whose units changed now, whenever each of them last got something.
    """
    for group in topic.groups.values():
        group.checked = max(group.checked, seq)


def _one_each(sendings: list[Sending[ConnectionT]]) -> list[Sending[ConnectionT]]:
    """The same frames in the same order, joined so that every connection is written to once."""
    if len(sendings) == 1:  # the most frequent case by far, with all clients in it
        return sendings
    seen: set[ConnectionT] = set()
    for sending in sendings:
        if not seen.isdisjoint(sending.connections):
            return _joined(sendings)
        seen.update(sending.connections)
    return sendings


def _joined(sendings: list[Sending[ConnectionT]]) -> list[Sending[ConnectionT]]:
    due: dict[ConnectionT, list[int]] = {}
    for index, sending in enumerate(sendings):
        for connection in sending.connections:
            due.setdefault(connection, []).append(index)
    together: dict[tuple[int, ...], list[ConnectionT]] = {}
    for connection, indexes in due.items():
        together.setdefault(tuple(indexes), []).append(connection)
    return [
        Sending(
            b"".join([sendings[index].data for index in indexes]),
            connections,
            sum(sendings[index].frames for index in indexes),
        )
        for indexes, connections in together.items()
    ]
