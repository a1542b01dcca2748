"""An official box table, from its file to what the log says of it."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.sandik.conftest import Sandik
from tests.sandik.test_cli import HEADER, LINE, MAPPING

MORE = LINE.replace(",185,", ",186,")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "boxes.csv"
    path.write_text(HEADER + LINE, encoding="utf-8")
    return path


def votes(sandik: Sandik) -> tuple[int, str]:
    """The votes of one party by now, and what the aggregator says of the tallies."""
    code, _, told = sandik("aggregate", "--run", "night", "--until-end")
    assert 0 == code
    rows: list[dict[str, Any]] = orjson.loads(sandik("totals", "--run", "night", "--format", "json")[1])
    return rows[0]["votes"]["chp"], told


def publish(sandik: Sandik, table: Path, *options: object, mapping: Path = MAPPING) -> tuple[int, str]:
    code, _, told = sandik("boxes", table, "--mapping", mapping, "--run", "night", *options)
    return code, told


@pytest.mark.parametrize("options", [(), ("--revision", 9)])
def test_of_two_lines_of_a_box_the_newer_is_counted(
    sandik: Sandik, table: Path, tmp_path: Path, options: tuple[object, ...]
) -> None:
    mapping = tmp_path / "mapping.toml"
    at = 'at = { column = "saat" }'
    mapping.write_text(MAPPING.read_text(encoding="utf-8").replace("at = 2014-03-30T20:00:00", at), encoding="utf-8")
    timed = ((HEADER, "saat"), (MORE, "2014-03-30T21:00"), (LINE, "2014-03-30T20:00"))
    table.write_text("".join(f"{text.strip()},{saat}\n" for text, saat in timed), encoding="utf-8")

    code, told = publish(sandik, table, *options, mapping=mapping)
    assert (0, True) == (code, "1 older lines of boxes with a newer one were left out" in told)
    found, aggregated = votes(sandik)
    assert (186, False) == (found, "conflict" in aggregated)


def test_a_mended_table_that_could_not_count_is_refused_with_the_revision_that_does(
    sandik: Sandik, table: Path
) -> None:
    assert 0 == publish(sandik, table)[0]
    table.write_text(HEADER + MORE, encoding="utf-8")

    code, told = publish(sandik, table)
    assert 2 == code
    assert "box 1001 of tr/34/catalca was published before at revision 1 with other counts" in told
    assert "publish it with --revision 2" in told
    assert 185 == votes(sandik)[0]
    assert 0 == publish(sandik, table, "--revision", 2)[0]
    assert 186 == votes(sandik)[0]


def test_a_mended_table_may_say_how_many_voters_a_box_has_otherwise(sandik: Sandik, table: Path) -> None:
    assert 0 == publish(sandik, table)[0]
    table.write_text(HEADER + MORE.replace(",295,", ",296,"), encoding="utf-8")

    assert 0 == publish(sandik, table, "--revision", 2)[0]
    assert 186 == votes(sandik)[0]


@pytest.mark.parametrize(
    ("line", "mapping", "says"),
    [
        (("1001", "1002"), ("", ""), "The run has no box 1002 in 'tr/34/catalca'"),
        (("ÇATALCA", "ÇATALKA"), ("", ""), "no district 'tr/34/catalka'. Did you mean 'tr/34/catalca'?"),
        (("", ""), ('id = "mhp"', 'id = "mhq"'), "no candidate 'mhq' on the ballot of 'tr/34/catalca'"),
        (("", ""), ('id = "ysk"', 'id = "yskk"'), "no source 'yskk'. It has: ysk"),
        (("", ""), ('id = "municipal_council"', 'id = "mayor"'), "no contest 'mayor'. It has: municipal_council"),
        (
            ("", ""),
            ('id = "tr-2014-local"', 'id = "tr-2019-local"'),
            "of election 'tr-2014-local', the table of 'tr-2019",
        ),
    ],
)
def test_a_table_of_something_else_is_refused_with_what_the_run_does_not_have(
    sandik: Sandik, table: Path, tmp_path: Path, line: tuple[str, str], mapping: tuple[str, str], says: str
) -> None:
    assert 0 == publish(sandik, table)[0]
    table.write_text(HEADER + LINE.replace(*line), encoding="utf-8")
    other = tmp_path / "other.toml"
    other.write_text(MAPPING.read_text(encoding="utf-8").replace(*mapping), encoding="utf-8")

    code, told = publish(sandik, table, mapping=other)
    assert (2, True) == (code, says in told), told
    assert 185 == votes(sandik)[0]


def test_the_same_table_may_be_published_again(sandik: Sandik, table: Path) -> None:
    for _ in range(2):
        assert 0 == publish(sandik, table)[0]
    assert "1 duplicate" in votes(sandik)[1]


def test_a_wrong_total_row_is_told_and_stops_nothing(sandik: Sandik, table: Path) -> None:
    total = LINE.replace("ÇATALCA,1001", "TOPLAM,").replace(",185,", ",999,")
    table.write_text(HEADER + LINE + total, encoding="utf-8")

    code, told = publish(sandik, table)
    assert (0, True) == (code, "line 3 is a total row, but CHP is 999 and the lines come to 185" in told)
    assert 185 == votes(sandik)[0]


def test_a_table_that_grows_is_published_to_a_run_with_a_definition_of_all_boxes(
    sandik: Sandik, table: Path, tmp_path: Path
) -> None:
    whole, definition = tmp_path / "whole.csv", tmp_path / "definition.json"
    both = HEADER + LINE + LINE.replace(",1001,", ",1002,")
    whole.write_text(both, encoding="utf-8")
    assert 0 == sandik("boxes", whole, "--mapping", MAPPING, "--definition", definition)[0]

    assert 0 == publish(sandik, table, "--from-definition", definition)[0]
    assert 185 == votes(sandik)[0]
    table.write_text(both, encoding="utf-8")
    assert 0 == publish(sandik, table, "--from-definition", definition)[0]
    assert 370 == votes(sandik)[0]


def test_a_table_that_does_not_fit_the_given_definition_begins_no_run(
    sandik: Sandik, table: Path, tmp_path: Path
) -> None:
    definition, other = tmp_path / "definition.json", tmp_path / "other.csv"
    assert 0 == sandik("boxes", table, "--mapping", MAPPING, "--definition", definition)[0]
    other.write_text(HEADER + LINE.replace(",1001,", ",1002,"), encoding="utf-8")

    code, told = publish(sandik, other, "--from-definition", definition)
    assert (2, True) == (code, "The run has no box 1002 in 'tr/34/catalca'" in told)
    assert 0 == publish(sandik, table)[0]
