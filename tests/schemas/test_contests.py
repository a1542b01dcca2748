import re
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from schemas.contests import Alliance, SeatPlan, Threshold
from schemas.definition import Candidate, Contest, Election, Majority
from schemas.errors import DefinitionError
from tests.builders import small_election
from tests.shapes import CANDIDATES, flat

YES_NO = (Candidate(id="yes", name="Yes", color="#2364aa"), Candidate(id="no", name="No"))


def held(*contests: Contest) -> Election:
    return Election(**{**dict(flat("bath", "york")), "contests": contests})


def test_a_contest_without_the_new_keys_is_written_as_before() -> None:
    written = small_election().model_dump(mode="json")["contests"][0]

    assert {"id", "name", "candidates", "ballots"} == written.keys()
    assert {"id", "name", "party", "ballot_no"} == written["candidates"][0].keys()


def test_a_referendum_has_options() -> None:
    contest = Contest(id="r", name="R", candidates=YES_NO, kind="referendum", threshold=Majority(turnout=(1, 3)))
    election = held(contest)

    assert election == Election.model_validate_json(election.model_dump_json())
    assert "#2364aa" == election.ballot("r", "gb/bath")[0].color


def test_rounds_of_an_office_are_linked_in_their_order() -> None:
    contests = (
        Contest(id="second", name="2", candidates=CANDIDATES[:2], office="president", round=2),
        Contest(id="first", name="1", candidates=CANDIDATES, office="president", round=1),
        Contest(id="other", name="O", candidates=CANDIDATES),
    )
    election = held(*contests)

    assert ("first", "second") == election.rounds_of("first") == election.rounds_of("second")
    assert () == election.rounds_of("other")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"office": "mayor"}, "has an office or a round, and not the other"),
        ({"round": 1}, "has an office or a round, and not the other"),
        ({"kind": "referendum"}, "its option 'a' has a party. Give the option a color"),
        (
            {"kind": "referendum", "seats": {"method": "dhondt", "seats": {"gb": 3}}},
            "is a referendum, and divides seats",
        ),
    ],
)
def test_a_contest_that_contradicts_itself_is_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(DefinitionError, match=says):
        Contest.model_validate({"id": "m", "name": "M", "candidates": CANDIDATES} | fields, strict=False)


def test_a_round_is_there_once() -> None:
    contests = [Contest(id=one, name="1", candidates=(), office="president", round=1) for one in "ab"]

    with pytest.raises(DefinitionError, match="'a' and 'b' are both round 1 of 'president'"):
        held(*contests)


def election(**fields: Any) -> Election:
    """A small election whose first contest has seats in two provinces, with any key of the plan changed."""
    plan = SeatPlan(**({"method": "dhondt", "seats": {"tr/34": 5, "tr/41": 2}} | fields))
    before = small_election()
    contests = (before.contests[0].model_copy(update={"seats": plan}), *before.contests[1:])
    return Election.model_validate(before.model_copy(update={"contests": contests}).model_dump())


def refused(hint: str, **fields: Any) -> None:
    with pytest.raises(DefinitionError, match=re.escape(hint)):
        election(**fields)


def test_a_plan_is_the_same_after_it_was_written_and_read() -> None:
    whole = election(
        method="sainte_lague",
        first_divisor=(7, 5),
        threshold=Threshold(share=(1, 150), exempt=("bagimsiz_1",)),
        alliances=(Alliance(id="two", name="İki", members=("imamoglu", "kurum")),),
        alliances_count="for_seats",
        deducted=(1, 10),
        quota_seats={"tr/34": 5},
    )
    assert whole == Election.model_validate_json(whole.model_dump_json())


def test_a_definition_without_seats_is_written_as_before_there_were_any() -> None:
    """So that the digest of an old archive's definition stays what it was."""
    before = orjson.loads(small_election().model_dump_json())
    assert all("seats" not in contest for contest in before["contests"])
    opened = Election.model_validate_json(orjson.dumps(before))
    assert small_election() == opened
    assert [None, None] == [contest.seats for contest in opened.contests]


def test_what_a_plan_does_not_say_changes_nothing() -> None:
    plan = SeatPlan(method="dhondt", seats={"tr": 1})
    assert (None, (), (0, 1), (1, 1), {}) == (
        plan.threshold,
        plan.alliances,
        plan.deducted,
        plan.first_divisor,
        plan.quota_seats,
    )


@pytest.mark.parametrize(
    ("hint", "fields"),
    [
        ("'tr/35', which this election does not have", {"seats": {"tr/35": 5}}),
        ("'tr/35', which this election does not have", {"quota_seats": {"tr/35": 5}}),
        ("set 6 aside for the first in 'tr/34', which has 5", {"quota_seats": {"tr/34": 6}}),
        ("set 1 aside for the first in 'tr', which has 0", {"quota_seats": {"tr": 1}}),
        ("'nobody', who is on no ballot", {"alliances": (Alliance(id="a", name="A", members=("nobody",)),)}),
        ("'nobody', who is on no ballot", {"threshold": Threshold(share=(1, 10), exempt=("nobody",))}),
        ("'kurum' into an alliance twice", {"alliances": (Alliance(id="a", name="A", members=("kurum", "kurum")),)}),
        (
            "an alliance 'kurum', and something else",
            {"alliances": (Alliance(id="kurum", name="A", members=("kurum",)),)},
        ),
        (
            "an alliance 'a', and something else",
            {"alliances": tuple(Alliance(id="a", name="A", members=(name,)) for name in ("kurum", "imamoglu"))},
        ),
        ("0 for their first divisor", {"first_divisor": (0, 5)}),
        (
            "Use dhondt or sainte_lague",
            {
                "method": "largest_remainder_hare",
                "alliances": (Alliance(id="a", name="A", members=("kurum",)),),
                "alliances_count": "for_seats",
            },
        ),
    ],
)
def test_a_plan_that_does_not_fit_its_contest_is_refused(hint: str, fields: dict[str, Any]) -> None:
    refused(hint, **fields)


def test_a_name_on_one_districts_ballot_can_be_in_an_alliance() -> None:
    assert "chp" in {candidate.id for candidate in small_election().contests[1].ballots["tr/41/gebze"]}
    contest = Contest(
        id="c",
        name="C",
        candidates=(),
        ballots={"tr/41/gebze": (Candidate(id="x", name="X"),)},
        seats=SeatPlan(
            method="most_votes", seats={"tr/41/gebze": 1}, alliances=(Alliance(id="a", name="A", members=("x",)),)
        ),
    )
    before = small_election()
    assert Election.model_validate(before.model_copy(update={"contests": (contest,)}).model_dump()).contests[0].seats


@pytest.mark.parametrize(
    "fields",
    [
        {"seats": {}},
        {"seats": {"tr": 0}},
        {"seats": {"tr": 5_001}},
        {"method": "guess"},
        {"deducted": (1, 0)},
        {"deducted": (0.1, 1)},
        {"threshold": {"share": (7, 0)}},
    ],
)
def test_a_plan_that_cannot_be_is_no_plan(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SeatPlan.model_validate({"method": "dhondt", "seats": {"tr": 1}} | fields)


def test_a_threshold_of_blank_votes_needs_a_contest_that_counts_them() -> None:
    plan = SeatPlan(method="dhondt", seats={"es/28": 37}, threshold=Threshold(share=(3, 100), blank=True))
    assert Contest(id="c", name="C", candidates=(), seats=plan, blank=True).seats is plan
    with pytest.raises(DefinitionError, match='Give it "blank": true'):
        Contest(id="c", name="C", candidates=(), seats=plan)
