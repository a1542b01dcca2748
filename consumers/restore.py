"""Restoring a run: an archive's tallies and control records written back into a log that has none of them.

Every record gets the offset that it had, with its bytes and its append time. So whatever names a position, an epoch or
a time goes on meaning the same, and the signatures of orders hold. Control records come last: a run that can be found
has all of its tallies.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice
from typing import Final

from consumers.archive_fold import ArchiveFold
from eventlog.archive import Archive
from eventlog.archive_files import ArchivedTopic, End, Manifest
from eventlog.clock import Clock
from eventlog.port import Entry, RestorableLog, Topic, read_until
from eventlog.run import RunTopics
from schemas.control import RunRestored, parse_restored
from schemas.errors import ArchiveError, UsageError
from schemas.fields import Record
from schemas.moments import epoch_ms

BATCH_RECORDS: Final = 1_000
"""Records in one append: a few hundred KiB of tallies."""

_TOPICS: Final[tuple[ArchivedTopic, ...]] = ("tallies", "control")


def check_restorable(manifest: Manifest, name: str) -> None:
    """Raise `UsageError` or `ArchiveError` where the archive cannot become the run of this name again."""
    if name != manifest.run:
        raise UsageError(
            f"The archive is of run {manifest.run!r}, and not of {name!r}: its orders are signed for that name, and "
            f"have no effect in another run. Give --run {manifest.run}, and a --log that does not have that run."
        )
    if manifest.mode == "replay":
        raise UsageError(f"Run {name!r} was a replay. Play its night's archive again: sandik replay.")
    for end in manifest.ends:
        if end.next_offset != end.records:
            what = f"{end.topic} begin behind offset 0: what orders name by its offset would be other records."
            raise ArchiveError("manifest.json", what, partition=end.partition, offset=0)
    if not manifest.count("control"):
        raise ArchiveError("manifest.json", "there is no control record: nothing says what the run is.")


class Restorer:
    """Writes one archive back. `watch` is told how many of its records are in the log."""

    def __init__(
        self,
        log: RestorableLog,
        archive: Archive,
        clock: Clock,
        incarnation: str,
        watch: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`incarnation` is a new name for the log: 8 hexadecimal digits."""
        self._log = log
        self._archive = archive
        self._clock = clock
        self._incarnation = incarnation
        self._watch = watch
        self._is_marked = False
        self._run = RunTopics(archive.manifest.run, archive.manifest.partitions)
        self._topics: Mapping[ArchivedTopic, Topic] = {"tallies": self._run.tallies, "control": self._run.control}
        self._there = {topic: ArchiveFold() for topic in _TOPICS}

    async def restore(self) -> int:
        """Write what is missing, and compare the log with the archive; returns how many records were written.

        A restore that was broken off goes on: what it had written is the beginning of the archive. Raises `UsageError`
        where the run is in use already, or holds anything that the archive does not, and what the log raises.
        """
        check_restorable(self._archive.manifest, self._run.run)
        await self._check_unused()
        await self._log.open_for_restore([self._run.tallies])
        await self._log.create([one for one in self._run.all() if one != self._run.control])
        await self._log.open_for_restore([self._run.control])
        await self._check_partitions()
        for topic in _TOPICS:
            await self._read_back(topic)
        before = self._reached
        self._watch(before)
        for topic in _TOPICS:
            await self._write(topic)
            await self._read_back(topic)
            self._check_whole(topic)
        await self._log.close_restore(list(self._topics.values()))
        return self._reached - before

    @property
    def _reached(self) -> int:
        return sum(end.records for fold in self._there.values() for end in fold.ends())

    async def _check_unused(self) -> None:
        """What follows from tallies and orders is worked out anew; where there is some, the run is at work."""
        for topic in self._run.all():
            if topic in self._topics.values() or not await self._log.exists(topic.name):
                continue
            if any((await self._log.end_offsets(topic.name)).values()):
                raise self._refused(f"{topic.name} has records, so somebody works with it already")

    async def _check_partitions(self) -> None:
        for topic in self._topics.values():
            found = await self._log.partitions(topic.name)
            if found != topic.partitions:
                raise self._refused(f"{topic.name} has {found} partitions, and had {topic.partitions}")

    async def _read_back(self, topic: ArchivedTopic) -> None:
        """Fold what the log holds, from where it was last read to."""
        fold, name = self._there[topic], self._topics[topic].name
        ends = await self._log.end_offsets(name)
        positions = {partition: fold.next_offset(partition) for partition in ends}
        async with self._log.reader(name, positions) as reader:
            async for batch in read_until(reader, ends):
                records = [record for record in batch.records if not self._marks(topic, record)]
                if records:
                    fold.apply(batch.partition, records)

    def _marks(self, topic: ArchivedTopic, record: Record) -> bool:
        """Whether it is the one record more that a restore writes: behind the archived ones, that it was one."""
        if topic == "tallies" or record.offset != self._archive.manifest.count("control"):
            return False
        is_mark = parse_restored(record.value) is not None
        self._is_marked = self._is_marked or is_mark
        return is_mark

    async def _write(self, topic: ArchivedTopic) -> None:
        """Append what the archive has behind the end of the log; control records at once, for they make the run."""
        missing = self._missing(topic)
        at_once = BATCH_RECORDS if topic == "tallies" else self._archive.manifest.count("control") + 1
        written = self._reached
        while entries := await asyncio.to_thread(lambda: list(islice(missing, at_once))):
            await self._log.append(self._topics[topic].name, entries)
            written += len(entries)
            self._watch(written)

    def _missing(self, topic: ArchivedTopic) -> Iterator[Entry]:
        """The records that the log does not hold. Raises `UsageError` where those that it holds are others."""
        fold = self._there[topic]
        stated = {end.partition: end for end in self._stated(topic)}
        ends = {end.partition: end for end in fold.ends()}
        for partition, end in ends.items():
            if partition not in stated or end.next_offset > stated[partition].next_offset:
                raise self._refused(f"its {topic} go on where the archive ends")
        for record in self._archive.tallies() if topic == "tallies" else self._archive.control():
            held = ends.get(record.partition)
            if held is None or record.offset >= held.next_offset:
                yield Entry(record.key, record.value, record.partition, record.append_ms)
            elif record.offset == held.next_offset - 1 and record.chain.hex() != held.chain:
                raise self._refused(f"its {topic} are not the archive's")
        if topic == "control" and not self._is_marked:
            manifest, now = self._archive.manifest, self._clock.now()
            mark = RunRestored(run=manifest.run, epoch=manifest.epoch, incarnation=self._incarnation, at=now)
            yield Entry(b"restored", mark.encode(), 0, epoch_ms(now))

    def _check_whole(self, topic: ArchivedTopic) -> None:
        """Compare each partition's end and last link: they stand for every offset, append time, key and value."""
        if _offsets_and_links(self._there[topic].ends()) != _offsets_and_links(self._stated(topic)):
            raise self._refused(f"its {topic} are not the archive's after all: somebody else wrote to it meanwhile")

    def _stated(self, topic: ArchivedTopic) -> Collection[End]:
        return [end for end in self._archive.manifest.ends if end.topic == topic]

    def _refused(self, why: str) -> UsageError:
        return UsageError(
            f"Run {self._run.run!r} cannot be restored into this log: {why}. Stop whatever writes to it, and choose "
            "a --log that does not have the run."
        )


def _offsets_and_links(ends: Collection[End]) -> dict[int, tuple[int, str]]:
    return {end.partition: (end.next_offset, end.chain) for end in ends}
