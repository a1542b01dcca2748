"""Find districts and candidates in the election definition by the names that tables have for them. Pure.

An id is found by the very name first, then by any spelling of it (`Spellings`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from typing import Final

from producers.input_files import some_of
from schemas.definition import Candidate, Contest, Election, Party
from schemas.spelling import fold, same_letters, same_text
from schemas.units import boxes_in

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
