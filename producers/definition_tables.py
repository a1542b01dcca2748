"""An election definition made of tables: units, parties, candidates, last results as CSV, the rest as JSON. Pure.

Every fault of a table is found before anything is made, and told with its file and line.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from producers.input_files import did_you_mean
from schemas.errors import DefinitionError

MAX_FAULTS_TOLD: Final = 20
"""Faults in one message: who mends twenty sees the rest the next time."""

_RANGE: Final = re.compile(r"(\d+)(?:-(\d+))?")


class Column(NamedTuple):
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
    "id": Column(_text, needed=True),
    "level": Column(_text, needed=True),
    "name": Column(_text, needed=True),
    "parent": Column(_text),
    "registered": Column(_number),
    "boxes": Column(_boxes),
    "also_in": Column(_ids),
}
PARTIES: Final = {name: Column(_text, needed=True) for name in ("id", "name", "short_name", "color")}
CANDIDATES: Final = {
    "contest": Column(_text, needed=True),
    "id": Column(_text, needed=True),
    "name": Column(_text, needed=True),
    "party": Column(_text),
    "ballot_no": Column(_number),
    "color": Column(_text),
    "unit": Column(_text),
}
"""`unit` is given where the unit has a ballot of its own."""
PREVIOUS: Final = {
    "previous": Column(_text, needed=True),
    "unit": Column(_text, needed=True),
    "candidate": Column(_text, needed=True),
    "votes": Column(_number, needed=True),
    "registered": Column(_number),
    "cast": Column(_number),
    "valid": Column(_number),
    "invalid": Column(_number),
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


def _lines(name: str, text: str, columns: Mapping[str, Column], faults: list[str]) -> Iterator[Line]:
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
    where: str, names: list[str], cells: list[str], columns: Mapping[str, Column], faults: list[str]
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
