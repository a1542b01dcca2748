"""A night as one client knows it, without any I/O: messages in, a local view and messages out.

Nothing here is ever emptied by a lost connection, a restart or another epoch; only a snapshot replaces what was.
`gateway/pages/client/night.js` is the same machine in JavaScript, and tests run the same transcripts through both.

Also when to come back after a lost connection (`gateway/pages/client/retry.js` has the same rules), the address of a
gateway's stream, and why it was refused.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple
from urllib.parse import parse_qs, urlsplit, urlunsplit

import orjson

from sandik.client.subscription import FeedNow, Feeds, Figures, Subscription, Wanted
from schemas.control import Mode
from schemas.errors import UsageError
from schemas.graphics import Graphic
from schemas.wire import (
    MAX_SUBSCRIPTIONS,
    Call,
    Delta,
    Error,
    Event,
    Goodbye,
    Hello,
    Playback,
    Scope,
    Snapshot,
    State,
    Subscribe,
    Unsubscribe,
    Unsubscribed,
)

_SCHEMES: Final = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


def stream_url(url: str) -> str:
    """The WebSocket's address.

    Raises:
        UsageError: `url` is no address of a gateway.
    """
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or not parts.netloc:
        raise UsageError(f"{url!r} is no address of a gateway. Give one such as ws://localhost:8765/v1/stream.")
    return urlunsplit((_SCHEMES[parts.scheme], parts.netloc, "/v1/stream", "", ""))


def token_in(url: str) -> str | None:
    """The read token that an address brings."""
    return next(iter(parse_qs(urlsplit(url).query).get("token", [])), None)


FIRST_S: Final = 2.0
"""What docs/protocol.md asks of clients: a random moment of up to two seconds, twice as long after each failure."""

LONGEST_S: Final = 8.0
"""The longest pause: a screen should be right again soon, and by now the crowd is spread wide enough."""

_MOST_DOUBLINGS: Final = 16
_FIRST_SENT_AWAY: Final = 4500
_LAST_SENT_AWAY: Final = 4999


@dataclass(frozen=True, slots=True)
class Retry:
    """Full jitter: at random up to a limit that doubles with each failure, so that clients do not return in step."""

    first_s: float = FIRST_S
    longest_s: float = LONGEST_S

    def delay_s(self, failures: int, random: Callable[[], float]) -> float:
        """How long to wait after so many failures in a row; `random` gives numbers from 0 up to 1."""
        return random() * min(self.longest_s, self.first_s * (1 << min(failures, _MOST_DOUBLINGS)))


def may_reconnect(code: int) -> bool:
    """Whether a close code asks for another connection: 4500 to 4999 say that it would be no use."""
    return not _FIRST_SENT_AWAY <= code <= _LAST_SENT_AWAY


def reason_in(body: bytes) -> str:
    """What an answer over HTTP says: the gateway's own is {"error": …}; a proxy's is taken as it is."""
    reason = field_in("error", body)
    return str(reason) if reason is not None else body.decode(errors="replace")


def field_in(name: str, body: bytes) -> object:
    """A field of an answer over HTTP; `None` where it is no JSON object, or has none."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return answer.get(name) if isinstance(answer, dict) else None


MAX_RETAINED: Final = MAX_SUBSCRIPTIONS
"""Subscriptions that were closed and whose figures are kept, so that coming back costs a delta: as many as are open."""

MISSED_HEARTBEATS: Final = 3
"""Signs of life that may be missed before a silent connection counts as lost: what docs/protocol.md says."""

Status = Literal["connecting", "open", "lost", "refused", "closed"]
"""`lost` comes back by itself, `refused` does not, `closed` was our wish."""


@dataclass(frozen=True, slots=True)
class Change:
    """Units of which the figures that are shown have changed."""

    contest: str
    source: str
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pending:
    """How many entries have other figures by now than are shown, while the view is held."""

    count: int


@dataclass(frozen=True, slots=True)
class StatusChange:
    """The connection's status, and the close code of the last that ended."""

    status: Status
    code: int | None


News = Change | Pending | StatusChange | Hello | State | Event | Error
"""What a night tells: a change of what is shown, of the connection, or what the server said."""

ServerSays = Hello | Snapshot | Delta | State | Event | Unsubscribed | Error | Goodbye


class FigureKey(NamedTuple):
    """Where figures belong."""

    contest: str
    source: str
    unit: str


@dataclass(slots=True)
class _Frozen:
    """What a held view shows."""

    shown: dict[FigureKey, Figures | None]
    calls: tuple[Call, ...]


class Handle:
    """A subscription that is followed until it is closed."""

    def __init__(self, id_: str, close: Callable[[], None]) -> None:
        self.id: Final = id_
        self._close: Callable[[], None] | None = close

    def close(self) -> None:
        """Follow it no longer; again is no error."""
        close, self._close = self._close, None
        if close is not None:
            close()


class Night:
    """The state of one client, without I/O.

    Call order for a connection: `connecting()`, `opened()`, `receive()` for each message, then `lose()` or `refuse()`;
    `closed()` at the very end.

    Args:
        send: sends a message to the server.
        tell: passes news on to whoever listens.
        now: returns seconds that never step back.
        random: returns numbers from 0 up to 1, for the pauses between attempts.
        retry: how long those pauses are.
    """

    def __init__(
        self,
        *,
        send: Callable[[Subscribe | Unsubscribe], None],
        tell: Callable[[News], None],
        now: Callable[[], float],
        random: Callable[[], float],
        retry: Retry | None = None,
    ) -> None:
        self.status: Status = "connecting"
        self.code: int | None = None
        self.run: str | None = None
        self.mode: Mode | None = None
        self.epoch: str | None = None
        self.definition_version: int | None = None
        """The version of the definition by which figures are summed up; `None` before the first hello."""
        self.scope: Scope | None = None
        self.gaps = 0
        """Deltas that began beyond the cursor: faults of the server's, each mended by a fresh snapshot."""
        self._send = send
        self._emit = tell
        self._random = random
        self._retry = retry or Retry()
        self._feeds = Feeds(now)
        self._subscriptions: dict[str, Subscription] = {}
        self._state: State | None = None
        self._frozen: _Frozen | None = None
        self._failures = 0
        self._retry_after_s: float | None = None
        self._heartbeat_s: float | None = None
        self._connected = False

    # What a screen reads

    def entry(self, contest: str, source: str, unit: str) -> Figures | None:
        """The figures of one unit that screens see; none where nothing is known."""
        place = FigureKey(contest, source, unit)
        return self.newest(*place) if self._frozen is None else self._frozen.shown.get(place)

    def newest(self, contest: str, source: str, unit: str) -> Figures | None:
        """The newest figures of one unit, also while this view is held: for a preview beside what is on air."""
        tables = [
            (one.handles > 0, one.epoch == self.epoch, one.seq, one.table)
            for one in self._subscriptions.values()
            if one.table is not None and (one.wanted.contest, one.wanted.source) == (contest, source)
            if one.covers(unit)
        ]
        return max(tables, key=lambda ranked: ranked[:3])[3].get(unit) if tables else None

    @property
    def feeds(self) -> Mapping[str, FeedNow]:
        """By source; empty before the first state. `unknown` while there is no connection."""
        return self._feeds.read(connected=self.status == "open")

    @property
    def reachable(self) -> bool:
        """Whether the gateway reads its log, as it last said; while it does not, every feed is down."""
        return self._state is None or self._state.reachable

    @property
    def embargoed(self) -> bool:
        """Whether numbers are for the control room only."""
        return self._state is not None and self._state.embargoed

    @property
    def embargo(self) -> datetime | None:
        """Until when; none where only an operator ends it."""
        return self._state.embargo if self._state is not None else None

    @property
    def held(self) -> tuple[str, ...]:
        """What operators hold back, for everyone: contests, or contest/unit."""
        return self._state.hold if self._state is not None else ()

    @property
    def held_in_part(self) -> tuple[str, ...]:
        """The units above those, of which a part is held; named alike. See `is_held`."""
        return self._state.held_in_part if self._state is not None else ()

    @property
    def calls(self) -> tuple[Call, ...]:
        """Who has won, in an editor's word."""
        return self._frozen.calls if self._frozen is not None else self._calls

    @property
    def graphics(self) -> Mapping[str, Graphic]:
        """By channel what operators have put on air; a channel that is clear is not there."""
        return self._state.graphics if self._state is not None else {}

    @property
    def replay(self) -> Playback | None:
        """Where a replay is, its clock as of now; none in any other night."""
        return self._feeds.replay()

    # Hold and take, for this view alone

    @property
    def holding(self) -> bool:
        """Whether this view is held."""
        return self._frozen is not None

    @property
    def pending(self) -> int:
        """How many entries have other figures by now than are shown; 0 unless it is held."""
        return len(self._changed())

    def hold(self) -> None:
        """From now on what screens see does not move."""
        if self._frozen is not None:
            return
        self._frozen = _Frozen({place: self.newest(*place) for place in self._places()}, self._calls)
        self._emit(Pending(0))

    def take(self) -> None:
        """Let the newest through, all of it in one step, and stay held."""
        if self._frozen is None:
            return
        changed = self._changed()
        self._frozen.shown |= {place: self.newest(*place) for place in changed}
        self._frozen.calls = self._calls
        self._emit(Pending(0))
        self._tell_changes(changed)

    def release(self) -> None:
        """Let the newest through and follow again."""
        if self._frozen is None:
            return
        changed = self._changed()
        self._frozen = None
        self._emit(Pending(0))
        self._tell_changes(changed)

    # What is followed

    def subscribe(self, wanted: Wanted) -> Handle:
        """Follow this until the handle is closed. The same twice is followed once."""
        one = self._subscriptions.pop(wanted.id, None) or Subscription(wanted)
        self._subscriptions[one.id] = one  # the newest last, so that the oldest is the first to be let go
        one.handles += 1
        if one.handles == 1 and self._connected:
            self._send(one.ask())
        self._let_go()
        return Handle(one.id, lambda: self._unsubscribe(one))

    # What a connection drives

    def connecting(self) -> None:
        """A connection is being opened."""
        self._connection("connecting")

    def opened(self) -> None:
        """It is open: ask for everything, from the cursors on. What is asked before `hello` is answered after it."""
        self._connected = True
        for one in self._subscriptions.values():
            if one.handles:
                self._send(one.ask())

    def receive(self, message: ServerSays) -> None:
        """A message came in."""
        match message:
            case Hello():
                self._hello(message)
            case Snapshot():
                self._snapshot(message)
            case Delta():
                self._delta(message)
            case State():
                self._state = message
                self._feeds.receive(message)
                self._emit(message)
            case Event():
                if self._frozen is None:
                    self._emit(message)
            case Error():
                self._emit(message)
            case Goodbye():
                self.come_back_after(message.retry_after_s)
            case _:
                pass  # `unsubscribed`: we asked for it

    def come_back_after(self, seconds: float) -> None:
        """Wait so many seconds before the next connection, as the server asks."""
        self._retry_after_s = seconds

    def lose(self, code: int) -> float | None:
        """The connection is lost. Returns the seconds to wait before the next; none where there must be none."""
        self._connected = False
        self.code = code
        if not may_reconnect(code):
            self._connection("refused")
            return None
        asked_s, self._retry_after_s = self._retry_after_s, None
        delay_s = self._retry.delay_s(self._failures, self._random) if asked_s is None else asked_s
        self._failures += 1
        self._connection("lost")
        return delay_s

    def refuse(self, code: int) -> None:
        """The connection was not let in, with this HTTP status, and would not be another time."""
        self._connected = False
        self.code = code
        self._connection("refused")

    def closed(self) -> None:
        """The connection was closed on our side, for good."""
        self._connected = False
        self._connection("closed")

    @property
    def patience_s(self) -> float | None:
        """How long the connection may be silent before it counts as lost; none before its hello."""
        if self._heartbeat_s is None or self.status != "open":
            return None
        return self._heartbeat_s * MISSED_HEARTBEATS

    @property
    def _calls(self) -> tuple[Call, ...]:
        return self._state.calls if self._state is not None else ()

    def _connection(self, status: Status) -> None:
        self.status = status
        self._emit(StatusChange(status, self.code))

    def _hello(self, message: Hello) -> None:
        self.run, self.mode, self.epoch, self.scope = message.run, message.mode, message.epoch, message.scope
        self.definition_version = message.definition_version
        self._failures = 0
        self._heartbeat_s = message.heartbeat_s
        self._emit(message)
        self._connection("open")

    def _snapshot(self, message: Snapshot) -> None:
        one = self._subscriptions.get(message.id)
        if one is None:
            return
        wanted = one.wanted
        before = {place: self.newest(*place) for place in self._places(wanted)}
        one.snapshot(message)
        places = dict.fromkeys([*before, *self._places(wanted)])
        self._moved(wanted, [place.unit for place in places if before.get(place) != self.newest(*place)])

    def _delta(self, message: Delta) -> None:
        one = self._subscriptions.get(message.id)
        if one is None:
            return
        verdict, units = one.delta(message, self.epoch)
        if verdict == "gap":
            self.gaps += 1
            one.forget()
            if one.handles:
                self._send(one.ask())
        elif units:
            self._feeds.heard(one.wanted.source)
            self._moved(one.wanted, units)

    def _moved(self, wanted: Wanted, units: Iterable[str]) -> None:
        if self._frozen is None:
            self._emit(Change(wanted.contest, wanted.source, tuple(units)))
        else:
            self._emit(Pending(self.pending))

    def _changed(self) -> list[FigureKey]:
        """Where the newest figures are others than those that are shown."""
        frozen = self._frozen
        if frozen is None:
            return []
        places = dict.fromkeys([*frozen.shown, *self._places()])
        return [place for place in places if self.newest(*place) != frozen.shown.get(place)]

    def _places(self, like: Wanted | None = None) -> list[FigureKey]:
        """Where figures have come for; only of the same contest and source as `like`, if it is given."""
        return [
            FigureKey(one.wanted.contest, one.wanted.source, unit)
            for one in self._subscriptions.values()
            if like is None or (one.wanted.contest, one.wanted.source) == (like.contest, like.source)
            for unit in one.table or ()
        ]

    def _tell_changes(self, changed: Iterable[FigureKey]) -> None:
        units: dict[tuple[str, str], list[str]] = {}
        for place in changed:
            units.setdefault((place.contest, place.source), []).append(place.unit)
        for (contest, source), moved in units.items():
            self._emit(Change(contest, source, tuple(moved)))

    def _unsubscribe(self, one: Subscription) -> None:
        one.handles -= 1
        if one.handles == 0 and self._connected:
            self._send(Unsubscribe(type="unsubscribe", id=one.id))
        self._let_go()

    def _let_go(self) -> None:
        """Forget the oldest of those that nobody follows any more."""
        retained = [one.id for one in self._subscriptions.values() if not one.handles]
        for id_ in retained[: max(0, len(retained) - MAX_RETAINED)]:
            del self._subscriptions[id_]
