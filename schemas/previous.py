"""The last time: what an earlier contest came to, by unit, and with whom of it each candidate is compared."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Annotated

from pydantic import Field

from schemas.contests import Contest, check_unique
from schemas.errors import DefinitionError
from schemas.fields import Frozen, Id, Total, UnitId
from schemas.units import Name


class PreviousResult(Frozen):
    """What an earlier contest came to in one unit; what is not known is left out."""

    registered: Total | None = None
    cast: Total | None = None
    valid: Total | None = None
    invalid: Total | None = None
    votes: Annotated[dict[Id, Total], Field(min_length=1)]

    @property
    def base(self) -> int | None:
        """What shares are of: the valid votes, or all votes where they are more; `None` where nobody says."""
        return None if self.valid is None else max(self.valid, sum(self.votes.values()))


class Previous(Frozen):
    """An earlier contest that one of this election is compared with.

    `names` are those who stood then. `mapping` says, for a candidate or party of now, which of them are its own of then
    (several are added up); who is not in it is compared with the same id. Of several earlier contests the first that
    was not `annulled` is the base, and the others are told beside it.
    """

    id: Id
    contest: Id
    name: Name
    date: date
    source: Name | None = None
    """Where the figures are from."""
    annulled: bool = False
    names: dict[Id, Name] = Field(default_factory=dict)
    mapping: dict[Id, tuple[Id, ...]] = Field(default_factory=dict)
    results: Annotated[dict[UnitId, PreviousResult], Field(min_length=1)]

    def own(self, candidate: str) -> tuple[str, ...]:
        """Who of then a candidate of now is compared with; nobody where it is new."""
        found = self.mapping.get(candidate)
        if found is not None:
            return found
        return (candidate,) if candidate in self.stood else ()

    @property
    def stood(self) -> frozenset[str]:
        """Everybody who has votes in any result, or a name."""
        return frozenset(self.names).union(*(result.votes for result in self.results.values()))


def check_previous(previous: Iterable[Previous], contests: Mapping[str, Contest], units: Collection[str]) -> None:
    """Raise `DefinitionError` where earlier results are of what is not there, or contradict themselves."""
    previous = list(previous)
    check_unique("previous contest", [one.id for one in previous])
    for one in previous:
        where = f"The previous results {one.id!r}"
        if one.contest not in contests:
            raise DefinitionError(f"{where} are of contest {one.contest!r}, which this election does not have.")
        if missing := one.results.keys() - set(units):
            raise DefinitionError(f"{where} name the unit {min(missing)!r}, which this election does not have.")
        if unknown := one.mapping.keys() - contests[one.contest].names:
            raise DefinitionError(f"{where} map {min(unknown)!r}, who is on no ballot of contest {one.contest!r}.")
        _check_mapping(where, one)
        for unit, result in one.results.items():
            if result.cast is not None and result.registered is not None and result.cast > 2 * result.registered > 0:
                raise DefinitionError(
                    f"{where} have {result.cast} cast of {result.registered} registered in {unit!r}. Mend one."
                )


def _check_mapping(where: str, previous: Previous) -> None:
    stood, taken = previous.stood, dict[str, str]()
    for candidate, names in previous.mapping.items():
        for name in names:
            if name not in stood:
                raise DefinitionError(f"{where} map {candidate!r} to {name!r}, who has no votes in them. Mend the id.")
            if taken.setdefault(name, candidate) != candidate:
                raise DefinitionError(
                    f"{where} map {taken[name]!r} and {candidate!r} to {name!r}: votes would count twice. Name one."
                )
