"""Two districts of ten boxes and 4,000 voters each, told as tallies, through the aggregator and the doors."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import orjson

from consumers.aggregate import AggregateSettings, Aggregator
from eventlog.clock import Wall
from eventlog.run import find_run
from eventlog.sqlite.log import SqliteLog
from producers.publish import Publisher, entry, publish
from schemas.definition import Candidate, Contest, Election, Source, Unit
from schemas.tally import Counted, Reported, Tally
from tests.builders import NIGHT
from tests.gateway.gateways import RUN, Running, get, is_ready, night, running

FAST = AggregateSettings(tick_ms=1)


def election(**districts: dict[str, Any]) -> Election:
    """A province with districts `a` and `b`, each as said; a source that reports districts and one that reports boxes.

    Any other district is there too, in a province of its own.
    """
    usual = {"registered": 4_000, "boxes": ((1, 10),)}
    others = sorted(districts.keys() - {"a", "b"})
    units = [Unit(id="tr", level="country", name="Türkiye"), Unit(id="tr/34", level="province", name="P", parent="tr")]
    units += [Unit(id=f"tr/{name}", level="province", name=name, parent="tr") for name in others]
    for name in ("a", "b", *others):
        above = "tr/34" if name in {"a", "b"} else f"tr/{name}"
        fields: dict[str, Any] = usual | districts.get(name, {})
        units.append(Unit(id=f"{above}/{name}", level="district", name=name, parent=above, **fields))
    return Election(
        id="claims",
        name="Claims",
        date=date(2024, 3, 31),
        parties=(),
        sources=(Source(id="aa", name="AA", reports="districts"), Source(id="obs", name="Observers")),
        contests=(Contest(id="m", name="M", candidates=tuple(Candidate(id=one, name=one.upper()) for one in "abc")),),
        units=tuple(units),
    )


def rep(
    district: str,
    revision: int,
    opened: int,
    votes: dict[str, int],
    registered: int,
    *,
    corrected: bool = False,
    **changes: int,
) -> Reported:
    """A district's totals that add up, with any count changed; a correction may take boxes back."""
    total = sum(votes.values())
    counts: dict[str, Any] = {"registered": registered, "cast": total, "valid": total, "invalid": 0}
    where: dict[str, Any] = {"contest": "m", "source": "aa", "district": f"tr/34/{district}"}
    kind: Literal["reported", "report_corrected"] = "report_corrected" if corrected else "reported"
    return Reported(
        type=kind, revision=revision, at=NIGHT, boxes_opened=opened, votes=votes, **where, **counts | changes
    )


def box(district: str, number: int, revision: int, votes: dict[str, int], registered: int, **changes: int) -> Counted:
    """A box that adds up, with any count changed."""
    total = sum(votes.values())
    counts: dict[str, Any] = {"registered": registered, "cast": total, "valid": total, "invalid": 0}
    where: dict[str, Any] = {"contest": "m", "source": "obs", "district": f"tr/34/{district}", "box": number}
    return Counted(type="counted", revision=revision, at=NIGHT, votes=votes, **where, **counts | changes)


async def tell(log: SqliteLog, *tallies: Tally) -> None:
    """Put tallies into the log, and their totals."""
    run = await find_run(log, RUN)
    await publish(Publisher(log, run.topics.tallies.name, Wall()), map(entry, tallies))
    await Aggregator(log, run, Wall(), FAST).run_until_end()


@dataclass(frozen=True)
class Doors:
    """What a gateway answers, of one source."""

    gateway: Running
    source: str

    async def fact(self, unit: str = "tr/34") -> dict[str, Any]:
        """The facts of a unit."""
        answer = await get(self.gateway, f"/v1/facts?contest=m&source={self.source}&unit={unit}")
        (found,) = answer.json()["facts"]
        return dict(found)

    async def row(self, unit: str = "tr/34", language: str = "en") -> dict[str, Any]:
        """The flat columns of a unit."""
        answer = await get(self.gateway, f"/v1/rows.json?contest=m&source={self.source}&unit={unit}&lang={language}")
        (found,) = answer.json()
        return dict(found)

    async def entry(self, unit: str = "tr/34") -> dict[str, Any]:
        """The figures of a unit, as the stream has them."""
        answer = await get(self.gateway, f"/v1/totals?contest=m&source={self.source}&unit={unit}")
        (found,) = orjson.loads(answer.content)["totals"]
        return dict(found)


@asynccontextmanager
async def told(folder: Path, definition: Election, *tallies: Tally) -> AsyncIterator[Doors]:
    """A gateway that serves what these tallies come to."""
    async with night(folder, definition) as log:
        await tell(log, *tallies)
        async with running(log) as gateway:
            await is_ready(gateway)
            yield Doors(gateway, tallies[0].source)
