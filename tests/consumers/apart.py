"""The naive oracle of comparisons: keeps every event in a list, and looks at every box of both sources."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from schemas.comparison import Part
from schemas.figures import STATED
from schemas.tally import Counted, Withdrawn

Boxes = dict[tuple[str, int], Counted]
"""What a source has opened: by district and box."""


def opened(tallies: Iterable[Counted | Withdrawn], contest: str, source: str) -> Boxes:
    """Each box's highest revision, where that one has counts. The events must hold no conflicts."""
    said = [tally for tally in tallies if (tally.contest, tally.source) == (contest, source)]
    found: Boxes = {}
    for place in {(tally.district, tally.box) for tally in said}:
        of_box = [tally for tally in said if (tally.district, tally.box) == place]
        newest = max(of_box, key=lambda tally: tally.revision)
        if isinstance(newest, Counted):
            found[place] = newest
    return found


def part(boxes: Sequence[Counted]) -> Part:
    """The boxes added up, one by one."""
    votes: Counter[str] = Counter()
    for box in boxes:
        votes.update(box.votes)
    return Part(
        boxes=len(boxes),
        **{name: sum(getattr(box, name) or 0 for box in boxes) for name in STATED},
        votes={name: count for name, count in sorted(votes.items()) if count},
    )


def says_the_same(a: Counted, b: Counted) -> bool:
    """Whether two sources count a box alike; a candidate who is not named has no vote."""
    names = a.votes.keys() | b.votes.keys()
    return all(a.votes.get(name, 0) == b.votes.get(name, 0) for name in names) and all(
        getattr(a, field) == getattr(b, field) for field in STATED
    )


def votes_apart(a: Counted | None, b: Counted | None) -> int:
    """How many votes lie differently in one box."""
    of_a, of_b = (Counter(box.votes if box else {}) for box in (a, b))
    apart = sum(abs(of_a[name] - of_b[name]) for name in {*of_a, *of_b})
    return apart + abs((a.unattributed if a else 0) - (b.unattributed if b else 0))


def figures(a: Boxes, b: Boxes, place: str) -> dict[str, Any]:
    """The sums of a comparison, over the districts whose id begins with `place`."""
    inside = sorted(box for box in a.keys() | b.keys() if f"{box[0]}/".startswith(f"{place}/"))
    both = [box for box in inside if box in a and box in b]
    return {
        "only_a": part([a[box] for box in inside if box not in b]),
        "only_b": part([b[box] for box in inside if box not in a]),
        "both_a": part([a[box] for box in both]),
        "both_b": part([b[box] for box in both]),
        "differing": sum(not says_the_same(a[box], b[box]) for box in both),
    }


def ranked(a: Boxes, b: Boxes, *, both: bool) -> list[tuple[int, str, int]]:
    """Votes apart, district and box, of those boxes where it is not none: the most first."""
    places = [box for box in a.keys() | b.keys() if (box in a and box in b) == both]
    found = [(votes_apart(a.get(box), b.get(box)), *box) for box in places]
    return sorted((one for one in found if one[0]), key=lambda one: (-one[0], one[1], one[2]))
