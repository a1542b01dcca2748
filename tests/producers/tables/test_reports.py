import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import orjson
import pytest

from producers.scenarios.library import read_scenario
from producers.tables.report_mapping import ReportMapping, read_report_mapping
from producers.tables.reports import check_mapping, read_reports
from schemas.definition import Election, Source
from schemas.errors import MappingError, TableError
from schemas.tally import Reported
from tests.builders import NIGHT, reported, small_election, with_agency
from tests.producers.real_tables import ROOT, real_table

ELECTION = with_agency(small_election())
HEADER = "ilce;saat;açılan;kayıtlı;kullanan;geçerli;boşta;İmamoğlu;Kurum;düzeltme"
LINE = "Üsküdar;31.03.2024 19:00;10;3.000;2.550;2.500;0;1.500;1.000;"
WIDE: dict[str, Any] = {
    "report": {
        "source": "agency",
        "contest": "mayor",
        "at": {"column": "saat"},
        "time_format": "%d.%m.%Y %H:%M",
        "timezone": "Europe/Istanbul",
        "correction": {"column": "düzeltme", "equals": "E"},
    },
    "table": {"delimiter": ";", "thousands": "."},
    "units": {"district": "ilce"},
    "columns": {
        "boxes_opened": "açılan",
        "registered": "kayıtlı",
        "cast": "kullanan",
        "valid": "geçerli",
        "unattributed": "boşta",
    },
    "votes": {"İmamoğlu": "imamoglu", "Kurum": "kurum"},
}
LONG: dict[str, Any] = {
    "report": {"source": "agency", "contest": {"column": "yarış"}, "at": NIGHT, "revision": {"column": "sıra"}},
    "units": {"district": "ilce", "province": "il"},
    "columns": {
        "boxes_opened": "açılan",
        "registered": "kayıtlı",
        "cast": "kullanan",
        "valid": "geçerli",
        "invalid": "geçersiz",
        "candidate": ["aday", "parti"],
        "votes": "oy",
    },
    "contests": {"BŞB": "mayor"},
    "candidates": {"Reis": "imamoglu"},
}
LONG_HEADER = "il,ilce,yarış,sıra,açılan,kayıtlı,kullanan,geçerli,geçersiz,aday,parti,oy"


def mapping(said: dict[str, Any], **changes: Any) -> ReportMapping:
    return ReportMapping.model_validate(said | changes)


def read(
    tmp_path: Path, *lines: str, said: ReportMapping | None = None, correction: bool = False
) -> tuple[list[Reported], str]:
    """The reports of a table, and what is wrong with its lines."""
    path = tmp_path / "t.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    table = read_reports(path, said or mapping(WIDE), ELECTION, correction=correction)
    return list(table.reports), table.faults.told("so.") if table.faults.count else ""


def test_a_line_is_a_districts_report_and_its_revision_is_its_time(tmp_path: Path) -> None:
    revision = int(NIGHT.timestamp() * 1000)

    assert ([reported(revision=revision)], "") == read(tmp_path, HEADER, LINE)


def test_only_a_marked_line_is_a_correction_or_all_are(tmp_path: Path) -> None:
    kadikoy = LINE.replace("Üsküdar", "Kadıköy") + "E"

    assert ["reported", "report_corrected"] == [report.type for report in read(tmp_path, HEADER, LINE, kadikoy)[0]]
    assert ["report_corrected"] == [report.type for report in read(tmp_path, HEADER, LINE, correction=True)[0]]


def test_a_line_for_each_candidate_adds_up_to_one_report(tmp_path: Path) -> None:
    start = "İSTANBUL,ÜSKÜDAR,BŞB,7,10,3000,2550,2500,50"
    lines = (LONG_HEADER, f"{start},Reis,?,1500", f"{start},PARTİ ADAYI,AK Parti,1000", f"{start},Reis,?,1500")

    assert ([reported(revision=7)], "") == read(tmp_path, *lines, said=mapping(LONG))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("Üsküdar", "Atlantis", "line 3: no district 'Atlantis' in the election definition"),
        ("1.500", "-1.500", "line 3: İmamoğlu is '-1.500', not a whole number from 0 up"),
        ("3.000", "", "line 3: kayıtlı is '', not a whole number"),
        (";10;", ";200000;", "line 3: açılan is '200000', over the 100000"),
        ("2.500", "2.600", "line 3: geçerli is 2600, over the 2550 of kullanan"),
        ("31.03.2024 19:00", "19:00", "line 3: saat is '19:00', not a time like"),
        (";1.000;", ";1.000", "line 3: 9 cells under a header of 10"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_and_the_others_can(tmp_path: Path, old: str, new: str, says: str) -> None:
    good = LINE.replace("Üsküdar", "Kadıköy")
    reports, told = read(tmp_path, HEADER, good, LINE.replace(old, new))

    assert ["tr/34/kadikoy"] == [report.district for report in reports]
    assert says in told


def test_a_time_without_a_zone_is_refused(tmp_path: Path) -> None:
    report = {name: value for name, value in WIDE["report"].items() if name != "timezone"}

    assert "in no time zone" in read(tmp_path, HEADER, LINE, said=mapping(WIDE, report=report))[1]


def test_the_same_revision_with_other_figures_spoils_its_district_and_no_other(tmp_path: Path) -> None:
    other = LINE.replace("1.500", "1.499")
    reports, told = read(tmp_path, HEADER, LINE, LINE.replace("Üsküdar", "Kadıköy"), LINE, other)

    assert ["tr/34/kadikoy"] == [report.district for report in reports]
    assert "1 line of" in told
    assert "line 5: revision 1711900800000 of tr/34/uskudar has other votes of 'imamoglu'" in told
    assert "is in line 2 with other figures" in read(tmp_path, HEADER, LINE, LINE.replace(";10;", ";11;"))[1]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("Reis", "Yabancı", "no candidate 'Yabancı' or '' on the ballot of tr/34/uskudar"),
        ("BŞB", "muhtar", "yarış is 'muhtar', no contest of this run"),
        (",7,", ",0,", "sıra is 0, not a revision from 1 up"),
        (",7,", ",x,", "sıra is 'x', not a whole number"),
        ("İSTANBUL", "BURSA", "no district 'ÜSKÜDAR' in 'BURSA'"),
    ],
)
def test_half_a_report_is_none(tmp_path: Path, old: str, new: str, says: str) -> None:
    good = "İSTANBUL,ÜSKÜDAR,BŞB,7,10,3000,2550,2500,50,Kurum,AK Parti,1000"
    bad = "İSTANBUL,ÜSKÜDAR,BŞB,7,10,3000,2550,2500,50,Reis,,1500".replace(old, new)
    reports, told = read(tmp_path, LONG_HEADER, good, bad, said=mapping(LONG))

    assert says in told
    assert (0 if "candidate" in says else 1) == len(reports)


def test_a_column_of_a_candidate_who_is_not_on_this_ballot_must_be_zero(tmp_path: Path) -> None:
    votes = {"İmamoğlu": "chp", "Kurum": "ak_parti"}
    said = mapping(WIDE, votes=votes, report=WIDE["report"] | {"contest": "district_mayor"})
    gebze = LINE.replace("Üsküdar", "Gebze")

    assert {"chp": 1500} == read(tmp_path, HEADER, gebze.replace(";1.000;", ";0;"), said=said)[0][0].votes
    assert "no candidate 'ak_parti' on the ballot of tr/41/gebze" in read(tmp_path, HEADER, gebze, said=said)[1]


def test_json_is_read_like_a_table(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    row = dict(zip(HEADER.split(";"), LINE.split(";"), strict=True)) | {"açılan": 10}
    path.write_bytes(orjson.dumps({"ilceler": [row, row | {"ilce": "Atlantis"}]}))

    table = read_reports(path, mapping(WIDE, table={"thousands": ".", "rows": "ilceler"}), ELECTION)

    assert [10] == [report.boxes_opened for report in table.reports]
    assert "record 2: no district 'Atlantis'" in table.faults.told("so.")


def test_a_table_without_a_line_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="has no report"):
        read(tmp_path, HEADER)


@pytest.mark.parametrize(
    ("section", "change", "says"),
    [
        ("report", {"source": "nobody"}, "no source 'nobody'. It has: aa, anka, agency"),
        ("report", {"source": "aa"}, "Source 'aa' of this run reports each box by itself"),
        ("report", {"contest": "muhtar"}, "no contest 'muhtar'. It has: mayor, district_mayor"),
        ("units", {"within": "tr/99"}, "no unit 'tr/99'"),
        ("units", {"names": {"Adalar": "tr/34"}}, "no district 'tr/34', which units.names gives for 'Adalar'"),
        ("columns", {"cast": "kullanılan"}, "no column 'kullanılan', which the mapping names. Nearest: 'kullanan'"),
    ],
)
def test_a_mapping_that_does_not_fit_says_where(
    tmp_path: Path, section: str, change: dict[str, Any], says: str
) -> None:
    with pytest.raises(MappingError, match=says):
        read(tmp_path, HEADER, LINE, said=mapping(WIDE, **{section: WIDE[section] | change}))


def test_a_contest_of_the_mapping_that_the_run_does_not_have_is_told() -> None:
    with pytest.raises(MappingError, match="no contest 'council'"):
        check_mapping(mapping(LONG, contests={"Meclis": "council"}), ELECTION)


CSVS = ("metropolitan_mayor", "district_mayor", "district_council")


def two_agencies() -> Election:
    """İstanbul 2024 with two agencies that report whole districts, beside observers who report boxes."""
    night = read_scenario().definition()
    agencies = tuple(Source(id=name, name=name.upper(), reports="districts") for name in ("aa", "anka"))
    return Election(**{**dict(night), "sources": (*agencies, Source(id="observers", name="Müşahitler"))})


def test_the_lines_that_the_example_shows_are_read_as_it_says(tmp_path: Path) -> None:
    example = ROOT / "examples" / "agency-reports.toml"
    shown = [
        text[4:] for text in example.read_text(encoding="utf-8").splitlines() if text.startswith("#   ") and ";" in text
    ]
    path = tmp_path / "ilceler.csv"
    path.write_text("\n".join(shown) + "\n", encoding="utf-8")

    (report,) = read_reports(path, read_report_mapping(example), two_agencies()).reports

    assert ("tr/34/uskudar", 1211, 398120, 318204 - 309118) == (
        report.district,
        report.boxes_opened,
        report.registered,
        report.invalid,
    )
    assert {"imamoglu": 160454, "kurum": 131002} == report.votes
    assert ("reported", "2024-03-31T21:14:00+03:00") == (report.type, report.at.isoformat())


@pytest.mark.data
@pytest.mark.parametrize("contest", CSVS)
def test_the_published_figures_of_2024_come_out_as_they_went_in(contest: str) -> None:
    path = real_table(f"istanbul-2024/{contest}.csv")
    said = read_report_mapping(ROOT / "examples" / "istanbul-2024-reports.toml")
    said = said.model_copy(update={"report": said.report.model_copy(update={"contest": contest, "source": "anka"})})

    table = read_reports(path, said, two_agencies())
    table.faults.raise_any()

    sums: dict[str, int] = defaultdict(int)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        sums["votes"] += int(row["votes"])
    for row in {row["district"]: row for row in rows}.values():
        for column in ("boxes_total", "registered", "ballots_cast", "valid_votes"):
            sums[column] += int(row[column])
    assert 39 == len(table.reports)
    assert dict(sums) == {
        "votes": sum(sum(report.votes.values()) for report in table.reports),
        "boxes_total": sum(report.boxes_opened for report in table.reports),
        "registered": sum(report.registered for report in table.reports),
        "ballots_cast": sum(report.cast for report in table.reports),
        "valid_votes": sum(report.valid for report in table.reports),
    }
    assert {("anka", contest)} == {(report.source, report.contest) for report in table.reports}
    staged = {district.id: district.results[contest].votes for district in read_scenario().districts}
    assert staged == {report.district: report.votes for report in table.reports}
