"""How tables write numbers, times and names: parsed as the mapping says, found in the definition, or refused. Pure.

A table of a country has millions of cells, and nearly all of them are plain digits: one look at all cells of a line
together (`LineNumbers`) shows that, and what is left is `int`. Any other cell is parsed as the mapping says numbers are
written.

Districts and candidates are found by the very name first, then by any spelling of it (`Spellings`).
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import get_close_matches
from functools import cached_property
from operator import itemgetter
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from producers.input_files import some_of
from schemas.definition import Candidate, Contest, Election, Party
from schemas.fields import EVENTS_END, FIRST_EVENT, MAX_BOX_NUMBER
from schemas.moments import Showing, day_of_night, moment_in
from schemas.spelling import fold, same_letters, same_text
from schemas.units import boxes_in

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


NEAREST_NAMES: Final = 3
"""How many names an error suggests."""

MAX_SUGGESTED_FOR: Final = 200
"""For how many different names suggestions are sought: ten times what is shown. Each costs milliseconds, and a file of
another election has a hundred thousand."""

Named = Iterable[tuple[str, str]]
"""Names, each with the id that it stands for."""


class Spellings:
    """Ids by their names, in the order in which a name is looked for.

    A name that is there as it is, among the `given` ones or else among `names`, finds what has it, and what differs
    from it in nothing but case. Any other text is looked for by its key (see `fold`) among all of them and `also`. So
    two names that differ in an accent each find what is theirs, and a third spelling of them finds both: the caller
    then has to refuse it.
    """

    def __init__(self, *, given: Named = (), names: Named = (), also: Named = ()) -> None:
        """`given` names take the place of the same names, in any case, in the others."""
        given, names = list(given), list(names)
        self._texts = tuple({same_text(name) for name, _ in each if name.strip()} for each in (given, names))
        self._by_letters = tuple(map(_by_letters, (given, names)))
        others = [named for named in (*names, *also) if same_letters(named[0]) not in self._by_letters[0]]
        self._by_key: dict[str, list[str]] = {}
        self._suggested: dict[str, str] = {}
        for name, found in (*given, *others):
            _add(self._by_key, fold(name), found)

    def matches(self, name: str) -> Iterator[list[str]]:
        """Yield what has the very name, then what is found by the name's key; nothing where nothing is."""
        text = same_text(name)
        for texts, by_letters in zip(self._texts, self._by_letters, strict=True):
            if text in texts:
                yield by_letters[same_letters(name)]
        if found := self._by_key.get(fold(name)):
            yield found

    def find(self, name: str) -> list[str]:
        """Return the first of the `matches`: one id, none, or several where the name does not tell them apart."""
        return next(self.matches(name), [])

    def near(self, name: str) -> str:
        """Return `; nearest: x, y` with the ids of the names that are nearest to this one, or an empty string."""
        known = self._suggested.get(name)
        if known is None and len(self._suggested) < MAX_SUGGESTED_FOR:
            known = self._suggested[name] = self._nearest(name)
        return known or ""

    def _nearest(self, name: str) -> str:
        matches = get_close_matches(fold(name), self._by_key, NEAREST_NAMES, 0.6)
        near = dict.fromkeys(found for match in matches for found in self._by_key[match])
        return f"; nearest: {', '.join(list(near)[:NEAREST_NAMES])}" if near else ""


def _by_letters(named: Named) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, one in named:
        _add(found, same_letters(name), one)
    return found


def _add(ids: dict[str, list[str]], name: str, one: str) -> None:
    """Add an id under a name that is not blank, once."""
    known = ids.setdefault(name, []) if name else []
    if one not in known:
        known.append(one)


_RANGES_SHOWN: Final = 3
"""How many ranges of boxes a message names."""


class BoxNumbers:
    """The boxes of a definition, by their numbers."""

    def __init__(self, definition: Election) -> None:
        self._units = definition.unit_by_id
        self._known: dict[str, frozenset[int]] = {}

    def of(self, district: str) -> frozenset[int]:
        """Return the numbers of a district's boxes."""
        known = self._known.get(district)
        if known is None:
            known = self._known[district] = boxes_in(self._units[district].boxes)
        return known

    def check(self, number: int, district: str) -> int:
        """Return the number of a box, if the district has it. Raises `ValueError`, which says which boxes it has."""
        if number in self.of(district):
            return number
        ranges = [f"{first}-{last}" if first < last else f"{first}" for first, last in self._units[district].boxes]
        raise ValueError(
            f"the run has no box {number} in {district!r}, which has {some_of(ranges, _RANGES_SHOWN)}. Where a number "
            "is of several columns, such as zone and section, join them under [derived] in the mapping"
        )


class Names:
    """The districts and candidates of a definition, by their names in any spelling; see `Spellings`."""

    def __init__(
        self,
        definition: Election,
        *,
        within: str | None = None,
        units: Collection[str] | None = None,
        districts: Mapping[str, str],
        candidates: Mapping[str, str] | None = None,
    ) -> None:
        """`within`: find only districts below this unit. `units`: find these, in place of all districts.

        `districts` and `candidates`: ids by names that the definition does not have.
        """
        self._definition = definition
        self._within = within
        self._is_of_levels = units is not None and not all(map(definition.is_district, units))
        self._units = [unit.id for unit in definition.districts] if units is None else sorted(units)
        self._given_districts = districts
        self._given_candidates = candidates or {}
        self._ballots: dict[tuple[str, str], Spellings] = {}

    def district(self, name: str, province: str | None = None) -> str:
        """Return the id of the district. Raises `ValueError` where there is none of that name, or more than one."""
        above = None if province is None else set(self._provinces.find(province))
        for matches in self._districts.matches(name):
            found = [unit for unit in matches if above is None or self._definition.unit_by_id[unit].parent in above]
            if len(found) > 1:
                raise ValueError(
                    f"there are {len(found)} districts {name!r}: {self._called(found)}. Name the province's column as "
                    "units.province in the mapping, or the id of this very spelling under units.names"
                )
            if found:
                return found[0]
        where = f" in {province!r}" if province else ""
        near = self._districts.near(name)
        if self._is_of_levels:
            raise ValueError(f"no unit {name!r}{where} of those that the source tells (levels in the definition){near}")
        raise ValueError(f"no district {name!r}{where} in the election definition{near}")

    def has(self, name: str) -> bool:
        """Return whether there is a district, or more than one, of that name."""
        return bool(self._districts.find(name))

    def candidate(self, contest: str, district: str, names: Iterable[str]) -> str:
        """Return the id of the first of these names that is one candidate's on the ballot.

        Raises `ValueError` where none is, or where a name is that of several and no other tells which.
        """
        names = list(names)
        ballot = self._ballot(contest, district)
        found = next((ids[0] for ids in map(ballot.find, names) if len(ids) == 1), "")
        if found in self._definition.names_in(contest, district):
            return found
        asked = " or ".join(repr(name) for name in names)
        if found:
            raise ValueError(f"{asked} is {found!r}, no candidate on the ballot of {district}")
        if several := next((ids for ids in map(ballot.find, names) if ids), []):
            raise ValueError(
                f"{asked} may be any of {', '.join(several)} on the ballot of {district}. Name the id of this very "
                "spelling under [candidates] in the mapping"
            )
        raise ValueError(f"no candidate {asked} on the ballot of {district}{ballot.near(names[0])}")

    def anywhere(self, contest: str, names: Iterable[str]) -> str:
        """Return the id of the first of these names that is on any ballot of the contest, or `""`.

        Of a name that stands for several it is the first one's.
        """
        return next((found[0] for found in map(self._anywhere[contest].find, names) if found), "")

    def is_elsewhere(self, contest: str, district: str, names: Iterable[str]) -> bool:
        """Return whether the first of these names that is known is on other ballots of the contest only."""
        names, here = list(names), self._definition.names_in(contest, district)
        if any(here.intersection(self._ballot(contest, district).find(name)) for name in names):
            return False
        found = self.anywhere(contest, names)
        return bool(found) and found not in here

    def _called(self, units: Iterable[str]) -> str:
        return ", ".join(f"{unit} ({self._definition.unit_by_id[unit].name})" for unit in units)

    @cached_property
    def _anywhere(self) -> dict[str, Spellings]:
        """By contest, who is on any ballot of it."""
        return {
            contest.id: Spellings(
                given=self._given_candidates.items(),
                names=[named for district in (*contest.ballots, "") for named in self._named(contest, district)],
            )
            for contest in self._definition.contests
        }

    @cached_property
    def _districts(self) -> Spellings:
        """The districts, by their names and by the ends of their ids."""
        definition = self._definition
        units = [
            definition.unit_by_id[one] for one in self._units if self._within in {None, *definition.ancestors[one]}
        ]
        return Spellings(
            given=self._given_districts.items(),
            names=[(unit.name, unit.id) for unit in units],
            also=[(unit.id.rpartition("/")[2], unit.id) for unit in units],
        )

    @cached_property
    def _provinces(self) -> Spellings:
        """The units above districts, by their names and by the ends of their ids."""
        unit_by_id = self._definition.unit_by_id
        units = [unit_by_id[parent] for one in self._units if (parent := unit_by_id[one].parent) is not None]
        return Spellings(
            names=[(unit.name, unit.id) for unit in units],
            also=[(unit.id.rpartition("/")[2], unit.id) for unit in units],
        )

    def _ballot(self, contest: str, district: str) -> Spellings:
        """Return who is on the ballot, by their name, their id, and their party where it has only one."""
        key = (contest, district)
        if key not in self._ballots:
            named = self._named(self._definition.contest_by_id[contest], district)
            self._ballots[key] = Spellings(given=self._given_candidates.items(), names=named)
        return self._ballots[key]

    def _named(self, contest: Contest, district: str) -> Iterator[tuple[str, str]]:
        """Yield the names that each candidate on the ballot may have in a table, with the candidate's id."""
        everywhere = {candidate.id: candidate.name for candidate in contest.candidates}
        for candidate in contest.ballot(district):
            for name in (candidate.name, candidate.id, everywhere.get(candidate.id, ""), *self._of_party(candidate)):
                yield name, candidate.id

    def _of_party(self, candidate: Candidate) -> tuple[str, ...]:
        party = self._parties.get(candidate.party or "")
        return (party.name, party.short_name) if party else ()

    @cached_property
    def _parties(self) -> dict[str, Party]:
        return {party.id: party for party in self._definition.parties}
