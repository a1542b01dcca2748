"""Alarms for the control room: what an operator would want to be woken for. Pure.

A share that jumps, boxes that go backwards, votes that fall by far while no box does, figures far beyond what there can
be, a source that falls silent, or one whose words are set aside and so are not in its figures: each may be right, and
none is ever acted on here. Looked for once a second over what changed since, so
that a flood of records costs a bounded number of looks.

An outlook is what an operator reads of the figures that an order is about, before it is given. Of a take and a release:
what everybody sees of the unit before and after it. Of a call: how the race stands there.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple

from schemas.control import Called, Released, Taken
from schemas.definition import Election
from schemas.quarantine import Reason
from schemas.wire import Feed, FeedState
from tabulation.counting.notices import NoticeGroup, NoticeGroups
from tabulation.counting.quarantine import Open
from tabulation.derived.facts import base_of_shares, beyond_in
from tabulation.figures import UnitFigures, excesses
from tabulation.orders.confirmations import Moved
from tabulation.program import Program
from tabulation.view import View

JUMP_POINTS: Final = 20
"""Percentage points by which a candidate's share may move between two looks. Box to box a share spreads by 15 points
(standard deviation), so with `MIN_BOXES` counted a jump of 20 needs hundreds of boxes at once, or a slip."""

MIN_BOXES: Final = 10
"""Boxes opened before jumps are looked for: the mean of ten spreads by 5 points, so 20 are four deviations."""

MAX_ALARMS_KEPT: Final = 200
"""Alarms that are remembered, the newest: more than a page shows, and far more than an hour brings."""

_HUNDRED: Final = 100
_SILENT: Final[frozenset[FeedState]] = frozenset({"stale", "down"})

FALL_VOTES: Final = 400
"""Votes that may be taken back without an alarm: those of a box, which is corrected every few minutes of a night."""

FALL_SHARE: Final = 10
"""And a tenth of what there were: in all of Türkiye a correction of hundreds of boxes is no tenth of anything."""

Kind = Literal[
    "jump", "backwards", "fall", "contradiction", "silence", "set_aside", "restarted", "ahead", "impossible", "moved"
]


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing worth a look. `number` counts them; `before` and `after` are of the `figure` that it is about.

    For a jump these are the candidate's share in hundredths of a per cent, for boxes that go backwards how many were
    open, for silence nothing. For votes that fall they are the candidate's, or all votes where no `figure` is named;
    for a contradiction, which its `figure` names, the most there can be and what there is. For words that are set aside
    they are how many there were and are, with the reason for its `figure`, of the source as a whole; contest and unit
    are those of the newest. Where a source says something else of a figure that is set by hand they are what it said at
    the order, and what it says now. `at` is when it was noticed, `as_of` the event time of what was noticed.
    """

    number: int
    kind: Kind
    at: datetime
    source: str
    contest: str | None = None
    unit: str | None = None
    figure: str | None = None
    before: int | None = None
    after: int | None = None
    as_of: datetime | None = None
    box: int | None = None
    revision: int | None = None
    stands: int | None = None


class _Known(NamedTuple):
    """What was seen of a unit at the last look."""

    boxes_opened: int
    whole: int
    """What shares are of: the valid votes, or all votes where those are more."""
    votes: dict[str, int]

    @classmethod
    def of(cls, figures: UnitFigures) -> "_Known":
        counts, votes = figures.counts, figures.votes.copy()
        whole = base_of_shares(counts, votes)
        return cls(counts["boxes_opened"], whole, votes)


class Alarms:
    """Looks at a view again and again. What is there at the first look is known, and no news."""

    def __init__(self) -> None:
        self.raised: deque[Alarm] = deque(maxlen=MAX_ALARMS_KEPT)
        self._known: dict[tuple[str, str, str], _Known] = {}
        self._silent: frozenset[str] | None = None
        self._set_aside: dict[tuple[str, Reason], int] = {}
        self._noticed: dict[NoticeGroup, int] = {}
        self._notices_seen = 0
        self._moved: set[Moved] = set()
        self._contradictory: dict[tuple[str, str, str], frozenset[str]] = {}
        self._looked: int | None = None
        self._count = 0

    def look(
        self,
        view: View,
        feeds: Mapping[str, Feed],
        now: datetime,
        set_aside: Open | None = None,
        notices: NoticeGroups | None = None,
    ) -> None:
        """Compare what changed since the last call with what was known then, and raise alarms. `now` is wall time."""
        since = self._looked or 0
        for contest in view.definition.contest_by_id:
            for source in view.definition.source_ids:
                for figures in view.changed_figures(contest, source, since):
                    self._compare(contest, source, figures, now)
                    if view.definition.is_cell(contest, source, figures.unit.id):
                        self._look_for_contradictions(contest, source, figures, now, view.definition)
        silent = frozenset(source for source, feed in feeds.items() if feed.state in _SILENT)
        for source in sorted(silent - (silent if self._silent is None else self._silent)):
            self._raise("silence", now, source, as_of=feeds[source].last_event)
        if set_aside is not None:
            self._look_at_set_aside(set_aside, now)
        if notices is not None and notices.changes != self._notices_seen:
            self._look_at_notices(notices, now)
        self._silent, self._looked = silent, view.seq

    def _look_at_set_aside(self, found: Open, now: datetime) -> None:
        """Raise where a source has the first words of a kind set aside, and each time that they have doubled since.

        So a feed of which everything is refused raises fifteen alarms in a night of twenty thousand records.
        """
        raised = {group: self._set_aside[group] for group in found.by_reason if group in self._set_aside}
        for group, count in found.by_reason.items():
            before = raised.get(group, 0)
            if count < max(1, 2 * before):
                continue
            raised[group] = count
            if self._looked is not None:
                newest = next(one for one in reversed(found.statements) if (one.cell.source, one.reason) == group)
                where = {"contest": newest.cell.contest or None, "unit": newest.cell.district or None}
                source, reason = group
                self._raise(
                    "set_aside", now, source, figure=reason, before=before, after=count, as_of=newest.at, **where
                )
        self._set_aside = raised

    def _look_at_notices(self, notices: NoticeGroups, now: datetime) -> None:
        """Raise where a source's revisions, times or boxes are first found odd, and each time that has doubled.

        So a source that numbers a whole night anew raises fifteen alarms, and a gateway that starts later none. But
        boxes that no box can be are in the figures until they are corrected, so a gateway that starts later tells them.
        """
        for group, count in notices.groups.items():
            before = self._noticed.get(group, 0)
            if count < max(1, 2 * before):
                self._noticed[group] = min(before, count)
                continue
            self._noticed[group] = count
            if self._looked is not None or group.kind == "impossible":
                newest = notices.newest(group)
                self._raise(
                    group.kind,
                    now,
                    group.source,
                    contest=group.contest,
                    unit=notices.unit(group),
                    before=before,
                    after=count,
                    as_of=newest.at,
                    box=newest.box,
                    revision=newest.revision,
                    stands=newest.stands,
                )
        self._notices_seen = notices.changes

    def check_overridden(self, moved: Iterable[Moved], now: datetime) -> None:
        """Raise, once for each figure set by hand, where its source reports another figure than when it was set."""
        seen = {one._replace(after=0): one for one in moved}
        for ordered in sorted(seen.keys() - self._moved):
            one = seen[ordered]
            where = {"contest": one.cell.contest, "unit": one.cell.district}
            self._raise("moved", now, one.cell.source, figure=one.figure, before=one.before, after=one.after, **where)
        self._moved = set(seen)

    def _compare(self, contest: str, source: str, figures: UnitFigures, now: datetime) -> None:
        place = contest, source, figures.unit.id
        known = self._known.get(place)
        seen = _Known.of(figures)
        self._known[place] = seen
        if self._looked is None or known is None:
            return
        where = {"contest": contest, "unit": figures.unit.id, "as_of": figures.as_of}
        if seen.boxes_opened < known.boxes_opened:
            self._raise(
                "backwards",
                now,
                source,
                figure="boxes_opened",
                before=known.boxes_opened,
                after=seen.boxes_opened,
                **where,
            )
        jump = _widest_jump(known, seen)
        if jump is not None:
            candidate, before, after = jump
            self._raise("jump", now, source, figure=candidate, before=before, after=after, **where)
        fall = _deepest_fall(known, seen)
        if fall is not None:
            name, before, after = fall
            self._raise("fall", now, source, figure=name, before=before, after=after, **where)

    def _look_for_contradictions(
        self, contest: str, source: str, figures: UnitFigures, now: datetime, definition: Election
    ) -> None:
        """Raise what a district has far too much of, once while it lasts; also at the first look, where it lasts."""
        place, unit = (contest, source, figures.unit.id), figures.unit
        many = definition.contest_by_id[contest].votes_per_voter
        absent = definition.given(contest, source).absent
        roll = definition.roll_of(contest, unit.id)
        found = excesses(figures.boxes_total, roll, figures.counts, figures.votes, many, absent)
        known = self._contradictory.pop(place, frozenset())
        if found:
            self._contradictory[place] = frozenset(one.contradiction for one in found)
        for name, limit, many in found:
            if name not in known:
                where = {"contest": contest, "unit": unit.id, "as_of": figures.as_of}
                self._raise("contradiction", now, source, figure=name, before=limit, after=many, **where)

    def _raise(self, kind: Kind, at: datetime, source: str, **what: object) -> None:
        self._count += 1
        self.raised.append(Alarm(self._count, kind, at, source, **what))  # type: ignore[arg-type]  # named as its fields


def _widest_jump(known: _Known, seen: _Known) -> tuple[str, int, int] | None:
    """The candidate whose share moved most, with both shares, where that is far enough for an alarm."""
    if known.boxes_opened < MIN_BOXES or not known.whole or not seen.whole or not seen.votes:
        return None
    shares = {
        candidate: (_share(known.votes.get(candidate, 0), known.whole), _share(votes, seen.whole))
        for candidate, votes in seen.votes.items()
    }
    candidate = max(sorted(shares), key=lambda name: abs(shares[name][1] - shares[name][0]))
    before, after = shares[candidate]
    return (candidate, before, after) if abs(after - before) >= JUMP_POINTS * _HUNDRED else None


def _deepest_fall(known: _Known, seen: _Known) -> tuple[str | None, int, int] | None:
    """Who lost most votes while no box was taken back, if by far; `None` for a name is everybody together."""
    if seen.boxes_opened < known.boxes_opened:
        return None
    counts: dict[str | None, tuple[int, int]] = {
        name: (votes, seen.votes.get(name, 0)) for name, votes in sorted(known.votes.items())
    }
    counts[None] = sum(known.votes.values()), sum(seen.votes.values())
    name = max(counts, key=lambda one: counts[one][0] - counts[one][1])
    before, after = counts[name]
    is_far = before - after >= FALL_VOTES and (before - after) * FALL_SHARE >= before
    return (name, before, after) if is_far else None


def _share(votes: int, whole: int) -> int:
    """In hundredths of a per cent, rounded down."""
    return votes * _HUNDRED * _HUNDRED // whole


MOST_VOTES: Final = 3
"""Candidates whose votes are told of each source, those with most: a dialog is read in seconds."""


class ShownChange(NamedTuple):
    """A figure of a source that everybody sees before and after. `before` is `None` where nothing was on air."""

    source: str
    unit: str
    figure: str
    before: int | None
    after: int


def shown_next(order: Taken | Released, program: Program) -> tuple[ShownChange, ...]:
    """What changes on air in the order's unit as a whole: boxes opened and the most votes, by source."""
    definition = program.live.definition
    unit = order.unit if order.unit is not None else definition.country
    found: list[ShownChange] = []
    for source in definition.sources:
        live = program.live.figures(order.contest, source.id, unit)
        if live is not None:
            on_air = program.view.figures(order.contest, source.id, unit)
            found += _moving(source.id, unit, on_air, live)
    return tuple(found)


def _moving(source: str, unit: str, on_air: UnitFigures | None, live: UnitFigures) -> Iterator[ShownChange]:
    leading = sorted(live.votes, key=lambda one: (-live.votes[one], one))[:MOST_VOTES]
    after = {"boxes_opened": live.counts["boxes_opened"]} | {f"votes.{name}": live.votes[name] for name in leading}
    for figure, count in after.items():
        before = None if on_air is None else _figure(on_air, figure)
        if before != count:
            yield ShownChange(source, unit, figure, before, count)


def _figure(figures: UnitFigures, name: str) -> int:
    kind, _, candidate = name.partition(".")
    return figures.votes.get(candidate, 0) if candidate else figures.counts[kind]


class Standing(NamedTuple):
    """How the race stands by one source where a call is made. `beyond` is who cannot be overtaken."""

    source: str
    boxes_opened: int
    boxes_total: int
    leader: str
    leader_votes: int
    candidate_votes: int
    beyond: str | None


def race(order: Called, program: Program) -> tuple[Standing, ...]:
    """How the race stands where a call is made, by each source that has reported votes there."""
    definition = program.live.definition
    found = []
    for source in definition.sources:
        figures = program.live.figures(order.contest, source.id, order.unit)
        if figures is None or not any(figures.votes.values()):
            continue
        leader = max(sorted(figures.votes), key=lambda one: figures.votes[one])
        found.append(
            Standing(
                source.id,
                figures.counts["boxes_opened"],
                figures.boxes_total,
                leader,
                figures.votes[leader],
                figures.votes.get(order.candidate, 0),
                beyond_in(definition, order.contest, figures),
            )
        )
    return tuple(found)
