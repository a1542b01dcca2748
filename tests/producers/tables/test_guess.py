from pathlib import Path

import pytest

from producers.tables.guess import guess_mapping
from producers.tables.mapping import ReportMapping, read_report_mapping
from schemas.errors import TableError

EXAMPLES = Path(__file__).parents[3] / "examples"


def guessed(path: Path, tmp_path: Path) -> tuple[ReportMapping, str]:
    text = guess_mapping(path)
    mapping = tmp_path / "guess.toml"
    mapping.write_text(text, encoding="utf-8")
    return read_report_mapping(mapping), text


@pytest.mark.parametrize(
    ("file", "columns"),
    [
        (
            "polling-stations/computos.csv",
            {"box": "CLAVE_CASILLA", "registered": "LISTA_NOMINAL", "cast": "TOTAL_VOTOS", "invalid": "NULOS"},
        ),
        (
            "zones/bweb.csv",
            {"box": "SECAO", "registered": "APTOS", "candidate": ("NM_VOTAVEL",), "votes": "QT_VOTOS"},
        ),
        ("precincts/results.csv", {"box": "precinct", "candidate": ("candidate",), "votes": "votes"}),
        ("villages/tps.csv", {"box": "tps", "registered": "dpt", "valid": "suara_sah"}),
        (
            "regions/results.json",
            {"boxes_opened": "Region.b.counted", "candidate": ("Region.b.x.c.n",), "votes": "Region.b.x.c.v"},
        ),
        ("exports/export_2000.csv", {"box": "table", "registered": "roll", "cast": "cast", "invalid": "void"}),
    ],
)
def test_a_guess_is_a_mapping_that_knows_the_usual_names(file: str, columns: dict[str, object], tmp_path: Path) -> None:
    plan, text = guessed(EXAMPLES / file, tmp_path)

    assert columns == {name: getattr(plan.columns, name) for name in columns}
    assert "# ?" in text


def test_what_the_file_is_written_in_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("Başlık\n\nilçe;sandık no;oy\nŞile;1;1.200\nŞile;2;?\nŞile;3;4\nŞile;4;7\n".encode("cp1254"))
    plan, text = guessed(path, tmp_path)

    assert ("cp1254", ";", 3, ".") == (
        plan.table.encoding,
        plan.table.delimiter,
        plan.table.header_row,
        plan.table.thousands,
    )
    assert ("ilçe", "sandık no", ("?",)) == (plan.units.district, plan.columns.box, plan.table.unreadable)
    assert "delete columns that are no candidate's" in text


def test_the_list_of_a_file_that_is_one_is_no_path(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text('[{"ilce": "Şile", "acilan": 3, "a": 5, "b": 6}]', encoding="utf-8")
    plan, _ = guessed(path, tmp_path)
    assert (None, {"a": "a", "b": "b"}) == (plan.table.rows, plan.votes)


@pytest.mark.parametrize("name", ["none.csv", "broken.json", "broken.csv.gz"])
def test_a_file_that_cannot_be_read_is_told(name: str, tmp_path: Path) -> None:
    if name != "none.csv":
        (tmp_path / name).write_text("{", encoding="utf-8")
    with pytest.raises(TableError, match="cannot be read as a table"):
        guess_mapping(tmp_path / name)
