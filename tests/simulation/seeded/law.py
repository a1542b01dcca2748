"""The naive oracle of the definition: what each of its versions has, from an amendment's plain JSON.

It shares nothing with `schemas.amendments` but what the kinds of changes are called.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from schemas.definition import Election

Change = Mapping[str, Any]


@dataclass(frozen=True)
class Law:
    """One version of the definition, as far as tallies and figures hang on it."""

    boxes: Mapping[str, frozenset[int]]
    """Those that each district waits for."""
    closed: Mapping[str, frozenset[int]]
    ballots: Mapping[str, Mapping[str, frozenset[str]]]
    """By contest and unit who is on the ballot; the unit '' is everywhere else."""
    digest: str = ""
    """What amendments to this version say that they yield; empty for the first."""
    version: int = 1

    @cached_property
    def districts(self) -> tuple[str, ...]:
        """The districts, sorted."""
        return tuple(sorted(self.boxes))

    def ballot(self, contest: str, district: str) -> frozenset[str]:
        """Who is on the ballot of a district."""
        held = self.ballots[contest]
        return held.get(district, held[""])

    def knows(self, contest: str, district: str, names: Iterable[str]) -> bool:
        """Whether there is such a district, and all of these are on its ballot."""
        return district in self.boxes and self.ballot(contest, district).issuperset(names)

    def boxes_total(self, unit: str) -> int:
        """How many boxes a district has, or all that are below a unit."""
        return sum(len(boxes) for name, boxes in self.boxes.items() if name == unit or name.startswith(f"{unit}/"))


@dataclass
class _Draft:
    boxes: dict[str, frozenset[int]]
    closed: dict[str, frozenset[int]]
    ballots: dict[str, dict[str, frozenset[str]]] = field(default_factory=dict)

    def make(self, change: Change) -> None:
        match change["kind"]:
            case "candidate_added" | "candidate_replaced":
                newcomer = change["candidate"] if change["kind"] == "candidate_added" else change["by"]
                held = self.ballots[change["contest"]]
                unit = change.get("unit") or ""
                held[unit] = held[unit] | {newcomer["id"]}
            case "boxes_added":
                numbers = _numbers(change["boxes"])
                self.boxes[change["unit"]] |= numbers
                self.closed[change["unit"]] -= numbers
            case "boxes_closed" | "boxes_merged":
                self._close(change["unit"], _numbers(change["boxes"]))
            case "unit_added":
                self._add(change["unit"])
            case "unit_split":
                for unit in change["into"]:
                    self._add(unit)
                    self._close(change["unit"], _numbers(unit["boxes"]))
            case "candidate_withdrawn" | "voters_revised":
                pass  # they stay on the ballot, and no figure hangs on the roll

    def _add(self, unit: Change) -> None:
        self.boxes[unit["id"]], self.closed[unit["id"]] = _numbers(unit["boxes"]), frozenset()

    def _close(self, unit: str, numbers: frozenset[int]) -> None:
        self.boxes[unit] -= numbers
        self.closed[unit] |= numbers


def first_law(definition: Election) -> Law:
    """What the run begins with."""
    districts = [unit for unit in definition.units if unit.boxes]
    return Law(
        {unit.id: _numbers(unit.boxes) for unit in districts},
        {unit.id: frozenset() for unit in districts},
        {
            contest.id: {
                "": frozenset(one.id for one in contest.candidates),
                **{unit: frozenset(one.id for one in ballot) for unit, ballot in contest.ballots.items()},
            }
            for contest in definition.contests
        },
    )


def next_law(law: Law, changes: Sequence[Change], digest: str) -> Law:
    """What changes make of a version."""
    draft = _Draft(
        dict(law.boxes), dict(law.closed), {contest: dict(ballots) for contest, ballots in law.ballots.items()}
    )
    for change in changes:
        draft.make(change)
    return Law(draft.boxes, draft.closed, draft.ballots, digest, law.version + 1)


def _numbers(ranges: Iterable[Sequence[int]]) -> frozenset[int]:
    return frozenset(box for first, last in ranges for box in range(first, last + 1))


AMENDED: Final = b"definition:amended"
"""The key of what amends the definition among the tallies."""
