import sys
from collections.abc import Callable
from decimal import Decimal
from math import nan
from pathlib import Path

import orjson
import pyarrow as pa
import pytest
from pyarrow import parquet

from producers.tables import formats
from producers.tables.layout import Layout, TableLine, as_cell
from producers.tables.notation import Numbers
from producers.tables.sheet import open_sheet
from schemas.errors import MappingError, TableError


def lines(path: Path, delimiter: str = ",") -> tuple[tuple[str, ...], list[TableLine]]:
    with open_sheet(path, Layout(delimiter)) as sheet:
        return sheet.header, list(sheet.lines)


def test_parquet_values_read_as_a_csv_would_have_them(tmp_path: Path) -> None:
    """A whole-number column with a gap comes as floats from many tools."""
    path = tmp_path / "t.parquet"
    table = pa.table({"text": ["Çatalca", None], "whole": [1001, 1002], "gap": [295.0, None], "half": [0.5, 1.0]})
    parquet.write_table(table, path)
    assert lines(path) == (
        ("text", "whole", "gap", "half"),
        [TableLine(1, ("Çatalca", "1001", "295", "0.5")), TableLine(2, ("", "1002", "", "1"))],
    )


def test_where_parquet_is_not_installed_such_a_table_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    path = tmp_path / "t.parquet"
    path.touch()

    with pytest.raises(TableError, match=r'pyarrow is not installed: pip install "sandik\[parquet\]"'):
        lines(path)


def test_lines_are_numbered_as_an_editor_does(tmp_path: Path) -> None:
    """Empty lines are skipped but counted; a quoted cell may go over two."""
    path = tmp_path / "t.csv"
    path.write_text('a,b\n1,2\n\n"x\ny",3\n , \n  ', encoding="utf-8")
    assert lines(path) == (("a", "b"), [TableLine(2, ["1", "2"]), TableLine(5, ["x\ny", "3"])])


def test_a_byte_order_mark_and_blanks_are_no_part_of_the_header(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a , b\n1,2\n", encoding="utf-8-sig")
    assert lines(path)[0] == ("a", "b")


def test_an_empty_file_has_no_columns(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.touch()
    assert lines(path) == ((), [])


def test_an_empty_folder_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="has no file of a table"):
        lines(tmp_path)


def test_a_last_line_without_an_end_is_marked(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    for end, ended in (("", False), ("\n", True), ("\r", True), ("\r\n", True)):
        path.write_bytes(f"a,b\r\n1,2\r\n3,4{end}".encode())
        assert [True, ended] == [line.ended for line in lines(path)[1]]


def read_while(path: Path, change: Callable[[], object]) -> None:
    with open_sheet(path, Layout()) as sheet:
        list(sheet.lines)
        change()


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path, other = tmp_path / "t.csv", tmp_path / "other.csv"
    for change in (lambda: path.write_text("a,b\n3,4,\n"), lambda: other.rename(path)):
        path.write_text("a,b\n1,2\n")
        other.write_text("a,b\n1,2\n")
        with pytest.raises(TableError, match="changed while it was read"):
            read_while(path, change)


def test_where_the_mapping_names_the_end_a_file_without_it_is_not_whole(tmp_path: Path) -> None:
    path, layout = tmp_path / "t.csv", Layout(end="SON")

    def read(text: str) -> list[str]:
        path.write_text(text, encoding="utf-8")
        with open_sheet(path, layout) as sheet:
            return [line.cells[0] for line in sheet.lines]

    assert ["1"] == read("a,b\n1,2\nson,39 ilçe\n\n")
    with pytest.raises(TableError, match="is not whole: no line begins with 'SON'"):
        read("a,b\n1,2\nSO")
    with pytest.raises(TableError, match="has line 4 after its end 'SON' in line 3"):
        read("a,b\n1,2\nSON\n3,4\n")


def read(
    tmp_path: Path, content: object, rows: str | None = None, each: str | None = None
) -> list[tuple[int, list[str]]]:
    path = tmp_path / "playout-data.json"
    path.write_bytes(content if isinstance(content, bytes) else orjson.dumps(content))
    with open_sheet(path, Layout(rows=rows, each=each)) as sheet:
        return [(0, list(sheet.header)), *((line.number, list(line.cells)) for line in sheet.lines)]


def test_objects_are_lines_and_nested_names_are_joined(tmp_path: Path) -> None:
    content = {"data": {"ilceler": [{"ad": "Adalar", "oy": {"chp": 1, "dp": None}}, {"ad": "Bağcılar", "saat": 1.0}]}}

    assert [
        (0, ["ad", "oy.chp", "oy.dp", "saat"]),
        (1, ["Adalar", "1", "", ""]),
        (2, ["Bağcılar", "", "", "1"]),
    ] == read(tmp_path, content, "data.ilceler")


def test_each_of_a_list_is_a_line_beside_what_its_parent_says(tmp_path: Path) -> None:
    content = [
        {"ad": "Adalar", "adaylar": [{"kod": "a", "oy": 1}, {"kod": "b", "oy": 2.5}]},
        {"ad": "Boş", "adaylar": []},
    ]

    assert [
        (0, ["ad", "adaylar.kod", "adaylar.oy"]),
        (1, ["Adalar", "a", "1"]),
        (1, ["Adalar", "b", "2.5"]),
        (2, ["Boş", "", ""]),
    ] == read(tmp_path, content, each="adaylar")


@pytest.mark.parametrize(
    ("content", "rows", "says"),
    [
        (b"{", None, "not readable as JSON"),
        ({"a": 1}, None, "no list of objects at the top"),
        ([1], None, "no list of objects at the top"),
        ({"a": [1]}, "a.b", "no list of objects at 'a.b'"),
    ],
)
def test_json_of_another_shape_says_what_to_do(tmp_path: Path, content: object, rows: str | None, says: str) -> None:
    with pytest.raises(TableError, match=says):
        read(tmp_path, content, rows)


def test_a_file_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "MAX_JSON_BYTES", 2)

    with pytest.raises(TableError, match="Split it"):
        read(tmp_path, [{}, {}])


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234, "1234"), (12.0, "12"), (Decimal("2.000"), "2"), (1e3, "1000"), (2.5, "2.5"), (None, ""), (nan, "nan")],
)
def test_a_value_is_the_text_that_a_csv_would_have(value: object, text: str) -> None:
    assert text == as_cell(value)


@pytest.mark.parametrize("value", [1.234, 123.456, Decimal("1.234")])
def test_a_fraction_is_not_taken_for_thousands(value: object) -> None:
    with pytest.raises(ValueError, match="not a whole number"):
        Numbers(".", ",").parse(as_cell(value), "valid", 10_000_000)


def test_a_column_that_some_files_call_otherwise_has_the_mappings_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("town,oak\nLee,1\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("Oak votes,town\n2,Ash\n", encoding="utf-8")
    with open_sheet(tmp_path, Layout(renamed=(("Oak votes", "oak"),))) as sheet:
        assert 1 == sheet.column("oak", "t")
        assert [["Lee", "1"], ["Ash", "2"]] == [list(line.cells) for line in sheet.lines]
    with pytest.raises(MappingError, match=r'say table.renamed = \{ "Oak votes" = "oak" \}'):  # noqa: SIM117
        with open_sheet(tmp_path / "b.csv", Layout()) as sheet:
            sheet.column("oak", "b.csv")
