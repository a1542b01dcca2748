import pytest

from tests.compatibility.contracts import Comparison, Schema

NUMBER: Schema = {"type": "integer", "minimum": 0, "maximum": 9}
BEFORE: Schema = {
    "$defs": {"Number": NUMBER},
    "type": "object",
    "properties": {
        "a": {"$ref": "#/$defs/Number"},
        "b": {"anyOf": [{"type": "string", "enum": ["x", "y"]}, {"type": "null"}]},
        "c": {"type": "array", "items": {"$ref": "#/$defs/Number"}},
    },
    "required": ["a"],
}


def later(**properties: Schema) -> Schema:
    return BEFORE | {"properties": BEFORE["properties"] | properties}


WIDER = {
    "a new field": later(d={"type": "string"}),
    "a new value": later(b={"anyOf": [{"type": "string", "enum": ["x", "y", "z"]}, {"type": "null"}]}),
    "a new alternative": later(b={"anyOf": [{"type": "null"}, {"type": "integer"}, {"type": "string"}]}),
    "another name of a definition": later(a=NUMBER),
    "any text in place of some words": later(b={"anyOf": [{"type": "string", "maxLength": 9}, {"type": "null"}]}),
    "a wider limit": later(a={"type": "integer", "maximum": 10}),
}
LOSSES = {
    "a field that is gone": (BEFORE | {"properties": {"a": NUMBER}}, 2),
    "another type": (later(a={"type": "string"}), 1),
    "a value that is gone": (later(b={"anyOf": [{"type": "string", "enum": ["x"]}, {"type": "null"}]}), 1),
    "an alternative that is gone": (later(b={"type": "string", "enum": ["x", "y"]}), 1),
    "another type inside a list": (later(c={"type": "array", "items": {"type": "string"}}), 1),
}


@pytest.mark.parametrize("taken", [True, False])
@pytest.mark.parametrize("name", WIDER)
def test_what_is_added_takes_nothing_away(name: str, taken: bool) -> None:
    assert [] == Comparison(BEFORE, WIDER[name], taken=taken).losses()


@pytest.mark.parametrize("taken", [True, False])
@pytest.mark.parametrize("name", LOSSES)
def test_what_is_gone_is_named(name: str, taken: bool) -> None:
    after, losses = LOSSES[name]

    assert losses == len(Comparison(BEFORE, after, taken=taken).losses())


def test_what_is_taken_in_may_not_get_narrower() -> None:
    narrower = later(a={"type": "integer", "minimum": 1, "maximum": 8}) | {"required": ["a", "b"]}

    assert 3 == len(Comparison(BEFORE, narrower, taken=True).losses())
    assert [] == Comparison(BEFORE, narrower, taken=False).losses()


def test_a_limit_that_an_earlier_word_is_beyond_is_narrower() -> None:
    text = {"anyOf": [{"type": "string", "minLength": 2}, {"type": "null"}]}

    assert 1 == len(Comparison(BEFORE, later(b=text), taken=True).losses())


def test_what_is_handed_out_may_not_leave_out_what_was_always_there() -> None:
    optional = BEFORE | {"required": []}

    assert 1 == len(Comparison(BEFORE, optional, taken=False).losses())
    assert [] == Comparison(BEFORE, optional, taken=True).losses()
