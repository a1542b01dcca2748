"""The archiver in a simulated night: its folder, on a disk that ends with the process, and whether all is in it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from consumers.archive import Archiver, ArchiveSettings
from eventlog.archive import Disk, open_archive
from eventlog.clock import Clock
from eventlog.loops import RetryPolicy
from eventlog.port import EventLog
from eventlog.run import Run, find_run
from sandik.read_run import state_hash
from schemas.trust import OperatorKey
from tests.simulation.seeded.line import Line
from tests.simulation.seeded.store import Store

SETTINGS: Final = ArchiveSettings(roll_ms=3_000, retry=RetryPolicy(0.3, 2, chance=lambda: 0.0))

Kept = tuple[int, int, bytes, bytes]
"""A record: partition, offset, key and value."""


@dataclass
class SimulatedDisk(Disk):
    """A disk to which a process that is no more writes nothing, and at whose every step it may die.

    No power fails under it, so that nothing is flushed.
    """

    line: Line

    def write(self, path: Path, content: bytes) -> None:
        self._check()
        path.write_bytes(content)

    def rename(self, source: Path, target: Path) -> None:
        self._check()
        super().rename(source, target)

    def remove(self, path: Path) -> None:
        self._check()
        super().remove(path)

    def sync(self, _: Path) -> None:
        self._check()

    def _check(self) -> None:
        self.line.count()
        if self.line.is_dead:
            raise OSError(f"{self.line.name} is no more")


def archiver(log: EventLog, run: Run, folder: Path, clock: Clock, operators: tuple[OperatorKey, ...] = ()) -> Archiver:
    """The archiver of a night."""
    return Archiver(log, run, folder, clock, replace(SETTINGS, operators=operators))


async def missing(
    log: EventLog, store: Store, run: Run, folder: Path, clock: Clock, operators: tuple[OperatorKey, ...]
) -> list[str]:
    """What the archive does not hold as the log does, once it was written to its end."""
    await archiver(log, run, folder, clock, operators).run_until_end(disk=SimulatedDisk(Line()))
    archive = open_archive(folder)
    found = []
    if archive.manifest.state != await state_hash(log, await find_run(log, run.name, operators)):
        found.append("the archive's state is not that of the log's totals")
    for name, topic, records in (
        ("tallies", run.topics.tallies, archive.tallies()),
        ("control", run.topics.control, archive.control()),
    ):
        archived = sorted((one.partition, one.offset, one.key, one.value) for one in records)
        if archived != _kept(store, topic.name):
            found.append(f"the archive's {name} are not the log's: {len(archived)} records")
    return found


def _kept(store: Store, topic: str) -> list[Kept]:
    return [
        (number, record.offset, record.key or b"", record.value or b"")
        for number, partition in enumerate(store.partitions(topic))
        for record in partition.history
    ]
