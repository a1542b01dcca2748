import json
import re
from typing import Any, Final

import pytest

from gateway.pages.manifest import MANIFEST, Overlay
from sandik.graphics.playout import page, spx_definition

SOURCES: Final = (
    "/** One. */\n\nexport function one() {}\n",
    "\nexport class Frame {}\n",
    'window.said = "</"+"script>";\n',
)
OUT: Final = re.compile(r"manual|none|\d+")
FTYPES: Final = {"textfield", "dropdown", "number", "checkbox"}


@pytest.fixture(params=MANIFEST.overlays, ids=lambda overlay: overlay.name)
def overlay(request: pytest.FixtureRequest) -> Overlay:
    """Each graphic."""
    found = request.param
    assert isinstance(found, Overlay)
    return found


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
