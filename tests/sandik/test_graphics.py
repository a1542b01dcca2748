"""The manifests against the text of EBU OGraf v1.

No registry package carries the EBU's JSON schema; what it asks for is written down here field by field. The types in
the EBU's npm package `ograf`, which are generated from the schema, are asked in tests/node/test_ograf_types.py.
"""

import asyncio
import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from eventlog.clock import Wall
from eventlog.run import create_run
from gateway.pages import MANIFEST, OVERLAY_NAMES, Overlay
from sandik.commands.graphics import checked_gateway, write_graphics
from sandik.graphics import manifest, module, names_of, page, spx_definition
from sandik.wiring import open_log
from schemas.contests import Candidate
from schemas.errors import UsageError
from tests.builders import small_election
from tests.sandik.conftest import Sandik

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


def test_no_parameter_has_the_name_of_another(overlay: Overlay) -> None:
    """Where figures come from, how an overlay looks and what is its own stand side by side in a graphic's data."""
    own = [one.name for one in (*MANIFEST.selection, *overlay.parameters, *MANIFEST.manner, *MANIFEST.address)]
    names = ["gateway", "token", "timeline", "from", "speed", *own]
    assert len(names) == len(set(names))
    assert set(names) - {"play"} == set(
        manifest(overlay, gateway="http://gateway", version="1")["schema"]["properties"]
    )


def test_an_actions_form_fills_nothing_in(said: dict[str, Any]) -> None:
    forms = [action["schema"] for action in said["customActions"] if action["schema"]]
    assert forms
    assert all("default" not in field for form in forms for field in form["properties"].values())


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
    if schema["type"] == "array":
        of_type = of_type and is_gdd(schema["items"])
    return of_type and all(is_gdd(one) for one in schema.get("properties", {}).values())


def test_the_module_exports_a_class_of_this_graphic_by_default(overlay: Overlay) -> None:
    text = module(overlay, gateway="http://gateway:8765")
    assert 'gateway: "http://gateway:8765"' in text
    assert f'export default graphic("{overlay.name}"' in text
    assert f"stepCount: {-1 if overlay.walks else 1}" in text


SOURCES: Final = (
    "/** One. */\n\nexport function one() {}\n",
    "\nexport class Frame {}\n",
    'window.said = "</"+"script>";\n',
)
OUT: Final = re.compile(r"manual|none|\d+")
FTYPES: Final = {"textfield", "dropdown", "number", "checkbox"}


def test_the_definition_has_every_field_that_spx_reads(overlay: Overlay) -> None:
    """As routes-application.js of SPX-GC 1.3 reads it; it keeps every value as text."""
    said = spx_definition(overlay, gateway="http://gateway:8765")
    fields = said.pop("DataFields")
    assert all(isinstance(value, str) for value in said.values())
    assert set(said) == {
        "description",
        "playserver",
        "playchannel",
        "playlayer",
        "webplayout",
        "out",
        "dataformat",
        "steps",
        "uicolor",
    }
    assert OUT.fullmatch(said["out"])
    assert ("json", "OVERLAY") == (said["dataformat"], said["playserver"])
    assert said["playlayer"] == said["webplayout"]
    assert 1 <= int(said["webplayout"]) <= 5
    assert 0 <= int(said["uicolor"]) <= 7
    assert (int(said["steps"]) > 1) == (overlay.walks or overlay.cuts)
    assert [f"f{number}" for number in range(len(fields))] == [field["field"] for field in fields]
    for field in fields:
        check_field(field)


def check_field(field: dict[str, Any]) -> None:
    """Each field has a form, a title and a value that it may have."""
    assert field["ftype"] in FTYPES
    assert field["title"]
    assert isinstance(field["value"], str)
    if field["ftype"] == "dropdown":
        assert field["value"] in {item["value"] for item in field["items"]}
        assert all({"text", "value"} == set(item) for item in field["items"])
    if field["ftype"] == "checkbox":
        assert field["value"] in {"0", "1"}


def test_the_page_holds_the_definition_as_a_literal_before_any_script_that_needs_a_screen(overlay: Overlay) -> None:
    text = page(overlay, gateway="http://gateway:8765", sources=SOURCES)
    definition = text.split("window.SPXGCTemplateDefinition = ")[1].split(";\n</script>")[0]
    assert spx_definition(overlay, gateway="http://gateway:8765") == json.loads(definition)
    assert text.index("SPXGCTemplateDefinition") < text.index("const TEMPLATE")
    assert "export " not in text
    assert "import " not in text


def test_nothing_that_is_said_ends_the_script() -> None:
    text = page(MANIFEST.overlays[0], gateway="http://gateway/</script><script>alert(1)", sources=())
    assert 2 == text.count("</script>")


IMPORTED = re.compile(r"""(?:from|import\()\s*["'](\.[^"'`$]+)["']|url\(([^)]+)\)|(?:href|src)="([^"]+)\"""")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
"""Comments name types, which only a type checker reads."""


def test_the_command_says_what_it_wrote(sandik: Sandik, tmp_path: Path) -> None:
    code, _, err = sandik("graphics", "--out", tmp_path, "--gateway", "https://graphics.example/")
    assert 0 == code
    assert "ograf/sandik for OGraf, templates/sandik for CasparCG and SPX-GC" in err
    for name in OVERLAY_NAMES:
        manifest = json.loads((tmp_path / f"ograf/sandik/{name}.ograf.json").read_text())
        assert (tmp_path / "ograf/sandik" / manifest["main"]).is_file()
        assert "https://graphics.example" == manifest["schema"]["properties"]["gateway"]["default"]
        assert '"gateway": "https://graphics.example"' in (tmp_path / f"templates/sandik/{name}.html").read_text()


def test_the_package_is_whole(tmp_path: Path) -> None:
    """Whatever a file of it names is in it."""
    for path in write_graphics(tmp_path, gateway="http://gateway:8765", version="1"):
        if path.suffix not in {".js", ".mjs", ".css", ".html"} or "templates" in path.parts:
            continue
        for groups in IMPORTED.findall(COMMENT.sub("", path.read_text())):
            named = next(filter(None, groups)).strip('"')
            if not named.startswith(("data:", "http", "/", "#")):
                assert (path.parent / named).is_file(), f"{path} names {named}"


def test_writing_again_comes_to_the_same(tmp_path: Path) -> None:
    first = write_graphics(tmp_path, gateway="http://gateway:8765", version="1")
    before = {path: path.read_bytes() for path in first}
    assert first == write_graphics(tmp_path, gateway="http://gateway:8765/", version="1")
    assert before == {path: path.read_bytes() for path in first}


@pytest.mark.parametrize("text", ["gateway:8765", "ws://gateway", "http://", "http://gateway/?token=1"])
def test_what_is_no_gateways_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"gateway's address|has more than an address"):
        checked_gateway(text)


def test_a_folder_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "templates").write_text("a file is in the way")
    with pytest.raises(UsageError, match="Choose another --out"):
        write_graphics(tmp_path, gateway="http://gateway", version="1")


def test_of_a_run_forms_offer_what_it_has_by_name(overlay: Overlay) -> None:
    """Nothing chosen is among it, and is what a list has in a field that is not filled in."""
    names = names_of(small_election())
    said = manifest(overlay, gateway="http://h", version="1", names=names)
    properties = said["schema"]["properties"]
    assert ("", "tr") == tuple(properties["unit"]["enum"][:2])
    labels = properties["unit"]["gddOptions"]["labels"]
    assert ("–", "Türkiye") == (labels[""], labels["tr"])
    assert is_gdd(said["schema"])
    Draft202012Validator(said["schema"]).validate({name: one["default"] for name, one in properties.items()})
    selected = said["customActions"][0]["schema"]["properties"]["contest"]
    assert ("mayor", False) == (selected["enum"][1], "default" in selected)
    for one in overlay.parameters:
        if one.name in names:
            assert ("array", one.most) == (properties[one.name]["type"], properties[one.name]["maxItems"])
            assert {"", *(value for value, _ in names[one.name])} == set(properties[one.name]["items"]["enum"])


def test_a_run_has_a_drop_down_for_each_name_of_a_short_list_in_spx(overlay: Overlay) -> None:
    """All other fields keep their numbers, so that what a rundown holds of an earlier package stays right."""
    names = names_of(small_election())
    plain = spx_definition(overlay, gateway="http://h")["DataFields"]
    fields = spx_definition(overlay, gateway="http://h", names=names)["DataFields"]
    number = {one["title"]: one["field"] for one in plain}
    assert all(number.get(one["title"], one["field"]) == one["field"] for one in fields)
    assert {f"f{index}" for index in range(len(fields))} == {one["field"] for one in fields}
    for field in fields:
        check_field(field)
    template = json.loads(
        page(overlay, gateway="http://h", sources=(), names=names).split("const TEMPLATE = ")[1].partition(";\n")[0]
    )
    for one in overlay.parameters:
        if one.kind == "list":
            own = [field for field in fields if template["fields"][field["field"]] == one.name]
            is_short = one.name in names and one.most < 10
            assert (one.most if is_short else 1) == len(own)
            assert {"dropdown" if is_short else "textfield"} == {field["ftype"] for field in own}
            assert one.name in template["lists"]
    if overlay.name == "lower-third":
        assert any("all by name): tr, tr/34, " in one["title"] for one in fields)


def test_a_candidate_of_one_contest_is_offered_with_its_name() -> None:
    election = small_election()
    contest = election.contests[0]
    own = Candidate(id="only", name="Deniz", ballot_no=9)
    council = contest.model_copy(update={"id": "council", "name": "Meclis", "candidates": (*contest.candidates, own)})
    found = dict(names_of(election.model_copy(update={"contests": (contest, council)}))["candidates"])
    assert ("Deniz · Meclis", False) == (found["only"], " · " in found["kurum"])
    others = contest.model_copy(update={"ballots": {"tr/34/uskudar": (own, *contest.candidates[1:])}})
    found = dict(names_of(election.model_copy(update={"contests": (others,)}))["candidates"])
    assert ("Deniz", contest.candidates[0].name) == (found["only"], found[contest.candidates[0].id])


def test_the_command_takes_the_names_of_a_run(sandik: Sandik, tmp_path: Path) -> None:
    async def begin() -> None:
        async with open_log(f"sqlite:{tmp_path / 'night.db'}", Wall()) as log:
            await create_run(log, "gece", small_election(), mode="test", epoch="e1e1", clock=Wall())

    asyncio.run(begin())
    code, _, _ = sandik(
        "graphics", "--out", str(tmp_path / "g"), "--run", "gece", "--log", f"sqlite:{tmp_path / 'night.db'}"
    )
    said = json.loads((tmp_path / "g/ograf/sandik/duel.ograf.json").read_text(encoding="utf-8"))
    properties = said["schema"]["properties"]
    assert (0, "Türkiye") == (code, properties["unit"]["gddOptions"]["labels"]["tr"])
    assert "kurum" in properties["candidates"]["items"]["enum"]
