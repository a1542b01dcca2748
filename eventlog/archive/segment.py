"""A segment of an archive: one Parquet file, as columns and as records.

The columns are of types that any reader of Parquet has. Here they are copied out of Arrow's buffers as a whole, which
takes a tenth of the time of asking Arrow for each value.
"""

import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any, Final, NamedTuple

import pyarrow as pa
from pyarrow import parquet

from eventlog.archive.manifest import LINK_BYTES

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
