"""What the lines of a table say of one district or box, put together to one statement. Pure.

A table has one line for a statement, or one for each candidate of it. Lines that contradict each other are no
statement: they are told.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, NamedTuple

from msgspec.structs import replace as with_fields

from producers.tables.mapping_sections import AbsentSection
from schemas.figures import EVERY_COUNT, Given
from schemas.tally import NOT_GIVEN, Counted, Reported, Withdrawn

Statement = Counted | Reported | Withdrawn

COUNTED: Final = "counted"
VOTES: Final = "votes"

Part = tuple[str, str]


class StatementKey(NamedTuple):
    """What makes a statement unique: the contest, the district, the box (0 for a whole district) and the revision."""

    contest: str
    district: str
    box: int
    revision: int

    @property
    def what(self) -> str:
        """What messages call it."""
        return f"box {self.box} of {self.district}" if self.box else self.district


@dataclass(slots=True)
class Draft:
    """What is known of one statement so far.

    - `counts`: figures that every line of the statement has.
    - `parts`: what single lines count, by count (`votes` or one of the others) and candidate or word.
    - `lines`: the numbers of its lines; `first_of` the first line of each part.
    - `state`: `counted`, or `withdrawn` or `annulled`.
    """

    at: datetime
    is_correction: bool = False
    state: str = COUNTED
    counts: dict[str, int] = field(default_factory=dict)
    parts: dict[Part, int] = field(default_factory=dict)
    lines: list[int] = field(default_factory=list)
    first_of: dict[Part, int] = field(default_factory=dict)
    cells: set[tuple[str, ...]] = field(default_factory=set)

    @property
    def votes(self) -> dict[str, int]:
        """The votes by candidate."""
        return {name: count for (kind, name), count in self.parts.items() if kind == VOTES}

    def join(self, other: "Draft", what: str, line: str, *, adds: bool) -> bool:
        """Take in what another line says. Return whether it was new, which a line that is there twice is not.

        `adds`: figures of one candidate in several lines are parts of a sum. Raises `ValueError` where lines contradict
        each other; `line` is what messages call a line.
        """
        if adds and other.cells <= self.cells:
            return False
        first = f"{line} {self.lines[0]}"
        self.lines += other.lines
        if (self.counts, self.state) != (other.counts, other.state):
            raise ValueError(f"{what} is in {first} with other figures")
        if self.is_correction != other.is_correction:
            mark = "without" if other.is_correction else "with"
            raise ValueError(f"{what} is in {first} {mark} the mark of a correction")
        self.at = max(self.at, other.at)
        self.cells |= other.cells
        for part, count in other.parts.items():
            before = self.parts.get(part)
            if before is not None and before != count and not adds:
                raise ValueError(f"{what} has other votes of {part[1]!r} in {line} {self.first_of[part]}")
            self.parts[part] = before + count if adds and before is not None else count
            self.first_of.setdefault(part, other.lines[0])
        return True

    def figures(
        self,
        absent: AbsentSection,
        called: Mapping[str, str],
        boxes: Callable[[], int],
        given: Given = EVERY_COUNT,
    ) -> dict[str, int]:
        """Return all counts of the statement: those of its lines, and what is taken for those that are absent.

        `called` is how the table calls a count, `boxes` how many there are, where all are meant, `given` which counts
        the definition expects: one that the source does not give stays away. Raises `ValueError` where something is
        missing, or contradicts itself.
        """
        figures, votes = dict(self.counts), 0
        for (name, _), count in self.parts.items():
            if name == VOTES:
                votes += count
            else:
                figures[name] = figures.get(name, 0) + count
        if absent.boxes_opened and "boxes_opened" not in figures:
            figures["boxes_opened"] = boxes()
        if not given.blank and "blank" in figures:
            figures["invalid"] = figures.pop("blank") + figures.get("invalid", 0)
        _refuse_unexpected(figures, called, given)
        taken_for_none = {
            "registered": absent.registered,
            "invalid": absent.invalid == "none",
            "blank": absent.blank == "none",
        }
        for name, is_none in taken_for_none.items():
            if is_none and name in given.counts:
                figures.setdefault(name, 0)
        figures.setdefault("unattributed", 0)
        return _added_up(figures, votes, absent, called, given)


def _refuse_unexpected(figures: Mapping[str, int], called: Mapping[str, str], given: Given) -> None:
    for name in given.absent:
        if name in figures:
            raise ValueError(
                f"{called.get(name, name)} is {figures[name]}, and by the definition (absent) the source does not give "
                f"what is {name}"
            )


def _added_up(
    figures: dict[str, int], votes: int, absent: AbsentSection, called: Mapping[str, str], given: Given
) -> dict[str, int]:
    """Add the counts that follow from others. Raises `ValueError` where one is missing."""
    others = ("invalid", "blank") if given.blank else ("invalid",)
    if absent.valid == "sum" and "valid" in given.counts:
        figures.setdefault("valid", votes + figures["unattributed"])
    if absent.cast == "sum" and "cast" in given.counts and "cast" not in figures:
        _need(figures, "valid", *others)
        figures["cast"] = figures["valid"] + sum(figures[name] for name in others)
    _need(figures, *(name for name in ("registered", "cast", "valid", *others[1:]) if name in given.counts))
    if "invalid" in given.counts and "invalid" not in figures:
        _need(figures, "cast", "valid", *others[1:])
        counted = figures["valid"] + figures.get("blank", 0)
        if counted > figures["cast"]:
            *parts, cast = (called.get(name, name) for name in ("valid", *others[1:], "cast"))
            raise ValueError(f"{' and '.join(parts)} is {counted}, over the {figures['cast']} of {cast}")
        figures["invalid"] = figures["cast"] - counted
    return figures


def _need(figures: Mapping[str, int], *names: str) -> None:
    missing = [name for name in names if name not in figures]
    if missing:
        raise ValueError(f"no line says what is {' and '.join(missing)}")


def statement(key: StatementKey, draft: Draft, figures: dict[str, int], source: str) -> Statement:
    """Return the event that a draft is."""
    if not key.box:
        return Reported(
            type="report_corrected" if draft.is_correction else "reported",
            contest=key.contest,
            district=key.district,
            source=source,
            revision=key.revision,
            at=draft.at,
            boxes_opened=figures["boxes_opened"],
            registered=figures.get("registered", NOT_GIVEN),
            cast=figures.get("cast", NOT_GIVEN),
            valid=figures.get("valid", NOT_GIVEN),
            invalid=figures.get("invalid", NOT_GIVEN),
            unattributed=figures["unattributed"],
            blank=figures.get("blank", NOT_GIVEN),
            votes=draft.votes,
        )
    if draft.state != COUNTED:
        return Withdrawn(
            type="annulled" if draft.state == "annulled" else "withdrawn",
            contest=key.contest,
            district=key.district,
            box=key.box,
            source=source,
            revision=key.revision,
            at=draft.at,
        )
    return Counted(
        type="counted" if key.revision == 1 else "corrected",
        contest=key.contest,
        district=key.district,
        box=key.box,
        source=source,
        revision=key.revision,
        at=draft.at,
        registered=figures.get("registered", NOT_GIVEN),
        cast=figures.get("cast", NOT_GIVEN),
        valid=figures.get("valid", NOT_GIVEN),
        invalid=figures.get("invalid", NOT_GIVEN),
        unattributed=figures["unattributed"],
        blank=figures.get("blank", NOT_GIVEN),
        votes=draft.votes,
    )


def at_revision(event: Statement, revision: int) -> Statement:
    """Return a statement at another revision."""
    if isinstance(event, Counted):
        return with_fields(event, revision=revision, type="counted" if revision == 1 else "corrected")
    return replace(event, revision=revision)
