"""Tables: CSV, gzipped CSV, JSON, Parquet, of boxes and of whole districts. Every line counts as it is, or is named."""

import gzip
import io
import json
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import pyarrow as pa
from pyarrow import parquet

from producers.tables.boxes import election, read_table, tallies
from producers.tables.mapping import ReportMapping, read_mapping
from producers.tables.reports import read_reports
from producers.tables.statements import ReportHistory
from schemas.errors import UsageError
from schemas.tally import encode, parse_tallies
from tests.builders import small_election, with_agency
from tests.fuzz.target import Opened, Target, expect
from tests.fuzz.targets.mappings import ROOT
from tests.producers.tables.test_reports import WIDE as REPORT_MAPPING

ELECTION: Final = with_agency(small_election())
SUFFIXES: Final = (".csv", ".gz", ".json", ".parquet", ".xlsx")
BOXES: Final = (
    "il_id,ilce_id,il,ilce,sandik_no,kayitli_secmen,oy_kullanan,gecerli_toplam,gecersiz_toplam,"
    "AK PARTİ,MHP,SAADET,CHP,BTP,BBP,DP,DSP,HDP,DBP,Diger\n"
    "34,135,İSTANBUL,ÇATALCA,1001,295,272,253,19,54,10,1,185,0,0,0,0,0,0,3\n"
    "34,135,İSTANBUL,ÇATALCA,1002,293,291,280,11,49,15,2,212,0,0,0,0,1,0,1\n"
    "59,7,TEKİRDAĞ,ÇORLU,1001,300,200,190,10,90,0,0,100,0,0,0,0,0,0,0\n"
)
REPORTS: Final = (
    "ilce;saat;açılan;kayıtlı;kullanan;geçerli;boşta;İmamoğlu;Kurum;düzeltme\n"
    "Üsküdar;31.03.2024 19:00;10;3.000;2.550;2.500;0;1.500;1.000;\n"
    "Gebze;31.03.2024 19:05;4;1.200;1.050;1.000;100;500;400;E\n"
)
WIDE: Final = ReportMapping.model_validate(REPORT_MAPPING)


def corpus() -> tuple[bytes, ...]:
    """Both tables in every form; the first line says which."""
    found = []
    for table, delimiter in ((BOXES, ","), (REPORTS, ";")):
        text = table.encode()
        header, *lines = (line.split(delimiter) for line in table.splitlines())
        records = [dict(zip(header, line, strict=True)) for line in lines]
        sink = io.BytesIO()
        parquet.write_table(pa.Table.from_pylist(records), sink)
        book = io.BytesIO()
        with zipfile.ZipFile(book, "w") as folder:
            folder.writestr("xl/worksheets/sheet1.xml", table)
        rows = json_rows(records)
        forms = (text, gzip.compress(text, mtime=0), rows, sink.getvalue(), book.getvalue())
        found += [suffix.encode() + b"\n" + form for suffix, form in zip(SUFFIXES, forms, strict=True)]
        found += [b".csv\n" + text] * 3
    return tuple(found)


def json_rows(records: list[dict[str, str]]) -> bytes:
    """Records as JSON, numbers as numbers."""
    return json.dumps([{k: int(v) if v.isdecimal() else v for k, v in one.items()} for one in records]).encode()


@contextmanager
def opened() -> Iterator[Opened]:
    """With a folder for the file."""
    boxes = read_mapping(ROOT / "examples" / "turkiye-2014.toml")
    with tempfile.TemporaryDirectory() as folder:

        def check(data: bytes) -> None:
            suffix, _, content = data.partition(b"\n")
            known = suffix.decode(errors="replace")
            path = Path(folder) / f"table{known if known in SUFFIXES else '.csv'}"
            path.write_bytes(content)
            try:
                table = read_table(path, boxes)
                events = list(tallies(table, boxes))
                definition = election(table, boxes)
                expect(all(event.district in definition.unit_by_id for event in events), "a box is of no district")
                expect(parse_tallies([encode(event) for event in events]) == events, "a box does not come back")
            except UsageError as error:
                expect(str(error), "a refusal says nothing")
            try:
                found = read_reports(path, WIDE, ELECTION)
                history = ReportHistory(by_time=True)
                history.news(found.reports)
                said = [replace(one, votes={name: n for name, n in one.votes.items() if n}) for one in found.reports]
                expect(parse_tallies([encode(report) for report in said]) == said, "a report does not come back")
                found.faults.raise_any()
            except UsageError as error:
                expect(str(error), "a refusal says nothing")

        yield Opened(corpus(), check)


TARGET: Final = Target("tables", "tables of boxes and of districts, in every form", 40, opened)
