"""The naive oracle of the tallies topic: what its records come to, one by one, and which are set aside."""

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import ValidationError

from schemas.figures import EVERYWHERE
from schemas.tally import TALLY, Counted, Tally, Withdrawn
from tests.consumers import oracle as sums
from tests.simulation.seeded.oracle import Figures, Place
from tests.simulation.seeded.store import Stored


class Tallied(NamedTuple):
    """What the records come to: figures by place, and the offsets of what is set aside."""

    figures: Mapping[Place, Figures]
    aside: Collection[int]


def tallied(records: Iterable[Stored], garbage: Collection[bytes]) -> Tallied:
    """What a partition's records come to. Of two statements of one revision that differ the first stands."""
    standing: dict[tuple[str, str, str, int], Counted | Withdrawn] = {}
    aside: set[int] = set()
    for record in records:
        tally = None if record.value in garbage else _parsed(record.value or b"")
        if tally is None:
            aside.add(record.offset)
            continue
        box = tally.contest, tally.source, tally.district, tally.box
        known = standing.get(box)
        if known is None or _order(tally) > _order(known):
            standing[box] = tally
        elif _order(tally) == _order(known) and tally != known:
            aside.add(record.offset)
    return Tallied({place: _figures(found) for place, found in sums.sums(standing.values()).items()}, aside)


def _figures(summed: Mapping[str, Any]) -> Figures:
    return Figures(tuple(summed[name] for name in EVERYWHERE), summed["votes"])


def _order(tally: Counted | Withdrawn) -> tuple[int, int]:
    return tally.revision, tally.released


@lru_cache(maxsize=1_000)  # a night is looked at several times
def _parsed(value: bytes) -> Counted | Withdrawn | None:
    try:
        tally: Tally = TALLY.validate_json(value)
    except ValidationError:
        return None
    return tally if isinstance(tally, Counted | Withdrawn) else None
