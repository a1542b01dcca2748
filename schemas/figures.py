"""The counts of a total: the one list of them, which everything that names a count follows or is tested against.

A count is a whole number that totals hold beside the candidates' votes, such as `invalid`. `DECLARED` says of each what
it means, who gives it and where it goes. Names and orders elsewhere are worked out from it. Models with an attribute
for each count (`schemas.totals.Totals`, the clients, ...) are written out, so that types are checked and readers find
them; tests/schemas/test_figures.py compares each with the declaration and says which one lacks a count.

To add a count, see docs/how-to/add-a-count.md. No counts are `votes` (by candidate), `boxes_total` (of the definition)
and `excess` (what single boxes leave in doubt, `tabulation.counting`).
"""

from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, Literal, NamedTuple, get_args

from schemas.fields import MAX_DISTRICT_BOXES, MAX_DISTRICT_COUNT

Giver = Literal["statement", "report", "aggregator"]
"""Who says how many. `statement`: a source, of a box and of a whole district. `report`: a source, of a whole district
only, as the aggregator counts the boxes itself. `aggregator`: no source."""


class Count(NamedTuple):
    """One count. The defaults are those of most counts."""

    name: str
    meaning: str
    """What is counted, as docs/protocol.md has it."""
    given_by: Giver = "statement"
    is_optional: bool = False
    """Whether a statement may be silent on it, which says 0. So is every count that is newer than the first release."""
    most_in_district: int = MAX_DISTRICT_COUNT
    """The most that a source or an operator may say of one district; of one box it is `MAX_BOX_COUNT`."""
    by_hand: bool = True
    """Whether an operator may set it by hand: those that a source says. The others follow from what its boxes say."""
    in_rows: bool = True
    """Whether result tables, files and the flat rows of graphics tools have it."""
    is_declared: bool = False
    """Whether there is such a count only in contests that declare it, in a field of the same name."""
    turkish: str | None = None
    english: str | None = None
    """What the control room calls it; `None` where it does not name it."""
    nist: str | None = None
    """The attribute of `BallotCounts` in NIST SP 1500-100 that means the same; `None` where there is none."""


DECLARED: Final = (
    Count(
        "boxes_opened",
        "boxes counted so far",
        given_by="report",
        most_in_district=MAX_DISTRICT_BOXES,
        turkish="Açılan sandık",
        english="Boxes opened",
    ),
    Count(
        "annulled",
        "boxes annulled and not opened again",
        given_by="aggregator",
        most_in_district=MAX_DISTRICT_BOXES,
        by_hand=False,
        in_rows=False,
    ),
    Count(
        "registered",
        "registered voters *of the opened boxes*: the denominator of turnout",
        turkish="Kayıtlı seçmen",
        english="Registered",
    ),
    Count(
        "cast",
        "people who voted; turnout is `cast / registered`",
        turkish="Oy kullanan",
        english="Cast",
        nist="BallotsCast",
    ),
    Count("valid", "votes that count", turkish="Geçerli oy", english="Valid votes"),
    Count(
        "invalid",
        "ballots that count for nobody",
        turkish="Geçersiz oy",
        english="Invalid votes",
        nist="BallotsRejected",
    ),
    Count(
        "unattributed",
        "valid votes that the source has not given to a candidate yet",
        is_optional=True,
        turkish="Dağıtılmamış",
        english="Unattributed",
    ),
    Count(
        "flagged",
        "opened boxes whose counts are odd but possible",
        given_by="aggregator",
        most_in_district=MAX_DISTRICT_BOXES,
        by_hand=False,
    ),
    Count(
        "blank",
        "ballots left blank, where the contest counts them apart from the invalid ones",
        is_optional=True,
        is_declared=True,
        turkish="Boş oy",
        english="Blank votes",
    ),
)
"""Every count, in the order in which they are written, hashed and packed. All are sums over the opened boxes of a unit,
but for `annulled`, whose boxes are not open."""

COUNT_NAMED: Final = {count.name: count for count in DECLARED}
"""Each count by its name."""

COUNTS: Final = tuple(COUNT_NAMED)
"""All of them: what totals, the sums of a district and the stream have."""

EVERYWHERE: Final = tuple(count.name for count in DECLARED if not count.is_declared)
"""Those of every contest."""

AbsentCount = Literal["registered", "cast", "valid", "invalid", "blank"]
"""A count that a source may not give."""

ABSENT_COUNTS: Final[tuple[AbsentCount, ...]] = get_args(AbsentCount)


class Given(NamedTuple):
    """Which counts there are of a contest from a source, by the definition.

    Who does not give a count says nothing of it: it is unknown, in every sum as well, and never 0. Where figures are
    kept as a row of numbers its place holds a 0 that nobody reads.
    """

    absent: tuple[AbsentCount, ...] = ()
    """The counts that the source does not give."""
    blank: bool = False
    """Whether the contest counts blank votes apart."""

    @property
    def kept(self) -> tuple[str, ...]:
        """The counts that the contest has, from whichever source: what ledgers keep."""
        return COUNTS if self.blank else EVERYWHERE

    @property
    def counts(self) -> tuple[str, ...]:
        """The counts that are known."""
        return _known(self.kept, self.absent)

    @property
    def is_plain(self) -> bool:
        """Whether it is what most contests and sources have: every count, and no blank votes."""
        return not self.absent and not self.blank


@lru_cache
def _known(kept: tuple[str, ...], absent: tuple[AbsentCount, ...]) -> tuple[str, ...]:
    return tuple(name for name in kept if name not in absent)


EVERY_COUNT: Final = Given()
"""What a source gives where the definition says nothing else."""

STATED: Final = tuple(count.name for count in DECLARED if count.given_by == "statement")
"""What a source says of a box and of a district, and what two sources are compared by."""

REPORTED: Final = tuple(count.name for count in DECLARED if count.given_by != "aggregator")
"""What a source says of a district."""

OPTIONAL: Final = tuple(count.name for count in DECLARED if count.is_optional)
"""What a statement may be silent on."""

SET_BY_HAND: Final = tuple(count.name for count in DECLARED if count.by_hand)
"""What an operator may set by hand."""

ROW_COUNTS: Final = tuple(count.name for count in DECLARED if count.in_rows)
"""What is in result tables, files and flat rows."""

read_everywhere: Final[Callable[[Any], tuple[int, ...]]] = attrgetter(*EVERYWHERE)
"""Read `EVERYWHERE`, in that order, off whatever has them as attributes."""


def read_declared(figures: object) -> tuple[int, ...]:
    """Read the counts that contests declare, in their order, off whatever has them as attributes."""
    return tuple(getattr(figures, name) for name in COUNTS[len(EVERYWHERE) :])


read_stated: Final[Callable[[Any], tuple[int, ...]]] = attrgetter(*STATED)
"""Read `STATED`, in that order, off sums or whatever else has them as attributes."""

read_told: Final[Callable[[Any], tuple[int | None, ...]]] = attrgetter(*STATED)
"""The same off a statement, which has `None` where it says nothing."""


def stated_in(figures: object) -> dict[str, int]:
    """`STATED` of whatever has them as attributes, by name."""
    return dict(zip(STATED, read_stated(figures), strict=True))
