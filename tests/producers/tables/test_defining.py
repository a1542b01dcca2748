"""A definition out of results: units, boxes, contests and ballots as the file names them, and what is left open."""

from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from producers.tables.defining import Known, ResultsDefinition, results_definition
from producers.tables.guess import guess_mapping
from producers.tables.mapping import ReportMapping, read_report_mapping
from producers.tables.outline import LevelColumn
from producers.tables.reports import read_box_statements, read_reports
from schemas.definition import Election
from schemas.errors import DefinitionError, MappingError, TableError
from schemas.tally import Withdrawn

EXAMPLES = Path(__file__).parents[3] / "examples"
READ = datetime(2030, 5, 12, 22, tzinfo=UTC)
HEAD: dict[str, Any] = {
    "id": "night",
    "name": "Night",
    "date": date(2030, 5, 12),
    "timezone": "UTC",
    "language": "en",
    "country": ("zz", "Zz"),
}
FILES = (
    "polling-stations/computos.csv",
    "zones/bweb.csv",
    "precincts/results.csv",
    "villages/tps.csv",
    "regions/results.json",
    "exports/export_2030.csv",
    "istanbul-2024/results.csv",
)


def votes(file: Path, plan: ReportMapping, election: Election) -> tuple[int, list[int]]:
    """How many statements there are, and how many votes everybody has, whatever their ids are."""
    read = read_box_statements if plan.is_of_boxes else read_reports
    found = [one for one in read(file, plan, election, fetched=READ).reports if not isinstance(one, Withdrawn)]
    summed: Counter[str] = Counter()
    for one in found:
        summed.update(one.votes)
    return len(found), sorted(summed.values())


def made(folder: Path, text: str, mapping: str, **known: Any) -> ResultsDefinition:
    table, plan = folder / "t.csv", folder / "m.toml"
    table.write_text(text, encoding="utf-8")
    plan.write_text(mapping, encoding="utf-8")
    return results_definition([table], read_report_mapping(plan), Known(**HEAD | known), READ)


@pytest.mark.parametrize("name", FILES)
def test_a_definition_of_an_example_counts_what_the_written_one_counts(name: str) -> None:
    file = EXAMPLES / name
    plan = read_report_mapping(file.parent / "mapping.toml")
    written = Election.model_validate_json((file.parent / "definition.json").read_bytes())
    drafted = results_definition([file], plan, Known(**HEAD), READ)

    assert votes(file, plan, written) == votes(file, plan, drafted.election)


@pytest.mark.parametrize("name", FILES)
def test_a_guessed_mapping_and_its_definition_leave_no_line_out(name: str, tmp_path: Path) -> None:
    file, mapping = EXAMPLES / name, tmp_path / "guess.toml"
    mapping.write_text(guess_mapping(file), encoding="utf-8")
    drafted = results_definition([file], read_report_mapping(mapping), Known(**HEAD), READ)

    assert [0] == [table.faults.count for table in drafted.tables]
    assert drafted.tables[0].reports


WIDE = """[report]
source = "aa"
contest = "mayor"
at = "fetch"
timezone = "UTC"
[units]
district = "town"
province = "county"
[columns]
box = "box"
registered = "roll"
cast = "cast"
valid = "valid"
[votes]
Ann = "ann"
Bob = "bob"
"""


def test_units_have_their_boxes_and_voters_and_totals_are_no_units(tmp_path: Path) -> None:
    text = (
        "county,town,box,roll,cast,valid,Ann,Bob\n"
        "ELM,LEE,1,300,200,198,100,98\nELM,LEE,2,310,200,198,100,98\nELM,LEE,5,90,9,9,9,0\n"
        "ELM,TOTAL,,700,409,405,209,196\nOAK,Lee,1,100,50,50,20,30\n"
    )
    found = made(tmp_path, text, WIDE)
    units = {unit.id: (unit.level, unit.name, unit.boxes, unit.registered) for unit in found.election.units}

    assert {
        "zz": ("country", "Zz", (), None),
        "zz/elm": ("province", "Elm", (), None),
        "zz/oak": ("province", "Oak", (), None),
        "zz/elm/lee": ("district", "Lee", ((1, 2), (5, 5)), 700),
        "zz/oak/lee": ("district", "Lee", ((1, 1),), 100),
    } == units


LONG = """[report]
source = "aa"
contest = { column = "race" }
at = "fetch"
timezone = "UTC"
[units]
district = "town"
[columns]
boxes_total = "boxes"
candidate = ["who"]
party = "party"
votes = "votes"
[rows]
invalid = ["Spoilt"]
[absent]
registered = "unknown"
cast = "sum"
valid = "sum"
boxes_opened = "all"
"""
RACES = (
    "race,town,boxes,who,party,votes\n"
    "Mayor,Lee,4,Ann,Red,7\nMayor,Lee,4,Bob,Blue,3\nMayor,Lee,4,Spoilt,,1\n"
    "Mayor,Ash,2,Cid,Red,5\nMayor,Ash,2,Dan,Blue,6\nMayor,Ash,2,Spoilt,,0\n"
    "Council,Lee,4,Red,Red,7\nCouncil,Lee,4,Total,,7\nKöy,Łódź,1,Київ,Синя,7\n"
)


def test_contests_have_their_area_their_ballots_and_what_their_source_does_not_give(tmp_path: Path) -> None:
    found = made(tmp_path, RACES, LONG, ballots={"mayor": "district"})
    mayor, council, koy = found.election.contests
    absent = ("registered", "cast", "invalid")

    assert (("zz/lee", "zz/ash"), ("zz/lee",)) == (mayor.area, council.area)
    assert {"zz/lee": ["ann", "bob"], "zz/ash": ["cid", "dan"]} == {
        unit: [candidate.id for candidate in ballot] for unit, ballot in mayor.ballots.items()
    }
    assert ["red", "blue", "red", "blue"] == [candidate.party for candidate in mayor.candidates]
    assert ("koy", "Köy", "candidate-1", "Київ") == (koy.id, koy.name, koy.candidates[0].id, koy.candidates[0].name)
    assert {"mayor": ("registered",), "council": absent, "koy": absent} == found.election.sources[0].absent
    assert (4, 2, 1) == tuple(found.election.boxes_total[unit] for unit in ("zz/lee", "zz/ash", "zz/lodz"))
    assert [0] == [table.faults.count for table in found.tables]


def test_what_the_file_does_not_say_is_asked(tmp_path: Path) -> None:
    asked = "\n".join(made(tmp_path, RACES, LONG).questions)

    assert "boxes: as many as 'boxes' says" in asked
    assert "registered: 3 of 3 units have none" in asked
    assert "contest 'mayor': 4 of 4 candidates have votes in one unit alone" in asked
    assert "contest 'council': it has lines in 1 units only" in asked
    assert "contest 'council': no line says what is cast, invalid" in asked
    assert "their colours and short names are made up" in asked


def test_votes_that_do_not_come_to_the_valid_ones_are_asked_about(tmp_path: Path) -> None:
    text = "county,town,box,roll,cast,valid,Ann,Bob\nELM,LEE,1,300,200,198,100,300\n"
    assert "votes: in 1 of 1 events" in made(tmp_path, text, WIDE).questions[-1]
    assert "votes" not in made(tmp_path, text.replace("300\n", "98\n"), WIDE).questions[-1]


def test_levels_may_be_others_and_a_name_in_another_spelling_is_the_same_unit(tmp_path: Path) -> None:
    text = "region,town,box,roll,cast,valid,Ann,Bob\nÉSTE,Київ,1,3,2,2,1,1\nEste,КИЇВ,2,3,2,2,1,1\n"
    plan = WIDE.replace('province = "county"\n', "")
    found = made(tmp_path, text, plan, levels=(LevelColumn("region", "region"), LevelColumn("town", "town")))
    asked = "\n".join(found.questions)

    assert ["country", "region", "town"] == [level.id for level in found.election.levels]
    assert ["zz", "zz/este", "zz/este/town-1"] == [unit.id for unit in found.election.units]
    assert ((1, 2),) == found.election.units[-1].boxes
    assert "zz/este/town-1 have a number for an id" in asked
    assert "another spelling is taken for the same unit: 'Este' (zz/este)" in asked
    assert "everybody is an independent" in asked


def test_units_within_one_and_ids_that_the_mapping_gives(tmp_path: Path) -> None:
    text = "town,box,roll,cast,valid,Ann,Bob\nКиїв,1,3,2,2,1,1\n"
    plan = WIDE.replace('province = "county"', 'within = "tr/34"\nnames = { "Київ" = "tr/34/kyiv" }')
    found = made(tmp_path, text, plan, country=("tr", "İstanbul"), are_parties=True)

    assert [("tr", None), ("tr/34", "tr"), ("tr/34/kyiv", "tr/34")] == [
        (unit.id, unit.parent) for unit in found.election.units
    ]
    assert ["ann", "bob"] == [party.id for party in found.election.parties]


@pytest.mark.parametrize(
    ("text", "known", "error", "says"),
    [
        ("county,town,box,roll,cast,valid,Ann,Bob\n", {}, TableError, "no line of a unit"),
        ("", {}, TableError, "is empty"),
        ("county,town,box,roll,cast,valid,Ann,Bob\nE,,1,1,1,1,1,0\n", {}, TableError, "line 2: town is empty"),
        ("county,town,box,roll,cast,valid,Ann,Bob\nE,L,0,1,1,1,1,0\n", {}, TableError, "line 2: the box is 0"),
        ("county,town,box,roll,cast,valid,Ann,Bob\nE,L\n", {}, TableError, "2 cells under a header of 8"),
        (
            "county,town,box,roll,cast,valid,Ann,Bob\nE,L,1,1,1,1,1,0\n",
            {"levels": (LevelColumn("town", "town"),)},
            MappingError,
            "must end as",
        ),
        (
            "county,town,box,roll,cast,valid,Ann,Bob\nE,L,1,1,1,1,1,0\n",
            {"ballots": {"mayor": "region"}},
            DefinitionError,
            "no level 'region'",
        ),
        (
            "county,town,box,roll,cast,valid,Ann,Bob\nE,L,1,1,1,1,1,0\n",
            {"timezone": "Nowhere"},
            DefinitionError,
            "timezone",
        ),
    ],
)
def test_what_makes_no_definition_is_told(
    tmp_path: Path, text: str, known: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        made(tmp_path, text, WIDE, **known)
