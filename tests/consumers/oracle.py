"""The naive oracle: sums the highest revision of each box, with nothing of the fold's machinery."""

from collections import defaultdict
from collections.abc import Iterable

from schemas.figures import STATED
from schemas.tally import Counted, Withdrawn

Key = tuple[str, str, str]


def sums(tallies: Iterable[Counted | Withdrawn]) -> dict[Key, dict[str, object]]:
    """Every (contest, source, district)'s figures. The events must hold no conflicts."""
    highest: dict[tuple[str, str, str, int], Counted | Withdrawn] = {}
    for tally in tallies:
        box = (tally.contest, tally.source, tally.district, tally.box)
        if box not in highest or tally.revision > highest[box].revision:
            highest[box] = tally
    by_place: dict[Key, list[Counted | Withdrawn]] = defaultdict(list)
    for box, tally in highest.items():
        by_place[box[:3]].append(tally)
    figures: dict[Key, dict[str, object]] = {}
    for key, standing in by_place.items():
        opened = [tally for tally in standing if isinstance(tally, Counted)]
        votes: dict[str, int] = defaultdict(int)
        for tally in opened:
            for candidate, count in tally.votes.items():
                votes[candidate] += count
        figures[key] = {
            "boxes_opened": len(opened),
            "annulled": sum(tally.type == "annulled" for tally in standing),
            **{name: sum(getattr(tally, name) or 0 for tally in opened) for name in STATED},
            "flagged": sum(_is_odd(tally) for tally in opened),
            "excess": sum(_excess(tally) for tally in opened),
            "votes": {candidate: count for candidate, count in votes.items() if count},
        }
    return figures


def _excess(tally: Counted) -> int:
    """How much further off a lead in the box may be than its sums tell; as docs/decisions/claims.md has it."""
    votes, registered = sum(tally.votes.values()), tally.registered
    missing = [tally.unattributed, tally.valid - votes, tally.cast - tally.invalid - votes]
    too_many = max(0, tally.valid + tally.invalid - tally.cast, votes + tally.unattributed - tally.valid)
    ballots = max(tally.cast, tally.valid + tally.invalid, votes + tally.unattributed)
    limit = max(100, registered / 10)
    is_over = registered > 0 and ballots - registered > limit
    most = max(0, *missing) + too_many
    if is_over or too_many > limit or ballots > 10_000 or registered > 10_000:
        most = max(most, max([0, *tally.votes.values()]) + min(10_000, max(400, registered)) + 100)
    return min(most - missing[2], 1_000_000)


def _is_odd(tally: Counted) -> bool:
    return (
        tally.cast > tally.registered
        or tally.cast != tally.valid + tally.invalid
        or tally.valid != sum(tally.votes.values()) + tally.unattributed
    )
