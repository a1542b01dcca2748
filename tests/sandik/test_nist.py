from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from sandik.nist import Origin, election_report
from sandik.run_totals import totals_of
from schemas.control import Mode
from schemas.definition import Election, Party
from schemas.totals import Told, Totals
from tabulation.on_air import OnAir
from tests.builders import NIGHT
from tests.gateway.nights import DISTRICTS, election, totals
from tests.producers.real_tables import real_table
from tests.sandik.nist_terms import SCHEMA


def with_parties(small: Election) -> Election:
    """The same election, with a party behind one candidate and the voters of its districts."""
    party = Party(id="chp", name="Cumhuriyet Halk Partisi", short_name="CHP", color="#d7263d")
    mayor, council = small.contests
    first, *others = mayor.candidates
    ballot = (first.model_copy(update={"party": party.id}), *others)
    units = (unit.model_copy(update={"registered": 350 * unit.boxes_total}) for unit in small.units)
    changes = {
        "parties": (party,),
        "contests": (mayor.model_copy(update={"candidates": ballot}), council),
        "units": tuple(units),
    }
    return Election(**{**dict(small), **changes})


ELECTION = with_parties(election())
BOXES = {"tr/06/cankaya": 5, "tr/34/adalar": 2, "tr/34/uskudar": 10}


def report(records: list[Totals], mode: Mode = "test", contest: str | None = None) -> dict[str, Any]:
    """The report of what these totals come to, of one contest or of all, as a reader of the file gets it."""
    fold = OnAir(ELECTION)
    for record in records:
        fold.fold_totals(record)
    told = totals_of(fold, Told.ON_AIR, embargoed=False).only(contest, "aa")
    origin = Origin("night", mode, ELECTION.sources[0], NIGHT, "sandik 1")
    found: dict[str, Any] = orjson.loads(orjson.dumps(election_report(ELECTION, told, origin)))
    return found


@st.composite
def nights(draw: st.DrawFn) -> list[Totals]:
    """Totals of any districts and contests."""
    cells = draw(st.lists(st.sampled_from(list(product(("mayor", "council"), DISTRICTS))), unique=True))
    return [
        totals(
            district,
            {
                name: draw(st.integers(0, 9_999))
                for name in (candidate.id for candidate in ELECTION.contest_by_id[contest].ballot(district))
            },
            contest=contest,
            boxes=draw(st.integers(0, BOXES[district])),
        ).model_copy(update={"invalid": draw(st.integers(0, 99)), "unattributed": draw(st.integers(0, 3))})
        for contest, district in cells
    ]


def walk(said: object) -> Iterator[dict[str, Any]]:
    """Every object of a report."""
    if isinstance(said, dict):
        yield said
    for part in said.values() if isinstance(said, dict) else said if isinstance(said, list) else ():
        yield from walk(part)


def naive(records: list[Totals]) -> tuple[dict[tuple[str, ...], int], dict[tuple[str, ...], int]]:
    """Votes by contest, unit and candidate, and ballots by contest, unit and field: summed with nothing of ours."""
    votes: dict[tuple[str, ...], int] = defaultdict(int)
    ballots: dict[tuple[str, ...], int] = defaultdict(int)
    for record in records:
        above = [record.district.rpartition("/")[0], "tr"]
        for unit in [record.district, *above]:
            ballots[record.contest, unit, "BallotsCast"] += record.cast
            ballots[record.contest, unit, "BallotsRejected"] += record.invalid
        for unit in [record.district, *(above if record.contest == "mayor" else [])]:
            for name, count in record.votes.items():
                votes[record.contest, unit, name] += count
            if record.unattributed:
                votes[record.contest, unit, "unattributed"] += record.unattributed
    return dict(votes), dict(ballots)


def read_back(said: dict[str, Any]) -> tuple[dict[tuple[str, ...], int], dict[tuple[str, ...], int]]:
    """The same, as another's program would take it out of the file by following its references."""
    units = {unit["@id"]: unit["ExternalIdentifier"][0]["Value"] for unit in said["GpUnit"]}
    votes: dict[tuple[str, ...], int] = {}
    ballots: dict[tuple[str, ...], int] = {}
    for one in said["Election"]:
        contest = one["ExternalIdentifier"][0]["Value"]
        names = {candidate["@id"]: candidate["ExternalIdentifier"][0]["Value"] for candidate in one["Candidate"]}
        for counts in one["BallotCounts"]:
            for field in ("BallotsCast", "BallotsRejected"):
                ballots[contest, units[counts["GpUnitId"]], field] = counts[field]
        for selection in (selection for part in one["Contest"] for selection in part["ContestSelection"]):
            name = names[selection["CandidateIds"][0]] if "CandidateIds" in selection else "unattributed"
            for counts in selection["VoteCounts"]:
                assert counts["Type"] == ("other" if name == "unattributed" else "total")
                if name != "unattributed" or counts["Count"]:
                    votes[contest, units[counts["GpUnitId"]], name] = counts["Count"]
    return votes, ballots


@settings(deadline=None)
@given(nights())
def test_every_count_of_the_file_is_that_of_the_totals(records: list[Totals]) -> None:
    assert naive(records) == read_back(report(records))


@settings(max_examples=30, deadline=None)
@given(nights())
def test_every_file_keeps_to_the_terms_and_refers_to_what_is_in_it(records: list[Totals]) -> None:
    said = report(records)

    Draft4Validator(SCHEMA).validate(said)
    names = [one["@id"] for one in walk(said) if "@id" in one]
    assert len(set(names)) == len(names)
    for one in walk(said):
        for field, value in one.items():
            if field.endswith(("Id", "Ids")) and field not in {"@id", "VendorApplicationId"}:
                assert set([value] if isinstance(value, str) else value) <= set(names)


def test_candidates_name_their_party_and_units_their_voters() -> None:
    said = report([totals()])
    (candidate, _) = said["Election"][0]["Candidate"]

    assert said["Party"][0]["@id"] == candidate["PartyId"]
    assert 3500 == next(unit for unit in said["GpUnit"] if unit["@id"] == "unit-tr-34-uskudar")["VotersRegistered"]


def test_figures_that_were_set_by_hand_are_named() -> None:
    said = report([totals().model_copy(update={"overridden": ("votes.imamoglu",)})])

    assert "Set by hand: mayor in tr (votes.imamoglu)" in said["Notes"]
    assert "mayor in tr/34/uskudar (votes.imamoglu)" in said["Notes"]
    assert "Set by hand" not in report([totals()])["Notes"]


def test_the_notes_say_which_figures_the_report_has() -> None:
    assert "Told is what is on air" in report([totals()])["Notes"]


def test_the_terms_would_notice_what_does_not_keep_to_them() -> None:
    said = report([totals()])

    assert list(Draft4Validator(SCHEMA).iter_errors(said | {"Status": "probably"}))
    assert list(Draft4Validator(SCHEMA).iter_errors(said | {"Boxes": 1}))


@pytest.mark.data
def test_a_file_is_valid_by_the_published_schema() -> None:
    schema = orjson.loads(real_table("nist/NIST_V2_election_results_reporting.json").read_bytes())
    records = [totals("tr/34/adalar", {"b": 3, "c": 4}, contest="council"), totals(boxes=10)]

    Draft4Validator(schema).validate(report([*records, totals("tr/06/cankaya").model_copy(update={"unattributed": 7})]))


@pytest.mark.parametrize(
    ("boxes", "status", "counts"),
    [
        ((0, 0, 0), "pre-election", "not-processed"),
        ((5, 2, 9), "unofficial-partial", "in-process"),
        ((5, 2, 10), "unofficial-complete", "completed"),
    ],
)
def test_how_far_the_count_is_is_said(boxes: tuple[int, int, int], status: str, counts: str) -> None:
    records = [totals(district, boxes=opened) for district, opened in zip(BOXES, boxes, strict=True)]
    said = report(records, contest="mayor")
    country = said["GpUnit"][0]

    assert status == said["Status"]
    assert (counts, sum(boxes), 17) == (
        country["CountStatus"][0]["Status"],
        country["SubUnitsReported"],
        country["TotalSubUnits"],
    )


def test_a_district_that_was_not_heard_of_is_not_complete() -> None:
    assert "unofficial-partial" == report([totals(boxes=10)])["Status"]


def test_a_contest_that_was_not_heard_of_keeps_the_file_from_being_complete() -> None:
    """Its figures come later, and would take back what the file had said."""
    records = [totals(district, boxes=boxes) for district, boxes in BOXES.items()]
    silent = report(records)

    assert ("unofficial-partial", "unofficial-complete") == (
        silent["Status"],
        report(records, contest="mayor")["Status"],
    )
    assert {("not-processed", 0)} == {
        (unit["CountStatus"][0]["Status"], unit["SubUnitsReported"]) for unit in silent["GpUnit"]
    }


def test_a_unit_is_as_far_as_its_slowest_contest() -> None:
    said = report([totals(boxes=10), totals(boxes=4, contest="council", votes={"a": 1})])

    assert 4 == next(unit for unit in said["GpUnit"] if unit["@id"] == "unit-tr-34-uskudar")["SubUnitsReported"]


def test_where_districts_have_their_own_ballots_each_is_a_contest() -> None:
    (said,) = report([totals("tr/34/adalar", {"b": 3, "c": 4}, contest="council")])["Election"]

    assert 3 == len(said["Contest"])
    adalar = next(part for part in said["Contest"] if part["ElectionDistrictId"] == "unit-tr-34-adalar")
    assert ("Council · Adalar", 2) == (adalar["Name"], len(adalar["ContestSelection"]))


@pytest.mark.parametrize(("mode", "kind"), [("live", None), ("test", "rehearsal"), ("replay", "replay")])
def test_a_rehearsal_says_that_it_is_one(mode: Mode, kind: str | None) -> None:
    said = report([totals()], mode)

    assert (mode != "live", kind) == (said["IsTest"], said.get("TestType"))


def test_a_surplus_of_one_district_completes_no_other() -> None:
    """Boxes are reported up to as many as there are; nothing is complete but what is, district by district."""
    said = report([totals("tr/06/cankaya", boxes=5), totals("tr/34/adalar", boxes=3), totals(boxes=9)], contest="mayor")

    assert "unofficial-partial" == said["Status"]
    assert [
        (16, "in-process"),
        (11, "in-process"),
        (5, "completed"),
        (9, "in-process"),
        (2, "in-process"),
        (5, "completed"),
    ] == [(unit["SubUnitsReported"], unit["CountStatus"][0]["Status"]) for unit in said["GpUnit"]]
    (contest,) = said["Election"][0]["Contest"]
    assert (16, 17, "in-process") == (
        contest["SubUnitsReported"],
        contest["TotalSubUnits"],
        contest["CountStatus"][0]["Status"],
    )
