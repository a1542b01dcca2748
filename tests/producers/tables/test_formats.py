"""Tables in every form that authorities publish them in. A file that is not what it says is told with what to write."""

import gzip
import io
import zipfile
from pathlib import Path

import orjson
import pytest

from producers.tables.layout import Layout
from producers.tables.sheet import open_sheet
from schemas.errors import MappingError, TableError

ROWS = (["a", "b"], ["Çatalca", "1"], ["Şile", "2"])
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
CSV = "\n".join(",".join(row) for row in ROWS) + "\n"


def read(path: Path, layout: Layout | None = None) -> list[list[str]]:
    """The header and the cells of each line; a line that cannot be read is its number and why not."""
    with open_sheet(path, layout or Layout()) as sheet:
        lines = [[str(line.number), line.fault] if line.fault else list(line.cells) for line in sheet.lines]
        return [list(sheet.header), *lines]


def workbook(sheets: dict[str, list[list[object]]]) -> bytes:
    """A workbook with these sheets, of texts and numbers."""
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w") as folder:
        named = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in enumerate(sheets, 1))
        workbook = f'{head}<workbook xmlns="{main}" xmlns:r="{kinds}"><sheets>{named}</sheets></workbook>'
        folder.writestr("[Content_Types].xml", f'<Types xmlns="{PACKAGE}/content-types"/>')
        root = f'<Relationship Id="r0" Type="{kinds}/officeDocument" Target="xl/workbook.xml"/>'
        folder.writestr("_rels/.rels", f'<Relationships xmlns="{PACKAGE}/relationships">{root}</Relationships>')
        folder.writestr("xl/workbook.xml", workbook)
        related = "".join(
            f'<Relationship Id="r{n}" Type="{kinds}/worksheet" Target="worksheets/sheet{n}.xml"/>'
            for n in range(1, len(sheets) + 1)
        )
        folder.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{PACKAGE}/relationships">{related}</Relationships>'
        )
        for n, rows in enumerate(sheets.values(), 1):
            lines = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
            folder.writestr(
                f"xl/worksheets/sheet{n}.xml", f'<worksheet xmlns="{main}"><sheetData>{lines}</sheetData></worksheet>'
            )
    return book.getvalue()


def cell(value: object) -> str:
    return (
        f"<c><v>{value}</v></c>" if isinstance(value, int | float) else f'<c t="inlineStr"><is><t>{value}</t></is></c>'
    )


def zipped(**files: str) -> bytes:
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w") as folder:
        for name, text in files.items():
            folder.writestr(name.replace("_", "."), text)
    return book.getvalue()


def test_one_table_in_every_form_reads_the_same(tmp_path: Path) -> None:
    objects = b'[{"a":"\xc3\x87atalca","b":1},{"a":"\xc5\x9eile","b":2}]'
    forms = {
        "t.csv": CSV.encode(),
        "bom.csv": CSV.encode("utf-8-sig"),
        "wide.csv": CSV.encode("utf-16"),
        "little.csv": CSV.encode("utf-16-le"),
        "big.csv": CSV.encode("utf-16-be"),
        "t.csv.gz": gzip.compress(CSV.encode()),
        "t.tsv": CSV.replace(",", "\t").encode(),
        "t.json": objects,
        "t.json.gz": gzip.compress(objects),
        "t.jsonl": objects.strip(b"[]").replace(b"},{", b"}\n\n{"),
        "t.xlsx": workbook({"Sayfa1": [["a", "b"], ["Çatalca", 1], ["Şile", 2.0]]}),
        "t.zip": zipped(t_csv=CSV),
        "t.xml": '<t><r a="Çatalca"><b>1</b></r><r a="Şile"><b>2</b></r></t>'.encode(),
    }
    for name, data in forms.items():
        path = tmp_path / name
        path.write_bytes(data)
        found = read(path, Layout(rows="r") if name == "t.xml" else None)
        assert (name, [list(row) for row in ROWS]) == (name, found)


@pytest.mark.parametrize("encoding", ["cp1254", "iso8859-9", "utf-16-le"])
def test_the_mapping_names_an_encoding_that_cannot_be_seen(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(CSV.encode(encoding))
    assert [list(row) for row in ROWS] == read(path, Layout(encoding=encoding))


def test_another_encoding_says_what_to_write(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(CSV.encode("cp1254"))
    with pytest.raises(TableError, match=r'is not UTF-8 \(byte 4\). Say as table.encoding in the mapping.*"cp1254"'):
        read(path)
    path.write_bytes(b"a,b\n\xff,1\n")
    with pytest.raises(TableError, match="is not ascii"):
        read(path, Layout(encoding="ascii"))


def test_a_preface_is_passed_over_and_without_the_mapping_the_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"PREP 2024\n\nCorte,20:00\n{CSV}", encoding="utf-8")
    assert [list(row) for row in ROWS] == read(path, Layout(header_rows=(4,)))
    with pytest.raises(MappingError, match=r"no column 'b'.*Line 4 has it: say table\.header_row = 4 in the mapping"):
        read(path, Layout(only=(("b", "1"),)))
    with pytest.raises(MappingError, match="no readable line 9"):
        read(path, Layout(header_rows=(9,)))


def test_a_wrong_delimiter_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(CSV.replace(",", ";"), encoding="utf-8")
    with pytest.raises(MappingError, match=r'All of that is one cell: say table\.delimiter = ";"'):
        read(path, Layout(only=(("b", "1"),)))


def test_several_header_rows_are_joined_under_merged_cells(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x\nilçe,oy,,\n,CHP,DP,AP\nŞile,1,2,3\n", encoding="utf-8")
    assert [["ilçe", "oy CHP", "oy DP", "oy AP"], ["Şile", "1", "2", "3"]] == read(path, Layout(header_rows=(2, 3)))


def test_without_a_header_columns_are_numbers(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Şile,1\nAdalar,2\n", encoding="utf-8")
    assert [["1", "2"], ["Şile", "1"], ["Adalar", "2"]] == read(path, Layout(header_rows=(0,)))


def test_a_sheet_of_a_workbook_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    path.write_bytes(workbook({"Notlar": [["x"]], "Sonuç": [["a"], [1001]]}))
    assert [["a"], ["1001"]] == read(path, Layout(sheet="Sonuç"))
    with pytest.raises(MappingError, match=r"2 sheets, and table\.sheet names none\. It has: 'Notlar', 'Sonuç'"):
        read(path)
    path.write_bytes(b"PK")
    with pytest.raises(TableError, match="cannot be read as a workbook"):
        read(path)


def test_files_of_a_folder_are_one_table_whatever_the_order_of_their_columns(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("a,b\nŞile,1\n", encoding="utf-8")
    (tmp_path / "2.csv").write_text("x,b,a\n0,2,Adalar\n,\n", encoding="utf-8")
    (tmp_path / "note.md").write_text("no table", encoding="utf-8")
    assert [["a", "b"], ["Şile", "1"], ["Adalar", "2"]] == read(tmp_path)
    (tmp_path / "2.csv").write_text("x,b,a\n0,2\n", encoding="utf-8")
    assert ["2 of 2.csv", "2 cells under a header of 3"] == read(tmp_path)[-1]
    assert [["a", "b"], ["Şile", "1"]] == read(tmp_path, Layout(files=("1.*",)))
    (tmp_path / "2.csv").write_text("x,a\n0,Adalar\n", encoding="utf-8")
    with pytest.raises(TableError, match="no column 'b', which"):
        read(tmp_path, Layout(only=(("b", "1"),)))


def test_a_broken_archive_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.zip"
    path.write_bytes(b"PK")
    with pytest.raises(TableError, match="cannot be read as a ZIP archive"):
        read(path)


@pytest.mark.parametrize(
    ("lines", "faulty"),
    [
        ('"Şi"le,1\nAdalar,2\n', "2"),
        ('"Şile,1\nAdalar,2\n', "2"),
        ('"Şile,1\n"Adalar",2\n', "2"),
        ('"Şile,1\nÇorlu,3\n"Adalar",2\n', "2"),
        ('Adalar,2\nŞile,"1\n', "3"),
    ],
)
def test_a_broken_quote_takes_no_other_line_with_it(tmp_path: Path, lines: str, faulty: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"a,b\n{lines}", encoding="utf-8")
    found = read(path)[1:]
    assert [faulty] == [number for number, _ in found if number.isdecimal()]
    assert ["Adalar", "2"] in found


def test_a_cell_may_go_over_lines_and_quotes_may_mean_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('a,b\n"Şi\nle",1\n5" çap,2\n', encoding="utf-8")
    assert [["a", "b"], ["Şi\nle", "1"], ['5" çap', "2"]] == read(path)
    assert ['le"', "1"] == read(path, Layout(quote=""))[2]


NESTED = {
    "saat": "19:00",
    "Region": [
        {"name": "R1", "b": [{"no": 1, "x": {"t": "k", "c": [{"p": "A", "v": 5}, {"p": "B", "v": 6}]}}, {"no": 2}]},
        {"name": "R2", "b": {"no": 3, "x": {"c": [{"p": "A", "v": 7}]}}},
    ],
}


def test_lists_in_lists_are_walked_to_any_depth(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_bytes(orjson.dumps(NESTED))
    header, *lines = read(path, Layout(rows="Region[].b[].x.c[]"))
    assert ["saat", "Region.name", "Region.b.no", "Region.b.x.t", "Region.b.x.c.p", "Region.b.x.c.v"] == header
    assert [
        ["19:00", "R1", "1", "k", "A", "5"],
        ["19:00", "R1", "1", "k", "B", "6"],
        ["19:00", "R2", "3", "", "A", "7"],
    ] == lines
    with pytest.raises(MappingError, match=r"no 'Regions' at the top.*It has: 'saat', 'Region'"):
        read(path, Layout(rows="Regions[].b[]"))
    with pytest.raises(MappingError, match=r"no object at 'Region\.name'"):
        read(path, Layout(rows="Region[].name.x[]"))


def test_an_object_may_have_its_lines_by_key(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text('{"s": {"34": {"a": 1, "v": [3, 4]}}}')
    assert [["s.@key", "s.a"], ["34", "1"]] == [row[:2] for row in read(path, Layout(rows="s{}"))]
    assert [["s.@key", "s.a", "s.v"], ["34", "1", "3"], ["34", "1", "4"]] == read(path, Layout(rows="s{}.v[]"))


def test_a_line_of_json_lines_that_is_no_object_is_a_faulty_line(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 1}\n[1]\n{\n{"a": [{"b": 2}]}\n')
    assert ["2", "3"] == [row[0] for row in read(path)[2:4]]
    assert [["a", "a.b"], ["1", ""]] == read(path, Layout(rows="a[]"))[:2]
    assert ["", "2"] == read(path, Layout(rows="a[]"))[-1]
