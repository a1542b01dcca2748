"""What is worth a strap: a leader changes, so many boxes are opened, a lead is safe. Pure, and with hysteresis.

A fold over the units that somebody follows, from the moment at which somebody does: what was there then is no news.
Time is event time, and only ever goes on, so that a replay at any speed tells the same.

- **leader_changed**: whoever is alone in front has `LEAD_VOTES` and `LEAD_BP` more than the next, or has been alone in
  front for `SETTLED_S`; and the last change is as long ago. A tie is nobody's lead. The first leader is no change.
- **milestone**: of `MILESTONES`, the highest that was reached, once; 100 only where every district is complete. It can
  be reached again only after the boxes opened have fallen below the milestone before it: a correction takes back some
  boxes, an annulment many.
- **cannot_be_overtaken**, **can_be_overtaken_again**: as the arithmetic says (see `facts`). What no longer holds is
  taken back at once; only saying it again waits for `SETTLED_S`.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final, NamedTuple

import orjson

from tabulation.derived.facts import WHOLE_BP, Lead, base_of_shares, beyond, lead
from tabulation.figures import UnitFigures
from tabulation.view import View

LEAD_VOTES: Final = 400
"""A lead that is no accident: by law a box has about 400 voters, so the next one cannot take it back."""

LEAD_BP: Final = 10
"""The same where boxes come by the hundred: 0.10 % of the valid votes, in İstanbul 8,600 votes or 25 boxes."""

SETTLED_S: Final = 120
"""How long a smaller lead must last, and how far apart changes are at least: 540 boxes at İstanbul's peak of 270 a
minute."""

MILESTONES: Final = (1, 10, 25, 50, 75, 90, 95, 99, 100)
"""Boxes opened, in per cent."""

_PERCENT: Final = 100
_SETTLED: Final = timedelta(seconds=SETTLED_S)


class FollowedUnit(NamedTuple):
    """What is followed: a unit's figures for a contest, by a source."""

    contest: str
    source: str
    unit: str


class Happened(NamedTuple):
    """An event; see `schemas.wire.Event`."""

    event: str
    place: FollowedUnit
    seq: int
    as_of: datetime
    candidate: str | None = None
    before: str | None = None
    percent: int | None = None

    def message(self) -> bytes:
        """The event as it goes to clients."""
        fields = {"type": "event", "event": self.event, **self.place._asdict(), "seq": self.seq, "as_of": self.as_of}
        about = {"candidate": self.candidate, "before": self.before, "percent": self.percent}
        return orjson.dumps(fields | {name: value for name, value in about.items() if value is not None})


@dataclass(slots=True)
class _Standing:
    """What was last told of a place, or needs no telling."""

    now: datetime | None = None
    leader: str | None = None
    changed: datetime | None = None
    contender: str | None = None
    since: datetime | None = None
    reached: int = 0
    """How many of the milestones."""
    safe: str | None = None
    revoked: datetime | None = None


class Events:
    """The fold. `begin` with the places that are followed from now on, then `look` at those that changed."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._standings: dict[FollowedUnit, _Standing] = {}

    def begin(self, places: Iterable[FollowedUnit]) -> None:
        """Take what these places show now for known, whatever was known of them before."""
        for place in places:
            standing = self._standings[place] = _Standing()
            figures = self._view.figures(*place)
            if figures is not None:
                self._step(place, standing, figures)

    def end(self, places: Iterable[FollowedUnit]) -> None:
        """Forget these places: nobody follows them any more."""
        for place in places:
            self._standings.pop(place, None)

    def look(self, places: Iterable[FollowedUnit]) -> list[Happened]:
        """What happened in these places, which have begun. Where nothing is shown any more, nothing did."""
        happened = []
        for place in places:
            figures = self._view.figures(*place)
            if figures is not None:
                happened += self._step(place, self._standings[place], figures)
        return happened

    def _step(self, place: FollowedUnit, standing: _Standing, figures: UnitFigures) -> list[Happened]:
        now = standing.now = max(standing.now or figures.as_of, figures.as_of)
        ahead = lead(figures.votes, self._view.definition.ballot_order(place.contest, place.unit))
        happened = partial(Happened, place=place, seq=self._view.seq, as_of=figures.as_of)
        found = []
        before = standing.leader
        if _changes_leader(standing, ahead, _valid(figures), now):
            found.append(happened("leader_changed", candidate=standing.leader, before=before))
        percent = _reaches(standing, figures)
        if percent is not None:
            found.append(happened("milestone", percent=percent))
        for event, candidate in _secures(standing, beyond(figures, ahead), now):
            found.append(happened(event, candidate=candidate))
        return found


def _valid(figures: UnitFigures) -> int:
    """The valid votes; those of the candidates where the source does not give them."""
    return figures.counts["valid"] if "valid" in figures.counts else base_of_shares(figures.counts, figures.votes)


def _changes_leader(standing: _Standing, ahead: Lead | None, valid: int, now: datetime) -> bool:
    if ahead is None or len(ahead.leaders) > 1 or ahead.leaders[0] == standing.leader:
        standing.contender = None
        return False
    first = ahead.leaders[0]
    if standing.leader is None:
        standing.leader = first
        return False
    if standing.contender != first or standing.since is None:
        standing.contender, standing.since = first, now
    is_clear = ahead.votes >= LEAD_VOTES and ahead.votes * WHOLE_BP >= valid * LEAD_BP
    if not is_clear and now - standing.since < _SETTLED:
        return False
    if standing.changed is not None and now - standing.changed < _SETTLED:
        return False
    standing.leader, standing.changed, standing.contender = first, now, None
    return True


def _reaches(standing: _Standing, figures: UnitFigures) -> int | None:
    """The milestone that is reached now and was not before; the last one only where every district is complete."""
    opened, total = figures.counts["boxes_opened"] - figures.claims.boxes_surplus, figures.boxes_total
    reached = bisect_right(MILESTONES, opened * _PERCENT // total) if opened and total else 0
    if reached == len(MILESTONES) and not figures.claims.complete:
        reached -= 1
    if reached > standing.reached:
        standing.reached = reached
        return MILESTONES[reached - 1]
    if not opened:
        standing.reached = 0
    elif reached < standing.reached - 1:  # what is the next now has the one before it below, so it is not told again
        standing.reached = reached + 1
    return None


def _secures(standing: _Standing, safe: str | None, now: datetime) -> list[tuple[str, str]]:
    found = []
    if standing.safe is not None and safe != standing.safe:
        found.append(("can_be_overtaken_again", standing.safe))
        standing.safe, standing.revoked = None, now
    if safe is not None and standing.safe is None and (standing.revoked is None or now - standing.revoked >= _SETTLED):
        found.append(("cannot_be_overtaken", safe))
        standing.safe = safe
    return found
