"""Amendments: how an election definition changes while its run goes on, and what it comes to. Pure.

A definition is never edited. It is amended by changes of the kinds below, one amendment after the other, and what holds
after the last one is a function of the first definition and of these. An amendment names the digest of the definition
that it amends and of the one that it yields: so it is applied to that one alone, and once.

Nothing that a figure hangs on goes away: no id is taken out or used again, so whatever was counted stays to be seen. A
candidate who withdraws stays on the ballot and is marked; a box that is closed is not waited for any more.

An amendment is an order in the control topic (`schemas.control.DefinitionAmended`). The aggregator writes an `Amended`
into each partition of the tallies, behind which it holds there: the control topic and the tallies have no common order.
See docs/decisions/amendments.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError

from schemas.contests import Candidate, Contest, deserted
from schemas.definition import Election
from schemas.errors import DefinitionError
from schemas.fields import MAX_DISTRICT_BOXES, CellTotal, Frozen, Id, Total, UnitId, first_fault, unknown_keys
from schemas.units import BoxRange, Unit, boxes_in

MAX_CHANGES: Final = 500
"""Changes in one amendment: a mistake in every district of half a country. More are given as several."""

MAX_AMENDMENT_BYTES: Final = 48 * 1024
"""The largest amendment: as an `Amended` it has to fit into a record of the tallies, which has at most 64 KiB."""

FIRST_VERSION: Final = 1
"""The version of the definition that a run begins with; each amendment adds one."""

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
"""What `Election.digest` is."""

Boxes = Annotated[tuple[BoxRange, ...], Field(min_length=1)]


class CandidateAdded(Frozen):
    """Somebody more stands, last on the ballot: on the contest's or, with a `unit`, on that unit's own."""

    kind: Literal["candidate_added"]
    contest: Id
    unit: UnitId | None = None
    candidate: Candidate


class CandidateReplaced(Frozen):
    """Somebody stands in the place of another, who is marked as withdrawn and keeps the votes given so far.

    Where the id stays the same (it is a party's, or a list's) only what is behind it changes, and its votes go on.
    """

    kind: Literal["candidate_replaced"]
    contest: Id
    unit: UnitId | None = None
    candidate: Id
    by: Candidate


class CandidateWithdrawn(Frozen):
    """Somebody does not stand any more. The votes stay, marked as those of who has withdrawn."""

    kind: Literal["candidate_withdrawn"]
    contest: Id
    unit: UnitId | None = None
    candidate: Id


class BoxesAdded(Frozen):
    """A counting unit has more boxes, or boxes again that were closed."""

    kind: Literal["boxes_added"]
    unit: UnitId
    boxes: Boxes


class BoxesClosed(Frozen):
    """Boxes are not waited for any more. A source that has reported one withdraws it; else it is one too many."""

    kind: Literal["boxes_closed"]
    unit: UnitId
    boxes: Boxes


class BoxesMerged(Frozen):
    """The ballots of boxes are counted in another box of the counting unit: they are closed."""

    kind: Literal["boxes_merged"]
    unit: UnitId
    boxes: Boxes
    into: int


class VotersRevised(Frozen):
    """So many voters are registered in these counting units."""

    kind: Literal["voters_revised"]
    registered: Annotated[dict[UnitId, CellTotal], Field(min_length=1)]


class UnitAdded(Frozen):
    """There is one more counting unit."""

    kind: Literal["unit_added"]
    unit: Unit


class UnitSplit(Frozen):
    """Some of a counting unit's boxes, and their voters, are those of new units from now on.

    What was counted in them stays where it was counted until its source withdraws it there.
    """

    kind: Literal["unit_split"]
    unit: UnitId
    into: Annotated[tuple[Unit, ...], Field(min_length=1)]


Change = Annotated[
    CandidateAdded
    | CandidateReplaced
    | CandidateWithdrawn
    | BoxesAdded
    | BoxesClosed
    | BoxesMerged
    | VotersRevised
    | UnitAdded
    | UnitSplit,
    Field(discriminator="kind"),
]
Changes = Annotated[tuple[Change, ...], Field(min_length=1, max_length=MAX_CHANGES)]
CHANGES: Final[TypeAdapter[tuple[Change, ...]]] = TypeAdapter(Changes)

AMENDED_KEY: Final = b"definition:amended"
"""The key of an `Amended` among the tallies. No id has a colon, so it is never a district's."""


class Amended(Frozen):
    """From here on a partition's tallies are judged by the definition that an amendment yields.

    `order` is the amendment's offset in the control topic. Of several for one version the first in the partition holds.
    """

    v: Literal[1] = 1
    type: Literal["amended"] = "amended"
    version: Annotated[int, Field(gt=FIRST_VERSION)]
    order: Total
    amends: Digest
    yields: Digest
    changes: Changes

    def encode(self) -> bytes:
        """The record value."""
        return self.model_dump_json().encode()


def parse_amended(value: bytes | None) -> Amended:
    """Parse one record value. Raises pydantic's `ValidationError` where it is none."""
    return Amended.model_validate_json(value or b"")


def read_changes(text: bytes, name: str) -> tuple[Change, ...]:
    """The changes in a file: a JSON list, or an object whose `changes` it is.

    Raises `DefinitionError`; for a key that no change has, too: `units` for `unit` would be a change everywhere.
    """
    try:
        if text.lstrip().startswith(b"{"):
            return _FILE.validate_json(text, extra="forbid").changes
        return CHANGES.validate_json(text, extra="forbid")
    except ValidationError as error:
        unknown = unknown_keys(error)
        fault = f"the key {'.'.join(map(str, unknown[0]))} means nothing" if unknown else None
        fault = fault or first_fault(error, quoted_chars=40)
        raise DefinitionError(f"{name} holds no amendment ({fault}). docs/amendments.md has each kind.") from error


class _File(Frozen):
    changes: Changes


_FILE: Final = TypeAdapter(_File)


def amended(definition: Election, changes: Iterable[Change]) -> Election:
    """The definition with these changes, made one after the other.

    Raises `DefinitionError` for a change that cannot be made, or where what they come to contradicts itself.
    """
    draft = _Draft(definition)
    for change in changes:
        draft.make(change)
    return draft.election()


def amended_as(definition: Election, amendment: Amended) -> Election:
    """The definition that an amendment yields.

    Raises `DefinitionError` where it amends another definition, or does not yield what it says.
    """
    if amendment.amends != definition.digest:
        raise DefinitionError("It amends another version of the definition than the one in force. Make it anew.")
    after = amended(definition, amendment.changes)
    if after.digest != amendment.yields:
        raise DefinitionError("It yields another definition than it says. Make it anew with this release.")
    return after


def closed_by(before: Election, after: Election) -> Mapping[str, frozenset[int]]:
    """The boxes that units have before an amendment and not after it, by unit; those without any are not there."""
    found = {}
    for unit in before.units:
        closed = _numbers(unit.id, unit.boxes) - _numbers(unit.id, after.unit_by_id[unit.id].boxes)
        if closed:
            found[unit.id] = closed
    return found


def deserts(before: Election, changes: Iterable[Change]) -> tuple[str, ...]:
    """The ballots from which these changes leave nobody to vote for, each in a sentence.

    Raises `DefinitionError` where a candidate's change cannot be made.
    """
    draft = _Draft(before)
    for change in changes:
        if isinstance(change, CandidateAdded | CandidateReplaced | CandidateWithdrawn):
            draft.make(change)
    return tuple(
        sentence
        for contest in draft.contests
        for unit, sentence in deserted(contest).items()
        if unit not in deserted(before.contest_by_id[contest.id])
    )


class _Draft:
    """A definition while changes are made in it: units and contests by id."""

    def __init__(self, definition: Election) -> None:
        self._definition = definition
        self._units = dict(definition.unit_by_id)
        self._contests = dict(definition.contest_by_id)

    @property
    def contests(self) -> Iterable[Contest]:
        """The contests as they are by now."""
        return self._contests.values()

    def election(self) -> Election:
        """The definition, checked as one from a file is, and that no counting unit has ceased to be one."""
        fields: dict[str, Any] = {name: getattr(self._definition, name) for name in Election.model_fields}
        fields |= {"units": tuple(self._units.values()), "contests": tuple(self._contests.values())}
        try:
            after = Election.model_validate(fields)
        except ValidationError as error:
            raise DefinitionError(f"That is no definition any more: {first_fault(error)}.") from error
        for district in self._definition.districts:
            if not after.is_district(district.id):
                raise DefinitionError(
                    f"Figures of {district.id!r} are counted, so it must go on being a counting unit: leave it a box, "
                    "and put no unit below it."
                )
        return after

    def make(self, change: Change) -> None:
        """Make one change. Raises `DefinitionError` where it cannot be made."""
        match change:
            case CandidateAdded():
                ballot = self._ballot(change.contest, change.unit)
                self._put_ballot(change.contest, change.unit, (*ballot, _newcomer(change.candidate, ballot)))
            case CandidateReplaced():
                self._replace(change)
            case CandidateWithdrawn():
                self._mark_withdrawn(change.contest, change.unit, change.candidate, {})
            case BoxesAdded():
                self._add_boxes(change)
            case BoxesClosed():
                self._close(change.unit, change.boxes)
            case BoxesMerged():
                self._merge(change)
            case VotersRevised():
                for unit, registered in change.registered.items():
                    self._update(self._counting(unit), registered=registered)
            case UnitAdded():
                self._add_unit(change.unit)
            case _:
                self._split(change)

    # Ballots

    def _ballot(self, contest: str, unit: str | None) -> tuple[Candidate, ...]:
        held = self._contests.get(contest)
        if held is None:
            raise DefinitionError(f"There is no contest {contest!r}. There are: {', '.join(self._contests)}.")
        if unit is None:
            return held.candidates
        if unit not in held.ballots:
            raise DefinitionError(
                f"{unit!r} has no ballot of its own in contest {contest!r}. Name a unit that has one, or leave the "
                "unit out for the ballot of all the others."
            )
        return held.ballots[unit]

    def _put_ballot(self, contest: str, unit: str | None, ballot: tuple[Candidate, ...]) -> None:
        held: Contest = self._contests[contest]
        changed = {"candidates": ballot} if unit is None else {"ballots": {**held.ballots, unit: ballot}}
        self._contests[contest] = held.model_copy(update=changed)

    def _mark_withdrawn(self, contest: str, unit: str | None, name: str, marks: dict[str, object]) -> None:
        ballot = self._ballot(contest, unit)
        standing = _standing(name, ballot)
        marked = standing.model_copy(update={"withdrawn": True, **marks})
        self._put_ballot(contest, unit, tuple(marked if one is standing else one for one in ballot))

    def _replace(self, change: CandidateReplaced) -> None:
        ballot = self._ballot(change.contest, change.unit)
        standing = _standing(change.candidate, ballot)
        if change.by.id == change.candidate:
            place = {one.id: _unmarked(change.by) if one is standing else one for one in ballot}
            self._put_ballot(change.contest, change.unit, tuple(place.values()))
            return
        by = _newcomer(change.by, ballot)
        self._mark_withdrawn(change.contest, change.unit, change.candidate, {"replaced_by": by.id})
        ballot = self._ballot(change.contest, change.unit)
        after = 1 + next(place for place, one in enumerate(ballot) if one.id == change.candidate)
        self._put_ballot(change.contest, change.unit, (*ballot[:after], by, *ballot[after:]))

    # Units and boxes

    def _counting(self, name: str) -> Unit:
        """A unit in which boxes lie, or may."""
        unit = self._units.get(name)
        if unit is None:
            raise DefinitionError(f"There is no unit {name!r} in the election's definition. Mend its id.")
        if any(one.parent == name or name in one.also_in for one in self._units.values()):
            raise DefinitionError(f"{name!r} has units below it. Boxes and voters belong to the lowest: name one.")
        return unit

    def _update(self, unit: Unit, **changed: object) -> None:
        self._units[unit.id] = unit.model_copy(update=changed)

    def _add_boxes(self, change: BoxesAdded) -> None:
        unit, added = self._counting(change.unit), _numbers(change.unit, change.boxes)
        known = _numbers(change.unit, unit.boxes)
        if known & added:
            raise DefinitionError(f"{change.unit!r} has a box {min(known & added)} already. Leave it out.")
        closed = _numbers(change.unit, unit.closed) - added
        self._update(unit, boxes=_ranges(known | added), closed=_ranges(closed))

    def _close(self, name: str, boxes: Sequence[BoxRange]) -> None:
        unit, closed = self._counting(name), _numbers(name, boxes)
        known = _numbers(name, unit.boxes)
        if closed - known:
            raise DefinitionError(f"{name!r} has no box {min(closed - known)} to close. Leave it out.")
        self._update(unit, boxes=_ranges(known - closed), closed=_ranges(_numbers(name, unit.closed) | closed))

    def _merge(self, change: BoxesMerged) -> None:
        if change.into in _numbers(change.unit, change.boxes):
            raise DefinitionError(f"Box {change.into} of {change.unit!r} cannot be merged into itself.")
        self._close(change.unit, change.boxes)
        if change.into not in _numbers(change.unit, self._units[change.unit].boxes):
            raise DefinitionError(f"{change.unit!r} has no box {change.into} to merge others into. Add it first.")

    def _add_unit(self, unit: Unit) -> None:
        if unit.id in self._units:
            raise DefinitionError(f"There is a unit {unit.id!r} already. Give the new one an id of its own.")
        if not unit.boxes:
            raise DefinitionError(f"The new unit {unit.id!r} has no boxes. Give their numbers.")
        self._units[unit.id] = unit

    def _split(self, change: UnitSplit) -> None:
        for new in change.into:
            whole = self._counting(change.unit)
            self._add_unit(new)
            self._close(change.unit, new.boxes)
            if whole.registered is not None:
                left = whole.registered - (new.registered or 0)
                if left < 0:
                    raise DefinitionError(
                        f"{new.id!r} has more voters than are left in {change.unit!r}. Revise those first."
                    )
                self._update(self._units[change.unit], registered=left)


def _newcomer(candidate: Candidate, ballot: Iterable[Candidate]) -> Candidate:
    """Somebody who is on the ballot for the first time."""
    if candidate.id in {one.id for one in ballot}:
        raise DefinitionError(f"{candidate.id!r} is on this ballot already, or was. Give the new one an id of its own.")
    return _unmarked(candidate)


def _unmarked(candidate: Candidate) -> Candidate:
    if candidate.withdrawn or candidate.replaced_by is not None:
        raise DefinitionError(f"{candidate.id!r} is to stand, and is marked as withdrawn. Take the mark away.")
    return candidate


def _standing(name: str, ballot: Iterable[Candidate]) -> Candidate:
    """Somebody who is on the ballot and has not withdrawn."""
    for one in ballot:
        if one.id == name and one.withdrawn:
            raise DefinitionError(f"{name!r} has withdrawn already. Leave it out.")
        if one.id == name:
            return one
    raise DefinitionError(f"There is no {name!r} on this ballot. Mend the id, or name the unit whose ballot it is.")


def _numbers(unit: str, boxes: Sequence[BoxRange]) -> frozenset[int]:
    """The box numbers in these ranges, which may come in any order."""
    if sum(last - first for first, last in boxes) > MAX_DISTRICT_BOXES:
        raise DefinitionError(f"These are more than {MAX_DISTRICT_BOXES} boxes of {unit!r}. Mend the ranges.")
    for first, last in boxes:
        if first > last:
            raise DefinitionError(f"The box range [{first}, {last}] of {unit!r} must rise.")
    return boxes_in(boxes)


def _ranges(numbers: Iterable[int]) -> tuple[BoxRange, ...]:
    """These numbers as the fewest ranges, rising."""
    ranges: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1] = ranges[-1][0], number
        else:
            ranges.append((number, number))
    return tuple(ranges)
