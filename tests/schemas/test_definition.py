from typing import Any

import pytest
from pydantic import ValidationError

from schemas.definition import Contest, Election, Unit
from schemas.errors import DefinitionError
from tests.builders import DISTRICTS, small_election


def changed(**changes: Any) -> Election:
    """The small election with parts replaced, checked anew."""
    fields = small_election().model_dump()
    return Election.model_validate(fields | changes, strict=False)


def units(*extra: dict[str, Any]) -> list[dict[str, Any]]:
    return [*(unit.model_dump() for unit in small_election().units), *extra]


def district(**fields: Any) -> dict[str, Any]:
    return {"id": "tr/34/sile", "level": "district", "name": "Şile", "parent": "tr/34"} | fields


def test_a_definition_survives_the_way_through_json() -> None:
    election = small_election()

    assert election == Election.model_validate_json(election.model_dump_json())


def test_boxes_are_summed_up_the_tree() -> None:
    totals = small_election(boxes=20).boxes_total

    assert (80, 60, 20) == (totals["tr"], totals["tr/34"], totals["tr/41"])


def test_ancestors_come_nearest_first() -> None:
    assert ("tr/34", "tr") == small_election().ancestors["tr/34/kadikoy"]


def test_a_district_may_have_a_ballot_of_its_own() -> None:
    contest = small_election().contest_by_id["district_mayor"]

    assert ["Gebze Adayı"] == [candidate.name for candidate in contest.ballot("tr/41/gebze")]
    assert ["CHP", "AK Parti"] == [candidate.name for candidate in contest.ballot("tr/34/kadikoy")]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"units": units(district(), district())}, "'tr/34/sile' is there twice"),
        ({"units": units(district(parent="tr"))}, "needs a parent of level 'province'"),
        ({"units": units(district(parent="tr/99"))}, "needs a parent of level 'province'"),
        ({"units": units({"id": "de", "level": "country", "name": "Almanya"})}, "exactly one unit of level 'country'"),
        ({"units": units(district(boxes=[(5, 3)]))}, "must rise and not overlap"),
        ({"units": units(district(boxes=[(1, 5), (5, 9)]))}, "must rise and not overlap"),
        (
            {"units": units({"id": "tr/6", "level": "province", "name": "Ankara", "parent": "tr", "boxes": [(1, 2)]})},
            "Only districts have boxes",
        ),
        ({"sources": [{"id": "aa", "name": "A"}, {"id": "aa", "name": "B"}]}, "source id 'aa' is there twice"),
        (
            {"contests": [{"id": "c", "name": "C", "candidates": [{"id": "x", "name": "X", "party": "none"}]}]},
            "unknown party 'none'",
        ),
        (
            {"contests": [{"id": "c", "name": "C", "candidates": [], "ballots": {"tr/34": []}}]},
            "a unit that is no district",
        ),
        (
            {
                "contests": [
                    {"id": "c", "name": "C", "candidates": [{"id": "x", "name": "X"}, {"id": "x", "name": "Y"}]}
                ]
            },
            "'x' is there twice",
        ),
    ],
)
def test_a_definition_that_contradicts_itself_says_where(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(DefinitionError, match=says):
        changed(**changes)


@pytest.mark.parametrize("wrong", ["", "İstanbul", "tr//34", "tr/34/", "/tr", "a b", "tr/34/*", "x" * 97])
def test_an_id_that_could_not_be_a_key_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError):
        Unit(id=wrong, level="country", name="Türkiye")


def test_unknown_fields_are_ignored_so_that_the_contract_can_grow() -> None:
    said = {"id": "c", "name": "C", "candidates": [], "invented_later": 1}

    assert "c" == Contest.model_validate(said, strict=False).id


def test_registered_voters_are_rolled_up_where_every_district_says_so() -> None:
    election = small_election()
    assert election.registered_total == {
        "tr": 24_000,
        "tr/34": 18_000,
        "tr/41": 6_000,
        **dict.fromkeys(DISTRICTS, 6_000),
    }
    units = tuple(
        unit.model_copy(update={"registered": None}) if unit.id == "tr/41/gebze" else unit for unit in election.units
    )
    unsaid = Election(**{**dict(election), "units": units})
    assert [unsaid.registered_total[unit] for unit in ("tr", "tr/34", "tr/41")] == [None, 18_000, None]
