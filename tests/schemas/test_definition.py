from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from schemas.definition import Contest, Election, Unit, check_times
from schemas.errors import DefinitionError
from tests.builders import small_election


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


def test_a_unit_knows_those_directly_below_it() -> None:
    children = small_election().children

    assert ("tr/34", "tr/41") == children["tr"]
    assert ("tr/41/gebze",) == children["tr/41"]
    assert () == children["tr/41/gebze"]


def test_only_a_district_is_one() -> None:
    assert [True, False, False] == [
        small_election().is_district(unit) for unit in ("tr/34/kadikoy", "tr/34", "nowhere")
    ]


def test_a_ballot_has_an_order() -> None:
    assert ("chp", "ak_parti") == small_election().ballot_order("district_mayor", "tr/34/kadikoy")
    assert {"chp", "ak_parti"} == small_election().ballot_ids("district_mayor", "tr/34")


def test_a_district_may_have_a_ballot_of_its_own() -> None:
    contest = small_election().contest_by_id["district_mayor"]

    assert ["Gebze Adayı"] == [candidate.name for candidate in contest.ballot("tr/41/gebze")]
    assert ["CHP", "AK Parti"] == [candidate.name for candidate in contest.ballot("tr/34/kadikoy")]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"timezone": "Istanbul"}, "timezone is 'Istanbul'.*or Europe/Istanbul"),
        ({"units": units(district(), district())}, "'tr/34/sile' is there twice"),
        ({"units": units(district(parent="tr/34/adalar"))}, "needs a parent of level 'province'"),
        ({"units": units(district(parent="tr/99"))}, "needs a parent of level 'province'"),
        ({"units": units({"id": "de", "level": "country", "name": "Almanya"})}, "exactly one unit of level 'country'"),
        ({"units": units(district(boxes=[(5, 3)]))}, "must rise and not overlap"),
        ({"units": units(district(boxes=[(1, 5), (5, 9)]))}, "must rise and not overlap"),
        (
            {
                "units": units(
                    {"id": "tr/6", "level": "province", "name": "Ankara", "parent": "tr", "boxes": [(1, 2)]},
                    district(id="tr/6/cankaya", parent="tr/6"),
                )
            },
            "'tr/6' has boxes and 'tr/6/cankaya' below it",
        ),
        ({"sources": [{"id": "aa", "name": "A"}, {"id": "aa", "name": "B"}]}, "source id 'aa' is there twice"),
        (
            {"contests": [{"id": "c", "name": "C", "candidates": [{"id": "x", "name": "X", "party": "none"}]}]},
            "unknown party 'none'",
        ),
        (
            {"contests": [{"id": "c", "name": "C", "candidates": [], "ballots": {"tr/35": []}}]},
            "a unit that this election does not have",
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


@pytest.mark.parametrize("field", ["polls_close", "embargo_until"])
@pytest.mark.parametrize("moment", ["20240331", "1711900000", 1711900000, "2024-03-31"])
def test_a_time_that_is_not_written_out_is_no_time(field: str, moment: object) -> None:
    """Digits alone would be seconds since 1970: a ban that is over."""
    with pytest.raises(ValidationError, match="a time is text as in RFC 3339"):
        Election.model_validate_json(orjson.dumps(small_election().model_dump(mode="json") | {field: moment}))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"polls_close": "2024-04-02T00:00:00+03:00"}, "polls_close is 2024-04-02.*but the election is on 2024-03-31"),
        ({"polls_close": "2023-03-31T17:00:00+03:00"}, "polls_close is 2023"),
        ({"embargo_until": "2024-03-31T16:59:59+03:00"}, "embargo_until is .*before the polls close"),
        ({"embargo_until": "2024-03-30T19:00:00+03:00", "polls_close": None}, "before the polls close"),
    ],
)
def test_times_that_cannot_be_meant_are_told_before_a_run_begins(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(DefinitionError, match=says):
        check_times(changed(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"polls_close": None},
        {"polls_close": "2024-04-01T02:00:00+03:00", "embargo_until": "2024-04-01T02:00:00+03:00"},
        {"polls_close": None, "embargo_until": "2024-03-31T00:00:00+03:00"},
    ],
)
def test_times_of_the_night_are_taken(changes: dict[str, Any]) -> None:
    check_times(changed(**changes))


@pytest.mark.parametrize("text", ["2024-02-30", "20240331", "31.03.2024", "2024-03-31T00:00", ""])
def test_a_date_that_is_none_is_refused(text: str) -> None:
    written = small_election().model_dump_json().replace("2024-03-31", text, 1)
    with pytest.raises(ValidationError, match="date"):
        Election.model_validate_json(written)


def test_polls_close_in_a_zone() -> None:
    written = small_election().model_dump_json().replace("T17:00:00+03:00", "T17:00:00")
    with pytest.raises(ValidationError, match="polls_close"):
        Election.model_validate_json(written)


def test_the_zone_is_that_of_the_elections_local_times() -> None:
    assert "Europe/Istanbul" == small_election().zone.key
