from typing import Any

import orjson
import pytest

from producers.definition_files import MAX_FAULTS_TOLD, definition_of
from schemas.definition import Election
from schemas.errors import DefinitionError

HEAD: dict[str, Any] = {
    "id": "night",
    "name": "Night",
    "date": "2026-11-01",
    "timezone": "Europe/London",
    "language": "en",
    "sources": [{"id": "pa", "name": "PA"}],
    "levels": [{"id": "country", "name": "Country"}, {"id": "seat", "name": "Seat", "plural": "Seats"}],
    "contests": [{"id": "m", "name": "Members"}],
    "previous": [
        {"id": "2022", "contest": "m", "name": "2022", "date": "2022-05-01", "mapping": {"a": ["old"]}},
    ],
}
UNITS = """id,level,name,parent,registered,boxes
gb,country,Britain,,,
gb/bath,seat,Bath,gb,68000,1-74 80
gb/york,seat,York,gb,,5
"""
PARTIES = "id,name,short_name,color\nred,Red Party,RED,#d7263d\n"
CANDIDATES = """contest,id,name,party,ballot_no,unit
m,a,A,red,1,
m,b,"B, the other",,2,
m,c,C,,1,gb/york
"""
PREVIOUS = """previous,unit,candidate,votes,valid,cast
2022,gb/bath,old,60,100,101
2022,gb/bath,b,40,,
"""


def tables(**texts: str) -> dict[str, tuple[str, str]]:
    return {kind: (f"{kind}.csv", text) for kind, text in texts.items()}


ALL = tables(units=UNITS, parties=PARTIES, candidates=CANDIDATES, previous=PREVIOUS)


def test_tables_and_a_head_make_a_definition() -> None:
    election = Election.model_validate_json(orjson.dumps(definition_of(HEAD, ALL)))

    assert {"gb": 76, "gb/bath": 75, "gb/york": 1} == election.boxes_total
    assert 68_000 == election.unit_by_id["gb/bath"].registered
    assert ("a", "b") == election.ballot_order("m", "gb/bath")
    assert ["C"] == [one.name for one in election.ballot("m", "gb/york")]
    assert "B, the other" == election.ballot("m", "gb")[1].name
    then = election.previous[0].results["gb/bath"]
    assert ({"old": 60, "b": 40}, 100, 101, None) == (then.votes, then.valid, then.cast, then.registered)


def test_what_no_table_says_stays_as_the_head_has_it() -> None:
    head = HEAD | {"units": [{"id": "gb", "level": "country", "name": "Britain"}], "parties": []}
    made = definition_of(head, {})

    assert head == made
    assert [] == definition_of(HEAD, tables(units="\ufeff" + UNITS))["parties"]


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        ("units", "id,level\n", "units.csv: there is no column 'name'"),
        ("units", "id,level,name,parnt\n", "column 'parnt' means nothing here. Did you mean 'parent'?"),
        ("units", "id,level,name,boxes\ngb,seat,B,1-\n", "line 2: column 'boxes': '1-' is no range of boxes"),
        ("units", "id,level,name,registered\ngb,seat,B,1.000\n", "line 2: column 'registered': '1.000' is no whole"),
        ("units", "id,level,name\ngb,seat,\n", "line 2: column 'name': it is empty"),
        ("units", "id,level,name\ngb,seat,B,x\n", "line 2: 4 cells under 3 columns. Put quotes"),
        ("units", 'id,level,name\ngb,seat,"B" x\n', "line 2: .*Write it as CSV with commas"),
        ("candidates", "contest,id,name\nmm,a,A\n", "line 2: there is no contest 'mm'. Did you mean 'm'?"),
        ("previous", "previous,unit,candidate,votes\n2021,gb,a,1\n", "line 2: there are no previous results '2021'"),
        ("previous", "previous,unit,candidate,votes\n2022,gb,a,1\n2022,gb,a,2\n", "line 3: 'a' is there twice"),
        (
            "previous",
            "previous,unit,candidate,votes,valid\n2022,gb,a,1,5\n2022,gb,b,2,6\n",
            "line 3: valid of 'gb' is 6 here and 5 above",
        ),
    ],
)
def test_a_fault_of_a_table_is_told_with_its_line(kind: str, text: str, says: str) -> None:
    with pytest.raises(DefinitionError, match=says):
        definition_of(HEAD, tables(**{kind: text}))


def test_of_many_faults_some_are_told_and_how_many_more_there_are() -> None:
    text = "id,level,name,registered\n" + "x,seat,X,many\n" * (MAX_FAULTS_TOLD + 3)

    with pytest.raises(DefinitionError, match="and 3 more"):
        definition_of(HEAD, tables(units=text))


def test_empty_lines_say_nothing() -> None:
    assert 3 == len(definition_of(HEAD, tables(units=UNITS + "\n,,,,,\n"))["units"])
