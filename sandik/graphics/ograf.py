"""A graphic as EBU OGraf v1 describes one: the manifest, and the module that it names. Pure.

The specification: https://ograf.ebu.io/v1/specification/docs/Specification.html
"""

from typing import Any, Final

from gateway.pages.manifest import MANIFEST, Overlay, Parameter

SCHEMA: Final = "https://ograf.ebu.io/v1/specification/json-schemas/graphics/schema.json"
"""Says the version, too: the specification wants this very string."""

_PREFIX: Final = "io.github.sandik"
_WIDTH: Final = 1920
_HEIGHT: Final = 1080
_CHROMIUM: Final = "103"
"""Nothing newer is used: see docs/overlays.md."""

_ANY_NUMBER_OF_STEPS: Final = -1
_ONE_STEP: Final = 1


def manifest(overlay: Overlay, *, gateway: str, version: str) -> dict[str, Any]:
    """The manifest of a graphic that looks for its figures at this gateway."""
    return {
        "$schema": SCHEMA,
        "id": f"{_PREFIX}.{overlay.name}",
        "version": version,
        "name": f"sandık · {overlay.title}",
        "description": overlay.description,
        "author": {"name": "sandik"},
        "main": f"{overlay.name}.mjs",
        "stepCount": step_count(overlay),
        "supportsRealTime": True,
        "supportsNonRealTime": True,
        "schema": data_schema(overlay, gateway=gateway),
        "customActions": custom_actions(overlay),
        "renderRequirements": [
            {
                "resolution": {"width": {"ideal": _WIDTH}, "height": {"ideal": _HEIGHT}},
                "engine": [{"type": "CEF", "version": {"min": _CHROMIUM}}],
            }
        ],
    }


def step_count(overlay: Overlay) -> int:
    """How many steps it has, as the specification counts them: -1 is as many as one likes."""
    return _ANY_NUMBER_OF_STEPS if overlay.walks else _ONE_STEP


def data_schema(overlay: Overlay, *, gateway: str) -> dict[str, Any]:
    """The JSON schema of what the graphic is told."""
    properties: dict[str, Any] = {"gateway": {"type": "string", "title": "Gateway (URL)", "default": gateway}}
    properties["token"] = {"type": "string", "title": "Read token", "default": "", "hidden": True}
    for parameter in (*MANIFEST.selection, *overlay.parameters, *MANIFEST.manner):
        properties[parameter.name] = _property(parameter)
    properties |= {
        "timeline": {"type": "string", "title": "Timeline (URL), for non-real-time", "default": "", "hidden": True},
        "from": {"type": "string", "title": "Moment at timestamp 0, for non-real-time", "default": "", "hidden": True},
        "speed": {
            "type": "number",
            "title": "Speed of the night, for non-real-time",
            "default": 1,
            "exclusiveMinimum": 0,
            "hidden": True,
        },
    }
    for order, said in enumerate(properties.values()):
        said["order"] = order
    return {"type": "object", "properties": properties}


def custom_actions(overlay: Overlay) -> list[dict[str, Any]]:
    """What can be asked of it beside play, update and stop."""
    selection = {"type": "object", "properties": {one.name: _property(one) for one in MANIFEST.selection}}
    actions: list[dict[str, Any]] = [
        {
            "id": "select",
            "name": "Select",
            "description": "Show another contest, unit or source; what is not named stays.",
            "schema": selection,
        }
    ]
    if overlay.cuts:
        actions.append({"id": "cut", "name": "Cut", "description": "Cut short what is shown.", "schema": None})
    return actions


def module(overlay: Overlay) -> str:
    """The module that the manifest names: a class of its own for each graphic, so that a page may have them all."""
    return (
        'import { graphic } from "./pages/graphics/graphic.js";\n\n'
        f'export default graphic("{overlay.name}", {{ stepCount: {step_count(overlay)}, '
        f"cuts: {'true' if overlay.cuts else 'false'} }});\n"
    )


def _property(parameter: Parameter) -> dict[str, Any]:
    match parameter.kind:
        case "whole":
            said: dict[str, Any] = {"type": "integer", "minimum": parameter.least, "maximum": parameter.most}
        case "flag":
            said = {"type": "boolean"}
        case "choice":
            # a form of the Graphics Data Definition; whoever does not know it has the enum
            labels = {word: word for word in parameter.words}
            said = {"type": "string", "enum": list(parameter.words), "gddType": "select"}
            said["gddOptions"] = {"labels": labels}
        case _:  # a text, or a list as one
            said = {"type": "string"}
    return said | {"title": parameter.title, "default": parameter.standard}
