"""Whether a unit is held, asked of the client in JavaScript: the same as the gateway says."""

import orjson
import pytest

from tests.client.test_subscription import DISTRICTS, ELECTION, PLACES, told
from tests.node.node import run_node
from tests.shapes import deep


@pytest.mark.parametrize("size", range(len(DISTRICTS) + 1))
async def test_in_javascript_it_is_the_same(size: int) -> None:
    night, expected = told({("m", "aa", district) for district in DISTRICTS[:size]})
    asked = {
        "night": {"held": night.held, "heldInPart": night.held_in_part},
        "definition": ELECTION.model_dump(mode="json"),
        "places": PLACES,
    }

    found = orjson.loads(await run_node("held.mjs", said=orjson.dumps(asked).decode()))
    assert expected == found["held"]


async def test_what_is_held_touches_a_unit_where_one_lies_in_the_other() -> None:
    names = ["m", "m/tr/10", "m/tr/1", "m/x", "n/x"]
    asked = {
        "definition": ELECTION.model_dump(mode="json"),
        "names": names,
        "contest": "m",
        "units": ["tr/1", "x", "c", None],
    }

    found = orjson.loads(await run_node("held.mjs", said=orjson.dumps(asked).decode()))
    assert {
        "m": [True, True, True, True],
        "m/tr/10": [False, False, True, True],
        "m/tr/1": [True, True, True, True],
        "m/x": [True, True, True, True],
        "n/x": [False, False, False, False],
    } == found["touches"]


async def test_units_of_two_trees_touch_where_boxes_lie_in_both() -> None:
    asked = {
        "definition": deep().model_dump(mode="json"),
        "names": ["m/n/p", "m/n/c/1", "m/n/abroad"],
        "contest": "m",
        "units": ["n/c/1", "n/q", "n/p/d/w2"],
    }

    found = orjson.loads(await run_node("held.mjs", said=orjson.dumps(asked).decode()))
    assert {
        "m/n/p": [True, False, True],
        "m/n/c/1": [True, True, False],
        "m/n/abroad": [False, False, False],
    } == found["touches"]
