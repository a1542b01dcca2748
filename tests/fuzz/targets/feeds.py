"""Feeds by their mapping: workbooks, archives, Parquet, XML, JSON lines, and mappings over a sound file.

An input's first line says of which example it is and what the rest of it is: a file by its ending, or the mapping.
"""

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
from xml.sax.saxutils import escape

import pyarrow as pa
from msgspec.structs import replace as with_fields
from pyarrow import parquet

from eventlog.clock import Manual
from producers.tables.guess import guess_mapping
from producers.tables.mapping import read_boxes_mapping
from producers.tables.statements import ReportHistory, Statement
from sandik.feed import read_feed
from schemas.definition import Election
from schemas.errors import UsageError
from schemas.tally import Counted, Withdrawn, encode, parse_tallies
from tests.builders import NIGHT
from tests.fuzz.target import Opened, Target, expect
from tests.fuzz.targets.mappings import ROOT

EXAMPLES: Final = {
    "villages": "tps.csv",
    "zones": "bweb.csv",
    "precincts": "results.csv",
    "polling-stations": "computos.csv",
    "regions": "results.json",
    "turkiye-2023": "results.csv",
}
SUFFIXES: Final = (".csv", ".gz", ".zip", ".xlsx", ".parquet", ".json", ".jsonl", ".xml")
_MAPPING: Final = ".toml"
_PARTS: Final = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.'
    'sheet.main+xml"/></Types>',
    "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://'
    'schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" r:id="r1"/>'
    "</sheets></workbook>",
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" '
    'Target="worksheets/sheet1.xml"/></Relationships>',
}


def workbook(rows: list[list[str]]) -> bytes:
    """Return rows as the smallest workbook that is one, not compressed, so that a changed byte is one of its cells."""
    cells = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
    sheet = f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{cells}</sheetData></worksheet>'
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w") as parts:
        for name, text in (_PARTS | {"xl/worksheets/sheet1.xml": sheet}).items():
            parts.writestr(zipfile.ZipInfo(name), text)
    return book.getvalue()


def _cell(text: str) -> str:
    return f"<c><v>{text}</v></c>" if text.isdecimal() else f'<c t="inlineStr"><is><t>{escape(text)}</t></is></c>'


def forms(file: Path) -> Iterator[tuple[str, bytes]]:
    """Yield a file in each form that it can have."""
    data = file.read_bytes()
    yield file.suffix, data
    yield file.suffix, data
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as parts:
        parts.writestr(zipfile.ZipInfo(file.name), data)
    yield ".zip", archive.getvalue()
    if file.suffix != ".csv":
        return
    yield ".gz", gzip.compress(data, mtime=0)
    lines = data.decode("latin-1" if file.parent.name == "zones" else "utf-8").splitlines()
    mark = ";" if lines[0].count(";") > lines[0].count(",") else ","
    header, *rows = [line.split(mark) for line in lines if line.count(mark) > 1]
    records = [dict(zip(header, row, strict=False)) for row in rows]
    yield ".xlsx", workbook([header, *rows])
    yield ".json", json.dumps(records, ensure_ascii=False).encode()
    yield ".jsonl", "\n".join(json.dumps(record, ensure_ascii=False) for record in records).encode()
    attributes = "".join(
        "<row>" + "".join(f"<c{n}>{escape(v)}</c{n}>" for n, v in enumerate(record.values())) + "</row>"
        for record in records
    )
    yield ".xml", f"<rows>{attributes}</rows>".encode()
    sink = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(records), sink)
    yield ".parquet", sink.getvalue()


@contextmanager
def opened() -> Iterator[Opened]:
    """With a folder for the file and its mapping."""
    clock = Manual(NIGHT)
    definitions = {
        name: Election.model_validate_json((ROOT / "examples" / name / "definition.json").read_bytes())
        for name in EXAMPLES
    }
    with tempfile.TemporaryDirectory() as folder:

        def check(data: bytes) -> None:
            head, _, content = data.partition(b"\n")
            name, _, kind = head.decode(errors="replace").partition(" ")
            example = name if name in EXAMPLES else "villages"
            place = ROOT / "examples" / example
            file, mapping = place / EXAMPLES[example], place / "mapping.toml"
            if kind == _MAPPING:
                mapping = Path(folder) / "mapping.toml"
                mapping.write_bytes(content)
            else:
                file = Path(folder) / f"table{kind if kind in SUFFIXES else '.csv'}"
                file.write_bytes(content)
            try:
                table = read_feed(file, read_boxes_mapping(mapping), definitions[example], clock)
            except UsageError as error:
                expect(str(error), "a refusal says nothing")
            else:
                _check_events(list(table.reports), definitions[example])
            if kind != _MAPPING:
                try:
                    expect(guess_mapping(file), "a guess says nothing")
                except UsageError as error:
                    expect(str(error), "a refusal says nothing")

        yield Opened(corpus(), check)


def _check_events(events: list[Statement], definition: Election) -> None:
    expect(all(event.district in definition.unit_by_id for event in events), "an event is of no unit")
    said = [_as_read(event) for event in events]
    back = parse_tallies([encode(event) for event in said])
    expect(back == said, "an event does not come back")
    ReportHistory(by_content=True).news(events)


def _as_read(event: Statement) -> Statement:
    """Return an event as its record is read: a candidate without votes is not in it."""
    if isinstance(event, Withdrawn):
        return event
    votes = {name: count for name, count in event.votes.items() if count}
    return with_fields(event, votes=votes) if isinstance(event, Counted) else replace(event, votes=votes)


def corpus() -> tuple[bytes, ...]:
    """Every example in every form, and every mapping twice."""
    found = []
    for name, file in EXAMPLES.items():
        place = ROOT / "examples" / name
        found += [f"{name} {kind}\n".encode() + data for kind, data in forms(place / file)]
        found += [f"{name} {_MAPPING}\n".encode() + (place / "mapping.toml").read_bytes()] * 3
    return tuple(found)


TARGET: Final = Target("feeds", "files of every format by a mapping, and mappings over a sound file", 40, opened)
