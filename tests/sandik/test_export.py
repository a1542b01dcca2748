import csv
from pathlib import Path

import orjson
import pytest

from sandik.commands.totals import as_csv
from sandik.run_totals import RunTotals
from schemas.figures import EVERYWHERE, ROW_COUNTS
from schemas.totals import Row, Told
from tests.sandik.conftest import Sandik


def test_a_line_of_csv_has_every_figure_under_its_name_and_says_what_was_set_by_hand() -> None:
    row = Row("mayor", "aa", "tr", "country", 1, 2, 3, 4, 5, 6, 7, 8, {"chp": 9, "dp": 10}, ("cast", "votes.chp"))
    row = row._replace(boxes_surplus=1, complete=True, contradictions=("boxes_over_total", "cast_over_roll"))
    held = frozenset({("mayor", "tr")})
    told = RunTotals(
        told=Told.ON_AIR,
        contests=("mayor",),
        rows=(row,),
        held=held,
        hold=("mayor",),
        by_hand=(),
        embargoed=False,
    )

    first, second = csv.DictReader(as_csv(told).decode().splitlines())

    assert ("cast votes.chp", "on_air", "true") == tuple(first.pop(name) for name in ("overridden", "told", "held"))
    assert "0" == first.pop("set_aside")
    assert ("1", "true", "boxes_over_total cast_over_roll") == (
        first.pop("boxes_surplus"),
        first.pop("complete"),
        first.pop("contradictions"),
    )
    assert ("chp", "9", "dp", "10") == (
        first.pop("candidate"),
        first.pop("votes"),
        second["candidate"],
        second["votes"],
    )
    figures = row._asdict()
    plain = ("contest", "source", "unit", "level", "boxes_total", *(name for name in ROW_COUNTS if name in EVERYWHERE))
    assert {name: str(figures[name]) for name in plain} == first


@pytest.fixture
def night(sandik: Sandik) -> Sandik:
    """A command line beside a small night that is counted."""
    sandik("simulate", "--run", "n", "--speed", "0", "--district", "tr/34/adalar", "--boxes-per-district", "3")
    sandik("aggregate", "--run", "n", "--until-end")
    return sandik


def test_each_format_has_the_figures_that_totals_has(night: Sandik, tmp_path: Path) -> None:
    rows = [row for row in orjson.loads(night("totals", "--run", "n", "--format", "json")[1]) if row["source"] == "aa"]
    for form in ("nist-json", "json", "csv"):
        code, _, said = night("export", "--run", "n", "--source", "aa", "--format", form, "--out", tmp_path / form)
        assert (0, True) == (code, "Wrote 9 rows" in said)

    report = orjson.loads((tmp_path / "nist-json").read_bytes())
    with (tmp_path / "csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert rows == orjson.loads((tmp_path / "json").read_bytes())
    assert sorted(row["cast"] for row in rows) == sorted(
        one["BallotsCast"] for election in report["Election"] for one in election["BallotCounts"]
    )
    assert {(row["contest"], row["unit"], name): votes for row in rows for name, votes in row["votes"].items()} == {
        (line["contest"], line["unit"], line["candidate"]): int(line["votes"]) for line in lines
    }
    assert [] == list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--out", "x.json"), "Say with --source whose figures. It has: aa, anka, observers"),
        (("--out", "x.json", "--source", "trt"), "no source 'trt'. It has: aa"),
        (("--out", "x.json", "--source", "aa", "--contest", "muhtar"), "no contest 'muhtar'. It has: metropolitan"),
        (("--out", "nowhere/x.json", "--source", "aa"), "nowhere/x.json cannot be written"),
    ],
)
def test_what_cannot_be_exported_says_what_to_do(night: Sandik, options: tuple[str, ...], says: str) -> None:
    code, _, said = night("export", "--run", "n", *options)

    assert (2, True) == (code, says in " ".join(said.split()))
