"""A night to measure on: İstanbul's districts and boxes, three contests and sources, as many events as wanted."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from eventlog.port import Entry
from producers.chance import seeded
from producers.simulating.library import read_scenario
from schemas.definition import Election
from schemas.tally import Counted, encode

CANDIDATES = 12
"""How many of the 49 candidates got a vote in a box: the median of the simulated night."""


LASTS_S: Final = 8 * 3600
"""From when polls close until most boxes are in."""


def election() -> Election:
    """The definition of İstanbul, 31 March 2024: 39 districts, 33,273 boxes."""
    return read_scenario().definition()


def events(definition: Election, count: int) -> Iterator[Entry]:
    """So many tally events: every box of every source and contest once, then corrections, in a shuffled order.

    Their times are spread evenly over the night.
    """
    chance = seeded("benchmark")
    cells = [
        (contest, source.id, district, box)
        for contest in definition.contests
        for source in definition.sources
        for district in definition.districts
        for first, last in district.boxes
        for box in range(first, last + 1)
    ]
    chance.shuffle(cells)
    at = definition.polls_close
    if at is None:
        raise ValueError("this night needs a time at which polls close")
    for number in range(count):
        revision, index = divmod(number, len(cells))
        contest, source, district, box = cells[index]
        ballot = definition.ballot(contest.id, district.id)[:CANDIDATES]
        votes = {candidate.id: 5 + (7 * box + 31 * revision + place) % 40 for place, candidate in enumerate(ballot)}
        valid = sum(votes.values())
        event = Counted(
            type="counted" if revision == 0 else "corrected",
            contest=contest.id,
            district=district.id,
            box=box,
            source=source,
            revision=revision + 1,
            at=at + timedelta(seconds=LASTS_S * number // count),
            registered=valid + 40,
            cast=valid + 8,
            valid=valid,
            invalid=8,
            votes=votes,
        )
        yield Entry(district.id.encode(), encode(event))
