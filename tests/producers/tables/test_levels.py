"""Tables of a source that tells a contest at a higher level, or does not give every count."""

from pathlib import Path
from typing import Any

import pytest

from producers.tables.fitting import check_mapping
from producers.tables.mapping import ReportMapping
from producers.tables.reports import read_reports
from schemas.definition import Election, Source
from schemas.errors import MappingError
from tests.builders import small_election

WIDE: dict[str, Any] = {
    "report": {"source": "dha", "contest": "mayor", "at": "file", "revision": 1},
    "units": {"district": "il"},
    "columns": {"boxes_opened": "sandik", "valid": "gecerli", "cast": "kullanan"},
    "absent": {"registered": "unknown", "invalid": "unknown"},
    "votes": {"imamoglu": "imamoglu", "kurum": "kurum"},
}


def election(**source: Any) -> Election:
    fields = {"levels": {"mayor": "province"}, "absent": ("registered", "invalid")} | source
    dha = Source(id="dha", name="DHA", reports="districts", **fields)
    return Election(**{**dict(small_election()), "sources": (dha,)})


def mapping(**changes: Any) -> ReportMapping:
    return ReportMapping.model_validate(WIDE | changes)


def test_lines_are_of_the_units_that_the_source_tells(tmp_path: Path) -> None:
    file = tmp_path / "dha.csv"
    file.write_text("il,sandik,kullanan,gecerli,imamoglu,kurum\nİSTANBUL,40,900,850,500,350\nÜSKÜDAR,9,90,80,50,30\n")

    table = read_reports(file, mapping(), election())

    (only,) = table.reports
    report: Any = only
    assert ("tr/34", 40, 850, None, None) == (
        report.district,
        report.boxes_opened,
        report.valid,
        report.registered,
        report.invalid,
    )
    assert ["no unit 'ÜSKÜDAR' of those that the source tells (levels in the definition)"] == [
        fault.partition(": ")[2] for fault in table.faults.shown
    ]


def test_names_of_the_mapping_are_of_units_that_the_source_tells() -> None:
    check_mapping(mapping(units={"district": "il", "names": {"Ist": "tr/34"}}), election())
    with pytest.raises(MappingError, match=r"no district 'tr/34/uskudar', which units\.names gives"):
        check_mapping(mapping(units={"district": "il", "names": {"Usk": "tr/34/uskudar"}}), election())


def test_a_mapping_and_a_definition_that_differ_in_what_is_not_given_say_what_to_do() -> None:
    with pytest.raises(MappingError, match="add 'invalid' to absent of source 'dha' there, for 'mayor'"):
        check_mapping(mapping(), election(absent=("registered",)))
    columns = WIDE["columns"] | {"invalid": "gecersiz"}
    with pytest.raises(MappingError, match=r"does not give invalid \(absent\), and the mapping has columns\.invalid"):
        check_mapping(mapping(columns=columns), election())
