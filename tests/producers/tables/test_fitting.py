from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from producers.tables.boxes import election, read_table
from producers.tables.fitting import check_mapping, check_table
from producers.tables.mapping import read_mapping
from schemas.definition import Election, Source
from schemas.errors import MappingError
from tests.producers.real_tables import MAPPING
from tests.producers.tables.test_boxes import FIRST, HEADER
from tests.producers.tables.test_reports import ELECTION, LONG, WIDE, mapping


@pytest.mark.parametrize(
    ("section", "change", "says"),
    [
        ("report", {"source": "nobody"}, "no source 'nobody'. It has: aa, anka, agency"),
        ("report", {"source": "aa"}, "Source 'aa' of this run reports each box by itself"),
        ("report", {"contest": "muhtar"}, "no contest 'muhtar'. It has: mayor, district_mayor"),
        ("report", {"at": datetime(2024, 3, 31, 21)}, None),  # noqa: DTZ001
        ("report", {"at": datetime(2024, 3, 31, 21), "timezone": None}, "report.at is .* in no time zone"),  # noqa: DTZ001
        ("units", {"within": "tr/99"}, "no unit 'tr/99'"),
        ("units", {"names": {"Adalar": "tr/34"}}, "no district 'tr/34', which units.names gives for 'Adalar'"),
        ("units", {"names": {"Ada": "tr/34/adalr"}}, "Did you mean 'tr/34/adalar'?"),
        ("units", {"names": {"Ada": "tr/34/adalar", "ADA": "tr/41/gebze"}}, "units.names has 'ADA' twice"),
    ],
)
def test_a_mapping_that_does_not_fit_says_where(section: str, change: dict[str, Any], says: str | None) -> None:
    changed = mapping(WIDE, **{section: WIDE[section] | change})
    if says is None:
        check_mapping(changed, ELECTION)
        return
    with pytest.raises(MappingError, match=says):
        check_mapping(changed, ELECTION)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"contests": {"Meclis": "council"}}, "no contest 'council'. It has: mayor, district_mayor"),
        ({"candidates": {"Reis": "imamoglou"}}, "no candidate 'imamoglou' in the run.*'Reis'.*Did you mean 'imamoglu'"),
        ({"candidates": {"Reis": "x"}}, "no candidate 'x' in the run.*There are: ak_parti, bagimsiz_1, chp"),
        ({"candidates": {"Reis": "kurum", "REİS": "imamoglu"}}, "candidates has 'REİS' twice"),
    ],
)
def test_a_name_that_stands_for_nobody_is_told_before_anything_is_published(change: dict[str, Any], says: str) -> None:
    with pytest.raises(MappingError, match=says):
        check_mapping(mapping(LONG, **change), ELECTION)


def test_a_columns_candidate_is_on_a_ballot_of_its_contest() -> None:
    with pytest.raises(MappingError, match="no candidate 'ak_parti' in contest 'mayor': votes, 'Kurum'"):
        check_mapping(mapping(WIDE, votes={"Kurum": "ak_parti"}), ELECTION)


def test_an_agencys_names_may_be_of_its_other_contests() -> None:
    check_mapping(mapping(LONG, candidates={"AKP": "ak_parti"}), ELECTION)


def test_all_that_does_not_fit_is_told_at_once() -> None:
    votes = {f"column {number}": f"nobody_{number}" for number in range(25)}
    with pytest.raises(MappingError, match="does not fit the run's definition in 26 places") as error:
        check_mapping(mapping(WIDE, report=WIDE["report"] | {"source": "nobody"}, votes=votes), ELECTION)

    assert 1 + 20 + 1 == len(str(error.value).splitlines())
    assert "… and 6 more" in str(error.value)


def test_a_table_of_boxes_is_of_a_source_that_reports_boxes(tmp_path: Path) -> None:
    path, plan = tmp_path / "boxes.csv", read_mapping(MAPPING)
    path.write_text(f"{HEADER}\n{FIRST}\n", encoding="utf-8")
    table = read_table(path, plan)
    own = election(table, plan)
    of_districts = Election(**{**dict(own), "sources": (Source(id="ysk", name="YSK", reports="districts"),)})

    check_table(table, plan, own)
    with pytest.raises(MappingError, match="'ysk' of this run reports whole districts, and the table is of boxes"):
        check_table(table, plan, of_districts)
