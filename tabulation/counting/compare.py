"""Two box ledgers of one district in, one comparison out. Pure.

Most boxes are said alike and need no look inside: what both say together is what a source says in all, less what only
it has. So the work is in the boxes that differ; of these only the ones that are listed are unfolded.
"""

import heapq
from collections.abc import Collection, Iterable, Mapping

from schemas.comparison import MAX_BOXES_LISTED, BoxApart, Comparison, Pair, Part, Said
from schemas.figures import stated_in
from tabulation.counting.box_ledger import BoxLedger
from tabulation.counting.sums import Sums

_Ranked = tuple[int, int]
"""How many votes are apart, negative, and the box's number: the first in order is the furthest apart."""


def compare(pair: Pair, a: BoxLedger | None, b: BoxLedger | None) -> Comparison:
    """Compare two sources' statements on one district; `None` is the ledger of a source that has said nothing yet."""
    unlike = _unlike(a, b)
    by_a, by_b = _opened(a, unlike), _opened(b, unlike)
    alone_a, apart_a = _alone(a, by_a, by_b)
    alone_b, apart_b = _alone(b, by_b, by_a)
    differing = [box for box, packed in by_a.items() if by_b.get(box, packed) != packed]
    both = [] if a is None else [(-a.packing.votes_apart(by_a[box], by_b[box]), box) for box in differing]
    return Comparison(
        **pair._asdict(),
        version=version_of(a, b),
        only_a=_part(alone_a),
        only_b=_part(alone_b),
        both_a=_rest(a, alone_a),
        both_b=_rest(b, alone_b),
        differing=len(differing),
        apart=tuple(
            BoxApart(box=box, a=_figures_of(a, by_a.get(box)), b=_figures_of(b, by_b.get(box)))
            for ranked in ([*apart_a, *apart_b], both)
            for _, box in heapq.nsmallest(MAX_BOXES_LISTED, (one for one in ranked if one[0]))
        ),
    )


def version_of(a: BoxLedger | None, b: BoxLedger | None) -> int:
    """The version of their comparison: the last tally that changed either. Both live in one partition."""
    return max(ledger.version if ledger is not None else -1 for ledger in (a, b))


def _unlike(a: BoxLedger | None, b: BoxLedger | None) -> Collection[int]:
    """All boxes but those of which both say the same at the same revision: most, and equal as they are kept."""
    heard_a, heard_b = (ledger.heard() if ledger is not None else {} for ledger in (a, b))
    differing = {box for box, packed in heard_a.items() if heard_b.get(box) != packed}
    return differing | (heard_b.keys() - heard_a.keys())


def _opened(ledger: BoxLedger | None, boxes: Collection[int]) -> Mapping[int, int]:
    return ledger.opened(boxes) if ledger is not None else {}


def _figures_of(ledger: BoxLedger | None, packed: int | None) -> Said | None:
    if ledger is None or packed is None:
        return None
    sums = ledger.packing.sums(packed)
    return Said(**stated_in(sums), votes=_named(sums.votes.items()))


def _alone(ledger: BoxLedger | None, opened: Mapping[int, int], other: Mapping[int, int]) -> tuple[Sums, list[_Ranked]]:
    """The sums of the boxes that the other source does not have, and how many votes lie in each."""
    if ledger is None:
        return Sums.zero(()), []
    alone = {box: packed for box, packed in opened.items() if box not in other}
    votes_apart = ledger.packing.votes_apart
    ranked = [(-votes_apart(packed, 0), box) for box, packed in alone.items()]
    return ledger.packing.sums(sum(alone.values())), ranked


def _part(sums: Sums) -> Part:
    return Part(boxes=sums.boxes_opened, **stated_in(sums), votes=_named(sums.votes.items()))


def _rest(ledger: BoxLedger | None, less: Sums) -> Part:
    """What a source says of all its boxes but these."""
    if ledger is None:
        return Part()
    sums = ledger.sums
    taken = stated_in(less)
    return Part(
        boxes=sums.boxes_opened - less.boxes_opened,
        **{name: count - taken[name] for name, count in stated_in(sums).items()},
        votes=_named((candidate, count - less.votes[candidate]) for candidate, count in sums.votes.items()),
    )


def _named(votes: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Those who have votes, by id."""
    return {candidate: count for candidate, count in sorted(votes) if count}
