"""Gates: what a hold does to one cell, relayed into the totals topic so that every reader has it at the same position.

A gate is named after the control record that began it (`gate`, its offset). During a rebalance two owners of a cell may
both relay it: of records with the same `gate` the first stands. So that compaction cannot keep another one, the owner
relays what stands once more, with a higher `again`, wherever the newest record is a different one. See
docs/decisions/hold.md.

A gate's key ends with that number, so that compaction keeps every gate and the past can be told: what was on air is
what the gates show (docs/decisions/past.md). Gates of older logs lie under the cell's key alone, of which compaction
kept the newest; they mean the same.
"""

from typing import Final, Literal, Self

import orjson
from pydantic import TypeAdapter, model_validator

from schemas.fields import Total, Version
from schemas.totals import OrderAside, Totals

GATE_PREFIX: Final = b"gate:"
"""What a gate's key begins with. No id has a colon, so it is never a cell's own key."""


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
