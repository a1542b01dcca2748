"""The same boxes in the shapes of real files: a guessed mapping and its definition count each as an own sum does."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from producers.tables.defining import Known, results_definition
from producers.tables.guess import guess_mapping
from producers.tables.mapping import read_report_mapping
from schemas.tally import Counted
from tests.producers.tables.test_formats import workbook

READ = datetime(2030, 5, 12, 22, tzinfo=UTC)
HEADER = ("town", "box", "registered", "cast", "valid", "oak", "pine")
BOXES: tuple[tuple[str | int, ...], ...] = (
    ("Łódź", 1, 1200, 1010, 1000, 600, 400),
    ("Łódź", 2, 900, 800, 790, 300, 490),
    ("Şile Köyü", 1, 1500, 1300, 1290, 1000, 290),
    ("Şile Köyü", 2, 10, 9, 9, 4, 5),
)
OBJECTS = [dict(zip(HEADER, row, strict=True)) for row in BOXES]
ROWS: list[list[object]] = [list(row) for row in BOXES]


def lines(mark: str = ",", write: Callable[[str | int], str] = str, more: str = "") -> str:
    return "".join(mark.join(map(write, row)) + more + "\n" for row in BOXES)


def table(mark: str = ",", write: Callable[[str | int], str] = str) -> bytes:
    return (mark.join(HEADER) + "\n" + lines(mark, write)).encode()


def grouped(mark: str) -> Callable[[str | int], str]:
    return lambda cell: f"{cell:,}".replace(",", mark) if isinstance(cell, int) else cell


def timed(times: str) -> bytes:
    rows = "".join(f"{row},{times.format(place)}\n" for place, row in enumerate(lines().splitlines()))
    return f"{','.join(HEADER)},updated\n{rows}".encode()


def archive() -> bytes:
    made, two = io.BytesIO(), lines().splitlines(keepends=True)
    with zipfile.ZipFile(made, "w") as members:
        members.writestr("README.txt", "hello")
        for name, part in (("a", two[:2]), ("b", two[2:])):
            members.writestr(f"data/{name}.csv", ",".join(HEADER) + "\n" + "".join(part))
        members.writestr("__MACOSX/data/._a.csv", b"\0\5\x16\7")
        members.writestr("data/.DS_Store", b"\0")
    return made.getvalue()


def xml() -> str:
    boxes = "".join(
        f'<r:box nr="{box}"><town>{town}</town><registered>{roll}</registered><cast>{cast}</cast><valid>{valid}</valid>'
        f"<votes><oak>{oak}</oak><pine>{pine}</pine></votes></r:box>"
        for town, box, roll, cast, valid, oak, pine in BOXES
    )
    return f'<r:results xmlns:r="urn:r" xmlns="urn:y" date="2030-05-12">{boxes}</r:results>'


HALF = "".join(json.dumps(one) + "\n" for one in OBJECTS[:2])
REST = "".join(json.dumps(one) + "\n" for one in OBJECTS[2:])
MERGED = [HEADER, ROWS[0], ["", *ROWS[1][1:]], ROWS[2], ["", *ROWS[3][1:]]]
SUMS = [HEADER, *ROWS[:2], ["Toplam", "", 2100, 1810, 1790, 900, 890], *ROWS[2:]]


@pytest.mark.parametrize(
    ("name", "content", "faults"),
    [
        ("bom.csv", b"\xef\xbb\xbf" + table(";"), 0),
        ("dots.csv", table(";", grouped(".")), 0),
        ("thin.csv", table(";", grouped("\u202f")), 0),
        ("decimals.csv", table(";", lambda cell: f"{cell},0" if isinstance(cell, int) else cell), 0),
        ("blanks.csv", table(" , "), 0),
        ("iso.csv", timed("2030-05-12 20:1{}:00"), 0),
        ("us.csv", timed("05/12/2030 08:1{} PM"), 0),
        ("day.csv", timed("2030-05-12"), 0),
        ("sep.csv", b"sep=;\n" + table(";"), 0),
        ("bom.json", b"\xef\xbb\xbf" + json.dumps(OBJECTS).encode(), 0),
        ("geo.json", json.dumps({"features": [{"properties": one} for one in OBJECTS]}).encode(), 0),
        ("broken.jsonl.gz", gzip.compress((HALF + '{"town": "Łódź", "box":\n' + REST).encode()), 1),
        ("names.xml", xml().encode(), 0),
        ("several.zip", archive(), 0),
        ("merged.xlsx", workbook({"S": [["Results"], ["Place", "", "Voters"], list(HEADER), *ROWS]}), 0),
        ("towns.xlsx", workbook({"S": [list(row) for row in MERGED]}), 0),
        ("sums.xlsx", workbook({"Notes": [["hello"]], "Data": [list(row) for row in SUMS]}), 0),
    ],
)
def test_a_file_of_any_shape_gets_in(name: str, content: bytes, faults: int, tmp_path: Path) -> None:
    file, mapping = tmp_path / name, tmp_path / "m.toml"
    file.write_bytes(content)
    mapping.write_text(guess_mapping(file), encoding="utf-8")
    known = Known("n", "N", date(2030, 5, 12), "UTC", "tr", ("zz", "Zz"))
    (read,) = results_definition([file], read_report_mapping(mapping), known, READ).tables
    events = [one for one in read.reports if isinstance(one, Counted)]

    assert (4, faults, ()) == (len(events), read.faults.count, read.wrong_totals)
    assert (3089, [1904, 1185]) == (
        sum(one.valid for one in events),
        [sum(votes) for votes in zip(*(one.votes.values() for one in events), strict=True)],
    )
