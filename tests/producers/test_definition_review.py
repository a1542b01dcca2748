from typing import Any

import orjson
import pytest

from producers.definition_files import differences, read_definition, review
from schemas.definition import Candidate, Contest, Election, Majority, Unit
from schemas.errors import DefinitionError
from tests.builders import small_election
from tests.shapes import CANDIDATES, deep, flat
from tests.tabulation.derived.test_swing import LAST

GONE = Candidate(id="gone", name="Gone", withdrawn=True)


def written(election: Election, **changes: Any) -> str:
    tree = orjson.loads(election.model_dump_json()) | changes
    return orjson.dumps(tree, option=orjson.OPT_INDENT_2).decode()


def line_with(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def test_a_definition_that_is_right_has_no_findings() -> None:
    assert [] == review(written(small_election()))


def test_text_that_is_no_json_is_told_with_its_line() -> None:
    found = review('{\n  "id": "x",\n  "name": \n}')[0]

    assert (4, True) == (found.line, found.is_fault)
    assert "This is no JSON" in found.text
    assert "too deeply" in review("[" * 100_000)[0].text


def test_a_value_of_the_wrong_kind_is_told_at_its_line() -> None:
    units = orjson.loads(small_election().model_dump_json())["units"]
    units[3]["registered"] = "many"
    text = written(small_election(), units=units)
    found = review(text)[0]

    assert line_with(text, '"many"') == found.line
    assert found.text.startswith("units.3.registered: ")


def test_what_is_missing_is_told_at_what_lacks_it() -> None:
    units = orjson.loads(small_election().model_dump_json())["units"]
    del units[3]["name"]
    text = written(small_election(), units=units)

    assert line_with(text, f'"id": "{units[3]["id"]}"') == review(text)[0].line
    assert 1 == review("{}")[0].line
    assert 1 == review("[]")[0].line


def test_what_contradicts_itself_is_told_at_what_it_names() -> None:
    contests = [{"id": "m", "name": "M", "candidates": [{"id": "x", "name": "X", "party": "nobody"}]}]
    text = written(small_election(), contests=contests)
    found = review(text)[0]

    assert "unknown party 'nobody'" in found.text
    assert line_with(text, '"id": "x"') == found.line
    times = review(written(small_election(), polls_close="2020-01-01T17:00:00+03:00"))[0]
    assert (1, True) == (times.line, times.is_fault)


@pytest.mark.parametrize(
    ("election", "says"),
    [
        (flat("bath"), []),
        (
            Election(
                **{
                    **dict(flat("bath")),
                    "units": (*flat("bath").units, Unit(id="gb/x", level="seat", name="X", parent="gb")),
                }
            ),
            ["'gb/x' has no boxes"],
        ),
        (
            Election(
                **{
                    **dict(flat("bath")),
                    "units": (
                        *flat("bath").units,
                        Unit(id="gb/x", level="seat", name="X", parent="gb", boxes=((1, 1),)),
                    ),
                }
            ),
            ["1 of 2 counting units do not say how many are registered (gb/x)"],
        ),
        (
            Election(
                **{**dict(deep()), "units": (*deep().units, Unit(id="n/r", level="province", name="R", parent="n"))}
            ),
            ["No box lies in 'n/r'", "1 counting units are in no unit of tree 'parliament', such as 'n/abroad'"],
        ),
        (
            Election(**{**dict(flat("bath")), "contests": (Contest(id="m", name="M", candidates=()),)}),
            ["Nobody is on the ballot of 'm'"],
        ),
        (
            Election(**{**dict(flat("bath")), "contests": (Contest(id="m", name="M", candidates=(GONE,)),)}),
            ["Everybody on the ballot of 'm' has withdrawn"],
        ),
        (
            Election(**{**dict(flat("bath", "york", "hull")), "previous": (LAST,)}),
            ["'2022' has results of 2 of 3 counting units"],
        ),
    ],
)
def test_what_may_not_be_meant_is_a_note(election: Election, says: list[str]) -> None:
    found = review(written(election))

    assert len(says) == len(found)
    for one, part in zip(found, says, strict=True):
        assert part in one.text
        assert not one.is_fault
        assert one.line > 1


def test_a_key_that_means_nothing_is_a_note() -> None:
    text = written(small_election(), partys=[])
    found = review(text)[0]

    assert (line_with(text, '"partys"'), False) == (found.line, found.is_fault)


def test_so_is_one_further_in() -> None:
    text = written(small_election()).replace('"candidates"', '"blanc": true,\n"candidates"', 1)
    found = review(text)[0]

    assert "The key 'contests.0.blanc' means nothing." in found.text
    assert not found.is_fault


def test_the_same_has_no_differences() -> None:
    assert [] == differences(deep(), deep())


def test_what_is_added_removed_and_changed_is_told() -> None:
    old = small_election()
    units = [
        unit.model_copy(update={"registered": 7}) if unit.id == "tr/34/adalar" else unit for unit in old.units[:-1]
    ]
    contests = (
        Contest(
            id="mayor",
            name="Mayor",
            candidates=(old.contests[0].candidates[0], CANDIDATES[2]),
            ballots={"tr/34": CANDIDATES[2:]},
        ),
    )
    new = old.model_copy(update={"units": tuple(units), "contests": contests, "name": "Another" * 20})
    found = [(one.kind, one.what, one.id) for one in differences(old, new)]

    assert [
        ("changed", "election", "test-night"),
        ("changed", "unit", "tr/34/adalar"),
        ("removed", "unit", "tr/41/gebze"),
        ("removed", "contest", "district_mayor"),
        ("changed", "contest", "mayor"),
        ("removed", "candidate of mayor", "bagimsiz_1"),
        ("added", "candidate of mayor", "c"),
        ("removed", "candidate of mayor", "kurum"),
        ("added", "candidate of mayor in tr/34", "c"),
    ] == found
    details = {one.id: one.detail for one in differences(old, new)}
    assert "registered: 6000 → 7" == details["tr/34/adalar"]
    assert details["test-night"].endswith("…")


def test_a_part_that_was_not_there_is_told_as_none() -> None:
    old = flat("bath")
    new = Election(
        **{
            **dict(old),
            "contests": (Contest(id="m", name="M", candidates=CANDIDATES, threshold=Majority(share=(2, 3))),),
        }
    )

    assert "threshold: none → {'share': [2, 3]}" == differences(old, new)[0].detail


def test_a_text_that_is_no_definition_is_sent_to_the_check() -> None:
    assert flat("bath") == read_definition(written(flat("bath")), "f.json")
    for text in ("{}", written(small_election(), sources=[{"id": "a", "name": "A"}] * 2)):
        with pytest.raises(DefinitionError, match=r"Run: sandik definition check f\.json"):
            read_definition(text, "f.json")
