from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from schemas.control import ORDER, unknown_in
from schemas.graphics import (
    MAX_PARAMETER_CHARS,
    MAX_PARAMETERS,
    Graphic,
    GraphicCleared,
    GraphicCued,
    GraphicListed,
    GraphicTaken,
    GraphicUnlisted,
)
from schemas.trust import MAX_ORDER_BYTES
from tests.builders import small_election
from tests.schemas.orders import Kind, new_signer, order, written

DUEL: dict[str, Any] = {"overlay": "duel", "parameters": {"unit": "tr/34", "size": "full"}}
EVERY: tuple[tuple[Kind, dict[str, Any]], ...] = (
    (GraphicListed, {"item": "one", "place": 1, **DUEL}),
    (GraphicUnlisted, {"item": "one"}),
    (GraphicCued, {"channel": "a", "item": "one"}),
    (GraphicTaken, {"channel": "a", "item": "one", "step": 2, **DUEL}),
    (GraphicCleared, {"channel": "a"}),
)


@pytest.mark.parametrize(("kind", "fields"), EVERY)
def test_an_order_of_the_rundown_is_read_as_it_was_written(kind: Kind, fields: dict[str, Any]) -> None:
    said = order(kind, **fields)
    assert said == ORDER.validate_json(said.model_dump_json())
    assert unknown_in(said, small_election()) is None


def test_what_is_listed_and_taken_is_a_graphic() -> None:
    listed, taken = GraphicListed.model_validate(order(*EVERY[0][:1], **EVERY[0][1])), order(EVERY[3][0], **EVERY[3][1])
    assert Graphic(**DUEL) == listed.graphic
    assert isinstance(taken, GraphicTaken)
    assert Graphic(**DUEL, step=2) == taken.graphic


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"contest": "president"}, "no contest 'president'"),
        ({"unit": "tr/99"}, "no unit 'tr/99'"),
        ({"source": "radio"}, "no source 'radio'"),
        ({"contest": "", "unit": ""}, None),
    ],
)
def test_a_selection_that_the_definition_does_not_have_is_named(parameters: dict[str, str], says: str | None) -> None:
    """An empty one is the election's first, as in an address."""
    found = unknown_in(order(GraphicTaken, channel="a", overlay="duel", parameters=parameters), small_election())
    assert found is None if says is None else says in (found or "")


@pytest.mark.parametrize(
    "fields",
    [
        {"overlay": "../duel"},
        {"channel": ""},
        {"step": -1},
        {"parameters": {"unit": 1}},
        {"parameters": {"Unit": "tr"}},
        {"parameters": {f"p{number}": "" for number in range(MAX_PARAMETERS + 1)}},
        {"parameters": {"units": "x" * MAX_PARAMETER_CHARS}},
    ],
)
def test_a_graphic_of_another_form_is_no_order(fields: dict[str, Any]) -> None:
    said = orjson.loads(written(GraphicTaken, channel="a", **DUEL)) | fields
    with pytest.raises(ValidationError):
        ORDER.validate_json(orjson.dumps(said))


def test_the_longest_graphic_fits_into_an_order() -> None:
    """Also where each letter takes four bytes."""
    parameters = {"units": "𝔸" * (MAX_PARAMETER_CHARS - len("units"))}
    value = written(GraphicTaken, new_signer(), channel="a", overlay="duel", parameters=parameters, reason="ş" * 500)
    assert MAX_PARAMETER_CHARS * 4 < len(value) <= MAX_ORDER_BYTES
