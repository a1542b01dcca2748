"""Lines in plain digits are read at once, and come to what reading them part by part does."""

from datetime import UTC, datetime
from typing import Any

import pytest

from producers.tables.layout import Sheet, TableLine
from producers.tables.lines import LineFaults
from producers.tables.mapping import ReportMapping
from producers.tables.reports import ReportReader
from schemas.contests import Candidate, Contest
from schemas.definition import Election, Source, Unit
from tests.shapes import shaped

READ = datetime(2030, 5, 12, 22, tzinfo=UTC)
HEADER = ("race", "county", "town", "box", "roll", "cast", "valid", "void", "open", "at", "a", "b")
LINES = (
    "m,Elm,Lee,1,300,200,195,5,0,2030-05-12T20:00Z,100,95",
    "m,Elm,Lee,2,300,200,195,5,0,2030-05-12T20:00Z,100,95",  # from here on the names and the time are known
    "m,Elm,Lee,2,300,200,195,5,0,2030-05-12T20:00Z,100,95",  # there twice, in the same words
    "m,Elm,Lee,3,300,200,195,5,0,2030-05-12T20:00Z,100,95",
    "m,Elm,Lee,3,300,200,195,5,0,2030-05-12T20:00Z,101,94",  # other votes
    "m,Elm,Lee,3,300,200,194,6,0,2030-05-12T20:00Z,100,95",  # other counts
    "m,Elm,Lee,4,007,006,005,001,0,2030-05-12T20:00Z,003,002",
    "m,Elm,Lee,5, 30,6,5,1,0,2030-05-12T20:00Z,3,2",  # a blank before a number
    "m,Elm,Lee,6,,6,5,1,0,2030-05-12T20:00Z,3,2",
    "m,Elm,Lee,7,30,6,x,1,0,2030-05-12T20:00Z,3,2",
    "m,Elm,Lee,8,500001,6,5,1,0,2030-05-12T20:00Z,3,2",  # more than a box can have
    "m,Elm,Lee,8,٣,6,5,1,0,2030-05-12T20:00Z,3,2",
    "m,Elm,Lee,99,30,6,5,1,0,2030-05-12T20:00Z,3,2",  # no such box
    "m,Elm,Lee,9,30,6,7,1,0,2030-05-12T20:00Z,3,4",  # more valid than cast
    "m,Elm,Lee,9,30,6",
    "m,Elm,Lee,9,30,6,5,1,0,2030-05-12T21:00Z,3,2",
    "m,Elm,Ash,1,30,6,5,1,0,2030-05-12T20:00Z,5,0",
    "m,Elm,Ash,2,30,6,5,1,0,2030-05-12T20:00Z,4,1",  # b is not on the ballot there
    "m,Elm,Ash,3,30,6,5,1,0,2030-05-12T20:00Z,5,0",
    "n,Elm,Lee,1,30,8,5,1,0,2030-05-12T20:00Z,3,2",
    "n,Elm,Lee,2,30,8,5,1,0,2030-05-12T20:00Z,3,2",
    "m,Elm,Lee,10,300000,400000,400000,0,0,2030-05-12T20:00Z,300000,300000",
    "m,Elm,TOTAL,,2000,900,880,20,0,2030-05-12T20:00Z,450,430",
    "m,Elm,Lee,11,30,6,5,1,2,2030-05-12T20:00Z,2,1",
)


def election() -> Election:
    both = (Candidate(id="a", name="a"), Candidate(id="b", name="b"))
    return shaped(
        (
            Unit(id="zz", level="country", name="Zz"),
            Unit(id="zz/elm", level="province", name="Elm", parent="zz"),
            Unit(id="zz/elm/lee", level="district", name="Lee", parent="zz/elm", boxes=((1, 12),)),
            Unit(id="zz/elm/ash", level="district", name="Ash", parent="zz/elm", boxes=((1, 12),)),
        ),
        sources=(Source(id="aa", name="AA"),),
        contests=(
            Contest(id="m", name="M", candidates=both, ballots={"zz/elm/ash": both[:1]}),
            Contest(id="n", name="N", candidates=both, blank=True),
        ),
    )


def plan(**changes: dict[str, Any]) -> ReportMapping:
    said: dict[str, dict[str, Any]] = {
        "report": {"source": "aa", "contest": {"column": "race"}, "at": {"column": "at"}, "timezone": "UTC"},
        "units": {"district": "town", "province": "county"},
        "columns": {"box": "box", "registered": "roll", "cast": "cast", "valid": "valid"},
        "votes": {"a": "a", "b": "b"},
    }
    return ReportMapping.model_validate({name: said.get(name, {}) | changes.get(name, {}) for name in said | changes})


def read(mapping: ReportMapping, texts: tuple[str, ...], *, at_once: bool) -> tuple[Any, ...]:
    lines = [TableLine(number, text.split(",")) for number, text in enumerate(texts, start=2)]
    faults = LineFaults("t.csv")
    reader = ReportReader(Sheet(HEADER, iter(())), mapping, election(), faults, correction=False, fetched=READ)
    assert reader._whole is not None
    if not at_once:
        reader._whole = None
    for line in lines:
        reader.read(line)
    statements = reader.complete()
    return statements, faults.shown, faults.aside, reader.wrong_totals(), reader.places(), reader.strays, reader.repeats


@pytest.mark.parametrize(
    "mapping",
    [
        plan(),
        plan(columns={"invalid": "void", "unattributed": "open"}),
        plan(columns={"registered": None, "cast": None, "valid": None, "invalid": "void"},
             absent={"registered": "unknown", "cast": "sum", "valid": "sum"}),
        plan(columns={"valid": None, "unattributed": "open"}, absent={"valid": "sum", "invalid": "none"}),
        plan(report={"contest": "m", "at": "fetch"}, units={"province": None}),
        plan(report={"contest": "m", "revision": 1}, table={"zero": ["x"], "totals": []}),
    ],
)  # fmt: skip
def test_lines_read_at_once_say_what_they_say_part_by_part(mapping: ReportMapping) -> None:
    for texts in (LINES, LINES[:4], LINES[:2] + LINES[-2:-1], ()):
        assert read(mapping, texts, at_once=False) == read(mapping, texts, at_once=True)


def test_only_tables_with_a_line_for_each_box_have_such_lines() -> None:
    reader = ReportReader(Sheet(HEADER, iter(())), plan(), election(), LineFaults("t"), correction=True, fetched=READ)
    assert reader._whole is None
    for changes in (
        {"status": {"column": "race"}},
        {"columns": {"blank": "open"}},
        {"report": {"revision": {"column": "open"}}},
        {"report": {"correction": {"column": "race", "equals": "m"}}},
    ):
        sheet = Sheet(HEADER, iter(()))
        assert ReportReader(sheet, plan(**changes), election(), LineFaults("t"), False, READ)._whole is None
