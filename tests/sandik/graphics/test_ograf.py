"""The manifests against the text of EBU OGraf v1.

No registry package carries the EBU's JSON schema; what it asks for is written down here field by field. The types in
the EBU's npm package `ograf`, which are generated from the schema, are asked in tests/node/test_ograf_types.py.
"""

from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from gateway.pages.manifest import MANIFEST, Overlay
from sandik.graphics.ograf import manifest, module

REQUIRED: Final = {"$schema", "id", "name", "main", "supportsRealTime", "supportsNonRealTime"}
OPTIONAL: Final = {
    "version",
    "description",
    "author",
    "customActions",
    "stepCount",
    "schema",
    "renderRequirements",
    "thumbnails",
}
"""The schema allows no other field, but those that begin with v_."""

ACTION_FIELDS: Final = {"id", "name", "description", "schema"}
REQUIREMENTS: Final = {"resolution", "frameRate", "accessToPublicInternet", "engine"}
CONSTRAINTS: Final = {"max", "min", "exact", "ideal"}


@pytest.fixture(params=MANIFEST.overlays, ids=lambda overlay: overlay.name)
def overlay(request: pytest.FixtureRequest) -> Overlay:
    """Each graphic."""
    found = request.param
    assert isinstance(found, Overlay)
    return found


@pytest.fixture
def said(overlay: Overlay) -> dict[str, Any]:
    """Its manifest."""
    return manifest(overlay, gateway="http://127.0.0.1:8765", version="1.2.3")


def test_the_manifest_has_what_it_must_and_nothing_that_it_may_not(said: dict[str, Any], overlay: Overlay) -> None:
    assert REQUIRED <= set(said) <= REQUIRED | OPTIONAL
    assert "https://ograf.ebu.io/v1/specification/json-schemas/graphics/schema.json" == said["$schema"]
    assert "/" not in said["id"]
    assert all(isinstance(said[name], str) for name in ("id", "name", "main", "version", "description"))
    assert said["main"] == f"{overlay.name}.mjs"
    assert (True, True) == (said["supportsRealTime"], said["supportsNonRealTime"])
    assert {"name"} <= set(said["author"]) <= {"name", "email", "url"}
    assert isinstance(said["stepCount"], int)
    assert said["stepCount"] in {-1, 1}


def test_actions_are_unique_and_have_what_they_must(said: dict[str, Any]) -> None:
    ids = [action["id"] for action in said["customActions"]]
    assert len(ids) == len(set(ids))
    for action in said["customActions"]:
        assert {"id", "name"} <= set(action) <= ACTION_FIELDS
        assert action["schema"] is None or is_gdd(action["schema"])


def test_the_data_has_a_schema_that_a_form_can_be_made_from(said: dict[str, Any]) -> None:
    assert is_gdd(said["schema"])
    properties = said["schema"]["properties"]
    assert {"gateway", "token", "contest", "unit", "source", "theme", "lang", "timeline", "from"} <= set(properties)
    standard = {name: one["default"] for name, one in properties.items()}
    Draft202012Validator(said["schema"]).validate(standard)
    assert "http://127.0.0.1:8765" == standard["gateway"]
    assert (True, "") == (properties["token"]["hidden"], standard["token"])


def test_what_it_asks_of_a_renderer_is_as_the_schema_has_it(said: dict[str, Any]) -> None:
    for requirement in said["renderRequirements"]:
        assert set(requirement) <= REQUIREMENTS
        assert all(set(one) <= CONSTRAINTS for one in requirement["resolution"].values())
        assert all(
            {"type", "version"} == set(engine) and "min" in engine["version"] for engine in requirement["engine"]
        )


def is_gdd(schema: dict[str, Any]) -> bool:
    """Whether this is a schema with a type at each level, as gdd/object.json asks, and a default of that type."""
    Draft202012Validator.check_schema(schema)
    types: dict[str, type | tuple[type, ...]] = {
        "boolean": bool,
        "string": str,
        "number": (int, float),
        "integer": int,
        "array": list,
        "object": dict,
    }
    of_type = "default" not in schema or isinstance(schema["default"], types[schema["type"]])
    if schema.get("gddType") == "select":
        of_type = of_type and set(schema["enum"]) == set(schema["gddOptions"]["labels"])
    return of_type and all(is_gdd(one) for one in schema.get("properties", {}).values())


def test_the_module_exports_a_class_of_this_graphic_by_default(overlay: Overlay) -> None:
    text = module(overlay)
    assert f'export default graphic("{overlay.name}"' in text
    assert f"stepCount: {-1 if overlay.walks else 1}" in text
