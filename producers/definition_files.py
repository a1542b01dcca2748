"""An election definition as files that people write: made of tables, reviewed, and compared with another.

Tables are CSV (units, parties, candidates, last results), the rest is JSON. Every fault of a table is found before
anything is made, and told with its file and line. A review names what is wrong in a definition, with lines and next
steps.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ValidationError

from producers.input_files import did_you_mean, some_of
from schemas.contests import deserted
from schemas.definition import Election, Unit, check_times
from schemas.errors import DefinitionError
from schemas.fields import first_fault, unknown_keys

MAX_FAULTS_TOLD: Final = 20
"""Faults in one message: who mends twenty sees the rest the next time."""

_RANGE: Final = re.compile(r"(\d+)(?:-(\d+))?")


class ColumnRule(NamedTuple):
    """How a column's cells are read; `needed` is whether a table must have it."""

    read: Callable[[str], Any]
    needed: bool = False


def _text(cell: str) -> str:
    return cell


def _number(cell: str) -> int:
    if not cell.isdecimal():
        raise ValueError(f"{cell!r} is no whole number")
    return int(cell)


def _boxes(cell: str) -> list[list[int]]:
    """Ranges of box numbers with spaces between them, such as `1001-1074 1080`."""
    ranges = []
    for part in cell.split():
        found = _RANGE.fullmatch(part)
        if found is None:
            raise ValueError(f"{part!r} is no range of boxes: write 1001-1074, or 1080, with spaces between")
        ranges.append([int(found[1]), int(found[2] or found[1])])
    return ranges


def _ids(cell: str) -> list[str]:
    return cell.split()


UNITS: Final = {
    "id": ColumnRule(_text, needed=True),
    "level": ColumnRule(_text, needed=True),
    "name": ColumnRule(_text, needed=True),
    "parent": ColumnRule(_text),
    "registered": ColumnRule(_number),
    "boxes": ColumnRule(_boxes),
    "also_in": ColumnRule(_ids),
}
PARTIES: Final = {name: ColumnRule(_text, needed=True) for name in ("id", "name", "short_name", "color")}
CANDIDATES: Final = {
    "contest": ColumnRule(_text, needed=True),
    "id": ColumnRule(_text, needed=True),
    "name": ColumnRule(_text, needed=True),
    "party": ColumnRule(_text),
    "ballot_no": ColumnRule(_number),
    "color": ColumnRule(_text),
    "unit": ColumnRule(_text),
}
"""`unit` is given where the unit has a ballot of its own."""
PREVIOUS: Final = {
    "previous": ColumnRule(_text, needed=True),
    "unit": ColumnRule(_text, needed=True),
    "candidate": ColumnRule(_text, needed=True),
    "votes": ColumnRule(_number, needed=True),
    "registered": ColumnRule(_number),
    "cast": ColumnRule(_number),
    "valid": ColumnRule(_number),
    "invalid": ColumnRule(_number),
}
"""A line for each candidate of each unit. The counts of the unit are the same in all of its lines, or in one alone."""

KINDS: Final = {"units": UNITS, "parties": PARTIES, "candidates": CANDIDATES, "previous": PREVIOUS}


class Line(NamedTuple):
    """A line of a table: where it is, for a fault, and its cells as they were read. Empty cells are not there."""

    where: str
    cells: dict[str, Any]


def definition_of(head: Mapping[str, Any], tables: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """The definition as it is written, not yet checked against the model.

    `head` has what no table says, as a definition has it; `tables` has the name and text of a file for each of `KINDS`
    that there is. What a table gives takes the place of what the head has.

    Raises:
        DefinitionError: with a line for each fault of the tables.
    """
    faults: list[str] = []
    lines = {kind: list(_lines(name, text, KINDS[kind], faults)) for kind, (name, text) in tables.items()}
    made = dict(head)
    if "units" in lines:
        made["units"] = [line.cells for line in lines["units"]]
    if "parties" in lines:
        made["parties"] = [line.cells for line in lines["parties"]]
    made.setdefault("parties", [])
    if "candidates" in lines:
        made["contests"] = _with_candidates(made.get("contests", []), lines["candidates"], faults)
    if "previous" in lines:
        made["previous"] = _with_results(made.get("previous", []), lines["previous"], faults)
    if faults:
        shown = faults[:MAX_FAULTS_TOLD]
        more = f"\n  and {len(faults) - len(shown)} more" if len(faults) > len(shown) else ""
        raise DefinitionError("The tables cannot be read as they are:\n  " + "\n  ".join(shown) + more)
    return made


def _lines(name: str, text: str, columns: Mapping[str, ColumnRule], faults: list[str]) -> Iterator[Line]:
    table = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        names = [cell.strip() for cell in next(table, [])]
        missing = [column for column, kind in columns.items() if kind.needed and column not in names]
        unknown = [column for column in names if column not in columns]
        faults += [f"{name}: there is no column {column!r}. It has: {', '.join(names)}." for column in missing]
        faults += [
            f"{name}: column {column!r} means nothing here.{did_you_mean(column, columns)} Take it away or mend it."
            for column in unknown
        ]
        if missing or unknown:
            return
        for cells in table:
            where = f"{name}, line {table.line_num}"
            if any(cells):
                yield Line(where, _read(where, names, cells, columns, faults))
    except csv.Error as error:
        faults.append(f"{name}, line {table.line_num}: {error}. Write it as CSV with commas, in UTF-8.")


def _read(
    where: str, names: list[str], cells: list[str], columns: Mapping[str, ColumnRule], faults: list[str]
) -> dict[str, Any]:
    read: dict[str, Any] = {}
    if len(cells) != len(names):
        faults.append(f"{where}: {len(cells)} cells under {len(names)} columns. Put quotes around a cell with a comma.")
        return read
    for name, cell in zip(names, (cell.strip() for cell in cells), strict=True):
        if not cell:
            if columns[name].needed:
                faults.append(f"{where}: column {name!r}: it is empty. Fill it in.")
            continue
        try:
            read[name] = columns[name].read(cell)
        except ValueError as error:
            faults.append(f"{where}: column {name!r}: {error}.")
    return read


def _with_candidates(contests: object, lines: list[Line], faults: list[str]) -> list[Any]:
    """The contests with the ballots of the table, in the order of its lines."""
    found = {one.get("id"): {**one, "candidates": []} for one in _objects(contests)}
    for where, cells in lines:
        candidate = {name: value for name, value in cells.items() if name not in ("contest", "unit")}
        contest = found.get(cells.get("contest"))
        if contest is None:
            name = str(cells.get("contest"))
            near = did_you_mean(name, map(str, found))
            faults.append(f"{where}: there is no contest {name!r}.{near} Give it in the head, with its id and name.")
        elif "unit" in cells:
            contest["ballots"] = {**contest.get("ballots", {})}
            contest["ballots"][cells["unit"]] = [*contest["ballots"].get(cells["unit"], []), candidate]
        else:
            contest["candidates"].append(candidate)
    return list(found.values())


def _objects(given: object) -> list[dict[str, Any]]:
    """The objects of a list of a head; what is none is nothing that a table could add to."""
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def _with_results(previous: object, lines: list[Line], faults: list[str]) -> list[Any]:
    """The earlier contests with the results of the table."""
    found = {one.get("id"): {**one, "results": {}} for one in _objects(previous)}
    for where, cells in lines:
        of = found.get(cells.get("previous"))
        if of is None:
            faults.append(
                f"{where}: there are no previous results {cells.get('previous')!r} in the head. Give them there, with "
                "id, contest, name and date."
            )
            continue
        unit, candidate = cells.get("unit"), cells.get("candidate")
        result = of["results"].setdefault(unit, {"votes": {}})
        if candidate in result["votes"]:
            faults.append(f"{where}: {candidate!r} is there twice in {unit!r}. Keep one line.")
        result["votes"][candidate] = cells.get("votes")
        told = {name: cells[name] for name in ("registered", "cast", "valid", "invalid") if name in cells}
        faults += [
            f"{where}: {name} of {unit!r} is {count} here and {result[name]} above. Mend one."
            for name, count in told.items()
            if result.setdefault(name, count) != count
        ]
    return list(found.values())


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
    unknown = [Finding(lines.of_path(path, tree), advice, is_fault=False) for path, advice in _unknown(text)]
    return unknown + [Finding(lines.of_id(name), doubt, is_fault=False) for name, doubt in doubts(election)]


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
        missing = (
            f"{of} do not say how many are registered ({some_of(without, _NAMED)}): no lead is called safe before "
        )
        yield without[0], f"{missing}their last box. Give the numbers."


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
