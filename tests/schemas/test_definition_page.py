"""docs/definition.md explains every key of the definition, and no other."""

import re
from pathlib import Path

import orjson
import pytest
from pydantic import BaseModel

from schemas.contests import Previous, PreviousResult
from schemas.definition import Candidate, Contest, Election, Level, Majority, Party, Source, Tree, Unit

PAGE = Path(__file__).parents[2] / "docs" / "definition.md"
HEADINGS: dict[str, type[BaseModel]] = {
    "The election": Election,
    "A party": Party,
    "A source": Source,
    "A level": Level,
    "A tree": Tree,
    "A unit": Unit,
    "A contest": Contest,
    "A candidate": Candidate,
    "A threshold": Majority,
    "Previous results": Previous,
    "A previous result": PreviousResult,
}


def section(heading: str) -> str:
    """What stands under a heading of the page."""
    return PAGE.read_text("utf-8").split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


@pytest.mark.parametrize("heading", HEADINGS)
def test_the_page_has_the_keys_of_the_model_and_no_other(heading: str) -> None:
    rows = [line.split("|")[1] for line in section(heading).splitlines() if line.startswith("| `")]

    assert sorted(HEADINGS[heading].model_fields) == sorted(key for row in rows for key in re.findall(r"`(\w+)`", row))


def examples() -> list[str]:
    """What is written in JSON on the page."""
    return re.findall(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def test_what_is_written_in_part_is_right() -> None:
    _, referendum, previous = examples()

    assert "referendum" == Contest.model_validate_json(referendum).kind
    assert ("yildirim",) == Previous.model_validate_json(previous).own("kurum")


def test_the_definition_on_the_page_is_one() -> None:
    written = examples()[0]
    election = Election.model_validate_json(written)

    assert {"gb": 74, "gb/bath": 74} == election.boxes_total
    assert orjson.loads(written).keys() < orjson.loads(election.model_dump_json()).keys()
