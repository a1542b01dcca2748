"""Notices: what is odd about what a source says, said in the totals topic for the control room.

Nothing in a notice changes a figure. `restarted`: a statement of a lower revision than the one that stands, but told
later and with other counts, as from a source that began to number anew; it is ignored, and somebody should know. So
is a report of a whole district, unless it has more boxes opened than the one that stood: then it counts.
`ahead`: an event time well ahead of the time at which the log was given it, which counts but dates nothing.
`impossible`: boxes with figures that no box can have, which count, and of which no claim is made.

A notice is absolute, as totals are: the newest such statement of a cell, and how many there were since the log began;
of impossible boxes how many there are now, which is none once all are corrected.
So whoever says it again, after a restart or from the beginning, says the same, and what is not newer is dropped.
"""

from typing import Final, Literal, Self, get_args

import orjson
from pydantic import TypeAdapter, model_validator

from schemas.fields import BoxNumber, EventTime, Revision, Total
from schemas.totals import Aside

NoticeKind = Literal["restarted", "ahead", "impossible"]

NOTICE_KINDS: Final[tuple[NoticeKind, ...]] = get_args(NoticeKind)

NOTICE_PREFIX: Final = b"notice:"
"""What a notice's key begins with. No id has a colon, so it is never a cell's own key."""


class Notice(Aside):
    """How often something was noticed of one cell, and what it was the last time.

    `offset` is that of the newest statement it is about, in its partition of `tallies`; `count` how many there were,
    and of impossible boxes how many there are: with 0 the last of them was corrected or taken back at `offset`.
    `revision`, `at` and, for a source that sends boxes, `box` are what it said; `stands` is the revision that stood.
    """

    prefix = NOTICE_PREFIX

    type: Literal["notice"] = "notice"
    kind: NoticeKind
    offset: Total
    count: Total
    revision: Revision
    stands: Total
    at: EventTime
    box: BoxNumber | None = None

    @model_validator(mode="after")
    def _about_something(self) -> Self:
        if not self.count and self.kind != "impossible":
            raise ValueError(f"a notice of what is {self.kind} is about one statement or more; count is 0")
        return self

    @property
    def key(self) -> bytes:
        """The record key, such as `notice:restarted:metropolitan_mayor/aa/tr/34/uskudar`."""
        return self.prefix + self.kind.encode() + b":" + self.cell.key()

    def supersedes(self, other: "Notice | None") -> bool:
        """Whether it is newer than what is known of the same kind and cell."""
        return other is None or self.offset > other.offset

    def described(self) -> str:
        """What was noticed the last time, in a line of a log."""
        box = f"box {self.box} of " if self.box is not None else ""
        return f"{self.kind}: {self.source}'s revision {self.revision} of {box}{self.district} in {self.contest}"

    def encode(self) -> bytes:
        """The record value: fields in their fixed order, so equal notices are equal bytes."""
        return orjson.dumps(self.model_dump())


NOTICE: Final = TypeAdapter(Notice)


def is_notice(key: bytes | None) -> bool:
    """Whether a record of the totals topic is a notice, by its key."""
    return key is not None and key.startswith(NOTICE_PREFIX)


def parse_notice(value: bytes) -> Notice:
    """Parse one record value. Raises pydantic's `ValidationError` where it is no notice."""
    return NOTICE.validate_json(value)
