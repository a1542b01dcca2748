"""The sums of a cell, and what is odd, impossible or in doubt about the counts of one box. Pure.

Each box is judged by itself, since the sums of its district would swallow what is wrong with it. In a district of 900
boxes 80,000 votes too many are lost among the voters of the others, and votes beyond the valid ones among those that
another box leaves to nobody. What is in doubt is added up. docs/decisions/claims.md says why each rule is as it is.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from schemas.fields import MAX_BOX_COUNT, CellTotal, Id
from schemas.figures import COUNTS, Given
from schemas.tally import Counted, Reported
from schemas.totals import Cell, Totals

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


class BoxFigures(Protocol):
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


def doubt_in(box: BoxFigures, votes_per_voter: int = 1) -> Doubt:
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


def _doubt_of_several(box: BoxFigures, votes_per_voter: int) -> Doubt:
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


def filled(figures: BoxFigures, absent: Collection[str], votes_per_voter: int = 1) -> Content:
    """Put into the place of counts that are not given what contradicts nothing that is.

    So the rules about counts say nothing of those that nobody knows. What follows from the others is that: of the
    valid, invalid, blank votes and the cast ones any three give the fourth. Else the valid ones are those of the
    candidates, all others that were cast are invalid, and as many are registered as have voted.
    """
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
    return Content(registered, cast, valid, invalid, figures.unattributed, blank, dict(figures.votes))


def odd_in(figures: BoxFigures, votes_per_voter: int = 1) -> tuple[bool, bool, bool]:
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
