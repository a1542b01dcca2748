"""The clients of one process: what each shows, and what is measured when something comes in.

Receipts are gathered by step and by half a millisecond, and turned into latencies once a second: a step shows the
same changes to everyone who takes it, so the work is a multiplication, not a record for each client.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

from sandik.load.measurements import MICROSECONDS, LoadFigures
from sandik.load.plan import Plan
from sandik.load.subject_state import Step, Subject, SubjectState, step

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
