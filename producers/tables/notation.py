"""Numbers and times as tables write them: parsed as the mapping says, or refused. Pure.

A table of a country has millions of cells, and nearly all of them are plain digits: one look at all cells of a line
together (`LineNumbers`) shows that, and what is left is `int`. Any other cell is parsed as the mapping says numbers are
written.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from operator import itemgetter
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.fields import EVENTS_END, FIRST_EVENT, MAX_BOX_NUMBER
from schemas.moments import Showing, day_of_night, moment_in
from schemas.spelling import fold

GROUP_MARKS: Final = ".,' \u00a0\u202f\u2019"
"""What stands between groups of digits where numbers are written for people."""

_GROUPED: Final = re.compile(rf"[1-9][0-9]{{0,2}}([{GROUP_MARKS}])[0-9]{{3}}(\1[0-9]{{3}})*")

_GROUP_DIGITS: Final = 3
"""The digits of a group of thousands. As many behind a decimal mark may be a group, so such a number is ambiguous."""

_ISO: Final = re.compile(r"\d{4}-?\d{2}-?\d{2}[T ]\d{2}.*", re.ASCII)
"""A date and at least an hour: without one, Python would read midnight."""

_YEAR: Final = frozenset("YyGcx")
_MONTH: Final = frozenset("mbBjcx")
_DAY: Final = frozenset("djcx")
_WEEK: Final = frozenset("UWVuw")
_DATE: Final = _YEAR | _MONTH | _DAY | _WEEK
"""The directives of strptime that give a part of a date. The name of a weekday is none that matters."""

_FIRST_REVISION: Final = datetime(1970, 1, 2, tzinfo=UTC)
"""The earliest update time whose milliseconds are a revision of 1 or more, whatever its zone."""


class SetAside(ValueError):
    """A count that nobody can know, such as an illegible one: no fault of the file, but its line is not published."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """How whole numbers are written: grouped by `thousands` (`1.234.567`), with decimals of zero (`12,0`).

    `zero` and `unreadable` are words (their keys, see `fold`) in place of a number: for none, and for one that is not
    known.
    """

    thousands: str = ""
    decimal: str = ""
    zero: frozenset[str] = frozenset()
    unreadable: frozenset[str] = frozenset()

    def parse(self, text: str, what: str, most: int) -> int:
        """Parse a whole number from 0 to `most`. Raises `ValueError`, which calls the number by `what`.

        It is `SetAside` where a word says that the number is not known.
        """
        digits = text.strip()
        if (self.zero or self.unreadable) and not digits.isdecimal():
            word = fold(digits)
            if word in self.unreadable:
                raise SetAside(f"{what} is {text!r}")
            if word in self.zero:
                return 0
        if self.decimal and self.decimal in digits:
            digits = self._whole(digits, f"{what} is {text!r}")
        if self.thousands and re.fullmatch(rf"[1-9]\d{{0,2}}({re.escape(self.thousands)}\d{{3}})+", digits, re.ASCII):
            digits = digits.replace(self.thousands, "")
        if not (digits.isascii() and digits.isdecimal()):
            raise ValueError(f"{what} is {text!r}, not a whole number from 0 up{self._written()}{self._hint(digits)}")
        if len(digits.lstrip("0")) > len(str(most)) or int(digits) > most:
            hint = ". Make a shorter number of it under [derived] in the mapping" if most == MAX_BOX_NUMBER else ""
            raise ValueError(f"{what} is {text!r}, over the {most} that there can be{hint}")
        return int(digits)

    def _whole(self, digits: str, found: str) -> str:
        """Return the digits before the decimal mark. Raises `ValueError` where those behind it are not all zeros."""
        whole, _, rest = digits.partition(self.decimal)
        if not rest or rest.strip("0"):
            raise ValueError(f"{found}, not a whole number{self._written()}")
        if len(rest) == _GROUP_DIGITS:
            raise ValueError(
                f"{found}: with {self.decimal!r} as decimal mark that is {whole}, but it looks like thousands. "
                "Say as table.thousands and table.decimal in the mapping what the marks mean, or mend the file"
            )
        return whole

    def _hint(self, digits: str) -> str:
        """Return what to write where the digits are in groups, and the mapping names no mark between them."""
        grouped = _GROUPED.fullmatch(digits) if not self.thousands else None
        return f". Where that is one number, say table.thousands = {grouped[1]!r} in the mapping" if grouped else ""

    def _written(self) -> str:
        """Return how the mapping says that numbers are written, or an empty string."""
        marks = [
            f"{name} = {mark!r}" for name, mark in (("thousands", self.thousands), ("decimal", self.decimal)) if mark
        ]
        return f" ({', '.join(marks)})" if marks else ""


@dataclass(frozen=True, slots=True)
class Times:
    """How times are written: ISO 8601, or in a `pattern` of `strptime`.

    - `zone` is that of times that name none.
    - `showing` says which of two moments is meant where clocks in the zone show a time twice.
    - `night`: where a pattern has no date, times are of the night that begins on this day; see `day_of_night`.
    """

    pattern: str | None = None
    zone: ZoneInfo | None = None
    night: date | None = None
    showing: Showing | None = None

    def parse(self, text: str, what: str) -> datetime:
        """Parse a moment, with its offset from UTC. Raises `ValueError`, which calls the time by `what`."""
        found = text.strip()
        try:
            if self.pattern is None:
                moment = datetime.fromisoformat(found if _ISO.fullmatch(found) else "")
            else:
                moment = datetime.strptime(found, self.pattern)  # noqa: DTZ007  the zone is looked at below
        except ValueError:
            like = self.pattern or "2024-03-31T21:14:00+03:00"
            hint = "" if self.pattern else ". Say as report.time_format in the mapping how else times are written"
            raise ValueError(f"{what} is {text!r}, not a time like {like}{hint}") from None
        if self.pattern is not None and not says_date(self.pattern):
            moment = self._in_night(moment, what)
        return self.with_zone(moment, what)

    def with_zone(self, moment: datetime, what: str) -> datetime:
        """Return the moment with its own offset, or else with that of the zone.

        Raises `ValueError` where it has neither, where clocks in the zone never show the time, where they show it twice
        and nothing says which is meant, and where no event can have the time.
        """
        if moment.tzinfo is None:
            moment = self._in_zone(moment, what)
        if not FIRST_EVENT <= moment < EVENTS_END:
            raise ValueError(f"{what} is {moment.isoformat(' ')}, which is in no year that an event can be of")
        return moment

    def _in_zone(self, local: datetime, what: str) -> datetime:
        if self.zone is None:
            raise ValueError(
                f"{what} is {local.isoformat(' ')} in no time zone. Say as report.timezone in the mapping in which"
            )
        try:
            return moment_in(local, self.zone, self.showing)
        except ValueError as error:
            hint = ' Say as report.repeated_hour in the mapping which is meant: "first" or "second"'
            raise ValueError(f"{what}: {error}.{hint if 'twice' in str(error) else ' Ask whoever wrote it'}") from None

    def _in_night(self, moment: datetime, what: str) -> datetime:
        """Return the moment at which clocks show this time of day in the night."""
        if self.night is None:
            raise ValueError(f"{what} is a time of day, {moment.time()}, and nothing says of which day")
        return datetime.combine(day_of_night(moment.time(), self.night), moment.timetz())


def says_date(pattern: str) -> bool:
    """Return whether a pattern of `strptime` has any part of a date."""
    return bool(_DATE & _directives(pattern))


def check_pattern(pattern: str) -> str:
    """Return the pattern of `strptime` if it gives a complete time. Raises `ValueError`, which says what it lacks."""
    directives = _directives(pattern)
    parts = {"year": _YEAR & directives, "month": _MONTH & directives, "day": _DAY & directives}
    missing = [name for name, found in parts.items() if not found]
    if _DATE & directives and missing:
        raise ValueError(
            f"the time format {pattern!r} says no {missing[0]}. Give a whole date, such as %d.%m.%Y, or none: then a "
            "time is of the election's night"
        )
    if not directives & set("HcX") and not directives >= {"I", "p"}:
        raise ValueError(f"the time format {pattern!r} says no hour (%H, or %I with %p)")
    if "Z" in directives:
        raise ValueError(f"the time format {pattern!r} has %Z, whose names say no zone. Use %z, or report.timezone")
    try:
        datetime.strptime(datetime(2024, 3, 31, 21, 14, tzinfo=UTC).strftime(pattern), pattern)  # noqa: DTZ007
    except (ValueError, re.error) as error:
        raise ValueError(f"the time format {pattern!r} cannot be read by: {error}") from None
    return pattern


def _directives(pattern: str) -> frozenset[str]:
    return frozenset(re.findall(r"%(.)", pattern.replace("%%", "")))


def revision_of(at: datetime) -> int:
    """Return the revision of a report that is known by its update time alone: milliseconds since 1970, UTC.

    Raises `ValueError` for a time before that.
    """
    if at < _FIRST_REVISION:
        raise ValueError(f"the update time is {at.isoformat(' ')}, too early to be a revision")
    return int(at.timestamp() * 1000)


PLAIN_DIGITS: Final = 10
"""A number of fewer digits needs no look at how it is written."""


class NumberColumn(NamedTuple):
    """A column of numbers: what it is called, where it is in a line, and the highest number that there can be."""

    name: str
    place: int
    most: int


class LineNumbers:
    """Reads the numbers of some columns of a line, in the order of the columns."""

    def __init__(self, columns: Sequence[NumberColumn], numbers: Numbers) -> None:
        self._columns = tuple(columns)
        self._numbers = numbers
        self._least = min((column.most for column in columns), default=0)
        self._cells = taker([column.place for column in columns])

    def read(self, cells: Sequence[str]) -> list[int]:
        """Return the numbers. Raises `ValueError`, which names the first column that has none."""
        texts = self._cells(cells)
        joined = "".join(texts)
        if joined.isdecimal() and joined.isascii() and all(texts) and max(map(len, texts)) < PLAIN_DIGITS:
            found = list(map(int, texts))
            if max(found) <= self._least:
                return found
        return [self._numbers.parse(cells[place].strip(), name, most) for name, place, most in self._columns]


def taker(places: Sequence[int]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    """Return a function that takes the cells at these places; `itemgetter` of one place alone gives no tuple."""
    if len(places) > 1:
        return itemgetter(*places)
    if len(places) == 1:
        place = places[0]
        return lambda cells: (cells[place],)
    return lambda cells: tuple(cells[place] for place in places)
