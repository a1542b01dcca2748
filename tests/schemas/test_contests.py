from typing import Any

import pytest

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
