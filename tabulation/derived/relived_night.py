"""A night that has been, lived through again: how the units stood in the course of it, as it was on air. Pure.

A gateway that starts knows how everything stands, and of the time before nothing: the totals topic is compacted. The
tallies are kept for ever. So they are folded once more, with the orders as they were relayed (`History`), in steps of
the time at which they came in; after each step the view has what was on air then, and the lead over time looks at it.
What was held is in it as it stood, for as long as it was held. See docs/decisions/lead-over-time.md.
"""

from collections.abc import Mapping, Sequence

from schemas.definition import Election
from schemas.fields import Record
from tabulation.counting.event_time import timely
from tabulation.derived.history import History
from tabulation.derived.lead_over_time import Courses, LeadOverTime
from tabulation.view.view import View


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
