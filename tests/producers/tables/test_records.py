from decimal import Decimal
from math import nan
from pathlib import Path

import orjson
import pytest

from producers.tables import records
from producers.tables.notation import Numbers
from producers.tables.records import cell, read_records
from schemas.errors import TableError


def read(tmp_path: Path, said: object, rows: str | None = None, each: str | None = None) -> list[tuple[int, list[str]]]:
    path = tmp_path / "playout-data.json"
    path.write_bytes(said if isinstance(said, bytes) else orjson.dumps(said))
    header, found = read_records(path, rows, each)
    return [(0, list(header)), *((number, list(cells)) for number, cells in found)]


def test_objects_are_lines_and_nested_names_are_joined(tmp_path: Path) -> None:
    said = {"data": {"ilceler": [{"ad": "Adalar", "oy": {"chp": 1, "dp": None}}, {"ad": "Bağcılar", "saat": 1.0}]}}

    assert [
        (0, ["ad", "oy.chp", "oy.dp", "saat"]),
        (1, ["Adalar", "1", "", ""]),
        (2, ["Bağcılar", "", "", "1"]),
    ] == read(tmp_path, said, "data.ilceler")


def test_each_of_a_list_is_a_line_beside_what_its_parent_says(tmp_path: Path) -> None:
    said = [{"ad": "Adalar", "adaylar": [{"kod": "a", "oy": 1}, {"kod": "b", "oy": 2.5}]}, {"ad": "Boş", "adaylar": []}]

    assert [
        (0, ["ad", "adaylar.kod", "adaylar.oy"]),
        (1, ["Adalar", "a", "1"]),
        (1, ["Adalar", "b", "2.5"]),
        (2, ["Boş", "", ""]),
    ] == read(tmp_path, said, each="adaylar")


@pytest.mark.parametrize(
    ("said", "rows", "says"),
    [
        (b"{", None, "not readable as JSON"),
        ({"a": 1}, None, "no list of objects at the top"),
        ([1], None, "no list of objects at the top"),
        ({"a": [1]}, "a.b", "no list of objects at 'a.b'"),
    ],
)
def test_json_of_another_shape_says_what_to_do(tmp_path: Path, said: object, rows: str | None, says: str) -> None:
    with pytest.raises(TableError, match=says):
        read(tmp_path, said, rows)


def test_a_file_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_JSON_BYTES", 2)

    with pytest.raises(TableError, match="Split it"):
        read(tmp_path, [{}, {}])


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234, "1234"), (12.0, "12"), (Decimal("2.000"), "2"), (1e3, "1000"), (2.5, "2.5"), (None, ""), (nan, "nan")],
)
def test_a_value_is_the_text_that_a_csv_would_have(value: object, text: str) -> None:
    assert text == cell(value)


@pytest.mark.parametrize("value", [1.234, 123.456, Decimal("1.234")])
def test_a_fraction_is_not_taken_for_thousands(value: object) -> None:
    with pytest.raises(ValueError, match="not a whole number"):
        Numbers(".", ",").parse(cell(value), "valid", 10_000_000)
