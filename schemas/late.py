"""Late publication: from where on a partition's tallies had to wait for an aggregator, said beside the totals.

Totals say what the tallies came to when they were published. Where that was long after they came, what they came to in
between was never on air; the append time of a `Late` record says until when it was not. See docs/decisions/past.md.
"""

from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError

from schemas.fields import Frozen, Total

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
