"""The sums of a cell, and what is odd about counts. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from schemas.fields import CellTotal, Id
from schemas.figures import COUNTS
from schemas.tally import Counted
from schemas.totals import Cell, Totals

FLAGS: Final = ("cast_over_registered", "cast_sum_differs", "party_sum_differs")
"""What is odd but possible: officials vote where they serve, and official records hold sums that do not add up."""

BOX_FLAGS: Final = (*FLAGS, "impossible")
"""The same, and figures that no box can have (see `impossible_boxes`); a box can have those and add up."""


class Content(NamedTuple):
    """What is said of a box or district, without who said it when."""

    registered: int
    cast: int
    valid: int
    invalid: int
    unattributed: int
    votes: dict[str, int]


def odd_in(said: Counted | Content) -> tuple[bool, bool, bool]:
    """Which of `FLAGS` hold for what is said of a box or district."""
    return (
        said.cast > said.registered,
        said.cast != said.valid + said.invalid,
        said.valid != sum(said.votes.values()) + said.unattributed,
    )


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums of a cell's opened boxes, and how many boxes are annulled or carry a flag.

    `excess` is the sum of what single boxes leave in doubt (`tabulation.counting.impossible_boxes.Doubt`).
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
        votes=sums.votes.copy(),
        excess=sums.excess,
    )
