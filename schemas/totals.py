"""Totals: the absolute figures of one (contest, source, district), as the aggregator publishes them."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Final, Literal, NamedTuple

import orjson
from pydantic import AwareDatetime, TypeAdapter

from schemas.fields import CellTotal, Frozen, Id, UnitId, Version


class Cell(NamedTuple):
    """What totals are kept for: one contest, one source, one district. Also the key of its records."""

    contest: str
    source: str
    district: str

    def key(self) -> bytes:
        """The record key, such as `metropolitan_mayor/aa/tr/34/uskudar`."""
        return f"{self.contest}/{self.source}/{self.district}".encode()


class Totals(Frozen):
    """One district's totals for one contest and source.

    `version` is the offset of the last tally that changed them: it only grows, and a reader drops what is not newer. It
    is -1 where the source has said nothing, and all there is was set by hand.
    `registered` and everything after it are sums over the *opened* boxes; `annulled` counts boxes annulled and not
    opened again; `flagged` counts opened boxes whose counts are odd but possible. `overridden` names the figures that
    an operator has set by hand, such as `votes.imamoglu`; what an aggregator publishes has none. `excess` is in votes:
    by so many more than the sums tell may a lead be wrong, as single boxes contradict themselves. `closed` is how many
    of the opened boxes the definition has closed. Neither is hashed.
    A count that the source does not give by the definition is 0 here, and is told to nobody as a number.
    """

    v: Literal[1] = 1
    contest: Id
    source: Id
    district: UnitId
    version: Version
    as_of: AwareDatetime
    boxes_opened: CellTotal
    annulled: CellTotal
    registered: CellTotal
    cast: CellTotal
    valid: CellTotal
    invalid: CellTotal
    unattributed: CellTotal
    flagged: CellTotal
    blank: CellTotal = 0
    votes: dict[Id, CellTotal]
    overridden: tuple[str, ...] = ()
    excess: CellTotal = 0
    closed: CellTotal = 0

    @property
    def cell(self) -> Cell:
        """The cell that these totals are of."""
        return Cell(self.contest, self.source, self.district)

    def encode(self) -> bytes:
        """The record value: fields in their fixed order, votes by candidate id, so equal totals are equal bytes."""
        said = {name: getattr(self, name) for name in _FIELDS} | {"votes": dict(sorted(self.votes.items()))}
        if self.blank:
            said["blank"] = self.blank
        if self.overridden:
            said["overridden"] = self.overridden
        if self.excess:  # without it the bytes are those that earlier releases write of the same figures
            said["excess"] = self.excess
        if self.closed:
            said["closed"] = self.closed
        return orjson.dumps(said)


_FIELDS: Final = tuple(name for name in Totals.model_fields if name not in ("blank", "overridden", "excess", "closed"))

TOTALS: Final = TypeAdapter(Totals)


def parse_totals(value: bytes) -> Totals:
    """Parse one record value. Raises pydantic's `ValidationError` where it is not a totals record."""
    return TOTALS.validate_json(value)


class Told(StrEnum):
    """Which totals a reader is told, where it is not the source's own record: they differ by what operators ordered.

    `on_air` is what the public sees while there is no embargo, `control_room` has the newest of what is held, too, and
    `log` is what the sources say themselves: nothing held back, nothing set by hand.
    """

    ON_AIR = "on_air"
    CONTROL_ROOM = "control_room"
    LOG = "log"


class Row(NamedTuple):
    """One line of a result table: the figures of a unit at any level. `overridden`: of it, or of a district below.

    `boxes_surplus`, `complete` and `contradictions` are what may be said of the unit; they follow from its districts
    and never from its sums. The surplus is of boxes opened beyond those that the definition has. A count that the
    source does not give is `None`; so is `blank` where the contest does not count blank votes apart.
    """

    contest: str
    source: str
    unit: str
    level: str
    boxes_opened: int
    boxes_total: int
    registered: int | None
    cast: int | None
    valid: int | None
    invalid: int | None
    unattributed: int
    flagged: int
    votes: dict[str, int]
    overridden: tuple[str, ...] = ()
    boxes_surplus: int = 0
    complete: bool = False
    contradictions: tuple[str, ...] = ()
    blank: int | None = None

    def fields(self) -> dict[str, object]:
        """The fields by name. Where no blank votes are known there is none of them."""
        fields: dict[str, object] = self._asdict()
        if self.blank is None:
            del fields["blank"]
        return fields

    @property
    def boxes_credited(self) -> int:
        """The opened boxes that count in a share of boxes: never more than there are."""
        return self.boxes_opened - self.boxes_surplus


def encode_rows(rows: Iterable[Row], marks: Callable[[Row], dict[str, object]] = lambda _: {}) -> bytes:
    """Rows as a JSON array, two spaces deep, votes by candidate id: the same rows are the same bytes.

    `marks` are further fields of a row. Rows without blank votes have no field for them.
    """
    table = [row.fields() | {"votes": dict(sorted(row.votes.items()))} | marks(row) for row in rows]
    return orjson.dumps(table, option=orjson.OPT_INDENT_2)
