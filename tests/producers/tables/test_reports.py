import csv
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from producers.simulating.library import read_scenario
from producers.tables.mapping import ReportMapping, read_report_mapping
from producers.tables.reports import read_reports
from producers.tables.statements import ReportHistory
from schemas.definition import Election, Source
from schemas.errors import TableError
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


def mapping(plan: dict[str, Any], **changes: Any) -> ReportMapping:
    return ReportMapping.model_validate(plan | changes)


def read(
    tmp_path: Path, *lines: str, plan: ReportMapping | None = None, correction: bool = False
) -> tuple[list[Reported], str]:
    """The reports of a table, and what is wrong with its lines."""
    path = tmp_path / "t.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    table = read_reports(path, plan or mapping(WIDE), ELECTION, correction=correction)
    return list(table.reports), table.faults.message("so.") if table.faults.count else ""


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

    assert ([reported(revision=7)], "") == read(tmp_path, *lines, plan=mapping(LONG))


def test_json_is_read_like_a_table(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    row = dict(zip(HEADER.split(";"), LINE.split(";"), strict=True)) | {"açılan": 10}
    path.write_bytes(orjson.dumps({"ilceler": [row, row | {"ilce": "Atlantis"}]}))

    table = read_reports(path, mapping(WIDE, table={"thousands": ".", "rows": "ilceler"}), ELECTION)

    assert [10] == [report.boxes_opened for report in table.reports]
    assert "record 2: no district 'Atlantis'" in table.faults.message("so.")


def test_a_table_without_a_line_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="has no report"):
        read(tmp_path, HEADER)


def test_every_file_of_a_night_in_which_clocks_go_back_comes_after_the_one_before(tmp_path: Path) -> None:
    """The local times of an hour are there twice; all of them are read as those of the first, and none is lost."""
    night = Election(**{**dict(ELECTION), "date": date(2026, 10, 24), "timezone": "Europe/Berlin", "polls_close": None})
    report = WIDE["report"] | {"time_format": "%H:%M", "timezone": "Europe/Berlin", "repeated_hour": "first"}
    history, found, odd, path = ReportHistory(by_time=True), [], [], tmp_path / "t.csv"
    for boxes, shown in enumerate(("23:00", "02:00", "02:59", "02:00", "02:30", "02:59", "03:00", "03:05"), start=10):
        path.write_text(f"{HEADER}\n{LINE.replace('31.03.2024 19:00;10', f'{shown};{boxes}')}\n", encoding="utf-8")
        news = history.news(read_reports(path, mapping(WIDE, report=report), night).reports)
        found += news.publish
        odd += news.odd

    assert [*range(10, 18)] == [each.boxes_opened for each in found if isinstance(each, Reported)]
    assert sorted({each.revision for each in found}) == [each.revision for each in found]
    assert ["24T23:00:00+02:00", "25T03:05:00+01:00"] == [found[at].at.isoformat()[8:] for at in (0, -1)]
    assert 1 == len(odd)


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
    plan = read_report_mapping(ROOT / "examples" / "istanbul-2024-reports.toml")
    plan = plan.model_copy(update={"report": plan.report.model_copy(update={"contest": contest, "source": "anka"})})

    table = read_reports(path, plan, two_agencies())
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
