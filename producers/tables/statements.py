"""The statements of a table: put together of its lines, and which of them are news to the run. Pure.

A table has one line for a statement, or one for each candidate of it (`Draft`). Lines that contradict each other are no
statement: they are told.

`BoxHistory` is for official box tables: a statement that could not count any more is a fault of the table.
`ReportHistory` is for files that are published again and again, of districts or of boxes: it picks what to publish.

The ledger's rule for both: a higher revision takes the place of a lower one. Where an agency's file has revisions of
its own, its reports are published as they are. Where a report is known by its update time alone, that time in
milliseconds is its revision, as long as times rise. Where they do not, nothing is lost:

- Other figures at the same or an earlier update time come after what was published: the file was edited, or a clock was
  put back. They get the next revision, keep the time that the file has, and a person is told.
- The same figures at no later time are nothing new. Nor is a statement that was published word for word before the
  newest one: an old copy that came back does not take the place of the newer one, and a person is told.
- Where figures alone make a statement a newer one (`by_content`), those that differ from the newest ones get the next
  revision, whatever their time. An old copy that says word for word, with its time, what was published before is told.
- A box that is gone from a file may be withdrawn: see `gone`.
- Of several lines of a district in one file only the latest is current. An older line that was not published in time
  cannot count any more, and a person is told.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from msgspec.structs import replace as with_fields

from producers.tables.mapping_sections import AbsentSection
from producers.tables.notation import revision_of
from schemas.figures import EVERY_COUNT, Given
from schemas.tally import NOT_GIVEN, Counted, Reported, Withdrawn, order_of

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
    stated: dict[str, Any] = {
        "contest": key.contest,
        "district": key.district,
        "source": source,
        "revision": key.revision,
        "at": draft.at,
    }
    if key.box and draft.state != COUNTED:
        return Withdrawn(type="annulled" if draft.state == "annulled" else "withdrawn", box=key.box, **stated)
    counts = {name: figures.get(name, NOT_GIVEN) for name in ("registered", "cast", "valid", "invalid", "blank")}
    counts["unattributed"] = figures["unattributed"]
    if key.box:
        kind: Literal["counted", "corrected"] = "counted" if key.revision == 1 else "corrected"
        return Counted(type=kind, box=key.box, votes=draft.votes, **stated, **counts)
    return Reported(
        type="report_corrected" if draft.is_correction else "reported",
        boxes_opened=figures["boxes_opened"],
        votes=draft.votes,
        **stated,
        **counts,
    )


def at_revision(event: Statement, revision: int) -> Statement:
    """Return a statement at another revision."""
    if isinstance(event, Counted):
        return with_fields(event, revision=revision, type="counted" if revision == 1 else "corrected")
    return replace(event, revision=revision)


BoxId = tuple[str, int]
"""A district's id and a box's number."""

StatementId = tuple[str, str, int]
"""A contest's and a district's id, and a box's number or 0."""


@dataclass(slots=True)
class BoxHistory:
    """The statements that one source has made of one contest's boxes.

    `highest` is the highest revision among them, 0 before the first. Call order: `add` each statement that is in the
    log, then `cannot_count`.
    """

    highest: int = 0
    _newest: dict[BoxId, int] = field(default_factory=dict)
    _statements: dict[tuple[BoxId, int], int] = field(default_factory=dict)

    def add(self, tally: Counted | Withdrawn) -> None:
        """Note a statement that is in the log."""
        box = tally.district, tally.box
        self.highest = max(self.highest, tally.revision)
        self._newest[box] = max(self._newest.get(box, 0), tally.revision)
        if not tally.released:
            self._statements.setdefault((box, tally.revision), _box_content(tally))

    def cannot_count(self, events: Iterable[Counted]) -> list[str]:
        """Return a sentence for each box of a table that could not count, judged by its newest event.

        What the log has word for word may be sent again.
        """
        newest: dict[BoxId, Counted] = {}
        for event in events:
            box = event.district, event.box
            if box not in newest or newest[box].revision < event.revision:
                newest[box] = event
        return [fault for box, event in newest.items() if (fault := self._fault(box, event))]

    def _fault(self, box: BoxId, event: Counted) -> str:
        newest = self._newest.get(box, 0)
        before = self._statements.get((box, event.revision))
        if event.revision > newest or before == _box_content(event):
            return ""
        what = f"box {event.box} of {event.district}"
        if before is not None:
            return f"{what} was published before at revision {event.revision} with other counts"
        return f"{what} was published before at revision {newest}, which is higher than {event.revision}"


@dataclass(slots=True)
class News:
    """What is new in a file: the reports to publish, in this order.

    `odd` has a sentence for each thing that a person should look at: what is taken for newer than its time, and what is
    left out as older than what was published. `refused` has one for each report that cannot count until it is edited.
    """

    publish: list[Statement] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


@dataclass(slots=True)
class ReportHistory:
    """What was published of each contest and district, or box, by one source.

    `by_time`: a statement's revision is its update time; `by_content`: it is the next one whenever its figures are
    others. `latest` is the latest time of all that was published. Call order: `add` each statement that is in the log,
    then `news` for each state of the file.
    """

    by_time: bool = False
    by_content: bool = False
    latest: datetime | None = None
    _newest: dict[StatementId, Statement] = field(default_factory=dict)
    _by_revision: defaultdict[StatementId, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    _statements: set[int] = field(default_factory=set)
    _unnoted: list[Statement] = field(default_factory=list)  # published, and noted once somebody asks again

    def add(self, report: Statement) -> None:
        """Note a statement that is in the log, whoever published it."""
        key = _id(report)
        newest = self._newest.get(key)
        if newest is None or _order(report) >= _order(newest):
            self._newest[key] = report
        self.latest = report.at if self.latest is None else max(self.latest, report.at)
        self._statements.add(_statement(report))
        if not (self.by_time or self.by_content or report.released):
            self._by_revision[key].setdefault(report.revision, _figures(report))

    def news(self, reports: Iterable[Statement]) -> News:
        """Return what is new among the statements of a file; what is to be published is published from now on."""
        self._note()
        reports = list(reports)
        if not self._newest and len(set(map(_id, reports))) == len(reports):
            return self._all_new(reports)
        by_id: defaultdict[StatementId, list[Statement]] = defaultdict(list)
        for report in reports:
            by_id[_id(report)].append(report)
        news = News()
        for lines in by_id.values():
            *older, latest = sorted(lines, key=lambda report: report.revision)
            for report in older:
                (self._older if self.by_time or self.by_content else self._revised)(report, news)
            (self._latest if self.by_time or self.by_content else self._revised)(latest, news)
        news.publish.sort(key=lambda report: report.revision)
        return news

    def _all_new(self, reports: Iterable[Statement]) -> News:
        """Return all of a file as new, where nothing was published before and each statement is there once."""
        first = (at_revision(report, 1) for report in reports) if self.by_content else reports
        publish = sorted(first, key=lambda report: report.revision)
        self._unnoted = publish
        self.latest = max((report.at for report in publish), default=self.latest)
        return News(publish=[*publish])

    def _note(self) -> None:
        unnoted, self._unnoted = self._unnoted, []
        for report in unnoted:
            self.add(report)

    def gone(self, places: AbstractSet[StatementId], at: datetime) -> News:
        """Return the boxes that a whole file does not have any more, each as withdrawn at `at`.

        Nothing is withdrawn of a contest and district of which the file has no line, nor where more boxes are gone than
        are left: then a part of the file is missing rather than boxes. `odd` says so.
        """
        self._note()
        news, known = News(), {cell[:2] for cell in places}
        counted = {key: one for key, one in self._newest.items() if key[2] and isinstance(one, Counted)}
        if any(at < one.at for one in counted.values()):
            return news  # an older state of the file says nothing of what came later
        missing = [key for key in counted if key not in places and key[:2] in known]
        elsewhere = {key[:2] for key in counted if key[:2] not in known}
        for contest, district in sorted(elsewhere):
            news.odd.append(f"{district} ({contest}) has no line any more. What was published of it stands.")
        if len(missing) > len(counted) - len(missing):
            news.odd.append(
                f"{len(missing)} boxes are gone from the file, more than are left. None is withdrawn. Is it whole?"
            )
            return news
        for key in missing:
            newest = counted[key]
            withdrawn = Withdrawn(
                type="withdrawn",
                contest=newest.contest,
                district=newest.district,
                box=newest.box,
                source=newest.source,
                revision=newest.revision + 1,
                at=max(at, newest.at),
            )
            self._publish(withdrawn, news)
        return news

    def _publish(self, report: Statement, news: News) -> None:
        self.add(report)
        news.publish.append(report)

    def _after(self, newest: Statement, report: Statement) -> Statement:
        """Return a statement at the revision after the newest; by time, at that of its time if it is higher."""
        revision = 1 if self.by_content else revision_of(report.at)
        return at_revision(report, max(revision, newest.revision + 1))

    def _revised(self, report: Statement, news: News) -> None:
        """Judge a report that has a revision of its source's own."""
        newest, before = self._newest.get(_id(report)), self._by_revision[_id(report)].get(report.revision)
        what = f"{_what(report)}: revision {report.revision}"
        if before is not None and before != _figures(report):
            news.refused.append(
                f"{what} was published before with other figures, which stand. Give what is new a higher revision."
            )
        elif before is None or (report.type == "report_corrected" and _statement(report) not in self._statements):
            if newest is not None and report.revision < newest.revision:
                # published all the same: the ledger decides, and what it ignored is then in the log to be seen
                begins_anew = report.at > newest.at
                news.odd.append(
                    f"{what} comes after revision {newest.revision}, which stands"
                    + (
                        f", and says a later time. Does {report.source} count its revisions anew?"
                        if begins_anew
                        else "."
                    )
                )
            self._publish(report, news)

    def _older(self, report: Statement, news: News) -> None:
        """Judge a line of a file that has a later one of the same district."""
        newest = self._newest.get(_id(report))
        if newest is None or report.revision > newest.revision:
            self._publish(report, news)
        elif _statement(report) not in self._statements:
            news.odd.append(
                f"{_at(report)} is new in the file, but later figures, of {newest.at}, were published before. Left "
                "out: it could not count any more."
            )

    def _latest(self, report: Statement, news: News) -> None:
        """Judge the latest line of a district in a file."""
        newest = self._newest.get(_id(report))
        if newest is None:
            self._publish(at_revision(report, 1) if self.by_content else report, news)
        elif _figures(report) == _figures(newest):
            self._same_figures(report, newest, news)
        elif isinstance(newest, Withdrawn) and not isinstance(report, Withdrawn):
            self._publish(self._after(newest, report), news)  # it is there again, maybe as it was before
        elif report.type != "report_corrected" and report.at != newest.at and _statement(report) in self._statements:
            news.odd.append(
                f"{_at(report)} says again what was published before the figures of {newest.at}. Left out: is it an "
                "old copy? If it is meant, mark it as a correction."
            )
        else:
            if report.at < newest.at and not self.by_content:
                news.odd.append(
                    f"{_at(report)} has other figures than those of {newest.at}, and is taken for newer. Was a clock "
                    "put back, or the file mended?"
                )
            elif report.at == newest.at and not self.by_content:
                news.odd.append(f"{_at(report)} has other figures than before at that time, and is taken for newer.")
            self._publish(self._after(newest, report), news)

    def _same_figures(self, report: Statement, newest: Statement, news: News) -> None:
        """Judge a report with the newest figures: it is news only if its time is later, or it is now a correction."""
        if report.at > newest.at and not self.by_content:
            self._publish(self._after(newest, report), news)
        elif report.type == "report_corrected" and newest.type == "reported":
            # the mark alone is new: at the same revision, unless an operator has let that one out of quarantine
            again = self._after(newest, report) if newest.released else at_revision(report, newest.revision)
            self._publish(again, news)


def _id(report: Statement) -> StatementId:
    return report.contest, report.district, 0 if isinstance(report, Reported) else report.box


def _order(report: Statement) -> int:
    return order_of(report.revision, report.released)


def _at(report: Statement) -> str:
    return f"{_what(report)} at {report.at}"


def _what(report: Statement) -> str:
    box = "" if isinstance(report, Reported) else f"box {report.box} of "
    return f"{box}{report.district} ({report.contest})"


def _counts(tally: Counted | Reported) -> tuple[object, ...]:
    """Return the counts of a statement; a candidate with no votes is the same as one who is not named."""
    votes = frozenset((candidate, count) for candidate, count in tally.votes.items() if count)
    return tally.registered, tally.cast, tally.valid, tally.invalid, tally.unattributed, votes


def _box_content(tally: Counted | Withdrawn) -> int:
    """Return a hash that is equal for statements with equal content, whatever their time."""
    return hash(tally.type if isinstance(tally, Withdrawn) else _counts(tally))


def _figures(report: Statement) -> int:
    """Return a hash that is equal for statements with equal figures, whatever their time and mark."""
    if isinstance(report, Reported):
        return hash((report.boxes_opened, _counts(report)))
    return _box_content(report)


def _statement(report: Statement) -> int:
    """Return a hash that is equal for statements with equal figures, time and mark."""
    mark = "counted" if isinstance(report, Counted) else report.type
    return hash((*_id(report), mark, report.at, _figures(report)))
