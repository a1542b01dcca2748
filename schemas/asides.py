"""Asides: what the totals topic says of a cell beside its totals, under keys of their own. No aside changes a total.

An aside's key is the cell's after a prefix with a colon. No id has a colon, so it is never a cell's own key.

- A `Gate` is what a hold does to one cell, an `Override` the figures of one cell that are set by hand. They are relayed
  into the totals topic, so that every reader has them at the same position, and are named after the control record that
  ordered them: `gate` and `override` are its offset. Of several overrides the one with the highest number stands.
- During a rebalance two owners of a cell may both relay an order. Two overrides of one order mean the same. Of gates
  with the same number the first stands; so that compaction cannot keep another one, the owner relays what stands once
  more, with a higher `again`, wherever the newest record is a different one.
- Their keys end with that number and when this was said, so that compaction keeps all of them and the past can be told:
  also the first of two that say the same, where an append that had failed was written seconds later after all. Each
  names the version of the totals that were published when it came. In older logs they lie under the cell's key alone,
  of which compaction kept the newest, and name no version, or under the key without the moment; they mean the same.
- A `Notice` says what is odd about a source's statements, for the control room. It is absolute, as totals are: it has
  the newest such statement of a cell and how many there were since the log began; of impossible boxes how many there
  are now, which is 0 once all are corrected. So publishing it again is idempotent, and a reader drops an older one.

See docs/decisions/hold.md, docs/decisions/override.md and docs/decisions/past.md.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal, Self

import orjson
from pydantic import Field, TypeAdapter, model_validator

from schemas.fields import BoxNumber, CellTotal, EventTime, Frozen, Id, Moment, Revision, Total, UnitId, Version
from schemas.figures import COUNTS, SET_BY_HAND
from schemas.moments import epoch_ms
from schemas.totals import Cell, Totals

NUMBER_MARK: Final = b"@"
"""What parts a cell from the number of an order in the key of an aside. No id has it."""

_SAID_MARK: Final = b"."
"""What parts that number from the moment of saying it."""


class Aside(Frozen):
    """What is said of one cell beside its totals, under a key of its own: the cell's, after a prefix with a colon."""

    prefix: ClassVar[bytes]

    v: Literal[1] = 1
    type: str
    contest: Id
    source: Id
    district: UnitId

    @property
    def cell(self) -> Cell:
        """The cell that it is of."""
        return Cell(self.contest, self.source, self.district)

    @property
    def key(self) -> bytes:
        """The record key, such as `notice:metropolitan_mayor/aa/tr/34/uskudar`."""
        return self.prefix + self.cell.key()


class OrderAside(Aside):
    """What an order comes to in one cell."""

    named_after: ClassVar[str]
    """The field that holds the order's number."""

    @property
    def number(self) -> int:
        """The offset of the order in the control topic."""
        number: int = getattr(self, self.named_after)
        return number

    @property
    def key(self) -> bytes:
        """What the record key begins with, such as `gate:metropolitan_mayor/aa/tr/34/uskudar@18`."""
        return super().key + NUMBER_MARK + b"%d" % self.number

    def key_at(self, moment: datetime) -> bytes:
        """The record key of what is said at this moment, such as `gate:…@18.1711900800000`."""
        return self.key + _SAID_MARK + b"%d" % epoch_ms(moment)


def names_order(key: bytes | None) -> bool:
    """Whether the key of an aside has its order's number; those of older logs have none."""
    return key is not None and NUMBER_MARK in key


def is_aside(key: bytes | None) -> bool:
    """Whether a record of the totals topic is no totals but something said beside them: a gate, a mark, a later word.

    No id has a colon, so the key of an aside is never a cell's own.
    """
    return key is not None and b":" in key


GATE_PREFIX: Final = b"gate:"
"""What a gate's key begins with."""


class Gate(OrderAside):
    """One cell is held, or is released. `program` is what everyone is shown while it is held; `None`: nothing yet.

    A release has a `version`: that of the cell's totals in the topic when it was relayed, -1 for none.
    """

    prefix = GATE_PREFIX
    named_after = "gate"

    type: Literal["gate"] = "gate"
    gate: Total
    held: bool
    again: Total = 0
    program: Totals | None = None
    version: Version | None = None

    @property
    def published(self) -> int | None:
        """The version up to which the cell's totals were published when it came; `None` where it was not recorded."""
        if self.held:
            return self.program.version if self.program is not None else -1
        return self.version

    @model_validator(mode="after")
    def _of_one_cell(self) -> Self:
        if self.program is not None and self.program.cell != self.cell:
            raise ValueError(f"a gate of {self.cell} cannot show totals of {self.program.cell}")
        return self

    def supersedes(self, other: "Gate | None") -> bool:
        """Whether it takes the place of the gate that stands."""
        return other is None or (self.gate, self.again) > (other.gate, other.again)

    def settled(self, truth: Totals | None) -> "Gate":
        """Return the gate as it applies for a reader whose newest totals of the cell are `truth`.

        A reader never shows less than a moment ago: whoever relays a gate first may have read less than its readers. A
        gate that is relayed again is exact.
        """
        if not self.held or self.again or truth is None:
            return self
        if self.program is not None and self.program.version >= truth.version:
            return self
        return self.model_copy(update={"program": truth})

    def encode(self) -> bytes:
        """The record value: fields in their fixed order, so equal gates are equal bytes."""
        fields = self.model_dump(exclude={"version"} if self.version is None else None)
        if self.program is not None:
            fields["program"] = orjson.Fragment(self.program.encode())
        return orjson.dumps(fields)


GATE: Final = TypeAdapter(Gate)


def is_gate(key: bytes | None) -> bool:
    """Whether a record of the totals topic with this key is a gate."""
    return key is not None and key.startswith(GATE_PREFIX)


def parse_gate(value: bytes) -> Gate:
    """Parse one record value. Raises pydantic's `ValidationError` where it is no gate, or holds another cell's."""
    return GATE.validate_json(value)


OVERRIDE_PREFIX: Final = b"override:"
"""What an override's key begins with."""

VOTES: Final = "votes."
"""What the name of a candidate's figure begins with, such as `votes.imamoglu`."""

CORRECTED_SHARE: Final = 10
"""A figure that is set by hand a tenth of the excess away from the source's own has corrected what was in doubt."""

MAX_FIGURES: Final = 64
"""Figures in one order: every count and the votes of 49 candidates, with room to spare."""

MAX_STANDING_FIGURES: Final = 1_024
"""Figures that are set by hand in one cell, by however many orders: every count and a thousand candidates."""

_FigureName = Annotated[str, Field(pattern=r"^([a-z_]+|votes\.[a-z0-9][a-z0-9_\-]*)$", max_length=110)]

Figures = Annotated[dict[_FigureName, CellTotal], Field(max_length=MAX_FIGURES)]
"""Absolute figures by name: a count of `schemas.figures.SET_BY_HAND`, or `votes.` and a candidate."""

StandingFigures = Annotated[dict[_FigureName, CellTotal], Field(max_length=MAX_STANDING_FIGURES)]
"""The same, of all orders that stand in one cell."""


class Override(OrderAside):
    """The figures of one cell that are set by hand at a time; none of them: the source's own figures stand again.

    `instead_of` is what the source itself said of them when each was set, as far as the order says so: by it a reader
    sees that the source says something else by now.
    """

    prefix = OVERRIDE_PREFIX
    named_after = "override"

    type: Literal["override"] = "override"
    override: Total
    at: Moment
    figures: StandingFigures
    instead_of: StandingFigures = Field(default_factory=dict)
    version: Version | None = None
    """The version of the cell's totals in the topic when it was relayed, -1 for none; `None`: nobody wrote it down."""

    @property
    def published(self) -> int | None:
        """The version up to which the cell's totals were published when it came; `None`: nobody wrote it down."""
        return self.version

    @model_validator(mode="after")
    def _of_known_figures(self) -> Self:
        for name in self.figures:
            if not name.startswith(VOTES) and name not in SET_BY_HAND:
                raise ValueError(f"{name!r} cannot be set by hand; use {', '.join(SET_BY_HAND)} or votes.CANDIDATE")
        return self

    @property
    def candidates(self) -> tuple[str, ...]:
        """The candidates whose votes it sets."""
        return tuple(name.removeprefix(VOTES) for name in self.figures if name.startswith(VOTES))

    def encode(self) -> bytes:
        """The record value: fields in their fixed order, figures by name, so equal overrides are equal bytes."""
        left_out = {"instead_of"} | ({"version"} if self.version is None else set())
        fields = self.model_dump(exclude=left_out) | {"figures": dict(sorted(self.figures.items()))}
        if self.instead_of:  # without it the bytes are those that earlier releases write of the same order
            fields["instead_of"] = dict(sorted(self.instead_of.items()))
        return orjson.dumps(fields)


OVERRIDE: Final = TypeAdapter(Override)


def is_override(key: bytes | None) -> bool:
    """Whether a record of the totals topic is an override, by its key."""
    return key is not None and key.startswith(OVERRIDE_PREFIX)


def parse_override(value: bytes) -> Override:
    """Parse one record value. Raises pydantic's `ValidationError` where it is none."""
    return OVERRIDE.validate_json(value)


def overridden(totals: Totals, figures: Mapping[str, int]) -> Totals:
    """The totals with these figures in the place of the source's own, and marked so.

    The excess of single boxes stands until one of these differs from the source's own by a tenth of it: then somebody
    has corrected what the boxes contradict, and the figures are judged as they are. So it is with closed boxes where
    the boxes opened are set.
    """
    if not figures:
        return totals
    counts = {name: value for name, value in figures.items() if not name.startswith(VOTES)}
    votes = {name.removeprefix(VOTES): value for name, value in figures.items() if name.startswith(VOTES)}
    marks = tuple(sorted(figures))
    changed = [abs(count - getattr(totals, name)) for name, count in counts.items() if name != "boxes_opened"]
    changed += [abs(count - totals.votes.get(name, 0)) for name, count in votes.items()]
    is_corrected = max(changed, default=0) * CORRECTED_SHARE >= totals.excess
    excess = 0 if is_corrected else totals.excess
    closed = 0 if "boxes_opened" in counts else totals.closed
    changes = {"votes": totals.votes | votes, "overridden": marks, "excess": excess, "closed": closed}
    return totals.model_copy(update=counts | changes)


def unreported(cell: Cell, at: datetime) -> Totals:
    """What is overridden where the source has said nothing yet: no box, no vote, older than anything it may say."""
    zeros: dict[str, Any] = dict.fromkeys(COUNTS, 0)
    return Totals.model_construct(None, **cell._asdict(), **zeros, version=-1, as_of=at, votes={})


NoticeKind = Literal["restarted", "ahead", "impossible"]
"""What is odd.

- `restarted`: a statement with a lower revision than the one that stands, but a later event time and other counts, as
  of a source that began to number anew. It is ignored, and somebody should know; a report of a whole district counts
  all the same where it has more boxes opened than the one that stood.
- `ahead`: an event time well ahead of the append time. The statement counts, and its time dates nothing.
- `impossible`: boxes with figures that no box can have. They count, and nothing is claimed of them.
"""


NOTICE_PREFIX: Final = b"notice:"
"""What a notice's key begins with."""


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
