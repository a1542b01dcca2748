"""An archived night as a timeline: what was on air from when on, for graphics that draw any moment of it. Pure.

It is the stream's own messages with their times: `state` wherever the state of things changes, `event`, and `totals`
with whatever changed in the figures (absolute values; what is not named stays). Holds, overrides, calls and the embargo
count as they did then: while there was an embargo there are no figures.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import orjson

from eventlog.run import Run
from schemas.moments import epoch_ms
from schemas.trust import OperatorKey, Verdict
from tabulation.counting.cells import PartitionOf
from tabulation.counting.notices import timely
from tabulation.counting.tally_fold import TallyFold
from tabulation.derived.events import Events, FollowedUnit
from tabulation.derived.feeds import FeedLimits, feeds, state_message
from tabulation.derived.history import Given, History, as_given
from tabulation.on_air import HeldUnits
from tabulation.orders.control import Control
from tabulation.view import Heard, View

FORMAT: Final = "sandik.timeline.v1"

ORDERS: Final = "as_given"
"""From when on orders count: an archive has no totals, which would say when they were relayed."""

_EVER: Final = 2**62


class Due(NamedTuple):
    """A record at its time in the night: `timestamp` in milliseconds since 1970."""

    timestamp: int
    partition: int
    offset: int
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class TimelineScope:
    """Of what a timeline is: a contest and a source, or all; `step_ms` is the finest time that it tells apart."""

    contest: str | None = None
    source: str | None = None
    step_ms: int = 1_000


@dataclass(slots=True)
class _Sent:
    """What the messages so far have told a reader, so that only changes are sent again."""

    sent: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    told: dict[tuple[str, str], int] = field(default_factory=dict)
    heard: dict[str, Heard] = field(default_factory=dict)
    state: bytes = b""
    hold: tuple[str, ...] = ()
    seq: int = 0


class Timeline:
    """The fold. `operators` are those whose orders count, as for a gateway."""

    def __init__(
        self, run: Run, partition_of: PartitionOf, wanted: TimelineScope, operators: Sequence[OperatorKey] = ()
    ) -> None:
        self._run = run
        self._operators = operators
        self._control = Control(run, operators)
        self._wanted = wanted
        self._partition_of = partition_of
        self._view = View(run.definition)
        self._events = Events(self._view)
        self._held = HeldUnits(run.definition)
        self._limits = FeedLimits()
        self._sent = _Sent()
        self.kept: list[Verdict] = []
        """The newest restrictions that cannot be verified with these keys, and count as if they had been."""
        contests, sources = run.definition.contest_by_id, [one.id for one in run.definition.sources]
        units = run.definition.unit_by_id
        self._events.begin(
            FollowedUnit(contest, source, unit) for contest in contests for source in sources for unit in units
        )

    def messages(self, orders: Sequence[Due], tallies: Iterable[Due]) -> Iterator[tuple[int, dict[str, Any]]]:
        """The messages with their times (milliseconds since 1970), in order; `tallies` come in the order of theirs."""
        judged = Control(self._run, self._operators)
        given = [
            Given(record.offset, record.timestamp, verdict.order)
            for record in orders
            if (verdict := judged.fold(record)) is not None and verdict.stands and verdict.order is not None
        ]
        self.kept = [verdict for verdict in judged.audit if verdict.kept]
        definition = self._run.definition
        changes = as_given(definition, given)
        run = self._run
        fold = TallyFold(run.base, run.topics.tallies.name, self._partition_of, run.ordered)
        history = History(definition, fold, changes, _EVER)
        waiting = list(orders)
        at_ms = 0
        for now_ms, batch in self._steps(orders, tallies):
            yield from self._silences(at_ms, now_ms)
            at_ms = now_ms
            while waiting and waiting[0].timestamp <= now_ms:
                self._control.fold(waiting.pop(0))
            for record in batch:
                history.fold(record.partition, [record])
            history.settle(now_ms)
            yield from self._changes(now_ms, history)
        yield from self._silences(at_ms, _EVER)

    def _steps(self, orders: Sequence[Due], tallies: Iterable[Due]) -> Iterator[tuple[int, list[Due]]]:
        """Group the tallies by step. Yields (end of the step in milliseconds, its tallies), in order of time.

        A step in which only an order falls is yielded with no tallies. A tally that is older than the step before it,
        as event times may be, goes into the current step: time never steps back.
        """
        ahead = sorted({self._ended(record.timestamp) for record in orders})  # with an order in them
        batch: list[Due] = []
        now_ms = -1  # before anything; a record may be of the moment 0
        for record in tallies:
            ends = self._ended(record.timestamp)
            if batch and ends > now_ms:
                yield now_ms, batch
                batch = []
            while ahead and ahead[0] < ends:
                yield ahead.pop(0), []
            now_ms = max(now_ms, ends)
            batch.append(record)
        if batch:
            yield now_ms, batch
        for moment in ahead:
            if moment > now_ms:
                yield moment, []

    def _ended(self, timestamp: int) -> int:
        step = self._wanted.step_ms
        return -(-timestamp // step) * step

    def _changes(self, now_ms: int, history: History) -> Iterator[tuple[int, dict[str, Any]]]:
        for cell in sorted(history.changed):
            if self._wanted.contest not in {None, cell.contest} or self._wanted.source not in {None, cell.source}:
                continue
            self._sent.seq += 1
            totals = history.shown(cell)
            if totals is not None:
                totals = timely(totals, now_ms, self._run.definition)
            self._view.show(self._sent.seq, cell, totals)
            as_of = self._view.newest(cell.source)
            if totals is not None and as_of is not None:
                self._sent.heard[cell.source] = Heard(as_of, now_ms)
        history.changed.clear()
        self._sent.hold = self._held.named(history.public.held)
        yield from self._state_and_totals(now_ms)

    def _state_and_totals(self, now_ms: int) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield the state if it changed and, unless there is an embargo, all figures that changed."""
        yield from self._state(now_ms)
        if self._control.embargo.is_in_force(_at(now_ms)):
            return
        for contest in self._run.definition.contest_by_id:
            for source in self._run.definition.sources:
                yield from self._totals(now_ms, contest, source.id)

    def _totals(self, now_ms: int, contest: str, source: str) -> Iterator[tuple[int, dict[str, Any]]]:
        units = self._view.changed_units(contest, source, self._sent.told.get((contest, source), 0))
        self._sent.told[contest, source] = self._view.seq
        changed = []
        for entry in orjson.loads(self._view.encoded_since(contest, source, units, 0)):
            place = FollowedUnit(contest, source, entry["unit"])
            before = self._sent.sent.get(place)
            if before == entry:
                continue
            self._sent.sent[place] = entry
            changed.append(_difference(before, entry))
            for happened in self._events.look([place]):
                yield now_ms, orjson.loads(happened.message())
        if changed:
            yield now_ms, {"type": "totals", "contest": contest, "source": source, "totals": changed}

    def _state(self, now_ms: int) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield a `state` message where the state differs from the last one."""
        at = _at(now_ms)
        found = feeds(
            [one.id for one in self._run.definition.sources], self._sent.heard, at, reachable=True, limits=self._limits
        )
        message = orjson.loads(
            state_message(
                *(self._sent.seq, at, found, self._control.embargo),
                numbers=not self._control.embargo.is_in_force(at),
                hold=self._sent.hold,
                held_in_part=self._held.above(self._sent.hold),
                calls=self._control.calls,
            )
        )
        known = {source: feed["state"] for source, feed in message["feeds"].items()}
        key = orjson.dumps([known, message["embargo"], message["embargoed"], message["hold"], message["calls"]])
        if key != self._sent.state:
            self._sent.state = key
            yield now_ms, message

    def _silences(self, since_ms: int, until_ms: int) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield the messages due to the clock alone between two moments: a feed falls silent, an embargo ends."""
        limits = (self._limits.quiet_s, self._limits.stale_s, self._limits.down_s)
        moments = {heard.appended_ms + int(limit * 1_000) for heard in self._sent.heard.values() for limit in limits}
        ends = self._control.embargo.until
        if ends is not None:
            moments.add(epoch_ms(ends))
        for moment in sorted(moments):
            if since_ms < moment < until_ms:
                yield from self._state_and_totals(moment)


def document(run: Run, messages: Sequence[tuple[int, dict[str, Any]]]) -> bytes:
    """The timeline as a file. A live night's is of mode replay: what is drawn from it is not live, and says so.

    `told` says that the figures are those that were on air.
    """
    first = messages[0][0] if messages else 0
    return orjson.dumps(
        {
            "format": FORMAT,
            "told": "on_air",
            "run": run.name,
            "mode": "test" if run.mode == "test" else "replay",
            "epoch": run.epoch,
            "orders": ORDERS,
            "first": first,
            "last": messages[-1][0] if messages else first,
            "definition": run.definition.model_dump(mode="json"),
            "messages": [[at - first, message] for at, message in messages],
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def _difference(before: dict[str, Any] | None, after: dict[str, Any]) -> dict[str, Any]:
    """Return the unit's id with the fields that changed; of the votes, those of candidates whose count changed."""
    if before is None:
        return after
    changed = {name: value for name, value in after.items() if name == "unit" or before.get(name) != value}
    if "votes" in changed:
        old = before.get("votes", {})
        changed["votes"] = {name: count for name, count in after["votes"].items() if old.get(name) != count}
    return changed


def _at(now_ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=now_ms)
