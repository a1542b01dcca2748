"""Progress: where a replay's clock stands, how far partitions have published for it, and which tallies were published.

A replay's clock and its figures reach a reader through two topics, which have no order between them. So the clock has
the positions of the tallies that it presumes, and whoever folds a partition publishes a `PartitionProgress` in the
totals topic, behind all totals that these tallies changed. A reader shows a clock once all partitions have published
theirs. In the log it is called a mark. See docs/decisions/replay.md.

Totals were on air from when they were published, which may be long after their tallies came. So behind the totals of
each tick stands a `Watermark`: how far the tallies were published when the log took it. Aggregators of before wrote a
`Late` record instead, before totals that had waited. See docs/decisions/past.md.
"""

from typing import Annotated, Final, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from schemas.control import EpochName, Speed, parse_as
from schemas.fields import EventTime, Frozen, Moment, Total

PROGRESS_PREFIX: Final = b"mark:"
"""What the key of a partition's progress begins with."""

Kind = TypeVar("Kind")

PlaybackStatus = Literal["playing", "paused", "seeking", "ended"]


class ReplayMoved(Frozen):
    """The replay's clock showed `clock` when the wall's showed `at`, and from there it goes on as `status` says.

    `positions` are the ends of the partitions of `tallies`, of this epoch, that were published by then.
    """

    v: Literal[1] = 1
    type: Literal["replay_moved"] = "replay_moved"
    run: str
    epoch: EpochName
    at: Moment
    clock: EventTime
    speed: Speed
    status: PlaybackStatus
    first: EventTime
    last: EventTime
    positions: tuple[Total, ...]

    def encode(self) -> bytes:
        """The record value."""
        return self.model_dump_json().encode()


class PartitionProgress(Frozen):
    """A partition has published its totals for the clock at offset `mark` of topic `control` before this record."""

    v: Literal[1] = 1
    type: Literal["mark"] = "mark"
    partition: Annotated[int, Field(ge=0)]
    mark: Total

    @property
    def key(self) -> bytes:
        """The record key, such as `mark:3`."""
        return PROGRESS_PREFIX + str(self.partition).encode()

    def encode(self) -> bytes:
        """The record value."""
        return self.model_dump_json().encode()


PARTITION_PROGRESS: Final = TypeAdapter(PartitionProgress)


def is_progress(key: bytes | None) -> bool:
    """Whether a record of the totals topic with this key is a partition's progress for a replay's clock."""
    return key is not None and key.startswith(PROGRESS_PREFIX)


def parse_progress(value: bytes | None) -> PartitionProgress | None:
    """Parse a record value; `None` where it is no partition's progress."""
    try:
        return PARTITION_PROGRESS.validate_json(value or b"")
    except ValidationError:
        return None


def parse_moved(value: bytes | None) -> ReplayMoved | None:
    """Parse a record of the control topic that may be a replay's clock; `None` for others."""
    return parse_as(ReplayMoved, value)


WATERMARK_PREFIX: Final = b"watermark:"
"""What the key of such a record begins with. No id has a colon, so it is never a cell's own key."""


class Watermark(Frozen):
    """What the tallies before these positions came to was published before this record, of each partition.

    Its append time is when that was on air at the latest. Compaction keeps one for each second in which an aggregator
    published anything, whatever its clock shows: the key has the lowest partition, `owned_since` and `second`.
    """

    v: Literal[1] = 1
    type: Literal["watermark"] = "watermark"
    owned_since: Total
    """When the aggregator took up its partitions, in microseconds since 1970: it tells apart those who write here.

    After an append that failed, when that was begun: it may be written later, and must not replace newer watermarks.
    """
    second: Total
    """In which second after that it is published; 0 is before anything was."""
    positions: Annotated[dict[Annotated[int, Field(ge=0)], Total], Field(min_length=1)]
    """By partition the offset of the first tally that was not published. Where it is 0, nothing was before this."""

    @property
    def key(self) -> bytes:
        """The record key, such as `watermark:0@1711904400000000+17`."""
        return b"%s%d@%d+%d" % (WATERMARK_PREFIX, min(self.positions), self.owned_since, self.second)

    def encode(self) -> bytes:
        """The record value."""
        return self.model_dump_json().encode()


_WATERMARK: Final = TypeAdapter(Watermark)


def parse_watermark(key: bytes | None, value: bytes | None) -> Watermark | None:
    """Parse a record of the totals topic; `None` where it is another one."""
    return _parsed(_WATERMARK, WATERMARK_PREFIX, key, value)


LATE_PREFIX: Final = b"late:"
"""What the key of such a record begins with. No id has a colon, so it is never a cell's own key."""


class Late(Frozen):
    """The tallies of a partition from this offset on were published after this record, and not before.

    Only aggregators of before wrote it; their runs are read as they always were.
    """

    v: Literal[1] = 1
    type: Literal["late"] = "late"
    partition: Annotated[int, Field(ge=0)]
    offset: Total

    @property
    def key(self) -> bytes:
        """The record key, such as `late:3@1841`: compaction keeps one for each delay."""
        return b"%s%d@%d" % (LATE_PREFIX, self.partition, self.offset)

    def encode(self) -> bytes:
        """The record value."""
        return self.model_dump_json().encode()


_LATE: Final = TypeAdapter(Late)


def parse_late(key: bytes | None, value: bytes | None) -> Late | None:
    """Parse a record of the totals topic; `None` where it is another one."""
    return _parsed(_LATE, LATE_PREFIX, key, value)


def _parsed(kind: TypeAdapter[Kind], prefix: bytes, key: bytes | None, value: bytes | None) -> Kind | None:
    if key is None or not key.startswith(prefix):
        return None
    try:
        return kind.validate_json(value or b"")
    except ValidationError:
        return None
