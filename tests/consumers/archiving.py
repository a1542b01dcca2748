"""A run's records as a log holds them, and an archiver's book fed with them: archives without a log in between."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from consumers.archive import ArchiveBook
from eventlog.archive import Disk, claimed
from eventlog.archive_files import ArchivedTopic
from eventlog.port import partition_of
from eventlog.run import Run, RunTopics
from schemas.control import RunCreated
from schemas.moments import epoch_ms
from schemas.tally import Tally, encode
from schemas.totals import parse_totals, state_of
from tabulation.counting.tally_fold import TallyFold
from tests.builders import NIGHT, small_election

PARTITIONS = 4
RUN = Run(RunTopics("night", PARTITIONS), "test", "e1e1", small_election())
NIGHT_MS = epoch_ms(NIGHT)
ZONE = ZoneInfo(RUN.definition.timezone)
CREATED = RunCreated(run="night", mode="test", epoch="e1e1", at=NIGHT, definition=RUN.definition)


class Logged(NamedTuple):
    """A record as a log hands it out."""

    offset: int
    timestamp: int
    key: bytes
    value: bytes


Logs = dict[ArchivedTopic, dict[int, list[Logged]]]
"""What a log holds: records by topic and partition."""


def logged(values: Iterable[tuple[bytes, bytes]]) -> Logs:
    """Tallies as a log holds them, from keys and values: one every millisecond; and the record that made the run."""
    tallies: dict[int, list[Logged]] = {partition: [] for partition in range(PARTITIONS)}
    for number, (key, value) in enumerate(values):
        partition = tallies[partition_of(key, PARTITIONS)]
        partition.append(Logged(len(partition), NIGHT_MS + number, key, value))
    return {"tallies": tallies, "control": {0: [Logged(0, NIGHT_MS, b"run", CREATED.encode())]}}


def said(events: Iterable[Tally]) -> Iterable[tuple[bytes, bytes]]:
    """Keys and values of events."""
    return ((event.district.encode(), encode(event)) for event in events)


def naive_state(records: list[Logged], partition: int) -> bytes:
    """The state after some records of a partition: fold them afresh, publish everything, parse that, hash it."""
    fold = TallyFold(RUN.definition, "tallies", lambda key: partition_of(key, PARTITIONS))
    fold.apply(partition, records)

    return state_of(
        parse_totals(ledger.totals(ZONE).encode()) for ledger in fold.ledgers.values() if ledger.as_of is not None
    )


def feed(folder: Path, logs: Logs, *, at_once: int = 7, disk: Disk | None = None, run: Run = RUN) -> None:
    """Archive what the logs hold, `at_once` records of each partition into a segment, from where the archive ends."""
    with claimed(folder, disk) as claim:
        book = ArchiveBook(claim, run)
        for _ in book.restore():
            pass
        book.flush()
        while left := _left(book, logs):
            for topic, partition, records in left:
                book.add(topic, partition, records[:at_once])
            book.flush()
        book.finish(complete=True)


def _left(book: ArchiveBook, logs: Logs) -> list[tuple[ArchivedTopic, int, list[Logged]]]:
    return [
        (topic, partition, records[book.positions(topic)[partition] :])
        for topic, partitions in logs.items()
        for partition, records in partitions.items()
        if len(records) > book.positions(topic)[partition]
    ]
