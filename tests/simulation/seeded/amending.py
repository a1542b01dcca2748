"""What a seed's operators amend of the definition, when, and who else would like to: data, and no faults."""

import random
from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson

from eventlog.port import Entry
from schemas.amendments import AMENDED_KEY, CHANGES, Amended, amended
from schemas.definition import Election
from tests.amendments import ELEVEN
from tests.simulation.seeded.law import Law, first_law, next_law
from tests.simulation.seeded.operators import Operators

_AMENDED: Final = 0.25
"""The part of all nights in which the definition is amended."""

_RIVALRY: Final = 0.3
"""Of the amendments the part that somebody else orders another one beside, for the same version."""

_MAX_AMENDMENTS: Final = 3

_RELAYED: Final = 0.5
"""Of the amendments the part that whoever orders them brings among the tallies; else an aggregator has to."""

_FORGED: Final = 0.05
"""Of what feeds say at a time the part that has an amendment among it which nobody has ordered."""

_STRANGE: Final = 0.3
"""Of the statements the part about what amendments bring, before or after they do."""


class Amendment:
    """One amendment that is ordered, and what holds after it."""

    def __init__(
        self, before: Election, law: Law, changes: Sequence[dict[str, Any]], *, is_relayed: bool = False
    ) -> None:
        parsed = CHANGES.validate_json(orjson.dumps(changes))
        self.before: Final = before
        self.definition: Final = amended(before, parsed)
        self.law: Final = next_law(law, changes, self.definition.digest)
        self.is_relayed: Final = is_relayed
        """Whether whoever orders it brings it among the tallies."""
        self._changes = parsed

    def order(self, operators: Operators, name: str, *, stranger: bool = False) -> Entry:
        """The order that makes it."""
        return operators.amending(
            name,
            stranger=stranger,
            version=self.law.version,
            amends=self.before.digest,
            yields=self.law.digest,
            changes=self._changes,
        )

    def among_tallies(self, partition: int) -> Entry:
        """What somebody writes among the tallies who only makes it up."""
        forged = Amended(
            version=self.law.version,
            order=0,
            amends=self.before.digest,
            yields=self.law.digest,
            changes=self._changes,
        )
        return Entry(AMENDED_KEY, forged.encode(), partition)


class Amending:
    """The amendments of a night, in their order. `laws` are the versions of the definition that it has, one by one."""

    def __init__(self, seed: object, definition: Election) -> None:
        self.chance: Final = random.Random(f"amending-{seed}")
        self.amendments: list[Amendment] = []
        self.laws: list[Law] = [first_law(definition)]
        self.definition = definition
        if self.chance.random() < _AMENDED:
            self._amend()
        self._new_boxes = self._places()

    def __bool__(self) -> bool:
        return bool(self.amendments)

    @property
    def newest(self) -> Law:
        """What holds in the end."""
        return self.laws[-1]

    def law_of(self, version: int) -> Law:
        """What holds with a version."""
        return self.laws[version - 1]

    def orders(self, amendment: Amendment, operators: Operators) -> Iterator[tuple[Entry, bool]]:
        """The orders of an amendment, and of those who would like another one; and whether each counts."""
        name = f"amend-{amendment.law.version:04}"
        if operators.sign and self.chance.random() < _RIVALRY:
            yield self._rival(amendment).order(operators, f"{name}-strange", stranger=True), False
        yield amendment.order(operators, name), True
        if self.chance.random() < _RIVALRY:
            yield self._rival(amendment).order(operators, f"{name}-late"), False

    def forged(self, partitions: int) -> Entry:
        """An amendment that nobody has ordered, as somebody who may write tallies makes it up."""
        return self._rival(self.chance.choice(self.amendments)).among_tallies(self.chance.randrange(partitions))

    def is_forged(self) -> bool:
        """Whether somebody makes an amendment up next."""
        return bool(self) and self.chance.random() < _FORGED

    def is_strange(self) -> bool:
        """Whether the next statement is about what an amendment brings."""
        return bool(self) and self.chance.random() < _STRANGE

    def place(self) -> tuple[str, int] | None:
        """A district and a box of it that an amendment brings, or `None` where none does."""
        return self.chance.choice(self._new_boxes) if self._new_boxes else None

    def newcomers(self, contest: str, district: str) -> list[str]:
        """Who is to stand in a district that did not at first."""
        first, newest = self.laws[0], self.newest
        before = first.ballot(contest, district)
        return sorted(newest.ballot(contest, district) - before)

    def _amend(self) -> None:
        changes = self.chance.sample(ELEVEN, len(ELEVEN))
        for _ in range(self.chance.randint(1, _MAX_AMENDMENTS)):
            some = [changes.pop() for _ in range(self.chance.randint(1, len(ELEVEN) // _MAX_AMENDMENTS))]
            made = Amendment(self.definition, self.newest, some, is_relayed=self.chance.random() < _RELAYED)
            self.amendments.append(made)
            self.laws.append(made.law)
            self.definition = made.definition

    def _rival(self, amendment: Amendment) -> Amendment:
        """Another amendment of the same version."""
        party = {"id": f"rakip_{amendment.law.version}", "name": "Rakip"}
        law = self.law_of(amendment.law.version - 1)
        change = {"kind": "candidate_added", "contest": "mayor", "candidate": party}
        return Amendment(amendment.before, law, [change])

    def _places(self) -> list[tuple[str, int]]:
        first, newest = self.laws[0].boxes, self.newest.boxes
        return sorted(
            (district, box) for district in newest for box in newest[district] - first.get(district, frozenset())
        )
