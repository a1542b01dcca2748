"""The figures of one unit for one contest and source, each with the seq at which it last changed. Pure.

What a client at cursor C is owed is the figures whose seq is beyond C. What is sent is encoded once, whoever asks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson

from schemas.definition import Unit
from schemas.figures import EVERYWHERE, ROW_COUNTS
from schemas.totals import Row, Totals
from tabulation.view.claims import Claims, Shift

Wire = dict[str, object]
"""An entry as it goes to a client: see `schemas.wire.Entry`."""

MAX_ENCODED_KEPT: Final = 8
"""Encodings kept of one unit's figures, by cursor: the snapshot's, the live delta's, and some of slow clients'."""


class Difference(NamedTuple):
    """What one record adds to a district, and so to the units above it: differences, by field and by candidate."""

    counts: dict[str, int]
    votes: dict[str, int]


@dataclass(slots=True)
class UnitFigures:
    """One unit's figures. `born` is the seq since which the unit is there; `seq` that of its last change."""

    unit: Unit
    boxes_total: int
    as_of: datetime
    born: int
    seq: int
    as_of_seq: int
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(EVERYWHERE, 0))
    """The counts that are known: one that the source does not give is not there."""
    votes: dict[str, int] = field(default_factory=dict)
    counts_seq: dict[str, int] = field(default_factory=dict)
    votes_seq: dict[str, int] = field(default_factory=dict)
    overridden: tuple[str, ...] = ()
    overridden_seq: int = 0
    claims: Claims = field(default_factory=Claims)
    claims_seq: int = 0
    excess: int = 0
    """What single boxes of a district leave in doubt; of other units it is in the claims alone."""
    closed: int = 0
    """How many opened boxes of a district the definition has closed; of other units it is in the claims alone."""
    encoded: dict[int, bytes] = field(default_factory=dict)
    changes: int = field(default=0, compare=False)
    """How often it changed: who looks twice and finds the same number has seen all there is, also within one seq."""

    def add(self, change: Difference, seq: int) -> None:
        """Add what a district's totals changed. Every candidate that it names is on the unit's ballot already."""
        counts, votes = self.counts, self.votes
        for name, difference in change.counts.items():
            counts[name] += difference
        for candidate, difference in change.votes.items():
            votes[candidate] += difference
        if change.counts or change.votes:
            self.counts_seq.update(dict.fromkeys(change.counts, seq))
            self.votes_seq.update(dict.fromkeys(change.votes, seq))
            self._changed(seq)

    def touch(self, seq: int) -> None:
        """Set the seq of every figure to `seq`: every client is sent all of them."""
        self._changed(seq)
        self.as_of_seq = seq
        self.counts_seq = dict.fromkeys(self.counts, seq)
        self.votes_seq = dict.fromkeys(self.votes, seq)
        self.claims_seq = seq
        if self.overridden_seq:
            self.overridden_seq = seq

    def claim(self, shift: Shift, ballot: Iterable[str], seq: int) -> None:
        """Apply the change of a district's claim to the claims of this unit, which is the district or lies above it."""
        self.claims.shift(shift, ballot)
        if shift.is_told:
            self.claims_seq = seq
        if shift.is_told or shift.unassigned:
            self._changed(seq)

    def set_overridden(self, names: tuple[str, ...], seq: int) -> None:
        """Set the names of the figures that are set by hand, here or below."""
        self.overridden = names
        self.overridden_seq = seq
        self._changed(seq)

    def set_as_of(self, as_of: datetime, seq: int) -> None:
        if as_of != self.as_of:
            self.as_of = as_of
            self.as_of_seq = seq
            self._changed(seq)

    def count_as_new(self, seq: int) -> None:
        """Set the seq of every figure, and of the unit itself, to `seq`: every client is sent all of them."""
        self.born = seq
        self.touch(seq)

    def _changed(self, seq: int) -> None:
        self.seq = seq
        self.changes += 1
        self.encoded.clear()

    def add_up(self, below: Sequence["UnitFigures"]) -> None:
        """Replace the figures by the sums over these districts; no seq changes."""
        self.as_of = max(district.as_of for district in below)
        self.counts = {name: sum(district.counts[name] for district in below) for name in self.counts}
        names = sorted({candidate for district in below for candidate in district.votes})
        self.votes = {name: sum(district.votes.get(name, 0) for district in below) for name in names}
        self.overridden = tuple(sorted({name for district in below for name in district.overridden}))

    def detached_copy(self) -> "UnitFigures":
        """Return a copy that shares nothing which changes."""
        return replace(
            self,
            counts=self.counts.copy(),
            votes=self.votes.copy(),
            counts_seq=self.counts_seq.copy(),
            votes_seq=self.votes_seq.copy(),
            claims=self.claims.copied(),
            encoded={},
        )

    def encoded_since(self, cursor: int) -> bytes:
        """What changed beyond `cursor` as JSON: encoded once, whoever asks, until it changes again."""
        cursor = cursor if self.born <= cursor else 0
        entry = self.encoded.get(cursor)
        if entry is None:
            if len(self.encoded) >= MAX_ENCODED_KEPT:
                self.encoded.clear()
            entry = self.encoded[cursor] = orjson.dumps(self.changed_since(cursor))
        return entry

    def changed_since(self, cursor: int) -> Wire:
        wire: Wire = {"unit": self.unit.id}
        if self.born > cursor:
            wire["level"] = self.unit.level
            wire["boxes_total"] = self.boxes_total
        if self.as_of_seq > cursor:
            wire["as_of"] = self.as_of
        for name, seq in self.counts_seq.items():
            if seq > cursor:
                wire[name] = self.counts[name]
        votes = {candidate: self.votes[candidate] for candidate, seq in self.votes_seq.items() if seq > cursor}
        if votes:
            wire["votes"] = votes
        if self.claims_seq > cursor:
            wire["boxes_surplus"] = self.claims.boxes_surplus
            wire["complete"] = self.claims.complete
            wire["contradictions"] = self.claims.contradictions
        if self.overridden_seq > cursor:
            wire["overridden"] = self.overridden
        return wire

    def row(self, contest: str, source: str) -> Row:
        known: dict[str, Any] = {name: self.counts.get(name) for name in ROW_COUNTS}
        return Row(
            contest=contest,
            source=source,
            unit=self.unit.id,
            level=self.unit.level,
            boxes_total=self.boxes_total,
            votes=dict(sorted(self.votes.items())),
            overridden=self.overridden,
            boxes_surplus=self.claims.boxes_surplus,
            complete=self.claims.complete,
            contradictions=self.claims.contradictions,
            **known,
        )


def difference(district: UnitFigures, totals: Totals) -> Difference:
    """Return what these totals change in the district's figures. Loops, since this is the fold's longest step."""
    counts, votes, reported = {}, {}, totals.votes.get
    for name, held in district.counts.items():
        changed_by = getattr(totals, name) - held
        if changed_by:
            counts[name] = changed_by
    for candidate, held in district.votes.items():
        changed_by = reported(candidate, 0) - held
        if changed_by:
            votes[candidate] = changed_by
    return Difference(counts, votes)
