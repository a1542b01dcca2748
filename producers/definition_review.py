"""What is wrong with a definition, with lines and next steps, and what two definitions have different. Pure."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ValidationError

from producers.input_files import some_of
from schemas.contests import deserted
from schemas.definition import Election, Unit, check_times
from schemas.errors import DefinitionError
from schemas.fields import first_fault, unknown_keys

_QUOTED: Final = re.compile(r"'([^']+)'")
MAX_FAULTS: Final = 20
_NAMED: Final = 3
"""How many units a doubt about many names."""


class Finding(NamedTuple):
    """Something found in a definition: at which line of its text, and what to do."""

    line: int
    text: str
    is_fault: bool = True
    """A fault keeps a run from beginning; what is none may be meant."""


def review(text: str) -> list[Finding]:
    """What is wrong with the text of a definition, and what may not be meant; nothing where all is well."""
    try:
        tree = json.loads(text)
    except json.JSONDecodeError as error:
        return [Finding(error.lineno, f"This is no JSON: {error.msg} at column {error.colno}. Mend it there.")]
    except RecursionError:
        return [Finding(1, "Values in it lie in one another too deeply. Write it as docs/definition.md has it.")]
    lines = Lines(text)
    try:
        election = Election.model_validate_json(text)
        check_times(election)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        return [
            Finding(lines.of_path(fault["loc"], tree), f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}.")
            for fault in faults[:MAX_FAULTS]
        ]
    except DefinitionError as error:
        return [Finding(lines.of_message(str(error)), str(error))]
    unknown = [Finding(lines.of_path(path, tree), said, is_fault=False) for path, said in _unknown(text)]
    return unknown + [Finding(lines.of_id(name), said, is_fault=False) for name, said in doubts(election)]


def _unknown(text: str) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """Yield the path of each key that a definition does not have, and what to do."""
    try:
        Election.model_validate_json(text, extra="forbid")
    except ValidationError as error:
        for path in unknown_keys(error)[:MAX_FAULTS]:
            key = ".".join(map(str, path))
            yield path, f"The key {key!r} means nothing. Mend its name, or take it away: see docs/definition.md."


def doubts(election: Election) -> Iterator[tuple[str, str]]:
    """What may not be meant, each with the id that it is of."""
    for unit in election.units:
        doubt = _doubt_about(election, unit)
        if doubt is not None:
            yield unit.id, doubt
    yield from _without_voters(election)
    for contest in election.contests:
        if not contest.names:
            yield contest.id, f"Nobody is on the ballot of {contest.id!r}: every vote is quarantined. Give candidates."
        for sentence in deserted(contest).values():
            yield contest.id, sentence
    for another in election.trees:
        outside = [unit.id for unit in election.districts if not _lies_in(election, unit.id, another.id)]
        if outside:
            many = f"{len(outside)} counting units are in no unit of tree {another.id!r}, such as {outside[0]!r}."
            yield outside[0], f"{many} Give them also_in if they should be."
    for previous in election.previous:
        held = election.area_of(previous.contest)
        known = [unit for unit in held if unit in previous.results]
        if len(known) < len(held):
            of = f"{len(known)} of {len(held)} counting units"
            yield (
                previous.id,
                f"{previous.id!r} has results of {of}: only those are compared. Give the others' results.",
            )


def _doubt_about(election: Election, unit: Unit) -> str | None:
    if not election.districts_below[unit.id]:
        return f"No box lies in {unit.id!r}: it is never shown. Give it boxes, or units below it."
    if not election.is_district(unit.id):
        return None
    if not unit.boxes:
        return f"{unit.id!r} has no boxes: nothing is ever complete there. Give their numbers."
    return None


def _without_voters(election: Election) -> Iterator[tuple[str, str]]:
    """Yield one doubt about all counting units that do not say how many are registered."""
    without = [unit.id for unit in election.districts if unit.boxes and unit.registered is None]
    if without:
        of = f"{len(without)} of {len(election.districts)} counting units"
        said = f"{of} do not say how many are registered ({some_of(without, _NAMED)}): no lead is called safe before "
        yield without[0], f"{said}their last box. Give the numbers."


def _lies_in(election: Election, unit: str, tree: str) -> bool:
    return any(election.tree_of(above) == tree for above in election.ancestors[unit])


class Lines:
    """Finds the line of an id or a path in the text of a definition."""

    def __init__(self, text: str) -> None:
        self._text = text

    def of_id(self, name: str) -> int:
        """The line where something of this id is declared, or where its name first stands; 1 where it does not."""
        quoted = re.escape(json.dumps(name, ensure_ascii=False))
        for pattern in (rf'"id"\s*:\s*{quoted}', quoted):
            found = re.search(pattern, self._text)
            if found is not None:
                return self._line(found.end())
        return 1

    def of_message(self, message: str) -> int:
        """The line of the first thing that a message names."""
        lines = (self.of_id(name) for name in _QUOTED.findall(message))
        return next((line for line in lines if line > 1), 1)

    def of_path(self, path: tuple[int | str, ...], tree: Any) -> int:  # noqa: ANN401  JSON of any kind
        """The line of the nearest thing on a path that has an id, or of the last key on it."""
        line, node = 1, tree
        for step in path:
            if isinstance(step, str) and isinstance(node, dict) and step in node:
                found = re.compile(re.escape(json.dumps(step))).search(self._text, self._start(line))
                line = self._line(found.end()) if found is not None else line
            try:
                node = node[step]
            except (LookupError, TypeError):
                break
            if isinstance(node, dict) and isinstance(node.get("id"), str):
                line = self.of_id(node["id"])
        return line

    def _line(self, offset: int) -> int:
        return self._text.count("\n", 0, offset) + 1

    def _start(self, line: int) -> int:
        return sum(len(one) for one in self._text.splitlines(keepends=True)[: line - 1])


class Change(NamedTuple):
    """One difference of two definitions: `kind` is added, removed or changed."""

    kind: str
    what: str
    id: str
    detail: str = ""


def differences(old: Election, new: Election) -> list[Change]:
    """What another definition has different, from the election itself down to its candidates."""
    changes = [
        *_fields("election", new.id, old, new, ("parties", "sources", "contests", "units", "previous", "levels"))
    ]
    for what, name in (("level", "levels"), ("party", "parties"), ("source", "sources"), ("unit", "units")):
        changes += _lists(what, getattr(old, name), getattr(new, name))
    changes += _lists("contest", old.contests, new.contests, ("candidates", "ballots"))
    before = {contest.id: contest for contest in old.contests}
    for contest in new.contests:
        if contest.id in before:
            was = before[contest.id]
            changes += _lists(f"candidate of {contest.id}", was.candidates, contest.candidates)
            for unit in dict.fromkeys([*was.ballots, *contest.ballots]):
                where = f"candidate of {contest.id} in {unit}"
                changes += _lists(where, was.ballots.get(unit, ()), contest.ballots.get(unit, ()))
    return changes + _lists("previous results", old.previous, new.previous)


def _lists(what: str, old: Any, new: Any, apart: tuple[str, ...] = ()) -> list[Change]:  # noqa: ANN401  models with an id
    before, after = {one.id: one for one in old}, {one.id: one for one in new}
    changes = [Change("removed", what, name, before[name].name) for name in before if name not in after]
    changes += [Change("added", what, name, after[name].name) for name in after if name not in before]
    for name in before.keys() & after.keys():
        changes += _fields(what, name, before[name], after[name], apart)
    return sorted(changes, key=lambda change: (change.what, change.id))


def _fields(what: str, name: str, old: BaseModel, new: BaseModel, apart: tuple[str, ...]) -> Iterator[Change]:
    for field in type(new).model_fields:
        before, after = getattr(old, field), getattr(new, field)
        if field not in apart and before != after:
            yield Change("changed", what, name, f"{field}: {_short(before)} → {_short(after)}")


_SHORT: Final = 60


def _short(value: object) -> str:
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", exclude_defaults=True)
    text = "none" if value in (None, ()) else str(value)
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}…"


def read_definition(text: str, name: str) -> Election:
    """The definition in a text. Raises `DefinitionError`, which says to check it, where it is none."""
    try:
        return Election.model_validate_json(text)
    except ValidationError as error:
        raise DefinitionError(
            f"{name} is no definition ({first_fault(error)}). Run: sandik definition check {name}"
        ) from error
    except DefinitionError as error:
        raise DefinitionError(f"{name} is no definition: {error} Run: sandik definition check {name}") from error
