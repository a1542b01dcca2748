from datetime import datetime
from pathlib import Path

import pytest

from producers.tables.mapping import parse_mapping, read_mapping, read_report_mapping
from schemas.errors import MappingError
from tests.producers.real_tables import MAPPING

GOOD = MAPPING.read_text(encoding="utf-8")


def test_the_example_is_a_mapping() -> None:
    mapping = read_mapping(MAPPING)
    assert mapping.contest.id == "municipal_council"
    assert len(mapping.votes) == 11


def test_a_time_without_a_zone_is_meant_in_the_mappings() -> None:
    """Türkiye put its clocks forward a day late in 2014, for the election's sake: this night was still at +02:00."""
    mapping = parse_mapping(GOOD)
    assert isinstance(mapping.report.at, datetime)
    assert mapping.times.with_zone(mapping.report.at, "at").isoformat() == "2014-03-30T20:00:00+02:00"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('id = "ysk"', "id = 7", "source.id"),
        ('id = "ysk"', 'id = "Y S K"', "source.id"),
        ('box = "sandik_no"', "", "columns.box"),
        ('box = "sandik_no"', 'bax = "sandik_no"', "columns.bax"),
        ("revision = 1", "revision = 0", "report.revision"),
        ("at = 2014-03-30T20:00:00", 'at = "tomorrow"', "report.at"),
        ('timezone = "Europe/Istanbul"', 'timezone = "Mars/Olympus"', "Mars/Olympus"),
        ('id = "mhp"', 'id = "chp"', "'chp' is there twice"),
        ('color = "#f28c28"', 'color = "orange"', "color"),
        ("[votes]", "[vots]", "votes"),
        ("revision = 1", 'time_format = "%d.%m %H:%M"', "says no year"),
        ("at = 2014-03-30T20:00:00", "at = 2014-03-31T03:30:00", "is never shown in Europe/Istanbul"),
        (
            "polls_close = 2014-03-30T17:00:00",
            "polls_close = 2014-10-26T03:30:00",
            "election.polls_close: 2014-10-26 03:30",
        ),
        ("[votes]", '[table]\nthousands = "."\ndecimal = "."\n[votes]', "cannot be both"),
        ("[votes]", '[table]\nthousands = "0"\n[votes]', "table.thousands"),
        ("[election]", "[election", "not readable as TOML"),
    ],
)
def test_a_wrong_mapping_says_where_it_is_wrong(old: str, new: str, told: str) -> None:
    assert old in GOOD
    with pytest.raises(MappingError, match=r"(?s)^the mapping") as caught:
        parse_mapping(GOOD.replace(old, new, 1))
    assert told in str(caught.value)


def test_a_missing_mapping_is_told_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"nowhere\.toml cannot be read"):
        read_mapping(tmp_path / "nowhere.toml")


def test_a_table_given_as_mapping_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "boxes.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MappingError, match="cannot be read"):
        read_mapping(path)
    path.write_text("x" * (1024 * 1024 + 1))
    with pytest.raises(MappingError, match="is it the table"):
        read_mapping(path)


@pytest.mark.parametrize("value", ["[" * 100_000, "9" * 5_000])
def test_what_no_parser_reads_is_told(value: str) -> None:
    with pytest.raises(MappingError, match="is not readable as TOML"):
        parse_mapping(f"a = {value}")


def test_a_key_that_there_is_not_is_told_first_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    path.write_text(
        '[report]\nsauce = "aa"\ncontest = "m"\nat = "file"\n[units]\ndistrict = "d"\n[columns]\nbox = "b"\n'
    )
    with pytest.raises(MappingError) as refused:
        read_report_mapping(path)
    told = str(refused.value).splitlines()
    assert "  report.sauce: there is no such key. Did you mean 'source'?" == told[1]
    assert "  report.source: it is missing: add it" in told
    assert "Mend each there; docs/mapping-keys.md lists the keys that there are." == told[-1]
    path.write_text("[elections]\n")
    with pytest.raises(MappingError, match=r"If \[elections\] is to be \[election\]"):
        read_report_mapping(path)
