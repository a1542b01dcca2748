"""The manifest of an archive: which run it holds, in which files, and where each partition's hash chain ends.

Only what the manifest names belongs to the archive: another file in the folder does not.

The hash chain makes an archive tamper-evident: a record's link is a digest of the link before it and of the record. So
a partition's last link vouches for every record before it: none can be changed, left out, added or moved without
changing all later links.
"""

import struct
from collections.abc import Iterable
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

import orjson
from pydantic import AwareDatetime, Field, StringConstraints, ValidationError

from schemas.control import Mode
from schemas.definition import Election
from schemas.errors import ArchiveError, DefinitionError
from schemas.fields import MAX_TOTAL, Frozen, Total, first_fault

Format = Literal["sandik.archive.v1", "sandik.archive.v2"]

FORMAT: Final[Format] = "sandik.archive.v2"
"""What is written. A v1 differs in nothing but the rules by which its records were read and its states worked out."""

FORMATS: Final[tuple[Format, ...]] = get_args(Format)

_FORMAT_NAME: Final = "sandik.archive.v"
MANIFEST: Final = "manifest.json"
_DIGEST: Final = "digest"
"""The field with the digest of all other fields. Manifests of earlier releases have none."""

ArchivedTopic = Literal["tallies", "control"]
"""What of a run is archived: what was reported, and what was ordered. Everything else is a fold of these."""

Digest128 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, StringConstraints(pattern=r"^(tallies|control)-[0-9]{8}\.parquet$")]
"""A file beside the manifest, never a path elsewhere."""


REMEDY: Final = "Restore it from a copy, or archive the run anew."

MAX_PARTITIONS: Final = 100_000
"""A topic's partitions: a hundred times as many as one has on the largest cluster for this."""


LINK_BYTES: Final = 16
"""128 bits: no collision can be found by trying, and a million links are 16 MB."""

START: Final = bytes(LINK_BYTES)
"""The link before a partition's first record."""

_FRAME: Final = struct.Struct(">16sqqII")
"""Link before, offset, append time, length of key and value. The lengths show a byte that moves from key to value."""


class Span(Frozen):
    """The records of one partition in a segment: first and last offset, and the link before the first."""

    partition: Total
    first: Total
    last: Total
    records: Annotated[int, Field(ge=1, le=MAX_TOTAL)]
    before: Digest128


class Segment(Frozen):
    """One Parquet file. `first_append` and `last_append` are the least and greatest append time in it."""

    file: FileName
    topic: ArchivedTopic
    records: Annotated[int, Field(ge=1, le=MAX_TOTAL)]
    size_bytes: Total
    sha256: Sha256
    first_append: AwareDatetime
    last_append: AwareDatetime
    spans: tuple[Span, ...]


class End(Frozen):
    """Where a partition ends: the next offset, the last record's link and, for tallies, the hash of its totals."""

    topic: ArchivedTopic
    partition: Total
    next_offset: Total
    records: Total
    chain: Digest128
    state: Digest128 | None = None


class Manifest(Frozen):
    """What an archive holds.

    `records` counts by topic and type; `unreadable` is the type of what is no event. `state` is the hash of the totals
    over all partitions (`schemas.totals`). `complete` says that the archiver had everything that the log held when
    it stopped; it is false while one follows, and after one was killed.
    """

    format: Format = FORMAT
    run: str
    mode: Mode
    epoch: str
    take: Total = 0
    partitions: Annotated[int, Field(ge=1, le=MAX_PARTITIONS)]
    complete: bool = False
    records: dict[ArchivedTopic, dict[str, Total]] = Field(default_factory=dict)
    first_append: AwareDatetime | None = None
    last_append: AwareDatetime | None = None
    first_event: AwareDatetime | None = None
    last_event: AwareDatetime | None = None
    state: Digest128 = "0" * 32
    content_hash: Digest128
    ends: tuple[End, ...] = ()
    segments: tuple[Segment, ...] = ()
    definition: Election
    amendments: Annotated[tuple[Digest128, ...] | None, Field(exclude_if=lambda amendments: amendments is None)] = None
    """The digests of what amends the definition by orders that the archiver has verified; `None` where nothing may."""

    @property
    def has_todays_states(self) -> bool:
        """Whether its states were worked out by the rules of this version of sandik, so that they can be compared."""
        return self.format == FORMAT

    def count(self, topic: ArchivedTopic) -> int:
        """Return how many records of a topic there are."""
        return sum(self.records.get(topic, {}).values())

    def encode(self) -> bytes:
        """Return the file's bytes; its last field is a digest of all others."""
        whole = self.model_dump_json(indent=1)
        fields, digest = whole.removesuffix("\n}"), _digest_of(orjson.loads(whole))
        return f'{fields},\n "{_DIGEST}": "{digest}"\n}}\n'.encode()


def _digest_of(fields: dict[str, object]) -> str:
    """Compute the digest of a manifest's fields."""
    return blake2b(orjson.dumps(fields, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def content_hash(identity: Iterable[str | int], ends: Iterable[End]) -> str:
    """Compute one digest of all that an archive holds, however its records are divided into files.

    It covers the run's identity and every partition's end with its last link, which vouches for all records before it.
    """
    chains = sorted((end.topic, end.partition, end.next_offset, end.chain) for end in ends if end.records)
    return blake2b(orjson.dumps([*identity, chains]), digest_size=16).hexdigest()


def identity_of(manifest: Manifest) -> tuple[str | int, ...]:
    """Return what identifies a run: its name, mode, epoch, take, partitions and the hash of its definition."""
    defined = manifest.definition.digest
    return manifest.run, manifest.mode, manifest.epoch, manifest.take, manifest.partitions, defined


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of the archive in `folder`.

    Raises `ArchiveError` where there is none, where it has another version, was cut short, or was changed.
    """
    path = folder / MANIFEST
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise ArchiveError(
            str(folder), f"this is no archive: there is no {MANIFEST} in it. Make one with: sandik archive"
        ) from None
    except OSError as error:
        raise ArchiveError(str(path), f"cannot be read: {error.strerror}") from error
    try:
        found = orjson.loads(content)
        form = found.get("format") if isinstance(found, dict) else None
    except orjson.JSONDecodeError as error:
        raise ArchiveError(str(path), f"was cut short or changed: {error}. {REMEDY}") from error
    if form not in FORMATS:
        todo = " Upgrade sandik to read it." if str(form).startswith(_FORMAT_NAME) else ""
        raise ArchiveError(
            str(path), f"has the format {form!r}; this version of sandik reads {' and '.join(FORMATS)}.{todo}"
        )
    try:
        manifest = Manifest.model_validate_json(content)
    except (ValidationError, DefinitionError) as error:
        fault = first_fault(error) if isinstance(error, ValidationError) else str(error).rstrip(".")
        raise ArchiveError(str(path), f"was changed: {fault}. {REMEDY}") from error
    if _DIGEST in found and found.pop(_DIGEST) != _digest_of(found):
        raise ArchiveError(str(path), f"was changed: it does not give the digest in it. {REMEDY}")
    if content_hash(identity_of(manifest), manifest.ends) != manifest.content_hash:
        raise ArchiveError(
            str(path), "was changed: the run, its definition or its ends do not give the content hash in it."
        )
    _check_spans(manifest)
    return manifest


def _check_spans(manifest: Manifest) -> None:
    """Raise `ArchiveError` where the segments do not hold each partition's records without a gap, up to its end."""
    # By topic and partition: the next offset that a segment must begin with, and the records so far.
    reached: dict[tuple[ArchivedTopic, int], tuple[int, int]] = {}
    for segment in manifest.segments:
        for span in segment.spans:
            at, records = reached.get((segment.topic, span.partition), (span.first, 0))
            if at != span.first:
                raise _missing(f"{segment.file} goes on with offset {span.first}", span.partition, at)
            reached[segment.topic, span.partition] = span.last + 1, records + span.records
    for end in manifest.ends:
        at, records = reached.pop((end.topic, end.partition), (0, 0))
        if (at, records) != (end.next_offset, end.records) and end.records:
            raise _missing(f"its {end.topic} end with offset {end.next_offset - 1}", end.partition, at)
    for topic, partition in reached:
        raise _missing(f"it says nothing of how its {topic} end", partition, 0)


def _missing(what: str, partition: int, offset: int) -> ArchiveError:
    return ArchiveError(
        MANIFEST,
        f"was changed: this record is in no segment, and {what}. {REMEDY}",
        partition=partition,
        offset=offset,
    )


def file_sha256(content: bytes) -> str:
    """Compute the digest of a segment's bytes, as the manifest holds it."""
    return sha256(content).hexdigest()


def link(before: bytes, offset: int, append_ms: int, key: bytes, value: bytes) -> bytes:
    """Compute the link of a record: BLAKE2b-128 over the link before, offset, append time (ms), key and value."""
    frame = _FRAME.pack(before, offset, append_ms, len(key), len(value))
    return blake2b(frame + key + value, digest_size=LINK_BYTES).digest()
