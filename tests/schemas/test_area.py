from typing import Any

import pytest

from schemas.definition import Election
from schemas.errors import DefinitionError
from tests.builders import small_election

SMALL = small_election()


def with_area(*area: str, contest: int = 0, **changes: Any) -> Election:
    contests = list(SMALL.contests)
    contests[contest] = type(contests[contest])(**{**dict(contests[contest]), "area": area, **changes})
    return Election(**{**dict(SMALL), "contests": tuple(contests)})


def test_a_contest_without_an_area_is_held_everywhere_and_is_written_as_before() -> None:
    assert "area" not in SMALL.model_dump(mode="json")["contests"][0]
    assert {district.id for district in SMALL.districts} == SMALL.area_of("mayor")
    assert SMALL.boxes_total == SMALL.boxes_of("mayor") == {**SMALL.boxes_total, "tr": 80}


def test_a_contest_is_held_in_the_districts_of_its_area_and_has_their_boxes_alone() -> None:
    election = with_area("tr/41", "tr/34/adalar")

    assert {"tr/41/gebze", "tr/34/adalar"} == election.area_of("mayor")
    assert {"tr": 40, "tr/34": 20, "tr/34/kadikoy": 0, "tr/41": 20} == {
        unit: election.boxes_of("mayor")[unit] for unit in ("tr", "tr/34", "tr/34/kadikoy", "tr/41")
    }
    assert (True, False) == (election.is_held("mayor", "tr/34"), election.is_held("mayor", "tr/34/kadikoy"))
    assert ("tr/34/adalar",) == election.districts_of("mayor", "tr/34")
    assert 80 == election.boxes_of("district_mayor")["tr"] == election.boxes_total["tr"]
    assert election == Election.model_validate_json(election.model_dump_json())


def test_a_cell_is_known_only_where_its_contest_is_held() -> None:
    election = with_area("tr/41")

    assert election.knows(("mayor", "aa", "tr/41/gebze"))
    assert not election.knows(("mayor", "aa", "tr/34/adalar"))
    assert not election.knows(("mayor", "aa", "tr/41"))


@pytest.mark.parametrize(
    ("area", "contest", "says"),
    [
        (("tr/35",), 0, "area of contest 'mayor' has 'tr/35', which is no unit"),
        (("tr/34",), 1, "Contest 'district_mayor' is not held in 'tr/41/gebze', and has a ballot there"),
        ((), 0, "at least 1 item"),
    ],
)
def test_an_area_that_contradicts_the_definition_is_refused(area: tuple[str, ...], contest: int, says: str) -> None:
    with pytest.raises((DefinitionError, ValueError), match=says):
        with_area(*area, contest=contest)
