"""Progress: where a replay's clock stands, how far partitions have published for it, and what was published late.

A replay's clock and its figures reach a reader through two topics, which have no order between them. So the clock has
the positions of the tallies that it presumes, and whoever folds a partition publishes a *mark* in the totals topic,
behind all totals that these tallies changed: a watermark of that partition. A reader shows a clock once all partitions
have published its mark. See docs/decisions/replay.md.

Totals were on air from when they were published. Where that was long after their tallies came, the append time of a
`Late` record is the time until which those tallies were not on air. See docs/decisions/past.md.
"""

from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError

from schemas.control import EpochName, Speed
from schemas.fields import EventTime, Frozen, Moment, Total

MARK_PREFIX: Final = b"mark:"
"""What the key of a mark begins with."""

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


class Mark(Frozen):
    """A partition's watermark: its totals for the clock at offset `mark` of topic `control` lie before this record."""

    v: Literal[1] = 1
    type: Literal["mark"] = "mark"
    partition: Annotated[int, Field(ge=0)]
    mark: Total

    @property
    def key(self) -> bytes:
        """The record key, such as `mark:3`."""
        return MARK_PREFIX + str(self.partition).encode()

    def encode(self) -> bytes:
        """The record value."""
        return self.model_dump_json().encode()


MARK: Final = TypeAdapter(Mark)


def is_mark(key: bytes | None) -> bool:
    """Whether a record of the totals topic with this key is a mark."""
    return key is not None and key.startswith(MARK_PREFIX)


def parse_mark(value: bytes | None) -> Mark | None:
    """Parse a mark's value; `None` where it is none."""
    try:
        return MARK.validate_json(value or b"")
    except ValidationError:
        return None


def parse_moved(value: bytes | None) -> ReplayMoved | None:
    """Parse a record of the control topic that may be a replay's clock; `None`, without parsing, for most others."""
    if value is None or b'"replay_moved"' not in value:
        return None
    try:
        return ReplayMoved.model_validate_json(value)
    except ValidationError:
        return None


LATE_PREFIX: Final = b"late:"
"""What the key of such a record begins with. No id has a colon, so it is never a cell's own key."""


class Late(Frozen):
    """The tallies of a partition from this offset on were published after this record, and not before."""

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
    if key is None or not key.startswith(LATE_PREFIX):
        return None
    try:
        return _LATE.validate_json(value or b"")
    except ValidationError:
        return None
