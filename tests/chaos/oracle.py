"""What every reader must show in the end: the naive sums of the tallies in the log, for every unit."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from eventlog.port import EventLog, read_until
from eventlog.run import Run
from schemas.errors import LogUnavailable
from schemas.tally import Counted, Withdrawn, parse_tallies
from tests.consumers.oracle import Key, sums

COUNTS: Final = ("boxes_opened", "registered", "cast", "valid", "invalid", "unattributed")

_AGAIN_S: Final = 0.5

Figures = dict[str, Any]


class Oracle:
    """Reads the tallies of a run, and goes on where it was at the next question."""

    def __init__(self, run: Run) -> None:
        self.records = 0
        self._topic = run.topics.tallies.name
        self._positions: dict[int, int] = {}
        self._highest: dict[tuple[str, str, str, int], Counted | Withdrawn] = {}

    async def expected(self, log: EventLog) -> dict[Key, Figures]:
        """By contest, source and unit: what the tallies that the log holds now come to."""
        while True:
            try:
                await self._read(log)
                return rolled_up(sums(self._highest.values()))
            except LogUnavailable:  # a broker has only just been started again
                await asyncio.sleep(_AGAIN_S)

    async def _read(self, log: EventLog) -> None:
        ends = await log.end_offsets(self._topic)
        async with log.reader(self._topic, dict.fromkeys(ends, 0) | self._positions) as reader:
            async for batch in read_until(reader, ends):
                for tally in parse_tallies([record.value or b"" for record in batch.records]):
                    self._hear(tally)
                self._positions[batch.partition] = batch.records[-1].offset + 1

    def _hear(self, tally: object) -> None:
        if not isinstance(tally, Counted | Withdrawn):
            raise AssertionError(f"a record of the tallies topic is no tally of a box: {tally}")  # noqa: TRY004  see it
        self.records += 1
        box = (tally.contest, tally.source, tally.district, tally.box)
        if box not in self._highest or tally.revision > self._highest[box].revision:
            self._highest[box] = tally


def rolled_up(districts: Mapping[Key, Mapping[str, Any]]) -> dict[Key, Figures]:
    """The figures of districts, and of all units above them."""
    found: dict[Key, Figures] = {}
    for (contest, source, district), figures in districts.items():
        parts = district.split("/")
        for depth in range(1, len(parts) + 1):
            unit = "/".join(parts[:depth])
            place = found.setdefault((contest, source, unit), dict.fromkeys(COUNTS, 0) | {"votes": {}})
            for name in COUNTS:
                place[name] += figures[name]
            for candidate, votes in figures["votes"].items():
                place["votes"][candidate] = place["votes"].get(candidate, 0) + votes
    return {place: figures for place, figures in found.items() if figures["boxes_opened"]}


def differences(expected: Mapping[Key, Figures], rows: Iterable[Mapping[str, Any]]) -> Sequence[str]:
    """Where a reader's rows are not what is expected, in words."""
    shown = {(row["contest"], row["source"], row["unit"]): _figures(row) for row in rows if row["boxes_opened"]}
    return [
        f"{' '.join(place)}: {shown.get(place)} is not {expected.get(place)}"
        for place in sorted(expected.keys() | shown.keys())
        if shown.get(place) != expected.get(place)
    ]


def _figures(row: Mapping[str, Any]) -> Figures:
    votes = {candidate: count for candidate, count in row["votes"].items() if count}
    return {name: row[name] for name in COUNTS} | {"votes": votes}
