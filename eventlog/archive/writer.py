"""Writing an archive's folder: a kill at any moment leaves a whole archive behind.

Call order: `claimed()`, then `put()` for segments, then `commit()` with a manifest that names them. The manifest is
replaced in one step, once all that it names is on the disk. So after a kill there is nothing to repair; files that no
manifest names are removed by the next `claimed()`.
"""

import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pyarrow as pa

from eventlog.archive.files import (
    MANIFEST,
    SCHEMA,
    ArchivedTopic,
    Manifest,
    Segment,
    Span,
    encode_table,
    file_sha256,
    moment,
    read_manifest,
)
from eventlog.archive.reader import Archive
from schemas.errors import ArchiveError

LOCK: Final = ".lock"
TEMPORARY: Final = ".tmp"

_OURS: Final = re.compile(r"(tallies|control)-([0-9]{8})\.parquet")


class Disk:
    """The operations on the disk, one by one. A test makes any of them fail."""

    def write(self, path: Path, content: bytes) -> None:
        """Write a file, and return once its bytes are on the disk."""
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def rename(self, source: Path, target: Path) -> None:
        """Give a file its name, in one step."""
        source.replace(target)

    def sync(self, folder: Path) -> None:
        """Return once the names in the folder are on the disk."""
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def remove(self, path: Path) -> None:
        """Remove a file that is there."""
        path.unlink()


@contextmanager
def claimed(folder: Path, disk: Disk | None = None) -> Iterator["ArchiveFolder"]:
    """Create the folder if need be, lock it for one writer, and remove what a kill left behind; unlock it at the end.

    Raises `ArchiveError` where another writer has it, where it holds other things than an archive, or where its
    manifest cannot be read.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise ArchiveError(str(folder), f"cannot be written: {error.strerror}. Choose another --out.") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            what = "another sandik archive is writing here. Stop it first, or choose another --out."
            raise ArchiveError(str(folder), what) from error
        opened = ArchiveFolder(folder, disk or Disk())
        opened.clear()
        yield opened
    finally:
        os.close(descriptor)


class ArchiveFolder:
    """An archive's folder, held by one writer. `manifest` is what is committed; `None` before the first commit."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self.path = path
        self._disk = disk
        self.manifest: Manifest | None = read_manifest(path) if (path / MANIFEST).exists() else None
        if self.manifest is None and self._foreign():
            what = f"holds other files and no {MANIFEST}: this is no archive. Choose an empty --out."
            raise ArchiveError(str(path), what)
        self._number = max((_number_of(segment.file) for segment in self._segments()), default=0)

    def put(self, topic: ArchivedTopic, table: pa.Table, spans: Sequence[Span]) -> Segment:
        """Write a segment to the disk. It belongs to the archive once a manifest that names it is committed.

        Raises `ArchiveError` where the disk does not take it: what was committed stands.
        """
        content = encode_table(table)
        self._number += 1
        name = f"{topic}-{self._number:08}.parquet"
        with self._translated():
            self._write(name, content)
        appended = table["append_time"].cast(pa.int64())
        first_ms, last_ms = pa.compute.min(appended).as_py(), pa.compute.max(appended).as_py()
        return Segment(
            file=name,
            topic=topic,
            records=len(table),
            size_bytes=len(content),
            sha256=file_sha256(content),
            first_append=moment(first_ms * 1000),
            last_append=moment(last_ms * 1000),
            spans=tuple(spans),
        )

    def commit(self, manifest: Manifest) -> None:
        """Replace the manifest, and remove the files that it no longer names. Raises as `put` does."""
        with self._translated():
            self._disk.sync(self.path)  # first the segments' names: no manifest may name a file that a power cut undoes
            self._write(MANIFEST, manifest.encode())
            self._disk.sync(self.path)
            self.manifest = manifest
            self.clear()

    def merge(self, segments: Sequence[Segment]) -> Segment:
        """Write one segment with the records of several consecutive ones of a topic. It is not committed.

        Raises `ArchiveError` where one of them is not as it was written.
        """
        if self.manifest is None:
            raise RuntimeError("there is nothing to merge before the first commit")
        archive = Archive(self.path, self.manifest)
        tables = []
        for segment in segments:
            with archive.open_segment(segment) as file:
                tables.append(file.read())
        whole = pa.concat_tables(tables).unify_dictionaries().cast(SCHEMA)
        return self.put(segments[0].topic, whole, merged_spans(segments))

    def clear(self) -> None:
        """Remove what is no part of the archive: temporaries, and segments that no manifest names."""
        named = {segment.file for segment in self._segments()}
        for path in sorted(self.path.iterdir()):
            if path.name.endswith(TEMPORARY) or (_OURS.fullmatch(path.name) and path.name not in named):
                self._disk.remove(path)

    def _write(self, name: str, content: bytes) -> None:
        temporary = self.path / (name + TEMPORARY)
        self._disk.write(temporary, content)
        self._disk.rename(temporary, self.path / name)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            what = f"cannot be written: {error.strerror}. What is there is whole; mend that, and start again."
            raise ArchiveError(str(self.path), what) from error

    def _segments(self) -> tuple[Segment, ...]:
        return self.manifest.segments if self.manifest is not None else ()

    def _foreign(self) -> bool:
        ours = {LOCK, MANIFEST + TEMPORARY}
        names = (path.name for path in self.path.iterdir())
        return any(name not in ours and not _OURS.fullmatch(name.removesuffix(TEMPORARY)) for name in names)


def unlisted(folder: Path) -> list[str]:
    """Return the Parquet files in the folder that its manifest does not name; none while an archiver is at work there.

    A kill leaves them behind until the next start. They do not belong to the archive, but who reads the folder with
    other tools would read them too. Raises `ArchiveError` as `read_manifest` does.
    """
    named = {segment.file for segment in read_manifest(folder).segments}
    found = sorted(path.name for path in folder.glob("*.parquet") if path.name not in named)
    return [] if found and _is_claimed(folder) else found


def _is_claimed(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def merged_spans(segments: Sequence[Segment]) -> list[Span]:
    """Merge the spans of consecutive segments into those of one."""
    spans: dict[int, Span] = {}
    for span in (span for segment in segments for span in segment.spans):
        known = spans.get(span.partition)
        spans[span.partition] = (
            span
            if known is None
            else known.model_copy(update={"last": span.last, "records": known.records + span.records})
        )
    return [spans[partition] for partition in sorted(spans)]


def _number_of(file: str) -> int:
    found = _OURS.fullmatch(file)
    return int(found[2]) if found else 0
