"""One subscription: the units it covers, their figures, and its cursor (epoch, seq). Pure.

`gateway/pages/client/cursor.js` judges deltas by the same rule in JavaScript.

Beside them what the server's state message says: how old each feed is, and which units operators hold. Ages go on
growing between two messages. Whether a unit is held is asked of the definition's tree: an id alone does not say which
units are above it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Protocol

from schemas.definition import Election
from schemas.wire import Cursor, Delta, Entry, Feed, FeedState, Playback, Snapshot, State, Subscribe

Verdict = Literal["next", "gap", "old", "awaiting"]
"""What to do with a delta.

next: apply it. gap: it begins beyond the cursor, or in another epoch; ask anew, without a cursor. old: it ends before
the cursor and is left out. awaiting: there is no cursor until the snapshot comes, so it is left out.
"""


def judge(cursor: Cursor | None, epoch: str | None, begins: int, ends: int) -> Verdict:
    """What a delta of the connection's `epoch`, from seq `begins` to `ends`, is to a cursor."""
    if cursor is None:
        return "awaiting"
    if epoch != cursor.epoch or begins > cursor.seq:
        return "gap"
    return "old" if ends < cursor.seq else "next"


_FNV_PRIME: Final = 0x01000193
_FNV_BASES: Final = (0x811C9DC5, 0x050C5D1F)
"""FNV-1a's own offset basis, and another: two halves of an id."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one unit: absolute, never changed in place. `registered` counts voters of the opened boxes.

    A count that is `None` is not known: the source does not give it, or nothing has come of the unit yet.
    """

    unit: str
    level: str | None = None
    boxes_total: int | None = None
    as_of: datetime | None = None
    boxes_opened: int = 0
    annulled: int = 0
    registered: int | None = None
    cast: int | None = None
    valid: int | None = None
    invalid: int | None = None
    unattributed: int = 0
    flagged: int = 0
    blank: int | None = None
    votes: Mapping[str, int] = field(default_factory=dict)
    overridden: tuple[str, ...] = ()
    """The figures that an operator has set by hand, in the unit or below, such as `votes.imamoglu`."""
    boxes_surplus: int = 0
    """Opened boxes beyond those that their district has: they count in no share of boxes."""
    complete: bool = False
    """Whether every district of the unit has exactly all of its boxes opened."""
    contradictions: tuple[str, ...] = ()
    """What figures of a district contradict, such as `boxes_over_total`."""

    def merged(self, entry: Entry) -> "Figures":
        """These with what is said now; fields that are not named stay."""
        named: dict[str, Any] = {
            name: value for name in entry.model_fields_set if (value := getattr(entry, name)) is not None
        }
        named["votes"] = {**self.votes, **(entry.votes or {})}
        return replace(self, **named)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is followed. `units` are unit ids, or a unit id and `/*` for the units directly below it."""

    contest: str
    source: str
    units: tuple[str, ...]
    max_rate_hz: float | None = None

    @property
    def id(self) -> str:
        """The same for every client that asks for the same, so that they share the server's bytes."""
        rate = "" if self.max_rate_hz is None else f"{self.max_rate_hz!r}".removesuffix(".0")
        text = " ".join([self.contest, self.source, *self.units, rate])
        return "".join(f"{_fnv(text, basis):08x}" for basis in _FNV_BASES)


def covers(pattern: str, unit: str) -> bool:
    """Whether a pattern such as `tr/34/*` covers a unit."""
    if not pattern.endswith("/*"):
        return pattern == unit
    prefix = pattern[:-1]
    return unit.startswith(prefix) and "/" not in unit[len(prefix) :]


class Subscription:
    """What one subscription shows. It outlives connections, and closing: whoever comes back is owed a delta only."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted: Final = wanted
        self.id: Final = wanted.id
        self.handles = 0
        self.table: dict[str, Figures] | None = None
        self.epoch: str | None = None
        self.seq = 0
        self._placed = False

    @property
    def cursor(self) -> Cursor | None:
        """Where to resume from; none while a snapshot is awaited."""
        return Cursor(epoch=self.epoch, seq=self.seq) if self._placed and self.epoch is not None else None

    def covers(self, unit: str) -> bool:
        """Whether it has anything to say about a unit."""
        # An id says nothing of what a unit is in: the units of another tree are those that the table has.
        is_told = self.table is not None and unit in self.table
        return is_told or any(covers(pattern, unit) for pattern in self.wanted.units)

    def ask(self) -> Subscribe:
        """The message that asks for it, from the cursor on where there is one."""
        wanted = self.wanted
        return Subscribe(
            type="subscribe",
            id=self.id,
            contest=wanted.contest,
            source=wanted.source,
            units=wanted.units,
            since=self.cursor,
            max_rate_hz=wanted.max_rate_hz,
        )

    def snapshot(self, message: Snapshot) -> None:
        """Take a snapshot: it replaces everything."""
        self.table = {entry.unit: Figures(entry.unit).merged(entry) for entry in message.totals}
        self.epoch, self.seq, self._placed = message.epoch, message.seq, True

    def delta(self, message: Delta, epoch: str | None) -> tuple[Verdict, list[str]]:
        """Take a delta of the connection's epoch. Returns what it was, and the units that it names if applied."""
        verdict = judge(self.cursor, epoch, message.from_, message.seq)
        if verdict != "next" or self.table is None:
            return verdict, []
        for entry in message.totals:
            self.table[entry.unit] = self.table.get(entry.unit, Figures(entry.unit)).merged(entry)
        self.seq = message.seq
        return verdict, [entry.unit for entry in message.totals]

    def forget(self) -> None:
        """Forget the cursor, not what is shown: the next answer must be a snapshot."""
        self._placed = False


def _fnv(text: str, basis: int) -> int:
    """FNV-1a, 32 bits, over the text's ASCII."""
    value = basis
    for character in text:
        value = ((value ^ ord(character)) * _FNV_PRIME) & 0xFFFFFFFF
    return value


@dataclass(frozen=True, slots=True)
class FeedNow:
    """One source as of now. `unknown`: there is no connection, so nobody knows how it is.

    A newer gateway may say a `state` that is not listed here: it is passed on as it came.

    `set_aside` counts what it has said that is in quarantine, and so not in its figures; `restarted` what is ignored
    since its revisions began again, `ahead` what is dated well ahead of when it came, `impossible` the boxes
    in its figures that have more than a box can have.
    """

    state: FeedState | Literal["unknown"]
    last_event: datetime | None
    age_s: float | None
    set_aside: int = 0
    restarted: int = 0
    ahead: int = 0
    impossible: int = 0


class Feeds:
    """What the last state message said, and how long ago. `now` gives seconds that never step back."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._state: State | None = None
        self._at = 0.0
        self._heard: dict[str, float] = {}

    def receive(self, state: State) -> None:
        """Take the server's state message."""
        self._state = state
        self._at = self._now()

    def heard(self, source: str) -> None:
        """A change of this source has just come in: newer than what the last state message knew."""
        self._heard[source] = self._now()

    def read(self, *, connected: bool) -> dict[str, FeedNow]:
        """Every source, ages as of now."""
        feeds = self._state.feeds if self._state is not None else {}
        return {
            source: FeedNow(
                feed.state if connected else "unknown",
                feed.last_event,
                self._age_s(source, feed),
                feed.set_aside,
                feed.restarted,
                feed.ahead,
                feed.impossible,
            )
            for source, feed in feeds.items()
        }

    def replay(self) -> Playback | None:
        """Where a replay is by now: its clock has gone on since the message."""
        replay = self._state.replay if self._state is not None else None
        if replay is None or replay.status != "playing":
            return replay
        left_s = (replay.last - replay.clock).total_seconds()
        gone_s = min(left_s, (self._now() - self._at) * replay.speed)
        return replay.model_copy(update={"clock": replay.clock + timedelta(seconds=gone_s)})

    def _age_s(self, source: str, feed: Feed) -> float | None:
        ages: list[float] = []
        if feed.age_s is not None:
            ages.append(feed.age_s + self._now() - self._at)
        if source in self._heard:
            ages.append(self._now() - self._heard[source])
        return min(ages, default=None)


class Holding(Protocol):
    """What says what is held: a night."""

    @property
    def held(self) -> tuple[str, ...]:
        """Contests, or contest/unit."""
        ...

    @property
    def held_in_part(self) -> tuple[str, ...]:
        """The units of which a part is held, named alike."""
        ...


def is_held(night: Holding, definition: Election, contest: str, unit: str) -> bool:
    """Whether a unit's public figures are held, wholly or in part.

    It or a unit above it is in `held`, or a part of it is, and then the gateway lists it in `held_in_part`.
    """
    if unit not in definition.unit_by_id:
        return False
    names = [contest if one == definition.country else f"{contest}/{one}" for one in definition.path(unit)]
    return any(name in night.held for name in names) or names[0] in night.held_in_part
