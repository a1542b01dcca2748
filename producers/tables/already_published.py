"""What an agency's file is to say next, given what was published of the agency before. Pure.

The ledger's law: a higher revision takes the place of a lower one. Where the file has revisions of its own, they are
published as they are. Where a report is known by its update time alone, that time is its revision, as long as it goes
on. Time that lies loses nothing:

- Other figures at the same or an earlier update time come after what was published: a file that was mended, or a clock
  that was put back. They get the next revision, keep the time that the file says, and are told.
- The same figures at no later time are nothing new. Neither is a file that says again, word for word, what was
  published before the newest: an old copy that came back is told, and does not take the place of the newer one.
- Of several lines of a district in one file only the latest is its word now. An older line that was not published in
  time cannot count any more, and is told.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from producers.tables.notation import revision_of
from schemas.tally import Counted, Reported, Withdrawn, order_of

Place = tuple[str, str]
"""A contest and a district."""


@dataclass(slots=True)
class News:
    """What is new in a file: the reports to publish, in this order.

    `odd` says what a person should look at: what is taken for newer than it says, and what is left out as older than
    what was published. `refused` says which cannot count, until somebody mends them. A sentence each.
    """

    publish: list[Reported] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Sent:
    """What was published of each contest and district. `by_time`: a report's revision is its update time."""

    by_time: bool = False
    _newest: dict[Place, Reported] = field(default_factory=dict)
    _by_revision: defaultdict[Place, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    _statements: set[int] = field(default_factory=set)

    def add(self, report: Reported) -> None:
        """Take note of a report that is in the log, whoever published it."""
        place = _place(report)
        newest = self._newest.get(place)
        if newest is None or _order(report) >= _order(newest):
            self._newest[place] = report
        self._statements.add(_statement(report))
        if not (self.by_time or report.released):
            self._by_revision[place].setdefault(report.revision, _figures(report))

    def news(self, reports: Iterable[Reported]) -> News:
        """What is new among the reports of a file; what is to be published counts as published from now on."""
        by_place: defaultdict[Place, list[Reported]] = defaultdict(list)
        for report in reports:
            by_place[_place(report)].append(report)
        news = News()
        for of_place in by_place.values():
            *older, last = sorted(of_place, key=lambda report: report.revision)
            for report in older:
                (self._older if self.by_time else self._as_revised)(report, news)
            (self._last if self.by_time else self._as_revised)(last, news)
        news.publish.sort(key=lambda report: report.revision)
        return news

    def _publish(self, report: Reported, news: News) -> None:
        self.add(report)
        news.publish.append(report)

    def _as_revised(self, report: Reported, news: News) -> None:
        """A report with a revision of its source's own."""
        newest, before = self._newest.get(_place(report)), self._by_revision[_place(report)].get(report.revision)
        what = f"{report.district} ({report.contest}): revision {report.revision}"
        if before is not None and before != _figures(report):
            news.refused.append(
                f"{what} was published before with other figures, which stand. Give what is new a higher revision."
            )
        elif before is None or (report.type == "report_corrected" and _statement(report) not in self._statements):
            if newest is not None and report.revision < newest.revision:
                again = report.at > newest.at
                news.odd.append(
                    f"{what} comes after revision {newest.revision}, which stands"
                    + (f", and says a later time. Does {report.source} count its revisions anew?" if again else ".")
                )
            self._publish(report, news)

    def _older(self, report: Reported, news: News) -> None:
        """A line of a file that has a later one of the same district."""
        newest = self._newest.get(_place(report))
        if newest is None or report.revision > newest.revision:
            self._publish(report, news)
        elif _statement(report) not in self._statements:
            news.odd.append(
                f"{_at(report)} is new in the file, but later figures, of {newest.at}, were published before. Left "
                "out: it could not count any more."
            )

    def _last(self, report: Reported, news: News) -> None:
        """The latest line of a district in a file."""
        newest = self._newest.get(_place(report))
        if newest is None:
            self._publish(report, news)
        elif _figures(report) == _figures(newest):
            self._same_again(report, newest, news)
        elif report.type == "reported" and report.at != newest.at and _statement(report) in self._statements:
            news.odd.append(
                f"{_at(report)} says again what was published before the figures of {newest.at}. Left out: is it an "
                "old copy? If it is meant, mark it as a correction."
            )
        else:
            if report.at < newest.at:
                news.odd.append(
                    f"{_at(report)} has other figures than those of {newest.at}, and is taken for newer. Was a clock "
                    "put back, or the file mended?"
                )
            elif report.at == newest.at:
                news.odd.append(f"{_at(report)} has other figures than before at that time, and is taken for newer.")
            self._publish(_after(newest, report), news)

    def _same_again(self, report: Reported, newest: Reported, news: News) -> None:
        """The same figures: news only if they are of a later time, or now marked as a correction."""
        if report.at > newest.at:
            self._publish(_after(newest, report), news)
        elif report.type == "report_corrected" and newest.type == "reported":
            again = _after(newest, report) if newest.released else replace(report, revision=newest.revision)
            self._publish(again, news)


def _after(newest: Reported, report: Reported) -> Reported:
    """The report at the revision of its time, or at the one after the newest, whichever is higher."""
    return replace(report, revision=max(revision_of(report.at), newest.revision + 1))


def _place(report: Reported) -> Place:
    return report.contest, report.district


def _order(report: Reported) -> int:
    return order_of(report.revision, report.released)


def _at(report: Reported) -> str:
    return f"{report.district} ({report.contest}) at {report.at}"


def _figures(report: Reported) -> int:
    """Equal for reports that say the same, whenever and however marked."""
    votes = frozenset((candidate, count) for candidate, count in report.votes.items() if count)
    counts = (report.registered, report.cast, report.valid, report.invalid, report.unattributed)
    return hash((report.boxes_opened, counts, votes))


def _statement(report: Reported) -> int:
    """Equal for reports that say the same of the same time with the same mark."""
    return hash((report.contest, report.district, report.type, report.at, _figures(report)))


Box = tuple[str, int]
"""A district and a box's number."""


@dataclass(slots=True)
class BoxHistory:
    """The statements that one source has made of one contest's boxes.

    `highest` is the highest revision among them, 0 before the first.
    """

    highest: int = 0
    _newest: dict[Box, int] = field(default_factory=dict)
    _statements: dict[tuple[Box, int], int] = field(default_factory=dict)

    def add(self, tally: Counted | Withdrawn) -> None:
        """Take note of a statement that is in the log."""
        box = tally.district, tally.box
        self.highest = max(self.highest, tally.revision)
        self._newest[box] = max(self._newest.get(box, 0), tally.revision)
        if not tally.released:
            self._statements.setdefault((box, tally.revision), _content(tally))

    def cannot_count(self, events: Iterable[Counted]) -> list[str]:
        """What keeps boxes of a table from counting, a sentence for each; of a box its newest event is asked about.

        What the log has word for word may be sent again.
        """
        last: dict[Box, Counted] = {}
        for event in events:
            box = event.district, event.box
            if box not in last or last[box].revision < event.revision:
                last[box] = event
        return [fault for box, event in last.items() if (fault := self._outdone(box, event))]

    def _outdone(self, box: Box, event: Counted) -> str:
        newest = self._newest.get(box, 0)
        before = self._statements.get((box, event.revision))
        if event.revision > newest or before == _content(event):
            return ""
        what = f"box {event.box} of {event.district}"
        if before is not None:
            return f"{what} was published before at revision {event.revision} with other counts"
        return f"{what} was published before at revision {newest}, which is higher than {event.revision}"


def _content(tally: Counted | Withdrawn) -> int:
    """Equal for statements that say the same, whenever they say it."""
    if isinstance(tally, Withdrawn):
        return hash(tally.type)
    votes = frozenset((candidate, count) for candidate, count in tally.votes.items() if count)
    return hash((tally.registered, tally.cast, tally.valid, tally.invalid, tally.unattributed, votes))
