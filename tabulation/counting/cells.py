"""A cell: which tallies it takes, their sums, and what is odd, impossible or in doubt about one box. Pure.

Which tallies a cell takes, the election definition says (`Rulebook`).

Each box is judged by itself, since the sums of its district would swallow what is wrong with it. In a district of 900
boxes 80,000 votes too many are lost among the voters of the others, and votes beyond the valid ones among those that
another box leaves to nobody. What is in doubt is added up. docs/decisions/claims.md says why each rule is as it is.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, Protocol, final
from zoneinfo import ZoneInfo

from schemas.definition import Election, Unit
from schemas.fields import MAX_BOX_COUNT, CellTotal, Id
from schemas.figures import ABSENT_COUNTS, COUNTS, EVERY_COUNT, AbsentCount, Given
from schemas.quarantine import Reason
from schemas.tally import NOT_GIVEN, Counted, Reported, Tally, Withdrawn
from schemas.totals import Cell, Totals
from schemas.units import boxes_in

BOX_VOTERS: Final = 400
"""Voters of a box at most, by law about so many. More in each opened box, on average, is looked at twice."""

OFFICIALS: Final = 100
"""Votes beyond the voters' list that officials on duty explain: the most in any box of the 171,384 of 2014 are 87."""

MOST_BOX_VOTERS: Final = 10_000
"""Voters or votes beyond which no box is believed, whatever else it says: those abroad have a few thousand."""

MAX_BOX_EXCESS: Final = 2 * MAX_BOX_COUNT
"""The most that one box adds to an excess: all the votes that a candidate can have in it, and as many more. With 49
candidates at their limits a box could have more, and no meaning."""

_TENTH: Final = 10


class BoxCounts(Protocol):
    """The counts of one box."""

    @property
    def registered(self) -> int: ...
    @property
    def cast(self) -> int: ...
    @property
    def valid(self) -> int: ...
    @property
    def invalid(self) -> int: ...
    @property
    def unattributed(self) -> int: ...
    @property
    def blank(self) -> int: ...
    @property
    def votes(self) -> Mapping[str, int]: ...


class Doubt(NamedTuple):
    """What is in doubt of a box. `excess` is in votes: by so many more than its sums tell may a lead in it be wrong."""

    excess: int
    is_impossible: bool


def ballots_for(votes: int, votes_per_voter: int) -> int:
    """The fewest ballots that so many votes can be on."""
    return -(-votes // votes_per_voter)


def doubt_in(box: BoxCounts, votes_per_voter: int = 1) -> Doubt:
    """What a box's own figures leave in doubt.

    A lead in the box can be wrong by the votes that may still go to anybody, which follow from the sums too, and by the
    votes that are too many. Where those are more than a hundred and more than a tenth of its voters, or the box is
    larger than any, it is impossible: then every vote in it may be another's, and as many more as it can have voters.
    Votes beyond the voters up to there are those of officials, and no doubt.

    Where a voter has several votes, a ballot need not hold all of them: what is missing in the sums may go to nobody.
    """
    if votes_per_voter > 1:
        return _doubt_of_several(box, votes_per_voter)
    attributed, for_nobody = sum(box.votes.values()), box.invalid + (box.blank or 0)
    named, papers = attributed + box.unattributed, box.valid + for_nobody
    ballots = max(box.cast, papers, named)
    told = box.cast - for_nobody - attributed
    still_open = max(told, box.valid - attributed, box.unattributed, 0)
    too_many = max(papers - box.cast, named - box.valid, 0)
    beyond = max(too_many, ballots - box.registered if box.registered else 0)
    is_impossible = max(ballots, box.registered) > MOST_BOX_VOTERS or (
        beyond > OFFICIALS and beyond * _TENTH > box.registered
    )
    wrong = still_open + too_many
    if is_impossible:
        voters = max(BOX_VOTERS, min(box.registered, MOST_BOX_VOTERS))
        wrong = max(wrong, max(box.votes.values(), default=0) + voters + OFFICIALS)
    return Doubt(min(wrong - told, MAX_BOX_EXCESS), is_impossible)


def _doubt_of_several(box: BoxCounts, votes_per_voter: int) -> Doubt:
    """The same where a voter has several votes; the sums tell of the unattributed ones alone that they are open."""
    named = ballots_for(sum(box.votes.values()) + box.unattributed, votes_per_voter)
    papers = box.valid + box.invalid + (box.blank or 0)
    too_many = max(papers - box.cast, named - box.valid, 0)
    ballots = max(box.cast, papers, named)
    beyond = max(too_many, ballots - box.registered if box.registered else 0)
    is_impossible = max(ballots, box.registered) > MOST_BOX_VOTERS or (
        beyond > OFFICIALS and beyond * _TENTH > box.registered
    )
    wrong = too_many * votes_per_voter
    if is_impossible:
        voters = max(BOX_VOTERS, min(box.registered, MOST_BOX_VOTERS))
        wrong = max(wrong, max(box.votes.values(), default=0) + (voters + OFFICIALS) * votes_per_voter)
    return Doubt(min(wrong, MAX_BOX_EXCESS), is_impossible)


FLAGS: Final = ("cast_over_registered", "cast_sum_differs", "party_sum_differs")
"""What is odd but possible: officials vote where they serve, and official records hold sums that do not add up."""

BOX_FLAGS: Final = (*FLAGS, "impossible")
"""The same, and figures that no box can have (see `doubt_in`); a box can have those and add up."""


class Content(NamedTuple):
    """The counts that a statement gives for a box or district, without source, revision and event time."""

    registered: int
    cast: int
    valid: int
    invalid: int
    unattributed: int
    blank: int
    votes: dict[str, int]

    @classmethod
    def of(cls, statement: Counted | Reported, given: Given) -> "Content":
        """What a statement gives. What its contest or source does not have is 0, and is no statement."""
        return cls(
            statement.registered or 0,
            statement.cast or 0,
            statement.valid or 0,
            statement.invalid or 0,
            statement.unattributed,
            (statement.blank or 0) if given.blank else 0,
            {name: votes for name, votes in statement.votes.items() if votes},
        )


def filled(figures: Content, absent: Collection[str], votes_per_voter: int = 1) -> Content:
    """Put into the place of counts that are not given what contradicts nothing that is.

    So the rules about counts say nothing of those that nobody knows. What follows from the others is that: of the
    valid, invalid, blank votes and the cast ones any three give the fourth. Else the valid ones are those of the
    candidates, all others that were cast are invalid, and as many are registered as have voted.
    """
    if not absent:
        return figures
    registered, cast, valid, invalid, blank = (
        None if name in absent else getattr(figures, name)
        for name in ("registered", "cast", "valid", "invalid", "blank")
    )
    named = ballots_for(sum(figures.votes.values()) + figures.unattributed, votes_per_voter)
    if valid is None:
        valid = named
        if cast is not None and invalid is not None and blank is not None:
            valid = max(cast - invalid - blank, 0)
    if cast is None:
        cast = valid + (invalid or 0) + (blank or 0)
    if invalid is None:
        invalid = max(cast - valid - (blank or 0), 0)
    if blank is None:
        blank = max(cast - valid - invalid, 0)
    if registered is None:
        registered = max(cast, valid + invalid + blank, named)
    return figures._replace(registered=registered, cast=cast, valid=valid, invalid=invalid, blank=blank)


def odd_in(figures: BoxCounts, votes_per_voter: int = 1) -> tuple[bool, bool, bool]:
    """Return which of `FLAGS` hold for the counts of a box or district, in the order of `FLAGS`.

    Where a voter has several votes the candidates' may be any number up to so many on each valid ballot.
    """
    votes = sum(figures.votes.values()) + figures.unattributed
    papers = figures.valid + figures.invalid + (figures.blank or 0)
    return odd_among(figures.registered, figures.cast, figures.valid, papers, votes, votes_per_voter)


def odd_among(
    registered: int, cast: int, valid: int, papers: int, votes: int, votes_per_voter: int
) -> tuple[bool, bool, bool]:
    """The same of plain numbers: `papers` are the valid, invalid and blank votes, `votes` those of all candidates."""
    return (
        cast > registered,
        cast != papers,
        valid != votes if votes_per_voter == 1 else votes > valid * votes_per_voter,
    )


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums of a cell's opened boxes, and how many boxes are annulled or carry a flag.

    `excess` is the sum of what single boxes leave in doubt (`tabulation.counting.sums.Doubt`).
    """

    boxes_opened: CellTotal
    annulled: CellTotal
    registered: CellTotal
    cast: CellTotal
    valid: CellTotal
    invalid: CellTotal
    unattributed: CellTotal
    flagged: CellTotal
    flags: dict[str, CellTotal]
    votes: dict[Id, CellTotal]
    excess: CellTotal = 0
    blank: CellTotal = 0

    @classmethod
    def zero(cls, candidates: tuple[str, ...]) -> "Sums":
        """No box opened yet; every candidate of the ballot at 0."""
        return cls(**dict.fromkeys(COUNTS, 0), flags=dict.fromkeys(BOX_FLAGS, 0), votes=dict.fromkeys(candidates, 0))


class CellLedger(Protocol):
    """What a cell has totals of, be it a ledger of boxes or of reports."""

    cell: Cell
    version: int

    @property
    def as_of(self) -> datetime | None: ...

    @property
    def sums(self) -> Sums: ...


def heard_at(ledger: CellLedger) -> datetime:
    """The newest event time of what stands in a cell. Only once something was counted."""
    if ledger.as_of is None:
        raise ValueError(f"{ledger.cell} has heard of nothing yet, so it has no totals")
    return ledger.as_of


def totals_of(ledger: CellLedger, zone: ZoneInfo) -> Totals:
    """A cell's totals as they stand; `as_of` in the election's time zone. Only once something was counted."""
    cell, sums = ledger.cell, ledger.sums
    return Totals.model_construct(
        v=1,
        contest=cell.contest,
        source=cell.source,
        district=cell.district,
        version=ledger.version,
        as_of=heard_at(ledger).astimezone(zone),
        boxes_opened=sums.boxes_opened,
        annulled=sums.annulled,
        registered=sums.registered,
        cast=sums.cast,
        valid=sums.valid,
        invalid=sums.invalid,
        unattributed=sums.unattributed,
        flagged=sums.flagged,
        blank=sums.blank,
        votes=sums.votes.copy(),
        excess=sums.excess,
    )


PartitionOf = Callable[[bytes], int]
"""The partition of `tallies` that a key falls into."""

SHOWN_CHARS: Final = 80
"""How much of an unknown name an error repeats."""


@final
@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a tally cannot be used."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class CellRules:
    """What one cell's tallies may say, and under which key and in which partition they must come.

    `takes_reports`: its source reports whole districts, else it reports boxes.
    """

    cell: Cell
    takes_reports: bool
    boxes: frozenset[int]
    candidates: frozenset[str]
    key: bytes
    partition: int
    votes_per_voter: int = 1
    given: Given = EVERY_COUNT
    closed: frozenset[int] = frozenset()
    """Boxes that are not waited for any more; what was counted in one can be withdrawn."""
    boxes_told: int | None = None
    """How many boxes there are where the source tells a unit above counting units, which has none of its own."""
    usual_boxes: frozenset[int] = field(init=False)
    """The boxes, where the source reports them with the counts that most have; else none."""

    def __post_init__(self) -> None:
        is_usual = self.given.is_plain and not self.takes_reports
        object.__setattr__(self, "usual_boxes", self.boxes if is_usual else frozenset())

    @property
    def boxes_kept(self) -> int:
        """How many boxes a ledger has room for: those that are closed, too, as long as boxes are what is reported."""
        if self.boxes_told is not None:
            return self.boxes_told
        return len(self.boxes) if self.takes_reports else len(self.boxes) + len(self.closed)

    def refusal(self, tally: Tally, key: bytes | None, partition: int) -> Refusal | None:
        """Why this tally of the cell cannot be used, or `None`."""
        is_usual = (
            type(tally) is Counted
            and tally.box in self.usual_boxes
            and key == self.key
            and partition == self.partition
            and None not in (tally.registered, tally.cast, tally.valid, tally.invalid)
            and self.candidates.issuperset(tally.votes)
        )
        return None if is_usual else self._refusal_of_unusual(tally, key, partition)

    def _refusal_of_unusual(self, tally: Tally, key: bytes | None, partition: int) -> Refusal | None:
        if key != self.key or partition != self.partition:
            return Refusal("misrouted", f"tallies of {self.cell.district} belong in partition {self.partition}")
        if (type(tally) is Reported) != self.takes_reports:
            kind = "whole districts, not boxes" if self.takes_reports else "each box by itself, not whole districts"
            return Refusal("wrong_kind", f"{self.cell.source} reports {kind}")
        if type(tally) is not Reported and tally.box not in self.boxes:
            return self._unknown_box(tally)
        if type(tally) is Withdrawn:
            return None
        refusal = self._wrong_counts(tally)
        if refusal is not None:
            return refusal
        return None if self.candidates.issuperset(tally.votes) else self._unknown_candidate(tally.votes)

    def _unknown_box(self, tally: Counted | Withdrawn) -> Refusal | None:
        """Why a tally of a box that is not there cannot be used; what was counted in a closed one can be withdrawn."""
        if tally.box not in self.closed:
            return Refusal("unknown_box", f"{self.cell.district} has no box {tally.box}")
        if type(tally) is Withdrawn:
            return None
        return Refusal("unknown_box", f"box {tally.box} of {self.cell.district} is closed")

    def _wrong_counts(self, tally: Counted | Reported) -> Refusal | None:
        """Why a tally without a count that it needs cannot be used, nor one with a count that nobody expects of it."""
        name = wrong_count(tally, self.given)
        if name is None:
            return None
        if name in self.given.absent:
            return Refusal("wrong_kind", f"{name}: by the definition (absent) {self.cell.source} does not give it")
        return Refusal("malformed", f"{name}: Field required")

    def _unknown_candidate(self, votes: Mapping[str, int]) -> Refusal | None:
        """Why votes for somebody who is not on the ballot cannot be used; no votes for them say nothing."""
        unknown = min((name for name in votes.keys() - self.candidates if votes[name]), default=None)
        if unknown is None:
            return None
        return Refusal("unknown_candidate", f"no {unknown[:SHOWN_CHARS]!r} on the ballot of {self.cell.district}")


def wrong_count(tally: Counted | Reported, given: Given) -> str | None:
    """The first count that a tally lacks, or has though its source does not give it; `None` where there is none."""
    name: AbsentCount
    for name in ABSENT_COUNTS:
        is_told = getattr(tally, name) is not NOT_GIVEN
        if (name in given.absent and is_told) or (name in given.counts and not is_told):
            return name
    return None


class Rulebook:
    """The rules of every cell, by the definition."""

    def __init__(self, definition: Election, partition_of: PartitionOf) -> None:
        self.definition: Final = definition
        self._partition_of = partition_of
        self._boxes: dict[str, tuple[frozenset[int], frozenset[int]]] = {}
        self._reporting = {source.id for source in definition.sources if source.reports == "districts"}

    def rules_for(self, cell: Cell) -> CellRules | Refusal:
        """The rules of a cell, or why there can be none."""
        definition = self.definition
        if cell.contest not in definition.contest_by_id:
            return Refusal("unknown_contest", f"no contest {cell.contest[:SHOWN_CHARS]!r} in the election definition")
        if cell.source not in definition.source_ids:
            return Refusal("unknown_source", f"no source {cell.source[:SHOWN_CHARS]!r} in the election definition")
        if not definition.is_cell(*cell):
            return self._no_cell(cell)
        key = cell.district.encode()
        boxes, closed = self._boxes_of(definition.unit_by_id[cell.district])
        is_lowest = definition.is_district(cell.district)
        return CellRules(
            cell,
            takes_reports=cell.source in self._reporting,
            boxes=boxes,
            boxes_told=None if is_lowest else definition.boxes_of(cell.contest)[cell.district],
            candidates=definition.names_in(cell.contest, cell.district),
            key=key,
            partition=self._partition_of(key),
            votes_per_voter=definition.contest_by_id[cell.contest].votes_per_voter,
            given=definition.given(cell.contest, cell.source),
            closed=closed,
        )

    def _no_cell(self, cell: Cell) -> Refusal:
        """Why a source tells nothing of a contest in a unit."""
        definition, shown = self.definition, repr(cell.district[:SHOWN_CHARS])
        if cell.district in definition.unit_by_id and definition.level_told(cell.contest, cell.source) is not None:
            return Refusal("unknown_district", f"{definition.why_not_told(*cell)}")
        if not definition.is_district(cell.district):
            return Refusal("unknown_district", f"no district {shown} in the election definition")
        return Refusal("unknown_contest", f"contest {cell.contest!r} is not held in {cell.district}")

    def _boxes_of(self, district: Unit) -> tuple[frozenset[int], frozenset[int]]:
        """The district's box numbers, and those that are closed: the same sets for all contests and sources."""
        if district.id not in self._boxes:
            self._boxes[district.id] = boxes_in(district.boxes), boxes_in(district.closed)
        return self._boxes[district.id]
