import json
import zipfile
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
            {"box": "box_number", "registered": "LISTA_NOMINAL", "cast": "TOTAL_VOTOS", "invalid": "NULOS"},
        ),
        (
            "zones/bweb.csv",
            {"box": "box_of_zone", "registered": "APTOS", "candidate": ("NM_VOTAVEL",), "votes": "QT_VOTOS"},
        ),
        ("precincts/results.csv", {"box": "box_number", "candidate": ("candidate",), "votes": "votes"}),
        ("villages/tps.csv", {"box": "box_number", "registered": "dpt", "valid": "suara_sah"}),
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


@pytest.mark.parametrize(
    ("times", "says"),
    [
        (("06/10/2030 20:11:02", "31/10/2030 20:12:00"), 'time_format = "%d/%m/%Y %H:%M:%S"\n'),
        (("06/10/2030 20:11",), 'time_format = "%d/%m/%Y %H:%M" # ? or "%m/%d/%Y %H:%M"\n'),
        (("2030-10-06T20:11:02Z",), 'at = { column = "time" }\n# timezone'),
        (("half past eight",), "# ? how are times written, such as 'half past eight'"),
    ],
)
def test_how_times_are_written_is_seen_in_their_cells(tmp_path: Path, times: tuple[str, ...], says: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text("district,box,time,A\n" + "".join(f"x,1,{time},5\n" for time in times), encoding="utf-8")
    assert says in guess_mapping(file)


def test_lines_that_are_no_candidates_are_known_by_their_words(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    lines = "".join(f"x,1,{name},5\n" for name in ("José", "BRANCO", "Nulo"))
    file.write_text("district,box,candidate,votes\n" + lines, encoding="utf-8")
    said = guess_mapping(file)
    assert 'invalid = ["Nulo"] # ? is that so?\nblank = ["BRANCO"] # ? is that so?\n' in said
    assert '# "José" = "id"' in said
    assert '# "Nulo" = "id"' not in said


def test_an_archive_whose_parts_are_broken_is_told(tmp_path: Path) -> None:
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.csv", "district,box\nnorth,1\n")
    file.write_bytes(file.read_bytes().replace(b"north", b"south"))
    with pytest.raises(TableError, match="Bad CRC-32"):
        guess_mapping(file)


def test_objects_whose_keys_are_ids_are_walked_and_empty_columns_are_nothing(tmp_path: Path) -> None:
    nested, flat = tmp_path / "a.json", tmp_path / "a.csv"
    nested.write_text(
        '{"at": "2030-02-14T21:00:00Z", "cities": {"32": {"name": "Bogor", "parts": {"3201": {"name": "Cibinong", '
        '"votes": {"a": 812}}, "3202": {"name": "Gunung", "votes": {"a": 7}}}}}}',
        encoding="utf-8",
    )
    said = guess_mapping(nested)
    assert 'rows = "cities{}.parts{}"' in said
    assert 'district = "cities.parts.@key" # ?' in said
    assert '"cities.parts.@key" = ' not in said
    flat.write_text(
        "county,district,box,candidate,votes\nAdams,,1,A,5\nAdams,7,1,B,5\nAdams,,2,A,5\n", encoding="utf-8"
    )
    assert 'district = "district"' not in guess_mapping(flat)


def test_an_archive_of_a_later_version_is_told(tmp_path: Path) -> None:
    """The directory of an archive says which version of the format it needs; Python knows none above 6.3."""
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.csv", "district,box\nnorth,1\n")
    data = bytearray(file.read_bytes())
    data[data.index(b"PK\x01\x02") + 6] = 186
    file.write_bytes(data)
    with pytest.raises(TableError, match="zip file version 18"):
        guess_mapping(file)


def test_a_column_of_codes_holds_nobodys_votes(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("il_id,ilce,sandik_no,gecerli,A,B\n34,Sile,1,9,5,4\n34,Sile,2,9,5,4\n", encoding="utf-8")
    assert {"A": "a", "B": "b"} == guessed(path, tmp_path)[0].votes


def test_a_party_that_is_called_like_a_place_is_no_place(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Distrito;Concelho;Mesa;Inscritos;Votantes;IL;B.E.\nFaro;Lagoa;1;900;500;20;30\n", encoding="utf-8")
    plan, _ = guessed(path, tmp_path)

    assert ("Concelho", "Distrito") == (plan.units.district, plan.units.province)
    assert {"IL": "il", "B.E.": "b-e"} == plan.votes
    assert ("Inscritos", "Votantes") == (plan.columns.registered, plan.columns.cast)


def test_names_are_taken_rather_than_codes(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("County Code,County,City Code,City,Station,Odd\n001,Kwale,007,Matuga,1,20\n", encoding="utf-8")
    plan, _ = guessed(path, tmp_path)

    assert ("City", "County") == (plan.units.district, plan.units.province)


def test_a_box_of_a_zone_has_room_for_boxes_that_come_later(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("municipio,zona,secao,Lula\nRio,1,1,20\nRio,11,1,20\n", encoding="utf-8")
    _, text = guessed(path, tmp_path)

    assert "pad = 4" in text, "zone 1 has a box 11, too, and zone 11 a box 1"


def test_japanese_text_is_told_from_accents(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("都道府県,市区町村,投票区番号,投票者数,山田\n東京都,新宿区,第1投票区,90,80\n".encode("cp932"))
    plan, _ = guessed(path, tmp_path)
    assert ("cp932", "市区町村", "box_number") == (plan.table.encoding, plan.units.district, plan.columns.box)

    path.write_bytes("município,seção,João,Conceição\nSão João,1,20,30\n".encode("latin-1"))
    assert "cp1252" == guessed(path, tmp_path)[0].table.encoding


def test_of_lists_that_lie_as_deep_one_is_taken_and_the_others_are_named(tmp_path: Path) -> None:
    first, second = ([{"partei": "A", "anzahl": votes}, {"partei": "B", "anzahl": votes + 1}] for votes in (5, 7))
    box = {"nr": 1, "erst": {"gueltig": 11, "stimmen": first}, "zweitst": {"gueltig": 15, "stimmen": second}}
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"kreise": [{"name": "Süd", "stimmbezirke": [box, box | {"nr": 2}]}]}), encoding="utf-8")
    plan, text = guessed(path, tmp_path)

    assert "kreise[].stimmbezirke[].zweitst.stimmen[]" == plan.table.rows
    assert '# ? or "kreise[].stimmbezirke[].erst.stimmen[]", in a mapping of its own' in text
    assert "kreise.name" == plan.units.district
    assert "erst." not in text.partition("[report]")[2]
