"""Made-up files in the shapes that authorities publish, each read by its mapping alone: the sums are right.

What they have to come to is added up here by other code, which knows nothing of mappings.
"""

import csv
import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from producers.tables.mapping import ReportMapping, read_report_mapping
from producers.tables.reports import ReportTable, read_box_statements, read_reports
from schemas.definition import Election
from schemas.tally import Counted, Reported, Withdrawn

EXAMPLES = Path(__file__).parents[3] / "examples"


def setting(folder: str) -> tuple[ReportMapping, Election]:
    place = EXAMPLES / folder
    definition = Election.model_validate_json((place / "definition.json").read_bytes())
    return read_report_mapping(place / "mapping.toml"), definition


def boxes(folder: str, file: str) -> ReportTable[Counted | Withdrawn]:
    return read_box_statements(EXAMPLES / folder / file, *setting(folder))


def sums(events: Iterable[Counted | Reported | Withdrawn]) -> Counter[tuple[str, str, str]]:
    """The counts of each contest and district, each count and candidate by name, without zeros."""
    found: Counter[tuple[str, str, str]] = Counter()
    for event in events:
        assert not isinstance(event, Withdrawn)
        for name in ("registered", "cast", "valid", "invalid", "unattributed", "blank"):
            found[event.contest, event.district, name] += getattr(event, name) or 0
        for name, votes in event.votes.items():
            found[event.contest, event.district, f"votes {name}"] += votes
    return +found


def lines(path: Path, encoding: str = "utf-8", delimiter: str = ",", skip: int = 0) -> list[dict[str, str]]:
    text = path.read_text(encoding=encoding).splitlines()[skip:]
    return list(csv.DictReader(text, delimiter=delimiter))


def test_text_ids_coalitions_and_illegible_counts() -> None:
    table = boxes("polling-stations", "computos.csv")
    expected: Counter[tuple[str, str, str]] = Counter()
    rows = lines(EXAMPLES / "polling-stations" / "computos.csv", "utf-8-sig", skip=4)
    for row in rows:
        if "-" in row.values() or "Ilegible" in row.values():
            continue
        district = {"Aldama": "zz/01/aldama", "Benito Juárez": "zz/01/benito-juarez"}[row["MUNICIPIO"]]
        parties = ("AZUL", "VERDE", "AZUL_VERDE", "ROJO", "BLANCO", "ROJO_BLANCO", "SOTO")
        votes = [int(row[name]) for name in parties]
        figures = {
            "registered": int(row["LISTA_NOMINAL"].replace(",", "")),
            "cast": sum(votes) + int(row["NULOS"]),
            "valid": sum(votes),
            "invalid": int(row["NULOS"]),
            "votes luna": sum(votes[:3]),
            "votes rios": sum(votes[3:6]),
            "votes soto": votes[6],
        }
        expected.update({("governor", district, name): count for name, count in figures.items()})

    assert +expected == sums(table.reports)
    assert 0 == table.faults.count
    assert ["line 8 is set aside: VERDE is '-'", "line 12 is set aside: AZUL_VERDE is 'Ilegible'"] == table.faults.aside
    assert 338101 in {event.box for event in table.reports}


def test_zone_and_section_in_latin_1_with_two_contests() -> None:
    table = boxes("zones", "bweb.csv")
    expected: Counter[tuple[str, str, str]] = Counter()
    people = {"JOÃO CONCEIÇÃO": "13", "MÁRCIA ARAÚJO": "45"}
    people |= {"ZÉ DA FEIRA": "13001", "IRMÃ INÊS": "45001", "TONINHO": "45002"}
    heads: dict[tuple[str, ...], dict[str, str]] = {}
    for row in lines(EXAMPLES / "zones" / "bweb.csv", "latin-1", ";"):
        contest = {"Prefeito": "mayor", "Vereador": "council"}[row["CARGO"]]
        district = {"SÃO ROQUE": "zz/sp/sao-roque", "GUAÍRA": "zz/sp/guaira"}[row["MUNICIPIO"]]
        heads[contest, district, row["ZONA"], row["SECAO"]] = row
        if person := people.get(row["NM_VOTAVEL"]):
            expected[contest, district, f"votes {person}"] += int(row["QT_VOTOS"])
            expected[contest, district, "valid"] += int(row["QT_VOTOS"])
        else:
            expected[contest, district, "invalid"] += int(row["QT_VOTOS"])
    for (contest, district, *_), row in heads.items():
        expected[contest, district, "registered"] += int(row["APTOS"])
        expected[contest, district, "cast"] += int(row["COMPARECIMENTO"])

    assert (+expected, []) == (sums(table.reports), table.faults.shown)
    assert len(heads) == len(table.reports) == 12
    assert {1010001, 1010002, 1010003, 1030001} <= {event.box for event in table.reports}


def test_precincts_without_turnout_and_offices_that_are_left_out() -> None:
    table = boxes("precincts", "results.csv")
    expected: Counter[tuple[str, str, str]] = Counter()
    for row in lines(EXAMPLES / "precincts" / "results.csv"):
        contest = {"President": "president", "U.S. Senate": "senate"}.get(row["office"])
        if contest is None:
            continue
        cell = contest, f"zz/{row['county']}/{row['town']}".lower()
        votes = int(row["votes"])
        if contest == "president":
            expected[*cell, "cast"] += votes
        if row["candidate"] in {"Over Votes", "Under Votes"}:
            expected[*cell, "invalid" if row["candidate"] == "Over Votes" else "blank"] += votes
        else:
            name = "write-in" if row["candidate"] == "Write-ins" else row["candidate"].split()[1].lower()
            expected[*cell, "valid"] += votes
            expected[*cell, f"votes {name}"] += votes

    assert (+expected, []) == (sums(table.reports), table.faults.shown)
    assert 12 == len(table.reports)
    silent = {
        (event.contest, name)
        for event in table.reports
        for name in ("registered", "cast", "invalid", "blank")
        if getattr(event, name) is None
    }
    assert {
        ("president", "registered"),
        ("senate", "registered"),
        ("senate", "cast"),
        ("senate", "invalid"),
        ("senate", "blank"),
    } == silent, "what nobody counted is unknown; the senate's blank votes are of no contest that counts them"


def test_a_place_in_one_cell_and_boxes_that_are_unique_in_their_village() -> None:
    table = boxes("villages", "tps.csv")
    expected: Counter[tuple[str, str, str]] = Counter()
    for row in lines(EXAMPLES / "villages" / "tps.csv"):
        if row["dpt"] == "-":
            continue
        village, subdistrict, *_ = row["lokasi"].lower().replace(" ", "-").split(",-")
        cell = "regent", f"zz/{subdistrict}/{village}"
        expected[*cell, "registered"] += int(row["dpt"])
        expected[*cell, "cast"] += int(row["suara_sah"]) + int(row["suara_tidak_sah"])
        expected[*cell, "valid"] += int(row["suara_sah"])
        expected[*cell, "invalid"] += int(row["suara_tidak_sah"])
        expected[*cell, "votes 01"] += int(row["paslon_1"])
        expected[*cell, "votes 02"] += int(row["paslon_2"])

    assert (+expected, []) == (sums(table.reports), table.faults.shown)
    assert ["line 8 is set aside: dpt is '-'"] == table.faults.aside


def test_lists_in_lists_with_a_row_of_unattributed_votes_and_a_total() -> None:
    mapping, definition = setting("regions")
    table = read_reports(EXAMPLES / "regions" / "results.json", mapping, definition)
    expected: Counter[tuple[str, str, str]] = Counter()
    parents = {"North": "zz/1", "South": "zz/2"}
    for region in json.loads((EXAMPLES / "regions" / "results.json").read_text(encoding="utf-8"))["Region"]:
        for district in region["b"]:
            votes = {each["n"]: each["v"] for each in district["x"]["c"]}
            if not votes:
                continue
            cell = "president", f"{parents[region['name']]}/{district['id']}"
            expected[*cell, "registered"] += district["voters"]
            expected[*cell, "cast"] += district["x"]["ballots"]
            expected[*cell, "valid"] += votes["Total"]
            expected[*cell, "invalid"] += district["x"]["spoilt"]
            expected[*cell, "unattributed"] += votes["Other"]
            expected[*cell, "votes ivanova"] += votes["Иванова"]
            expected[*cell, "votes petrov"] += votes["Петров"]

    assert (+expected, [], ()) == (sums(table.reports), table.faults.shown, table.wrong_totals)
    assert {datetime(2030, 5, 12, 20, 15, tzinfo=UTC)} == {report.at for report in table.reports}


@pytest.mark.parametrize(
    ("file", "counted", "annulled", "faults"),
    [
        ("export_2000.csv", {("easton", 1, 100), ("easton", 2, 90), ("weston", 1, 50)}, set(), []),
        (
            "export_2010.csv",
            {("easton", 1, 100), ("easton", 2, 90), ("easton", 3, 10), ("weston", 1, 50), ("weston", 2, 70)},
            set(),
            [],
        ),
        (
            "export_2020.csv",
            {("easton", 1, 100), ("easton", 3, 12), ("weston", 2, 70)},
            set(),
            ["  line 3: its quotes are broken: ',' expected after '\"'"],
        ),
        ("export_2030.csv", {("easton", 1, 100), ("easton", 3, 12), ("weston", 1, 55)}, {("weston", 2)}, []),
    ],
)
def test_each_export_says_what_it_says(
    file: str, counted: set[tuple[str, int, int]], annulled: set[tuple[str, int]], faults: list[str]
) -> None:
    table = boxes("exports", file)
    minute = int(file[9:11])

    assert faults == table.faults.shown
    assert {datetime(2030, 5, 12, 19, minute, tzinfo=UTC)} == {event.at for event in table.reports}
    assert counted == {
        (event.district.rpartition("/")[2], event.box, event.votes["oak"])
        for event in table.reports
        if isinstance(event, Counted)
    }
    assert annulled == {
        (event.district.rpartition("/")[2], event.box) for event in table.reports if isinstance(event, Withdrawn)
    }
    assert (table.places is None) == bool(faults)
