"""Notices: what is odd about a source's statements, published in the totals topic for the control room.

A notice changes no figure. There are three kinds:

- `restarted`: a statement with a lower revision than the one that stands, but a later event time and other counts, as
  of a source that began to number anew. It is ignored, and somebody should know; a report of a whole district counts
  all the same where it has more boxes opened than the one that stood.
- `ahead`: an event time well ahead of the append time. The statement counts, and its time dates nothing.
- `impossible`: boxes with figures that no box can have. They count, and nothing is claimed of them.

A notice is absolute, as totals are: it has the newest such statement of a cell and how many there were since the log
began; of impossible boxes how many there are now, which is 0 once all are corrected. So publishing it again is
idempotent, and a reader drops what is not newer.
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
    """How often something odd was found in one cell, and the last such statement.

    `offset` is that of the newest statement it is about, in its partition of `tallies`; `count` how many there were,
    and of impossible boxes how many there are: with 0 the last of them was corrected or taken back at `offset`.
    `revision`, `at` and, for a source that sends boxes, `box` are the statement's; `stands` is the revision that stood.
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
        """Describe the last such statement, in a line for the process's log."""
        box = f"box {self.box} of " if self.box is not None else ""
        return f"{self.kind}: {self.source}'s revision {self.revision} of {box}{self.district} in {self.contest}"

    def encode(self) -> bytes:
        """The record value: fields in their fixed order, so equal notices are equal bytes."""
        return orjson.dumps(self.model_dump())


NOTICE: Final = TypeAdapter(Notice)


def is_notice(key: bytes | None) -> bool:
    """Whether a record of the totals topic with this key is a notice."""
    return key is not None and key.startswith(NOTICE_PREFIX)


def parse_notice(value: bytes) -> Notice:
    """Parse one record value. Raises pydantic's `ValidationError` where it is no notice."""
    return NOTICE.validate_json(value)
