"""What is counted in boxes that an amendment of the definition closes. Pure.

It stands, and is one box too many, until its source withdraws it.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from tabulation.counting.box_ledger import BoxLedger
from tabulation.counting.tally_fold import TallyFold


class CountedBox(NamedTuple):
    """A box with what a source has counted in it; `votes` are those of all candidates."""

    district: str
    box: int
    contest: str
    source: str
    votes: int

    def __str__(self) -> str:
        counted = f"{self.votes:,} votes of {self.contest} are counted in it by {self.source}"
        return f"Box {self.box} of {self.district} is closed, and {counted}, until {self.source} withdraws it."


def counted_in(fold: TallyFold, closed: Mapping[str, Collection[int]]) -> Iterator[CountedBox]:
    """What is counted in these boxes, given by district; by contest, source, district and box."""
    for cell, ledger in sorted(fold.ledgers.items()):
        if not isinstance(ledger, BoxLedger):
            continue
        for box, packed in sorted(ledger.opened(closed.get(cell.district, ())).items()):
            votes = sum(ledger.packing.sums(packed).votes.values())
            yield CountedBox(cell.district, box, cell.contest, cell.source, votes)
