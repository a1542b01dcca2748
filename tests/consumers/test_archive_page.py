"""docs/archive.md: its queries run as they stand, and come to the totals."""

import re
import runpy
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from schemas.tally import Counted, Withdrawn
from tests.builders import DISTRICTS, counted, withdrawn
from tests.consumers.archiving import feed, logged, said
from tests.consumers.oracle import sums

PAGE = (Path(__file__).parents[2] / "docs" / "archive.md").read_text(encoding="utf-8")
NIGHT: list[Counted | Withdrawn] = [
    *(
        counted({"imamoglu": 100 + box, "kurum": 90}, district=district, box=1001 + box, source=source)
        for box in range(10)
        for district in DISTRICTS
        for source in ("aa", "anka")
    ),
    counted({"imamoglu": 7}, type="corrected", revision=3, unattributed=4, valid=11, cast=16),
    counted({"imamoglu": 8}, type="corrected", revision=2),
    withdrawn(box=1002),
    withdrawn(box=1003, type="annulled", district="tr/41/gebze"),
    counted({"kurum": 3}, box=1002, type="corrected", revision=3),
    counted({}, contest="district_mayor", box=1004),
    counted({"chp": 12}, contest="district_mayor", district="tr/41/gebze", box=1004),
]
COUNTS = ("boxes_opened", "registered", "cast", "valid", "invalid", "unattributed")


def shown(language: str) -> str:
    """The one block in that language."""
    (block,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(block)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive of a small night, which is where the queries run."""
    feed(tmp_path, logged(said(NIGHT)), at_once=30)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def expected() -> list[dict[str, Any]]:
    rows = [
        dict(zip(("contest", "source", "district"), key, strict=True))
        | {name: figures[name] for name in (*COUNTS, "votes")}
        for key, figures in sums(NIGHT).items()
    ]
    return sorted(rows, key=lambda row: (row["contest"], row["source"], row["district"]))


def test_duckdb_comes_to_the_totals(folder: Path) -> None:
    with duckdb.connect() as connection:
        result = connection.sql(shown("sql"))
        rows = [dict(zip(result.columns, row, strict=True)) for row in result.fetchall()]

    assert expected() == [row | {"votes": row["votes"] or {}} for row in rows]


def test_polars_comes_to_the_totals(folder: Path) -> None:
    script = folder / "query.py"
    script.write_text(shown("python"))
    totals = runpy.run_path(str(script))["totals"]
    assert isinstance(totals, pl.DataFrame)
    candidates = [name for name in totals.columns if name not in {"contest", "source", "district", *COUNTS}]

    rows = [
        {name: value for name, value in row.items() if name not in candidates}
        | {"votes": {name: row[name] for name in candidates if row[name]}}
        for row in totals.iter_rows(named=True)
    ]
    assert expected() == rows
