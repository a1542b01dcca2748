"""The box ledger of one cell: which revision of each box stands, and the running totals over them.

The law: the highest revision of a box wins; the same revision again is a duplicate if it says the same, a conflict if
it does not, and then the first one stands; a lower revision is stale. A withdrawal or annulment is a revision too.
So any order and any duplication of the same events end in the same ledger.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple, Protocol
from zoneinfo import ZoneInfo

import orjson

from schemas.tally import Counted, Reported, Tally, Withdrawn
from schemas.totals import Cell, Totals

Outcome = Literal["counted", "duplicate", "stale", "conflict"]
"""What became of a tally event."""


class Content(NamedTuple):
    """What a revision says of a box or district, without who said it when.

    `kind` is counted, withdrawn or annulled; of a district it is reported.
    """

    kind: str
    registered: int = 0
    cast: int = 0
    valid: int = 0
    invalid: int = 0
    unattributed: int = 0
    votes: dict[str, int] = {}  # noqa: RUF012  never written to


FLAGS: Final = ("cast_over_registered", "cast_sum_differs", "party_sum_differs")
"""What is odd but possible: officials vote where they serve, and official records hold sums that do not add up."""


_OPENED: Final = b'["counted"'
"""How `content_of` begins for a box that counts."""


def adds_up(said: Counted | Content) -> bool:
    """Whether none of `FLAGS` holds, as for nearly every box."""
    return (
        said.cast <= said.registered
        and said.cast == said.valid + said.invalid
        and said.valid == sum(said.votes.values()) + said.unattributed
    )


def flags_of(said: Counted | Content) -> tuple[str, ...]:
    """Which of `FLAGS` hold for what is said of a box or district."""
    odd = (
        said.cast > said.registered,
        said.cast != said.valid + said.invalid,
        said.valid != sum(said.votes.values()) + said.unattributed,
    )
    return tuple(flag for flag, holds in zip(FLAGS, odd, strict=True) if holds)


def content_of(tally: Tally) -> bytes:
    """The canonical bytes of what a tally says: equal content is equal bytes. A candidate with no votes is not named.

    `counted` and `corrected` with the same counts say the same, as do the two kinds of report. Bytes, because a night's
    boxes are kept by the million: they are a quarter of the objects' size, and invisible to the garbage collector. Who
    keeps them keeps a copy: orjson hands them out in a buffer of 4 KiB.
    """
    if isinstance(tally, Withdrawn):
        return b'["%b"]' % tally.type.encode()
    votes = tally.votes
    if not all(votes.values()):
        votes = {candidate: count for candidate, count in votes.items() if count}
    kind = "reported" if isinstance(tally, Reported) else "counted"
    counts = (kind, tally.registered, tally.cast, tally.valid, tally.invalid, tally.unattributed, votes)
    return orjson.dumps(counts, option=orjson.OPT_SORT_KEYS)


@dataclass(slots=True)
class Sums:
    """The running sums of a cell's opened boxes, and how many boxes are annulled or carry a flag."""

    boxes_opened: int
    annulled: int
    registered: int
    cast: int
    valid: int
    invalid: int
    unattributed: int
    flagged: int
    flags: dict[str, int]
    votes: dict[str, int]

    @classmethod
    def zero(cls, candidates: tuple[str, ...]) -> "Sums":
        """No box opened yet; every candidate of the ballot at 0."""
        return cls(0, 0, 0, 0, 0, 0, 0, 0, dict.fromkeys(FLAGS, 0), dict.fromkeys(candidates, 0))

    def add(self, said: Counted | Content) -> None:
        """Take in the counts of a box that opens."""
        self.boxes_opened += 1
        self.registered += said.registered
        self.cast += said.cast
        self.valid += said.valid
        self.invalid += said.invalid
        self.unattributed += said.unattributed
        votes = self.votes
        for candidate, count in said.votes.items():
            votes[candidate] += count
        if not adds_up(said):
            self._flag(flags_of(said), 1)

    def subtract(self, said: Content) -> None:
        """Take out again what a box said before."""
        if said.kind != "counted":
            self.annulled -= said.kind == "annulled"
            return
        self.boxes_opened -= 1
        self.registered -= said.registered
        self.cast -= said.cast
        self.valid -= said.valid
        self.invalid -= said.invalid
        self.unattributed -= said.unattributed
        for candidate, count in said.votes.items():
            self.votes[candidate] -= count
        if not adds_up(said):
            self._flag(flags_of(said), -1)

    def _flag(self, flags: tuple[str, ...], sign: int) -> None:
        self.flagged += sign
        for flag in flags:
            self.flags[flag] += sign


class Standing(Protocol):
    """What a cell has totals of, be it a ledger of boxes or of reports."""

    cell: Cell
    sums: Sums
    version: int
    as_of: datetime | None


def heard_at(ledger: Standing) -> datetime:
    """The time of the newest tally that a cell has heard of. Only once something was counted."""
    if ledger.as_of is None:
        raise ValueError(f"{ledger.cell} has heard of nothing yet, so it has no totals")
    return ledger.as_of


def totals_of(ledger: Standing, zone: ZoneInfo) -> Totals:
    """A cell's totals as they stand; `as_of` in the election's time zone. Only once something was counted."""
    cell, sums = ledger.cell, ledger.sums
    return Totals.model_construct(
        v=1,
        contest=cell.contest,
        source=cell.source,
        district=cell.district,
        version=ledger.version,
        as_of=heard_at(ledger).astimezone(zone),
        boxes_opened=sums.boxes_opened,
        annulled=sums.annulled,
        registered=sums.registered,
        cast=sums.cast,
        valid=sums.valid,
        invalid=sums.invalid,
        unattributed=sums.unattributed,
        flagged=sums.flagged,
        votes=sums.votes.copy(),
    )


class BoxLedger:
    """The boxes of one cell. `version` is the log offset of the last tally that changed it.

    Of each box the standing revision is kept, as bytes that begin with its number: `3,["counted",…]`.
    """

    __slots__ = ("_packed", "_revisions", "as_of", "cell", "sums", "version")

    def __init__(self, cell: Cell, sums: Sums) -> None:
        self.cell = cell
        self.sums = sums
        self.version = -1
        self.as_of: datetime | None = None
        self._revisions: dict[int, bytes] = {}
        self._packed: bytes | None = None

    def __len__(self) -> int:
        """How many boxes have been heard of."""
        return len(self._revisions if self._packed is None else self._unpack())

    def opened(self) -> dict[int, bytes]:
        """What is said of each opened box, by its number, as `content_of` has it: equal bytes say the same."""
        revisions = self._revisions if self._packed is None else self._unpack()
        contents = ((box, standing.partition(b",")[2]) for box, standing in revisions.items())
        return {box: content for box, content in contents if content.startswith(_OPENED)}

    def apply(self, tally: Counted | Withdrawn, offset: int) -> Outcome:
        """Fold one tally of this cell, which lies at `offset` of its partition."""
        revisions = self._revisions if self._packed is None else self._unpack()
        new = b"%d,%b" % (tally.revision, content_of(tally))
        standing = revisions.get(tally.box)
        outcome: Outcome = "counted" if standing is None else _judge(tally.revision, new, standing)
        if outcome == "conflict":
            return outcome
        if outcome == "counted":
            if standing is not None:
                self.sums.subtract(Content(*orjson.loads(standing.partition(b",")[2])))
            revisions[tally.box] = new
            if isinstance(tally, Withdrawn):
                self.sums.annulled += tally.type == "annulled"
            else:
                self.sums.add(tally)
            self.version = offset
        if self.as_of is None or tally.at > self.as_of:
            self.as_of = tally.at
            self.version = offset
        return outcome

    def totals(self, zone: ZoneInfo) -> Totals:
        """The cell's totals as they stand; `as_of` in the election's time zone. Only once something was counted."""
        return totals_of(self, zone)

    def pack(self) -> bytes:
        """Every box's standing revision as JSON, by box number: what a checkpoint keeps."""
        if self._packed is not None:
            return self._packed
        boxes = (b'"%d":[%b]' % standing for standing in sorted(self._revisions.items()))
        return b"{" + b",".join(boxes) + b"}"

    def restore(self, packed: bytes, version: int, as_of: datetime) -> None:
        """Take over a checkpoint. The boxes are only unpacked when the first tally comes: most cells restart idle."""
        self._packed = packed
        self.version = version
        self.as_of = as_of

    def _unpack(self) -> dict[int, bytes]:
        boxes = orjson.loads(self._packed or b"{}")
        self._revisions = {
            int(box): b"%d,%b" % (revision, orjson.dumps(said)) for box, (revision, said) in boxes.items()
        }
        self._packed = None
        return self._revisions


def _judge(revision: int, new: bytes, standing: bytes) -> Outcome:
    """What becomes of a box's next revision, by the one that stands."""
    stands = int(standing.partition(b",")[0])
    if revision < stands:
        return "stale"
    if revision > stands:
        return "counted"
    return "duplicate" if new == standing else "conflict"
