"""Find districts and candidates in the election definition by the names that tables have for them. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cached_property
from typing import Final

from schemas.definition import Candidate, Contest, Election
from schemas.turkish import slug

NEAREST_NAMES: Final = 3
"""How many names an error suggests."""


class Names:
    """The districts and candidates of a definition, by any spelling that has the same `slug`."""

    def __init__(self, definition: Election, *, within: str | None = None, districts: Mapping[str, str]) -> None:
        """`within`: find only districts below this unit. `districts`: ids by names that are not the definition's."""
        self._definition = definition
        self._within = within
        self._given = {slug(name): unit for name, unit in districts.items()}
        self._ballots: dict[tuple[str, str], dict[str, str]] = {}

    def district(self, name: str, province: str | None = None) -> str:
        """Return the id of the district. Raises `ValueError` where there is none of that name, or more than one."""
        given = self._given.get(slug(name))
        found = [given] if given else self._districts.get(slug(name), [])
        if province is not None:
            found = [unit for unit in found if slug(province) in self._above[unit]]
        if len(found) > 1:
            raise ValueError(
                f"there are {len(found)} districts {name!r} ({', '.join(found)}). "
                "Name the province's column as units.province in the mapping, or the id under units.names"
            )
        if not found:
            where = f" in {province!r}" if province else ""
            raise ValueError(f"no district {name!r}{where} in the election definition{self._near(name)}")
        return found[0]

    def has(self, name: str) -> bool:
        """Return whether there is a district, or more than one, of that name."""
        return slug(name) in self._given or slug(name) in self._districts

    def candidate(self, contest: str, district: str, names: Iterable[str], given: Mapping[str, str]) -> str:
        """Return the id of the first of these names that is on the ballot. Raises `ValueError` where none is.

        `given` has ids by names that the ballot does not have.
        """
        found = self._found(self._ballot(contest, district), names, given)
        if found in self._definition.ballot_ids(contest, district):
            return found
        asked = " or ".join(repr(name) for name in names)
        if found:
            raise ValueError(f"{asked} is {found!r}, no candidate on the ballot of {district}")
        near = _nearest(slug(next(iter(names))), self._ballot(contest, district))
        raise ValueError(f"no candidate {asked} on the ballot of {district}{near}")

    def anywhere(self, contest: str, names: Iterable[str], given: Mapping[str, str]) -> str:
        """Return the id of the first of these names that is on any ballot of the contest, or `""`."""
        return self._found(self._anywhere[contest], names, given)

    def is_elsewhere(self, contest: str, district: str, names: Iterable[str], given: Mapping[str, str]) -> bool:
        """Return whether the first of these names that is known is on other ballots of the contest only."""
        if self._found(self._ballot(contest, district), names, given) in self._definition.ballot_ids(contest, district):
            return False
        found = self.anywhere(contest, names, given)
        return bool(found) and found not in self._definition.ballot_ids(contest, district)

    @staticmethod
    def _found(ballot: Mapping[str, str], names: Iterable[str], given: Mapping[str, str]) -> str:
        ids = (given.get(name) or given.get(slug(name)) or ballot.get(slug(name)) for name in names)
        return next((found for found in ids if found), "")

    @cached_property
    def _anywhere(self) -> dict[str, dict[str, str]]:
        """By contest, who is on any ballot of it, by their spellings."""
        return {
            contest.id: {
                spelling: candidate
                for district in (*contest.ballots, "")
                for spelling, candidate in self._ballot(contest.id, district).items()
            }
            for contest in self._definition.contests
        }

    def _near(self, name: str) -> str:
        return _nearest(slug(name), {known: units[0] for known, units in self._districts.items()})

    @cached_property
    def _districts(self) -> dict[str, list[str]]:
        """The districts by what tables may call them: the slug of their name, or the end of their id."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for unit in self._definition.districts:
            if self._within is None or self._within in self._definition.ancestors[unit.id]:
                for name in dict.fromkeys((slug(unit.name), unit.id.rpartition("/")[2])):
                    found[name].append(unit.id)
        return found

    @cached_property
    def _above(self) -> dict[str, set[str]]:
        """By district, what tables may call its province: the slug of its name, or the end of its id."""
        units = self._definition.unit_by_id
        return {
            unit.id: {slug(units[unit.parent or ""].name), (unit.parent or "").rpartition("/")[2]}
            for unit in self._definition.districts
        }

    def _ballot(self, contest: str, district: str) -> dict[str, str]:
        """Return who is on the ballot, by slugs of their name, their id, and their party where it has only one."""
        key = (contest, district)
        if key not in self._ballots:
            self._ballots[key] = self._spellings(self._definition.contest_by_id[contest], district)
        return self._ballots[key]

    def _spellings(self, contest: Contest, district: str) -> dict[str, str]:
        parties = {party.id: party for party in self._definition.parties}
        everywhere = {candidate.id: candidate.name for candidate in contest.candidates}

        def spellings(candidate: Candidate) -> list[str]:
            party = parties.get(candidate.party or "")
            of_party = [party.name, party.short_name] if party else []
            names = [candidate.name, candidate.id, everywhere.get(candidate.id, ""), *of_party]
            return [known for known in dict.fromkeys(map(slug, names)) if known]

        found: defaultdict[str, list[str]] = defaultdict(list)
        for candidate in contest.ballot(district):
            for name in spellings(candidate):
                found[name].append(candidate.id)
        return {name: ids[0] for name, ids in found.items() if len(ids) == 1}  # a name of two candidates finds neither


def _nearest(name: str, known: Mapping[str, str]) -> str:
    near = dict.fromkeys(known[match] for match in get_close_matches(name, known, NEAREST_NAMES, 0.6))
    return f"; nearest: {', '.join(near)}" if near else ""
