"""The clients of one process: what each shows, what is wrong with how it got there, and what is measured. Pure.

A message comes in, and the next state out. Clients of one subscription at one cursor show the same and get the same
bytes. A state is therefore shared: it is never changed, and it remembers the step that a message makes from it. The
first client to get a message pays for parsing and checking it; for the others it is one comparison of bytes.

Receipts are gathered by step and by half a millisecond, and turned into latencies once a second: a step shows the same
changes to everyone who takes it, so the work is a multiplication, not a record for each client.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

import orjson

from sandik.client.subscription import judge
from sandik.load.outcome import MICROSECONDS, Fault, LoadFigures, Ordered
from sandik.load.plan import COUNTER, Plan, Track
from schemas.wire import Cursor

Kind = Literal["hello", "snapshot", "delta", "state", "goodbye", "other"]

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


RECEIPT_HZ: Final = 2_000
"""Receipts are kept to half a millisecond, rounded up: a fortieth of the 20 ms that good deliveries take."""

MAX_STEPS_KEPT: Final = 2_048
"""Steps remembered for clients that have yet to take them; a forgotten one is only worked out again."""

_MAX_AGE_S: Final = 3_600.0
"""An event time that is further from now is that of an archive or of a night at another speed."""

_CLOCKS_DIFFER_S: Final = 1.0


class Client:
    """One client: its place among the states, and what it got. It outlives its connections."""

    __slots__ = (
        "due_s",
        "frames",
        "joined",
        "lost_at",
        "number",
        "resumed",
        "retry_after_s",
        "size_bytes",
        "stalls",
        "state",
        "watched",
    )

    def __init__(self, number: int, state: SubjectState, *, due_s: float, stalls: bool) -> None:
        self.number = number
        self.state = state
        self.due_s = due_s
        self.stalls = stalls
        self.joined = False
        self.watched = True
        self.frames = 0
        self.size_bytes = 0
        self.lost_at: float | None = None
        self.retry_after_s: float | None = None
        self.resumed: Resumed | None = None


class Resumed:
    """A client that stalled, reads again, and has not caught up yet."""

    __slots__ = ("at", "frames", "target_seq")

    def __init__(self, at: float, frames: int, target_seq: int) -> None:
        self.at = at
        self.frames = frames
        self.target_seq = target_seq


class LoadClients:
    """All clients of one process, and what was measured since the last piece."""

    def __init__(self, plan: Plan, numbers: Sequence[int]) -> None:
        self.figures = LoadFigures()
        self.began = 0.0
        self._plan = plan
        self._subjects = _subjects(plan)
        beginnings = [SubjectState(subject) for subject in self._subjects]
        self.clients: Final = [
            Client(
                number,
                beginnings[plan.allotted[number]],
                due_s=number * plan.ramp_s / plan.clients,
                stalls=plan.stalling.chosen(number),
            )
            for number in numbers
        ]
        self._places: dict[tuple[int, str | None, int], SubjectState] = {}
        self._kept: deque[tuple[SubjectState, bytes]] = deque()
        self._touched: list[Step] = []
        self._newest_seq = [0] * len(self._subjects)

    def take_same(self, client: Client, data: bytes, now: float) -> bool:
        """Whether a client got the very frame that another one in its state got, which was checked then; take it if so.

        The bytes are compared whole, head and payload. Whatever differs in one of them, or was odd, is for `take`.
        """
        taken = client.state.latest
        if taken is None or taken.frame != data:
            return False
        figures = self.figures
        size_bytes = len(data)
        figures.frames += 1
        figures.size_bytes += size_bytes
        client.frames += 1
        client.size_bytes += size_bytes
        client.state = taken.after
        if client.watched:
            self._watch(client, taken, now)
        if not client.stalls and (taken.new or taken.newest):
            self._receive(taken, now)
        return True

    def _receive(self, taken: Step, now: float) -> None:
        """Note that one more client has got what is new in a step."""
        receipts = taken.receipts
        if not receipts:
            self._touched.append(taken)
        moment = int(now * RECEIPT_HZ) + 1
        receipts[moment] = receipts.get(moment, 0) + 1

    def take(self, client: Client, payload: bytes, now: float, frame: bytes | None = None) -> None:
        """A client got a text message; `frame` is what was received, where that was its frame and no more."""
        client.frames += 1
        state = client.state
        taken = state.latest
        if taken is None or taken.payload != payload:
            taken = self._step(state, payload)
        if frame is not None and taken.is_plain:
            taken.frame = frame
        client.state = taken.after
        if taken.faults:
            for kind, text in taken.faults:
                self.figures.fault(kind, text)
        for ordered in taken.ordered:
            self.figures.ordered[ordered] += 1
        if client.watched:
            self._watch(client, taken, now)
        if taken.retry_after_s is not None:
            client.retry_after_s = taken.retry_after_s
        if not client.stalls and (taken.new or taken.newest):
            self._receive(taken, now)

    def resume(self, client: Client, now: float) -> None:
        """A client that stalled reads again: it must reach what the others show now."""
        client.resumed = Resumed(now, client.frames, self._newest_seq[client.state.subject.index])

    def lose(self, client: Client, now: float) -> None:
        """A client lost its connection."""
        client.lost_at = now
        client.watched = True

    def flush(self) -> LoadFigures:
        """What was measured since the last call."""
        for taken in self._touched:
            self._time(taken)
            taken.receipts.clear()
        self._touched.clear()
        figures, self.figures = self.figures, LoadFigures()
        return figures

    def behind(self, end_s: float) -> int:
        """How many clients do not show yet what they must, with nothing more due after `end_s`."""
        return sum(self._lacks(state, end_s) > 0 for state in self._states()) + sum(
            client.resumed is not None for client in self.clients
        )

    def close_books(self, end_s: float) -> None:
        """At the end, record each client's totals, and count the changes that it should show and does not."""
        lacking = {state: self._lacks(state, end_s) for state in self._states()}
        for client in self.clients:
            self.figures.frames_each.record(client.frames)
            self.figures.bytes_each.record(client.size_bytes)
            state = client.state
            self.figures.never_joined += not state.joined
            self.figures.unshown += lacking[state]
            self.figures.late_clients += state.joined and (lacking[state] > 0 or client.resumed is not None)
            schedule = self._plan.schedule
            if schedule is not None and state.exceeds(schedule.due_by(end_s)):
                self.figures.fault("surplus", "more changes than were due; does somebody else feed this run, too?")

    def _states(self) -> set[SubjectState]:
        return {client.state for client in self.clients}

    def _lacks(self, state: SubjectState, end_s: float) -> int:
        schedule = self._plan.schedule
        return state.lacks(schedule.due_by(end_s)) if schedule is not None else 0

    def _step(self, state: SubjectState, payload: bytes) -> Step:
        taken = state.steps.get(payload)
        if taken is None:
            taken = state.steps[payload] = self._share(step(state, payload))
            self._kept.append((state, payload))
            if len(self._kept) > MAX_STEPS_KEPT:
                old, key = self._kept.popleft()
                old.latest = None
                del old.steps[key]
        state.latest = taken
        return taken

    def _share(self, taken: Step) -> Step:
        """Let the step end in the state that others have at its cursor, if it shows the same; else count a fault."""
        if taken.kind not in {"snapshot", "delta"}:
            return taken
        after = taken.after
        index = after.subject.index
        if taken.newest:
            self._newest_seq[index] = max(after.seq, self._newest_seq[index])
        place = self._places.setdefault((index, after.epoch, after.seq), after)
        if place.shown == after.shown:  # one object for all, so that the next message is parsed once for all of them
            taken.after = place
        else:
            taken.faults = (*taken.faults, ("differs", f"at seq {after.seq}, by a {taken.kind}"))
        if len(self._places) > MAX_STEPS_KEPT:
            del self._places[next(iter(self._places))]
        return taken

    def _watch(self, client: Client, taken: Step, now: float) -> None:
        """Time a client's rarer events: its first figures, its return after a loss, its catching up after a stall."""
        if not client.joined and client.state.joined:
            client.joined = True
            self.figures.joining.record(round((now - self.began - client.due_s) * MICROSECONDS))
        if client.lost_at is not None and taken.kind in {"snapshot", "delta"}:
            self.figures.returning.record(round((now - client.lost_at) * MICROSECONDS))
            client.lost_at = None
        resumed = client.resumed
        if resumed is not None and client.state.seq >= resumed.target_seq:
            client.resumed = None
            self.figures.catching_up.record(round((now - resumed.at) * MICROSECONDS))
            self.figures.catch_up_frames.record(client.frames - resumed.frames)
        client.watched = client.stalls or not client.joined or client.lost_at is not None

    def _time(self, taken: Step) -> None:
        """Turn the receipts of one step into latencies: each change or event time counts once for each client."""
        plan, figures = self._plan, self.figures
        dues: list[float] = []
        if plan.schedule is not None:
            every = (plan.schedule.due_s(number) for number in taken.new)
            dues = [due for due in every if plan.ramp_s <= due < plan.end_s]  # while all are connected
        for moment, count in taken.receipts.items():
            now = moment / RECEIPT_HZ
            elapsed = now - self.began
            for due in dues:
                figures.behind.record(int((elapsed - due) * MICROSECONDS), count)
            if not plan.ramp_s <= elapsed:
                continue
            for at in taken.newest:
                age = now + plan.wall_s - at
                if -_CLOCKS_DIFFER_S <= age <= _MAX_AGE_S:
                    figures.newest.record(int(age * MICROSECONDS), count)
                else:
                    figures.unreal += count


def _subjects(plan: Plan) -> list[Subject]:
    if plan.schedule is None:
        return [Subject(index, message) for index, message in enumerate(plan.subscriptions)]
    return [
        Subject(index, message, plan.schedule.tracks(message["contest"], message["source"], plan.units[index]))
        for index, message in enumerate(plan.subscriptions)
    ]
