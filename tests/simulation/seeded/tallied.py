"""The naive oracle of the tallies topic: what its records come to, one by one, and which are set aside."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from msgspec import structs
from pydantic import ValidationError

from schemas.figures import EVERYWHERE
from schemas.tally import TALLY, Counted, Tally, Withdrawn
from tests.consumers import oracle as sums
from tests.simulation.seeded.law import AMENDED, Law
from tests.simulation.seeded.oracle import Figures, Place
from tests.simulation.seeded.store import Stored


class Tallied(NamedTuple):
    """What the records come to: figures by place, the offsets of what is set aside, the version that holds."""

    figures: Mapping[Place, Figures]
    aside: Collection[int]
    version: int


def tallied(records: Iterable[Stored], garbage: Collection[bytes], laws: Sequence[Law]) -> Tallied:
    """What a partition's records come to. Of two statements of one revision that differ the first stands.

    `laws` are the versions of the definition that are ordered; each holds behind the record that says so.
    """
    standing: dict[tuple[str, str, str, int], Counted | Withdrawn] = {}
    aside: set[int] = set()
    law = laws[0]
    for record in records:
        if record.key == AMENDED:
            fields = orjson.loads(record.value or b"")
            if fields["version"] == law.version + 1 <= len(laws) and fields["yields"] == laws[law.version].digest:
                law = laws[law.version]
            elif fields["version"] > law.version:
                aside.add(record.offset)
            continue
        tally = None if record.value in garbage else _parsed(record.value or b"")
        if tally is None or not _is_lawful(tally, law):
            aside.add(record.offset)
            continue
        box = tally.contest, tally.source, tally.district, tally.box
        known = standing.get(box)
        if known is None or _order(tally) > _order(known):
            standing[box] = tally
        elif _order(tally) == _order(known) and _said(tally) != _said(known):
            aside.add(record.offset)
    found = {place: _figures(figures) for place, figures in sums.sums(standing.values()).items()}
    return Tallied(found, aside, law.version)


def _is_lawful(tally: Counted | Withdrawn, law: Law) -> bool:
    if isinstance(tally, Withdrawn):
        return tally.box in law.boxes.get(tally.district, ()) or tally.box in law.closed.get(tally.district, ())
    named = {name for name, votes in tally.votes.items() if votes}
    return law.knows(tally.contest, tally.district, named) and tally.box in law.boxes[tally.district]


def _figures(summed: Mapping[str, Any]) -> Figures:
    return Figures(tuple(summed[name] for name in EVERYWHERE), summed["votes"])


def _said(tally: Counted | Withdrawn) -> Counted | Withdrawn:
    """What is compared: whoever is named without a vote might as well not be named."""
    if isinstance(tally, Withdrawn):
        return tally
    return structs.replace(tally, votes={name: votes for name, votes in tally.votes.items() if votes})


def _order(tally: Counted | Withdrawn) -> tuple[int, int]:
    return tally.revision, tally.released


@lru_cache(maxsize=1_000)  # a night is looked at several times
def _parsed(value: bytes) -> Counted | Withdrawn | None:
    try:
        tally: Tally = TALLY.validate_json(value)
    except ValidationError:
        return None
    return tally if isinstance(tally, Counted | Withdrawn) else None
