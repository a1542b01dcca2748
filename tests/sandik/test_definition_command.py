"""`sandik definition` as a user runs it."""

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from sandik.commands.definition import app
from schemas.definition import Election
from schemas.errors import UsageError
from tests.producers.test_definition_tables import CANDIDATES, HEAD, PARTIES, PREVIOUS, UNITS

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "head.json").write_bytes(orjson.dumps(HEAD))
    for name, text in (("units", UNITS), ("parties", PARTIES), ("candidates", CANDIDATES), ("previous", PREVIOUS)):
        (tmp_path / f"{name}.csv").write_text(text, "utf-8")
    return tmp_path


def run(*arguments: object) -> tuple[int, str]:
    found = CliRunner().invoke(app, [str(one) for one in arguments])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.exit_code, found.output


def made(folder: Path, *more: object) -> Path:
    tables = [
        part
        for name in ("units", "parties", "candidates", "previous")
        for part in (f"--{name}", folder / f"{name}.csv")
    ]
    assert 0 == run("make", folder / "head.json", *tables, "--out", folder / "night.json", *more)[0]
    return folder / "night.json"


def test_a_definition_is_made_checked_and_compared(folder: Path) -> None:
    night = made(folder)

    assert 76 == Election.model_validate_json(night.read_bytes()).boxes_total["gb"]
    code, output = run("check", night)
    assert 0 == code
    assert "note: 1 of 2 counting units do not say how many are registered (gb/york)" in output
    other = folder / "other.json"
    other.write_text(night.read_text("utf-8").replace("68000", "68001"), "utf-8")
    assert "~ unit gb/bath: registered: 68000 → 68001" in run("diff", night, other)[1]
    assert [
        {"kind": "changed", "what": "unit", "id": "gb/bath", "detail": "registered: 68000 → 68001"}
    ] == orjson.loads(run("diff", night, other, "--json")[1])
    assert "the same" in run("diff", night, night)[1]


def test_a_definition_that_is_wrong_is_told_with_its_lines_and_exit_code_1(folder: Path) -> None:
    night = made(folder)
    night.write_text(night.read_text("utf-8").replace('"parent": "gb"', '"parent": "uk"'), "utf-8")
    code, output = run("check", night)

    assert 1 == code
    assert "needs a parent of level 'country', not 'uk'" in output
    assert f"{night}:" in output


def test_tables_that_are_wrong_write_nothing(folder: Path) -> None:
    (folder / "units.csv").write_text("id,level,name\ngb,country,B\ngb/x,town,X\n", "utf-8")
    with pytest.raises(UsageError, match="of level 'town', which is not there"):
        made(folder)
    (folder / "units.csv").write_text("id,level,name,boxes\ngb,country,B,x\n", "utf-8")
    with pytest.raises(UsageError, match="line 2: column 'boxes'"):
        made(folder)
    assert not (folder / "night.json").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "is no JSON"),
        (b"[]", "is no JSON object"),
        (b"\xff", "not in UTF-8"),
        (orjson.dumps(HEAD | {"id": 1}), "is no definition"),
    ],
)
def test_a_head_that_is_wrong_is_told(folder: Path, content: bytes, says: str) -> None:
    (folder / "head.json").write_bytes(content)
    with pytest.raises(UsageError, match=says):
        made(folder)


def test_a_file_that_is_not_there_is_told(folder: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        run("check", folder / "none.json")
    with pytest.raises(UsageError, match="Run: sandik definition check"):
        run("diff", folder / "head.json", folder / "head.json")


def test_a_definition_is_made_of_results(tmp_path: Path) -> None:
    villages, night = EXAMPLES / "villages", tmp_path / "night.json"
    options = ("--mapping", villages / "mapping.toml", "--country", "zz=Damai", "--date", "2030-05-12", "--out", night)
    code, said = run("from", villages / "tps.csv", *options)
    made_of_it = Election.model_validate_json(night.read_bytes())

    assert (0, 7, "Damai") == (code, made_of_it.boxes_total["zz"], made_of_it.unit_by_id["zz"].name)
    assert "? --language was not given: taken is Turkish" in said
    with pytest.raises(UsageError, match="Write it as CONTEST=LEVEL"):
        run("from", villages / "tps.csv", *options, "--ballots", "regent")
    with pytest.raises(UsageError, match="cannot be read"):
        run("from", tmp_path / "none.csv", *options)


def test_a_mapping_with_its_election_says_all_of_the_definition(tmp_path: Path) -> None:
    table, night = tmp_path / "boxes.csv", tmp_path / "night.json"
    head = "il_id,ilce_id,il,ilce,sandik_no,kayitli_secmen,oy_kullanan,gecerli_toplam,gecersiz_toplam"
    parties = "AK PARTİ,MHP,SAADET,CHP,BTP,BBP,DP,DSP,HDP,DBP,Diger"
    row = "34,9,İSTANBUL,ŞİLE,1,9,9,9,0,9" + ",0" * 10
    table.write_text(f"{head},{parties}\n{row}\n", encoding="utf-8")
    code, _ = run("from", table, "--mapping", EXAMPLES / "turkiye-2014.toml", "--out", night)
    assert (0, ["tr", "tr/34", "tr/34/sile"]) == (
        code,
        [unit.id for unit in Election.model_validate_json(night.read_bytes()).units],
    )
