"""What a client shows, and what is wrong with how it got there. Pure: a message in, the next state out.

Clients of one subscription at one cursor show the same and get the same bytes. A state is therefore shared: it is
never changed, and it remembers the step that a message makes from it. The first client to get a message pays for
parsing and checking it; for the others it is one comparison of bytes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

import orjson

from sandik.client.subscription import judge
from sandik.load.schedule import COUNTER, Track
from schemas.wire import Cursor

Kind = Literal["hello", "snapshot", "delta", "state", "goodbye", "other"]

Fault = Literal["gap", "step back", "blank", "fall", "surplus", "differs", "error", "unreadable"]
"""What must never happen.

gap: a delta that begins beyond the cursor. step back: a seq below the cursor. blank: a unit that showed boxes shows
none. fall: with a feed of ours, fewer changes or boxes than were shown. surplus: with a feed of ours, more changes than
were ever due. differs: two clients at one cursor show different figures. error: the gateway refused the subscription.
unreadable: not a message of the protocol.
"""

Ordered = Literal["embargo", "hold", "figures set by hand"]
"""What operators may order, so that clients are rightly shown something else than the feed says."""

MAX_NEW_CHANGES: Final = 1_000_000
"""Changes of one unit that may come at once: eight minutes of 2,000 a second. More are not believed."""

_MAX_TEXT_CHARS: Final = 200
"""How much of a message that is wrong is kept, to be shown."""


class Shown(NamedTuple):
    """One unit on a screen: the boxes opened, and how many of the feed's changes are in it."""

    boxes: int
    changes: int


@dataclass(frozen=True, slots=True)
class Subject:
    """What a client follows. With a feed of ours, `tracks` says when each change of each unit was due."""

    index: int
    message: Mapping[str, Any]
    tracks: Mapping[str, Track] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class SubjectState:
    """What is shown for a subject at a cursor, shared by every client that is there."""

    subject: Subject
    epoch: str | None = None
    seq: int = 0
    shown: Mapping[str, Shown] = field(default_factory=dict)
    joined: bool = False
    latest: "Step | None" = None
    steps: "dict[bytes, Step]" = field(default_factory=dict)

    @property
    def cursor(self) -> Cursor | None:
        """Where to resume from; none before the first snapshot."""
        return Cursor(epoch=self.epoch, seq=self.seq) if self.joined and self.epoch is not None else None

    def lacks(self, changes: int) -> int:
        """How many of the schedule's first `changes` changes this does not show."""
        shown = self.shown
        return sum(
            max(0, track.among(changes) - (shown[unit].changes if unit in shown else 0))
            for unit, track in self.subject.tracks.items()
        )

    def exceeds(self, changes: int) -> bool:
        """Whether it shows more than the schedule's first `changes` changes."""
        tracks = self.subject.tracks
        return any(unit in tracks and one.changes > tracks[unit].among(changes) for unit, one in self.shown.items())


@dataclass(slots=True, eq=False)
class Step:
    """The result of one message in one state, shared by every client that is in it."""

    payload: bytes
    kind: Kind
    after: SubjectState
    faults: Sequence[tuple[Fault, str]] = ()
    ordered: Sequence[Ordered] = ()
    """The orders of operators that the message tells of."""
    new: Sequence[int] = ()
    """The schedule's numbers of the changes that are shown now and were not before."""
    newest: Sequence[float] = ()
    """The event time (seconds since 1970) of every unit that changed."""
    retry_after_s: float | None = None
    """With a goodbye: how long to wait before connecting again."""
    receipts: dict[int, int] = field(default_factory=dict)
    """How many got it when; the worker's to fill and to empty."""
    frame: bytes | None = None
    """The bytes that the message came in, where they were that frame and no more, and nothing is odd about it."""

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing in it but figures: no fault, no order, no goodbye."""
        return not self.faults and not self.ordered and self.retry_after_s is None


def step(state: SubjectState, payload: bytes) -> Step:
    """What the payload of a text message makes of a state. Never raises for what is in it."""
    try:
        message = orjson.loads(payload)
        kind = message["type"]
        apply = _APPLY.get(kind, _other)
        return apply(state, payload, message)
    except (orjson.JSONDecodeError, LookupError, TypeError, ValueError, AttributeError):
        return Step(payload, "other", state, (("unreadable", _quote(payload)),))


def _hello(state: SubjectState, payload: bytes, _: Mapping[str, Any]) -> Step:
    return Step(payload, "hello", state)


def _state(state: SubjectState, payload: bytes, message: Mapping[str, Any]) -> Step:
    in_force: dict[Ordered, bool] = {"embargo": message.get("embargoed", False), "hold": bool(message.get("hold"))}
    return Step(payload, "state", state, ordered=[kind for kind, is_so in in_force.items() if is_so])


def _goodbye(state: SubjectState, payload: bytes, message: Mapping[str, Any]) -> Step:
    return Step(payload, "goodbye", state, retry_after_s=float(message["retry_after_s"]))


def _error(state: SubjectState, payload: bytes, message: Mapping[str, Any]) -> Step:
    return Step(payload, "other", state, (("error", f"{message['code']}: {message['message']}"[:_MAX_TEXT_CHARS]),))


def _other(state: SubjectState, payload: bytes, _: Mapping[str, Any]) -> Step:
    return Step(payload, "other", state)


def _snapshot(state: SubjectState, payload: bytes, message: Mapping[str, Any]) -> Step:
    epoch, seq = message["epoch"], message["seq"]
    before = state.shown if epoch == state.epoch else {}
    shown = {entry["unit"]: _show(state.subject, entry, None) for entry in message["totals"]}
    faults = _step_back(state, seq) if epoch == state.epoch else []
    faults += [("blank", f"{unit} is not in the snapshot") for unit in before.keys() - shown.keys()]
    faults += _worse(state.subject, before, shown)
    after = SubjectState(state.subject, epoch, seq, shown, joined=True)
    new = _new(state.subject, before, shown) if epoch == state.epoch else []
    return Step(payload, "snapshot", after, faults, _ordered(message["totals"]), new)


def _delta(state: SubjectState, payload: bytes, message: Mapping[str, Any]) -> Step:
    seq, entries = message["seq"], message["totals"]
    faults = _step_back(state, seq)
    if judge(state.cursor, state.epoch, message["from"], seq) in {"gap", "awaiting"}:
        faults.append(("gap", f"from {message['from']}, but the cursor is {state.seq}"))
    changed = {entry["unit"]: _show(state.subject, entry, state.shown.get(entry["unit"])) for entry in entries}
    faults += _worse(state.subject, state.shown, changed)
    after = SubjectState(
        state.subject,
        state.epoch,
        seq,
        {**state.shown, **changed},
        joined=True,
    )
    newest = [datetime.fromisoformat(entry["as_of"]).timestamp() for entry in entries if "as_of" in entry]
    new = _new(state.subject, state.shown, changed)
    return Step(payload, "delta", after, faults, _ordered(entries), new, newest)


_APPLY: Final[Mapping[str, Callable[[SubjectState, bytes, Mapping[str, Any]], Step]]] = {
    "hello": _hello,
    "state": _state,
    "snapshot": _snapshot,
    "delta": _delta,
    "error": _error,
    "goodbye": _goodbye,
}


def _show(subject: Subject, entry: Mapping[str, Any], before: Shown | None) -> Shown:
    """A unit with an entry's fields over it; what an entry leaves out has not changed."""
    boxes = entry.get("boxes_opened", before.boxes if before else 0)
    track = subject.tracks.get(entry["unit"])
    if track is None:
        return Shown(boxes, 0)
    changes = entry[COUNTER] - track.base if COUNTER in entry else (before.changes if before else 0)
    return Shown(boxes, changes)


def _ordered(entries: Sequence[Mapping[str, Any]]) -> Sequence[Ordered]:
    return ("figures set by hand",) if any(entry.get("overridden") for entry in entries) else ()


def _step_back(state: SubjectState, seq: int) -> list[tuple[Fault, str]]:
    return [("step back", f"seq {seq}, but the cursor is {state.seq}")] if seq < state.seq else []


def _worse(subject: Subject, before: Mapping[str, Shown], after: Mapping[str, Shown]) -> list[tuple[Fault, str]]:
    """Return faults of units that went blank and, with a feed of ours, which takes nothing back, that fell."""
    faults: list[tuple[Fault, str]] = []
    for unit, now in after.items():
        was = before.get(unit)
        if unit in subject.tracks and now.changes - (was.changes if was else 0) > MAX_NEW_CHANGES:
            faults.append(("surplus", f"{unit} went from {was} to {now}"))
        if was is None:
            continue
        if was.boxes and not now.boxes:
            faults.append(("blank", f"{unit} showed {was.boxes} boxes and shows none"))
        elif unit in subject.tracks and (now.changes < was.changes or now.boxes < was.boxes):
            faults.append(("fall", f"{unit} fell from {was} to {now}"))
    return faults


def _new(subject: Subject, before: Mapping[str, Shown], after: Mapping[str, Shown]) -> list[int]:
    """The changes that are shown now and were not; not asked on joining, when everything is news."""
    new: list[int] = []
    for unit, track in subject.tracks.items():
        if unit in after:
            shown = before[unit].changes if unit in before else 0
            last = after[unit].changes
            new += track.numbers(max(shown, 0), last) if last - shown <= MAX_NEW_CHANGES else ()
    return new


def _quote(payload: bytes) -> str:
    return payload[:_MAX_TEXT_CHARS].decode(errors="replace")
