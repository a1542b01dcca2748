"""The files of an archive: a manifest, and the segments that it names, which are Parquet files.

The manifest says which run the archive holds, in which segments, and where each partition's hash chain ends. Only what
it names belongs to the archive: another file in the folder does not.

The hash chain makes an archive tamper-evident: a record's link is a digest of the link before it and of the record. So
a partition's last link vouches for every record before it: none can be changed, left out, added or moved without
changing all later links.

A segment is read and written as columns, of types that any reader of Parquet has. Here they are copied out of Arrow's
buffers as a whole, which takes a tenth of the time of asking Arrow for each value.
"""

import operator
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from hashlib import blake2b, sha256
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args

import orjson
import pyarrow as pa
from pyarrow import parquet
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


ROW_GROUP_RECORDS: Final = 16_384
"""Records that a seek reads at least: 6 MB of tallies of 400 bytes, 10 ms; a minute and a half of Türkiye's busiest
(three contests of 1,660 boxes a minute from two sources are 166 a second)."""

SCHEMA: Final = pa.schema(
    [
        pa.field("partition", pa.int32(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("append_time", pa.timestamp("ms", tz="UTC"), nullable=False),
        pa.field("event_time", pa.timestamp("us", tz="UTC")),
        pa.field("key", pa.binary(), nullable=False),
        pa.field("type", pa.dictionary(pa.int32(), pa.string())),
        pa.field("source", pa.dictionary(pa.int32(), pa.string())),
        pa.field("district", pa.dictionary(pa.int32(), pa.string())),
        pa.field("value", pa.binary(), nullable=False),
        pa.field("chain", pa.binary(LINK_BYTES), nullable=False),
        pa.field("state", pa.binary(LINK_BYTES)),
    ]
)
"""The columns of both topics. What the bytes of a record do not say is null."""

_DICTIONARIES: Final = ["partition", "key", "type", "source", "district"]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_S_PER_DAY: Final = 86_400
_US_PER_S: Final = 1_000_000


class Archived(NamedTuple):
    """A record of an archive.

    `append_ms` is its append time in milliseconds since 1970, UTC; `event_time`, `type`, `source` and `district` are
    what `value`, its exact bytes, says of itself, `None` where it does not. `chain` is its link; `state` the hash of
    its partition's totals after it, for tallies.
    """

    topic: str
    partition: int
    offset: int
    append_ms: int
    event_time: datetime | None
    key: bytes
    type: str | None
    source: str | None
    district: str | None
    value: bytes
    chain: bytes
    state: bytes | None


@dataclass(slots=True)
class Columns:
    """Records by column, in Python's own types; `append_ms`, `event_us` are milli-, microseconds since 1970, UTC."""

    partition: list[int] = field(default_factory=list)
    offset: list[int] = field(default_factory=list)
    append_ms: list[int] = field(default_factory=list)
    event_us: list[int | None] = field(default_factory=list)
    key: list[bytes] = field(default_factory=list)
    type: list[str | None] = field(default_factory=list)
    source: list[str | None] = field(default_factory=list)
    district: list[str | None] = field(default_factory=list)
    value: list[bytes] = field(default_factory=list)
    chain: list[bytes] = field(default_factory=list)
    state: list[bytes | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.offset)

    def extend(self, other: "Columns") -> None:
        """Append another's records to these."""
        for mine, theirs in zip(_LISTS(self), _LISTS(other), strict=True):
            mine.extend(theirs)

    def table(self) -> pa.Table:
        """Return the columns as an Arrow table of `SCHEMA`."""
        taken = zip(SCHEMA, _LISTS(self), strict=True)
        return pa.Table.from_arrays([pa.array(values, one.type) for one, values in taken], schema=SCHEMA)

    def records(self, topic: str) -> Iterator[Archived]:
        """Yield the records one by one."""
        events = [None if us is None else moment(us) for us in self.event_us]
        rows = zip(
            self.partition,
            self.offset,
            self.append_ms,
            events,
            self.key,
            self.type,
            self.source,
            self.district,
            self.value,
            self.chain,
            self.state,
            strict=True,
        )
        return (Archived(topic, *row) for row in rows)


_LISTS: Final = operator.attrgetter(*Columns.__slots__)


def moment(microseconds: int) -> datetime:
    """Convert microseconds since 1970 to a datetime in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def microseconds(at: datetime) -> int:
    """Convert a datetime to microseconds since 1970, UTC."""
    return (at - _EPOCH) // _MICROSECOND


def all_microseconds(moments: Sequence[datetime | None]) -> list[int | None]:
    """Convert to microseconds since 1970, UTC: as `microseconds` does, and quickly where all are in one zone.

    The difference of two times in one zone of a fixed offset is a fifth of the work, and a feed writes all its times in
    one.
    """
    epoch, converted = _EPOCH, list[int | None]()
    for at in moments:
        if at is None:
            converted.append(None)
            continue
        if at.tzinfo is not epoch.tzinfo:
            if type(at.tzinfo) is not timezone:
                converted.append(microseconds(at))
                continue
            epoch = _EPOCH.astimezone(at.tzinfo)
        since = at - epoch
        converted.append((since.days * _S_PER_DAY + since.seconds) * _US_PER_S + since.microseconds)
    return converted


def columns_of(table: pa.Table) -> Columns:
    """Convert a table of `SCHEMA` to lists."""
    return Columns(
        _integers(table["partition"], "i"),
        _integers(table["offset"], "q"),
        _integers(table["append_time"], "q"),
        _nullable_integers(table["event_time"]),
        _binaries(table["key"]),
        _words(table["type"]),
        _words(table["source"]),
        _words(table["district"]),
        _binaries(table["value"]),
        _links(table["chain"]),
        _links(table["state"]),
    )


def encode_table(table: pa.Table) -> bytes:
    """Encode the table as a Parquet file, in replay order: append time, then partition, then offset."""
    ordered = table.sort_by([("append_time", "ascending"), ("partition", "ascending"), ("offset", "ascending")])
    sink = pa.BufferOutputStream()
    parquet.write_table(
        ordered,
        sink,
        row_group_size=ROW_GROUP_RECORDS,
        compression="zstd",
        use_dictionary=_DICTIONARIES,
        column_encoding={"offset": "DELTA_BINARY_PACKED", "append_time": "DELTA_BINARY_PACKED"},
        write_statistics=["partition", "offset", "append_time", "event_time"],
    )
    return bytes(sink.getvalue())


def append_range(file: parquet.ParquetFile, row_group: int) -> tuple[int, int]:
    """Return the least and greatest append time (ms) in a row group, from its statistics alone."""
    statistics = file.metadata.row_group(row_group).column(SCHEMA.get_field_index("append_time")).statistics
    return statistics.min_raw, statistics.max_raw


def _integers(column: pa.ChunkedArray, form: str) -> list[int]:
    """Copy integers out of Arrow's buffers; `form` is their type in the words of `struct`."""
    found: list[int] = []
    for chunk in column.chunks:
        values = memoryview(chunk.buffers()[1]).cast("B").cast(form)  # type: ignore[call-overload]  # a letter of ours
        found += values[chunk.offset : chunk.offset + len(chunk)].tolist()
    return found


def _nullable_integers(column: pa.ChunkedArray) -> list[int | None]:
    if not column.null_count:
        return [*_integers(column, "q")]
    values: list[int | None] = column.cast(pa.int64()).to_pylist()
    return values


def _binaries(column: pa.ChunkedArray) -> list[bytes]:
    found: list[bytes] = []
    for chunk in column.chunks:
        _, ends, data = chunk.buffers()
        bounds = memoryview(ends).cast("B").cast("i")[chunk.offset : chunk.offset + len(chunk) + 1].tolist()
        whole = bytes(data) if data is not None else b""
        found += [whole[begin:end] for begin, end in pairwise(bounds)]
    return found


def _links(column: pa.ChunkedArray) -> list[Any]:
    if column.null_count:
        return list(column.to_pylist())
    found: list[Any] = []
    for chunk in column.chunks:
        whole = bytes(chunk.buffers()[1])
        begin, end = chunk.offset * LINK_BYTES, (chunk.offset + len(chunk)) * LINK_BYTES
        found += [whole[at : at + LINK_BYTES] for at in range(begin, end, LINK_BYTES)]
    return found


def _words(column: pa.ChunkedArray) -> list[str | None]:
    """Copy a dictionary-encoded column of text."""
    found: list[str | None] = []
    for chunk in column.chunks:
        names = chunk.dictionary.to_pylist()
        indices = chunk.indices
        if indices.null_count:
            found += [None if at is None else names[at] for at in indices.to_pylist()]
        else:
            values = memoryview(indices.buffers()[1]).cast("B").cast("i")
            found += [names[at] for at in values[indices.offset : indices.offset + len(indices)].tolist()]
    return found
