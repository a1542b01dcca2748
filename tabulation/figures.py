"""The figures of one unit for one contest and source, and what may be claimed of it beyond its counts. Pure.

Each figure has the seq at which it last changed: what a client at cursor C is owed is the figures whose seq is beyond
C. What is sent is encoded once, whoever asks.

A claim is that a unit is complete, how many votes are still possible, that somebody cannot be overtaken. Claims are
made from the bottom up. A district's follow from its own figures and the definition; those of a unit above follow from
the claims of its districts, never from its sums, in which a surplus of one district hides what is missing in another.
Figures that contradict themselves or the definition are named in `CONTRADICTIONS`, and nothing is claimed of the votes
from them, nor of any unit above. docs/decisions/claims.md says why each rule is as it is.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson

from schemas.definition import Election, Unit
from schemas.figures import EVERYWHERE, ROW_COUNTS
from schemas.totals import Row, Totals
from tabulation.counting.cells import BOX_VOTERS, OFFICIALS, Content, ballots_for, filled

CONTRADICTIONS: Final = (
    "boxes_over_total",
    "no_boxes_known",
    "votes_without_boxes",
    "registered_over_roll",
    "roll_used_up",
    "cast_over_roll",
    "cast_over_registered",
    "valid_over_cast",
    "votes_over_valid",
)
"""What figures can contradict, in the order in which it is told; docs/facts.md has each in words."""

UNKNOWN: Final = 2**60
"""Votes possible where nobody knows how many, as a summand: more than all votes there are, and it is taken out of a sum
again exactly. A sum that reaches it is unknown."""

BOX_OFFICIALS: Final = 10
"""The same of a whole district, for each opened box: seven of its committee and some police. Of 1,345 districts of 2014
one has more votes than voters, 2,128 of 2,125 in nine boxes; one box may have more, a whole district never had."""

_TENTH: Final = 10


class Claim(NamedTuple):
    """What the figures of one district leave open, and where they contradict themselves or the definition."""

    boxes_surplus: int
    """Opened boxes that are beyond those of the definition. They count in no share of boxes."""
    complete: bool
    """Whether the boxes are known and exactly all of them are opened."""
    contradictions: tuple[str, ...]
    """Names out of `CONTRADICTIONS`, in that order."""
    possible: int
    """Votes that the boxes not opened can hold at most; `UNKNOWN` where that cannot be said."""
    unassigned: int
    """Votes in the opened boxes that may still go to anybody: not attributed yet, missing in the sums, or in doubt."""


class Shift(NamedTuple):
    """What a district's new claim changes in its own claims and in those of the units above it."""

    before: Claim
    after: Claim
    possible: int
    """By how much the votes possible changed; `UNKNOWN` is a summand of it."""
    unassigned: int
    is_told: bool
    """Whether anything changed but the votes still open, which are not sent to clients."""

    @classmethod
    def between(cls, before: Claim, after: Claim) -> "Shift":
        """From one claim of a district to its next."""
        surplus, complete, contradictions, possible, unassigned = after
        is_told = (
            complete is not before.complete
            or contradictions != before.contradictions
            or surplus != before.boxes_surplus
        )
        return cls(before, after, possible - before.possible, unassigned - before.unassigned, is_told)


def claim_of(
    boxes_total: int,
    roll: int | None,
    counts: Mapping[str, int],
    votes: Mapping[str, int],
    excess: int = 0,
    votes_per_voter: int = 1,
    absent: Collection[str] = (),
    closed: int = 0,
) -> Claim:
    """The claim of a district from its figures.

    `boxes_total` and `roll` (the registered voters) are those of the definition, where a roll of 0 is none; `counts`
    are those of `schemas.figures.COUNTS`. `excess` is what single boxes leave in doubt, beyond what the sums tell.
    Where a voter has several votes, of those that the sums leave to nobody only the unattributed may still be told.
    `absent` are the counts that the source does not give: nothing is contradicted by them, and where nobody knows the
    voters of the opened boxes, all of the roll may still vote in the others. `closed` is how many of the opened boxes
    the definition has closed: each is one too many, and nothing is complete while there is one.
    """
    roll, is_roll_open = roll or UNKNOWN, "registered" in absent
    told, is_any_valid = counts, False
    if absent:
        counts = _known_counts(counts, votes, absent, votes_per_voter)
        is_any_valid = "valid" in absent and "cast" not in absent and not {"invalid", "blank"}.isdisjoint(absent)
    opened, registered, cast = counts["boxes_opened"], counts["registered"], counts["cast"]
    valid, attributed = counts["valid"], sum(votes.values())
    for_nobody = counts["invalid"] + counts.get("blank", 0)
    named, papers = attributed + counts["unattributed"], valid + for_nobody
    # Votes of the opened boxes that may still go to anybody: `short` by the ballots cast, `spare` by the valid votes.
    short, spare = cast - for_nobody - attributed + excess, valid - attributed
    if is_any_valid:  # any ballot that is not told to be for nobody may be for somebody
        short = counts["cast"] - sum(told.get(name, 0) for name in ("invalid", "blank")) - attributed + excess
    if votes_per_voter > 1:
        named, spare, short = ballots_for(named, votes_per_voter), 0, counts["unattributed"] + excess
    found: tuple[str, ...] = ()
    # Nearly all figures pass these few comparisons. Contradictions are worked out of those alone that do not.
    if closed or not (
        opened
        and named <= valid
        and papers <= cast
        and (cast <= registered or (is_roll_open and cast <= roll))
        and 0 <= boxes_total - opened <= roll - registered
    ):
        short = max(short, spare, counts["unattributed"], 0)
        found = _contradictions(boxes_total, roll, counts, named, closed)
    complete = not closed and 0 < boxes_total == opened
    possible = UNKNOWN if found else 0 if complete else roll
    if not (found or complete or is_roll_open):
        possible = _possible(boxes_total, roll, opened, registered)
    if possible < UNKNOWN:
        possible *= votes_per_voter
    return Claim(closed + max(opened - closed - boxes_total, 0), complete, found, possible, short)


def _known_counts(
    counts: Mapping[str, int], votes: Mapping[str, int], absent: Collection[str], votes_per_voter: int
) -> dict[str, int]:
    """All counts, where those that are not given follow from the others (see `filled`). Nobody is registered."""
    told = Content(
        **{name: counts.get(name, 0) for name in Content._fields if name != "votes"},
        votes=dict(votes),
    )
    whole = filled(told, absent, votes_per_voter)._asdict()
    whole |= {"boxes_opened": counts["boxes_opened"], "registered": counts.get("registered", 0)}
    return whole


def unheard(roll: int | None, votes_per_voter: int = 1) -> Claim:
    """The claim of a district of which nothing was reported; `roll` are its registered voters, if they are known."""
    possible = roll * votes_per_voter if roll else UNKNOWN
    return Claim(0, complete=False, contradictions=(), possible=possible, unassigned=0)


def _possible(total: int, roll: int, opened: int, registered: int) -> int:
    """The voters of the roll without those of the opened boxes, or more where that is too few to be believed.

    An agency that gives the whole roll, or nearly the whole, with half of the boxes would leave no voters for the other
    half. So where each remaining box would have less than a tenth of the voters of a mean box, or the opened ones have
    more than the law allows and half as much again as a mean box, each remaining box may have as many as that.
    """
    if roll == UNKNOWN or not total:
        return roll
    left, remaining = roll - registered, total - opened
    is_enough = left * _TENTH * total >= remaining * roll
    if is_enough and registered <= BOX_VOTERS * opened:
        return left  # nearly always
    most = max(BOX_VOTERS, -(-3 * roll // (2 * total)))
    return left if is_enough and registered <= most * opened else min(roll, most * remaining)


def _contradictions(total: int, roll: int, counts: Mapping[str, int], named: int, closed: int = 0) -> tuple[str, ...]:
    """The names of what these figures contradict; `named` are the votes of all candidates and the unattributed.

    Where a voter has several votes, `named` are the ballots that they need.
    """
    opened, registered, cast, valid = (counts[name] for name in ("boxes_opened", "registered", "cast", "valid"))
    papers, left = valid + counts["invalid"] + counts.get("blank", 0), roll - registered
    ballots = max(cast, papers, named)
    holds = (
        0 < total < opened or closed > 0,
        total == 0 < opened,
        opened == 0 < ballots,
        registered > roll,
        0 < registered <= roll and left < total - opened + closed,
        ballots > roll + BOX_OFFICIALS * opened,
        registered > 0 and (ballots - registered - OFFICIALS) * _TENTH > registered,
        papers > cast,
        named > valid,
    )
    return tuple(name for name, is_so in zip(CONTRADICTIONS, holds, strict=True) if is_so)


class Excess(NamedTuple):
    """A contradiction that no slip of a vote or two explains: what was `found`, where `limit` is the most possible."""

    contradiction: str
    limit: int
    found: int


def excesses(
    boxes_total: int,
    roll: int | None,
    counts: Mapping[str, int],
    votes: Mapping[str, int],
    votes_per_voter: int = 1,
    absent: Collection[str] = (),
) -> tuple[Excess, ...]:
    """What a district's figures have far too much of: by more than a tenth of the most there can be.

    The arguments are those of `claim_of`.
    """
    if absent:
        counts = _known_counts(counts, votes, absent, votes_per_voter)
    opened, registered, cast, valid = (counts[name] for name in ("boxes_opened", "registered", "cast", "valid"))
    named = ballots_for(sum(votes.values()) + counts["unattributed"], votes_per_voter)
    papers = valid + counts["invalid"] + counts.get("blank", 0)
    ballots = max(cast, papers, named)
    known = frozenset(_contradictions(boxes_total, roll or UNKNOWN, counts, named))
    limits = (
        ("boxes_over_total", boxes_total, opened),
        ("registered_over_roll", roll or UNKNOWN, registered),
        ("cast_over_roll", roll or UNKNOWN, ballots),
        ("cast_over_registered", registered, ballots),
        ("valid_over_cast", cast, papers),
        ("votes_over_valid", valid, named),
    )
    return tuple(Excess(*one) for one in limits if one[0] in known and (one[2] - one[1]) * _TENTH > one[1])


@dataclass(slots=True)
class Claims:
    """What may be said of a unit: the claims of its districts, added up. A district's are its own claim alone."""

    districts: int = 0
    complete_districts: int = 0
    boxes_surplus: int = 0
    unassigned: int = 0
    _possible: int = 0
    _contradictory: dict[str, int] = field(default_factory=dict)
    """How many districts there are with each contradiction; without those that none has."""
    _rooms: dict[str, int] | None = None
    """Votes that each candidate may still get, where districts have ballots of their own; `UNKNOWN` is in it."""

    @property
    def complete(self) -> bool:
        """Whether every district is complete."""
        return 0 < self.districts == self.complete_districts

    @property
    def possible(self) -> int | None:
        """Votes that the boxes not opened can hold at most; `None` where that is not known of any one district."""
        return self._possible if self._possible < UNKNOWN else None

    @property
    def contradictions(self) -> tuple[str, ...]:
        """What the figures of any district contradict: names out of `CONTRADICTIONS`, in that order."""
        if not self._contradictory:
            return ()
        return tuple(name for name in CONTRADICTIONS if name in self._contradictory)

    def cannot_be_overtaken(self, votes: Mapping[str, int], leader: str) -> bool:
        """Whether no completion of the night lets anybody on a ballot here have as many votes as the leader.

        Each other candidate gets all that may still come in the districts where that name is on the ballot. `votes` has
        everybody on the ballot, also those with 0.
        """
        ahead, room = votes[leader], self._possible + self.unassigned
        if self._contradictory or not ahead:
            return False
        if self._rooms is not None:
            return all(
                ahead - votes.get(other, 0) > possible for other, possible in self._rooms.items() if other != leader
            )
        if len(votes) > 1 and ahead <= room:
            return False
        return all(ahead - count > room for other, count in votes.items() if other != leader)

    def shift(self, shift: Shift, ballot: Iterable[str]) -> None:
        """Take a district's new claim for its old one; `ballot` is who can be voted for in the district."""
        self._possible += shift.possible
        self.unassigned += shift.unassigned
        if self._rooms is not None and shift.possible + shift.unassigned:
            for candidate in ballot:
                self._rooms[candidate] += shift.possible + shift.unassigned
        if shift.is_told:
            self._tell(shift.before, shift.after)

    def _tell(self, before: Claim, after: Claim) -> None:
        self.boxes_surplus += after.boxes_surplus - before.boxes_surplus
        self.complete_districts += after.complete - before.complete
        for name in before.contradictions:
            self._contradictory[name] -= 1
        for name in after.contradictions:
            self._contradictory[name] = self._contradictory.get(name, 0) + 1
        self._contradictory = {name: count for name, count in self._contradictory.items() if count}

    def copied(self) -> "Claims":
        """A copy that shares nothing which changes."""
        rooms = self._rooms.copy() if self._rooms is not None else None
        return replace(self, _contradictory=self._contradictory.copy(), _rooms=rooms)


def claims_before_counting(definition: Election, contest: str, unit: str, source: str | None = None) -> Claims:
    """The claims of a unit while nothing was reported of it; `source` tells of what units, if not of districts."""
    cells = definition.districts_of(contest, unit) if source is None else definition.cells_in(contest, source, unit)
    many = definition.contest_by_id[contest].votes_per_voter
    possible = {cell: unheard(definition.roll_of(contest, cell), many).possible for cell in cells}
    claims = Claims(len(cells), _possible=sum(possible.values()))
    if definition.contest_by_id[contest].ballots and len(cells) > 1:
        rooms = claims._rooms = {}  # noqa: SLF001  its own module
        for cell in cells:
            for candidate in definition.names_in(contest, cell):
                rooms[candidate] = rooms.get(candidate, 0) + possible[cell]
    return claims


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
