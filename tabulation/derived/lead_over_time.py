"""The lead over time: how the first candidates of each unit stood in the course of the night, as it was on air. Pure.

A fold over the view of what is on air: `begin` once the topic is read to its end, then `look` after each batch of
records. It is bounded. A unit has a point in each `STEP_S` of event time at the most; where it has `MAX_POINTS`, every
other one goes, and from then on they are twice as far apart. The units of a tree's upper levels are kept, as many
levels as `MAX_COURSES` leaves room for: in İstanbul the province and its districts, in Türkiye the country and its
provinces.

A gateway that starts knows how everything stands, and of the time before nothing: a compacted topic has the newest
totals of each district alone, and sums of those that came first were never shown to anybody. The tallies are kept for
ever. So they are folded once more (`RelivedNight`), with the orders as they were relayed (`History`), in steps of the
time at which they came in; after each step the view has what was on air then, and the lead over time looks at it. What
was held is in it as it stood, for as long as it was held. `recall` puts the outcome in front. See
docs/decisions/lead-over-time.md.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

import orjson

from schemas.definition import Election
from schemas.fields import Record
from tabulation.counting.event_time import timely
from tabulation.derived.facts import base_of_shares, ranking
from tabulation.derived.history import History
from tabulation.view.figures import UnitFigures
from tabulation.view.view import View

STEP_S: Final = 60
"""How far apart points are at first: an evening of two hours has all of them."""

MAX_POINTS: Final = 120
"""Points of a unit: more than a chart has room for."""

MAX_COURSES: Final = 500
"""Units times contests times sources that are kept, at some 40 KB each at the most."""

CANDIDATES_KEPT: Final = 3
"""Whose votes a point has: a third may have been second before."""


class Point(NamedTuple):
    """How the first candidates stood at an event time. `of` is what their shares are of."""

    as_of: datetime
    boxes_opened: int
    of: int
    votes: dict[str, int]
    """Of the first candidates, most first."""


Courses = Mapping[tuple[str, str, str], Sequence[Point]]
"""Points by contest, source and unit, oldest first."""


def encode_courses(courses: Courses) -> bytes:
    """The courses as JSON."""
    return orjson.dumps([[*where, [list(point) for point in points]] for where, points in sorted(courses.items())])


def decode_courses(text: bytes) -> Courses:
    """The courses that `encode_courses` wrote."""
    return {
        (contest, source, unit): [Point(datetime.fromisoformat(at), *figures) for at, *figures in points]
        for contest, source, unit, points in orjson.loads(text)
    }


class _Course:
    """The points of one unit, contest and source, by time."""

    __slots__ = ("points", "step")

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.step = timedelta(seconds=STEP_S)

    def is_due(self, as_of: datetime) -> bool:
        return not self.points or as_of >= self.points[-1].as_of + self.step

    def add(self, point: Point) -> None:
        self.points.append(point)
        self._thin()

    def recall(self, points: Sequence[Point]) -> None:
        """Put points in front that are older than the first. From now on none comes sooner than those came."""
        before = [point for point in points if not self.points or point.as_of < self.points[0].as_of]
        gaps = (after.as_of - point.as_of for point, after in pairwise(before))
        self.step = max(self.step, min(gaps, default=self.step))
        self.points[:0] = before
        self._thin()

    def _thin(self) -> None:
        while len(self.points) >= MAX_POINTS:
            del self.points[1::2]
            self.step *= 2


class LeadOverTime:
    """The fold over `view`, which others feed."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._courses: dict[tuple[str, str, str], _Course] = {}
        self._seq = 0
        self.units: Final = _units_kept(view.definition)
        """The units of which courses are kept, by id."""
        self.began: int | None = None
        """The seq at which this fold began; `None` before."""
        self.is_recalled = False
        """Whether it has the time before, too."""

    def begin(self) -> None:
        """Keep from now on what is on air; what is there already is the first of it."""
        self.began = self._view.seq
        self._look(0)

    def look(self) -> None:
        """Keep what has changed since the last look. Nothing before `begin`."""
        if self.began is not None:
            self._look(self._seq)

    def recall(self, courses: Courses) -> None:
        """Take over how units stood before this fold began; of units that are not kept nothing."""
        self.is_recalled = True
        for (contest, source, unit), points in courses.items():
            if unit in self.units:
                self._courses.setdefault((contest, source, unit), _Course()).recall(points)

    @property
    def courses(self) -> Courses:
        """The points that are kept of every unit, without how it stands now."""
        return {where: tuple(course.points) for where, course in self._courses.items()}

    def course(self, contest: str, source: str, unit: str) -> list[Point]:
        """The points of a unit, oldest first; the last is how it stands now. None where nothing is shown of it now."""
        figures = self._view.figures(contest, source, unit)
        now = self._point(contest, figures) if figures is not None else None
        kept = self._courses.get((contest, source, unit))
        if now is None or kept is None:
            return []
        return [*(point for point in kept.points if point.as_of < now.as_of), now]

    def _look(self, cursor: int) -> None:
        self._seq = self._view.seq
        definition = self._view.definition
        for contest in definition.contests:
            for source in definition.sources:
                for figures in self._view.changed_figures(contest.id, source.id, cursor):
                    self._keep(contest.id, source.id, figures)

    def _keep(self, contest: str, source: str, figures: UnitFigures) -> None:
        if figures.unit.id not in self.units:
            return
        course = self._courses.setdefault((contest, source, figures.unit.id), _Course())
        if course.is_due(figures.as_of):
            point = self._point(contest, figures)
            if point is not None:
                course.add(point)

    def _point(self, contest: str, figures: UnitFigures) -> Point | None:
        """How a unit stands; `None` before the first vote."""
        first = ranking(figures.votes, self._view.definition.ballot_order(contest, figures.unit.id))[:CANDIDATES_KEPT]
        if not first or first[0][1] == 0:
            return None
        of = base_of_shares(figures.counts, figures.votes)
        return Point(figures.as_of, figures.counts["boxes_opened"], of, dict(first))


def _units_kept(definition: Election) -> frozenset[str]:
    """The units of as many levels from the top down as there is room for."""
    depths = {unit: len(definition.path(unit)) for unit in definition.unit_by_id}
    each = len(definition.contests) * len(definition.sources)
    units, deepest = 0, 0
    for depth, count in sorted(Counter(depths.values()).items()):
        units += count
        if units * each > MAX_COURSES:
            break
        deepest = depth
    return frozenset(unit for unit, depth in depths.items() if depth <= deepest)


class RelivedNight:
    """The fold over `history`, which nobody else feeds."""

    def __init__(self, definition: Election, history: History) -> None:
        self._definition = definition
        self._history = history
        self._view = View(definition)
        self._lead = LeadOverTime(self._view)
        self._lead.begin()
        self._steps = 0

    def step(self, until_ms: int, came_in: Mapping[int, Sequence[Record]]) -> None:
        """Take what came in up to this moment (milliseconds since 1970), by partition, and look how everything stands.

        Call order: moments rise, and what came in by one is not given later.
        """
        for partition, records in came_in.items():
            self._history.fold(partition, records)
        self._history.settle(until_ms)
        for cell in sorted(self._history.changed):
            totals = self._history.shown(cell)
            self._steps += 1
            if totals is None:
                self._view.hide(self._steps, cell)
            else:
                self._view.show(self._steps, cell, timely(totals, until_ms, self._definition))
        self._history.changed.clear()
        self._lead.look()

    @property
    def courses(self) -> Courses:
        """How the units stood, by contest, source and unit."""
        return self._lead.courses
