"""Archives: one file of one changed, as it is and with a manifest changed to fit. Exactly what was written, or none.

`verify`, `restore` and reading (which is what a replay does) each work on the records that were archived, or refuse
with what to do.
"""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from consumers.restore import Restorer
from consumers.verify import verify
from eventlog.archive import Disk, open_archive
from eventlog.archive_files import MANIFEST, Archived, Manifest, file_sha256, read_manifest
from eventlog.clock import Manual
from eventlog.run import RunTopics
from eventlog.sqlite.log import SqliteLog
from schemas.errors import ArchiveError, SandikError
from schemas.fields import Record
from schemas.tally import Tally
from tests.builders import NIGHT, counted, withdrawn
from tests.consumers.archiving import PARTITIONS, feed, logged, said
from tests.fuzz.target import Opened, Target, expect

_RESEALED: Final = b"resealed "
"""What an input begins with whose segment the manifest is changed to fit, size and digest."""


class _Unsynced(Disk):
    """A disk under which no power fails: nothing is flushed."""

    def write(self, path: Path, content: bytes) -> None:
        path.write_bytes(content)

    def sync(self, _: Path) -> None:
        """Nothing is to be done."""


class Sound:
    """An archive as it was written."""

    def __init__(self, folder: Path) -> None:
        events: list[Tally] = [
            *(
                counted(box=box, district=district)
                for box in range(1001, 1006)
                for district in ("tr/34/uskudar", "tr/41/gebze")
            ),
            *(withdrawn(box=1003), counted(box=1003, revision=3), counted(box=1004, revision=2)),
        ]
        values = [*said(events), (b"tr/34/uskudar", b"no tally"), (b"", b"")]
        feed(folder, logged(values), disk=_Unsynced())
        self.folder = folder
        self.files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}
        self.manifest = read_manifest(folder)
        self.records = records_in(folder)

    def resealed(self, name: str, content: bytes) -> bytes:
        """The manifest, with the digest and size of a segment that was changed."""
        changes = {"sha256": file_sha256(content), "size_bytes": len(content)}
        segments = tuple(one.model_copy(update=changes) if one.file == name else one for one in self.manifest.segments)
        return self.manifest.model_copy(update={"segments": segments}).encode()


def records_in(folder: Path) -> list[list[Archived]]:
    """All that whoever reads the archive is given."""
    archive = open_archive(folder)
    return [list(archive.tallies()), list(archive.control())]


@contextmanager
def opened() -> Iterator[Opened]:
    """With an archive that is mended after each input."""
    with tempfile.TemporaryDirectory() as folder:
        sound = Sound(Path(folder) / "archive")

        def check(data: bytes) -> None:
            head, _, content = data.partition(b"\n")
            named = head.removeprefix(_RESEALED).decode(errors="replace")
            name = named if named in sound.files else MANIFEST
            is_resealed = head.startswith(_RESEALED) and name != MANIFEST
            try:
                (sound.folder / name).write_bytes(content)
                if is_resealed:
                    (sound.folder / MANIFEST).write_bytes(sound.resealed(name, content))
                _check(
                    sound,
                    Path(folder) / "restored.db",
                    is_changed=content != sound.files[name],
                    is_resealed=is_resealed,
                )
            finally:
                for changed in {name, MANIFEST}:
                    (sound.folder / changed).write_bytes(sound.files[changed])

        corpus = [
            kind + name.encode() + b"\n" + content
            for name, content in sound.files.items()
            for kind in ((b"", _RESEALED) if name != MANIFEST else (b"", b""))
        ]
        yield Opened(corpus, check)


def _check(sound: Sound, database: Path, *, is_changed: bool, is_resealed: bool) -> None:
    try:
        found = records_in(sound.folder)
    except ArchiveError as error:
        expect(str(error), "a refusal says nothing")
    else:
        expect(is_resealed or found == sound.records, "other records are read than were archived")
    try:
        verified = verify(sound.folder, processes=1)
    except ArchiveError as error:
        expect(error.what.count(" ") > 1, "a refusal does not say what to do")
        return
    expect(records_in(sound.folder) == sound.records, "an archive with other records is found whole")
    expect(_same(verified.manifest, sound.manifest), "an archive with another manifest is found whole")
    if is_changed:
        restored = asyncio.run(_restored(sound, database))
        expect(restored is None or restored == _bare(sound), "other records are restored than were archived")


def _same(one: Manifest, other: Manifest) -> bool:
    """Whether they say the same of what is archived; how it is cut into files may differ."""
    left_out = {"segments", "complete"}
    return one.model_dump(exclude=left_out) == other.model_dump(exclude=left_out)


Bare = list[tuple[int, int, bytes, bytes]]


def _bare(sound: Sound) -> Bare:
    return sorted((one.partition, one.offset, one.key, one.value) for one in sound.records[0])


async def _restored(sound: Sound, database: Path) -> Bare | None:
    """The tallies as they are in a log that the archive is written back into; `None` where that is refused."""
    for file in database.parent.glob(f"{database.name}*"):
        file.unlink()
    clock = Manual(NIGHT)
    async with SqliteLog(database, clock) as log:
        try:
            await Restorer(log, open_archive(sound.folder), clock, "0123abcd").restore()
        except SandikError as error:
            expect(str(error), "a refusal says nothing")
            return None
        name = RunTopics("night", PARTITIONS).tallies.name
        found: Bare = []
        for partition in range(PARTITIONS):
            ends = await log.end_offsets(name)
            async with log.reader(name, {partition: 0}) as reader:
                while reader.positions[partition] < ends[partition]:
                    for batch in await reader.read(max_records=1_000, wait_ms=0):
                        found += [_row(batch.partition, record) for record in batch.records]
        return sorted(found)


def _row(partition: int, record: Record) -> tuple[int, int, bytes, bytes]:
    return partition, record.offset, record.key or b"", record.value or b""


TARGET: Final = Target("archives", "an archive's manifest and segments: verify, restore, replay", 12, opened, cpu_s=10)
