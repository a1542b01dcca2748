"""What an encoding or a compression would gain on real messages: bytes, and the CPU to make them.

MessagePack would be worth a second encoding if it were a third smaller or faster than JSON; see
docs/decisions/one-encoding.md. The same messages show what compression gains, at which level and from which size on.
"""

import time
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from statistics import median
from typing import Final

import orjson
import ormsgpack

from benchmarks.night import election
from producers.chance import seeded
from schemas.totals import Totals
from tabulation.view import View

CONTEST: Final = "metropolitan_mayor"
SOURCE: Final = "aa"
REPEATS: Final = 200
WBITS: Final = (-12, -15)
LEVELS: Final = (1, 6, 9)

Pack = Callable[[object], bytes]


def night() -> View:
    """İstanbul with every district half counted, and then one box more in each of ten districts."""
    definition = election()
    chance = seeded("encodings")
    view = View(definition)
    at = definition.polls_close
    if at is None:
        raise ValueError("this night needs a time at which polls close")
    held: dict[str, dict[str, int]] = {}
    districts = [unit.id for unit in definition.districts]
    for version, district in enumerate([*districts, *districts[:10]]):
        votes = held.setdefault(district, {})
        grown = 300 if version >= len(districts) else 150_000
        for place, candidate in enumerate(definition.contest_by_id[CONTEST].ballot(district), 1):
            if version < len(districts) or place < 12:
                votes[candidate.id] = votes.get(candidate.id, 0) + int(chance.random() * grown / place)
        valid = sum(votes.values())
        boxes = 400 + version
        view.apply(
            version,
            Totals(
                contest=CONTEST,
                source=SOURCE,
                district=district,
                version=version,
                as_of=at + timedelta(seconds=version),
                boxes_opened=boxes,
                annulled=0,
                unattributed=0,
                flagged=0,
                votes=dict(votes),
                registered=2 * valid,
                cast=valid + 900,
                valid=valid,
                invalid=900,
            ),
        )
    return view


def messages() -> dict[str, dict[str, object]]:
    """A snapshot of the city, a delta of ten districts, and a delta of one figure."""
    view = night()
    below = frozenset(unit.id for unit in view.definition.units if unit.level in {"province", "district"})
    one = frozenset([view.definition.districts[9].id])
    asked = {"snapshot, 40 units": (below, 0), "delta, 11 units": (below, 39), "delta, 1 unit": (one, 39)}
    found: dict[str, dict[str, object]] = {}
    for name, (units, since) in asked.items():
        found[name] = {
            "type": "snapshot" if since == 0 else "delta",
            "id": "s1",
            "from": since,
            "seq": view.seq,
            "as_of": view.as_of(CONTEST, SOURCE),
            "totals": view.changed_since(CONTEST, SOURCE, units, since),
        }
    return found


def encodings() -> Iterator[str]:
    """The tables."""
    packs: dict[str, Pack] = {"JSON (orjson)": orjson.dumps, "MessagePack (ormsgpack)": ormsgpack.packb}
    yield "| message | encoding | bytes | µs to encode | deflated bytes | µs to deflate |"
    yield "|---|---|---:|---:|---:|---:|"
    for name, message in messages().items():
        for encoding, pack in packs.items():
            plain = orjson.loads(orjson.dumps(message))  # neither gains by how dates are written
            data = pack(plain)
            encode_us = _cpu_us(lambda pack=pack, plain=plain: pack(plain))  # type: ignore[misc]  # bound per turn
            squeeze_us = _cpu_us(lambda data=data: deflated(data))  # type: ignore[misc]
            sizes = f"{len(data):,} | {encode_us:.1f} | {len(deflated(data)):,}"
            yield f"| {name} | {encoding} | {sizes} | {squeeze_us:.0f} |"
    yield ""
    yield "| message | window | level | deflated bytes | of plain | µs |"
    yield "|---|---:|---:|---:|---:|---:|"
    for name, message in messages().items():
        data = orjson.dumps(message)
        for wbits in WBITS:
            for level in LEVELS:
                squeezed = deflated(data, level, wbits)
                spent_us = _cpu_us(lambda data=data, level=level, wbits=wbits: deflated(data, level, wbits))  # type: ignore[misc]
                share = len(squeezed) / len(data)
                yield f"| {name} | {1 << -wbits:,} | {level} | {len(squeezed):,} | {share:.0%} | {spent_us:.0f} |"


def deflated(data: bytes, level: int = 6, wbits: int = -12) -> bytes:
    """The data as permessage-deflate sends it."""
    squeeze = zlib.compressobj(level, zlib.DEFLATED, wbits)
    return (squeeze.compress(data) + squeeze.flush(zlib.Z_SYNC_FLUSH))[:-4]


def _cpu_us(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(REPEATS):
        began = time.perf_counter_ns()
        work()
        taken.append(time.perf_counter_ns() - began)
    return median(taken) / 1_000
