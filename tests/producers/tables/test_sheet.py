from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from producers.tables.sheet import Line, open_sheet
from schemas.errors import TableError


def lines(path: Path, delimiter: str = ",") -> tuple[tuple[str, ...], list[Line]]:
    with open_sheet(path, delimiter) as sheet:
        return sheet.header, list(sheet.lines)


def test_parquet_values_read_as_a_csv_would_have_them(tmp_path: Path) -> None:
    """A whole-number column with a gap comes as floats from many tools."""
    path = tmp_path / "t.parquet"
    table = pa.table({"text": ["Çatalca", None], "whole": [1001, 1002], "gap": [295.0, None], "half": [0.5, 1.0]})
    parquet.write_table(table, path)
    assert lines(path) == (
        ("text", "whole", "gap", "half"),
        [Line(1, ("Çatalca", "1001", "295", "0.5")), Line(2, ("", "1002", "", "1"))],
    )


def test_lines_are_numbered_as_an_editor_does(tmp_path: Path) -> None:
    """Empty lines are skipped but counted; a quoted cell may go over two."""
    path = tmp_path / "t.csv"
    path.write_text('a,b\n1,2\n\n"x\ny",3\n', encoding="utf-8")
    assert lines(path) == (("a", "b"), [Line(2, ["1", "2"]), Line(5, ["x\ny", "3"])])


def test_a_byte_order_mark_and_blanks_are_no_part_of_the_header(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a , b\n1,2\n", encoding="utf-8-sig")
    assert lines(path)[0] == ("a", "b")


def test_an_empty_file_has_no_columns(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.touch()
    assert lines(path) == ((), [])


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="cannot be read as a table"):
        lines(tmp_path)
