"""The overlays as graphics tools take them: OGraf packages, and single files for CasparCG and SPX-GC. Pure.

A manifest follows EBU OGraf v1: https://ograf.ebu.io/v1/specification/docs/Specification.html. SPX-GC runs the scripts
of a single file once without a screen and reads `window.SPXGCTemplateDefinition` (SPX-GC 1.3). Chromium lets a page
from a folder import nothing, so a single file holds all that it needs.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from gateway.pages import MANIFEST, Overlay, Parameter
from schemas.definition import Election

SCHEMA: Final = "https://ograf.ebu.io/v1/specification/json-schemas/graphics/schema.json"
"""Says the version, too: the specification wants this very string."""

_PREFIX: Final = "io.github.sandik"
_WIDTH: Final = 1920
_HEIGHT: Final = 1080
_CHROMIUM: Final = "103"
"""Nothing newer is used: see docs/overlays.md."""

_SELECTED: Final = {
    "contest": "Contest (id; empty: as it is)",
    "unit": "Unit, such as tr/34 (empty: as it is)",
    "source": "Source (id; empty: as it is)",
}
"""What the action `select` calls the fields of its form: there, empty changes nothing."""

Names = Mapping[str, Sequence[tuple[str, str]]]
"""What parameters may name in one election: by the parameter, ids and what people call them."""

NO_NAMES: Final[Names] = MappingProxyType({})

_MOST_DROP_DOWNS: Final = 4
"""Names of a list that SPX-GC's form has a drop-down each for; a longer list is a text there, as it has no field with
several choices."""

_LISTED_IN_A_TITLE: Final = 8
"""Ids that the title of a text for several lists: more fill a form."""

_ANY_NUMBER_OF_STEPS: Final = -1
_ONE_STEP: Final = 1


def names_of(definition: Election) -> Names:
    """What the parameters of every overlay may name in this election.

    A candidate of one of several contests is called with the contest's name: another may have one of the same name.
    An id that stands for others on units' own ballots is called as on the contest's.
    """
    standing = Counter(one for contest in definition.contests for one in contest.names)
    is_named = len(definition.contests) > 1
    candidates: dict[str, str] = {}
    for contest in definition.contests:
        for ballot in (contest.candidates, *contest.ballots.values()):
            for one in ballot:
                is_its_own = is_named and standing[one.id] == 1
                candidates.setdefault(one.id, f"{one.name} · {contest.name}" if is_its_own else one.name)
    return {
        "contest": [(contest.id, contest.name) for contest in definition.contests],
        "unit": [(unit.id, unit.name) for unit in definition.units],
        "units": [(unit.id, unit.name) for unit in definition.units],
        "source": [(source.id, source.name) for source in definition.sources],
        "sources": [(source.id, source.name) for source in definition.sources],
        "candidates": list(candidates.items()),
    }


def manifest(overlay: Overlay, *, gateway: str, version: str, names: Names = NO_NAMES) -> dict[str, Any]:
    """The manifest of a graphic that looks for its figures at this gateway; its form offers what `names` has."""
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
        "schema": data_schema(overlay, gateway=gateway, names=names),
        "customActions": custom_actions(overlay, names),
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


def data_schema(overlay: Overlay, *, gateway: str, names: Names = NO_NAMES) -> dict[str, Any]:
    """Return the JSON schema of the data that a graphic takes."""
    properties: dict[str, Any] = {"gateway": {"type": "string", "title": "Gateway (URL)", "default": gateway}}
    properties["token"] = {"type": "string", "title": "Read token", "default": "", "hidden": True}
    for parameter in (*MANIFEST.selection, *overlay.parameters, *MANIFEST.manner):
        properties[parameter.name] = _property(parameter, names)
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
    for order, schema in enumerate(properties.values()):
        schema["order"] = order
    return {"type": "object", "properties": properties}


def custom_actions(overlay: Overlay, names: Names = NO_NAMES) -> list[dict[str, Any]]:
    """Return the actions that a graphic has beside play, update and stop."""
    # no defaults: a form would fill them in, and select what nobody has chosen
    fields = {
        one.name: {"type": "string", **_offered(names.get(one.name, ())), "title": _SELECTED[one.name]}
        for one in MANIFEST.selection
    }
    actions: list[dict[str, Any]] = [
        {
            "id": "select",
            "name": "Select",
            "description": "Show another contest, unit or source; what is empty or not named stays.",
            "schema": {"type": "object", "properties": fields},
        }
    ]
    if overlay.cuts:
        actions.append({"id": "cut", "name": "Cut", "description": "Cut short what is shown.", "schema": None})
    return actions


def module(overlay: Overlay, *, gateway: str) -> str:
    """The module that the manifest names: a class of its own for each graphic, so that a page may have them all."""
    return (
        'import { graphic } from "./pages/graphics/graphic.js";\n\n'
        f'export default graphic("{overlay.name}", {{ stepCount: {step_count(overlay)}, '
        f"walks: {json.dumps(overlay.walks)}, cuts: {json.dumps(overlay.cuts)}, gateway: {json.dumps(gateway)} }});\n"
    )


def _property(parameter: Parameter, names: Names) -> dict[str, Any]:
    match parameter.kind:
        case "whole":
            schema: dict[str, Any] = {"type": "integer", "minimum": parameter.least, "maximum": parameter.most}
        case "flag":
            schema = {"type": "boolean"}
        case "choice":
            schema = {"type": "string", **_select([(word, word) for word in parameter.words])}
        case "list" if parameter.name in names:  # the form has a drop-down for each, as many as are asked for
            item = {"type": "string", **_offered(names[parameter.name]), "default": ""}
            return {"type": "array", "items": item, "maxItems": parameter.most, "title": parameter.title, "default": []}
        case _:  # a text, or a list as one
            schema = {"type": "string", **_offered(names.get(parameter.name, ()))}
    return schema | {"title": parameter.title, "default": parameter.standard}


def _offered(choices: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Offer these, and none of them; nothing where there are none."""
    return _select([("", "–"), *choices]) if choices else {}


def _select(choices: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """A form of the Graphics Data Definition; whoever does not know it has the enum."""
    return {
        "enum": [value for value, _ in choices],
        "gddType": "select",
        "gddOptions": {"labels": dict(choices)},
    }


def _title(parameter: Parameter, names: Names) -> str:
    """What a text for a list is called: it says the first ids that there are, as the form cannot offer them."""
    if parameter.kind != "list" or parameter.name not in names:
        return parameter.title
    ids = [value for value, _ in names[parameter.name]]
    more = ["…"] if len(ids) > _LISTED_IN_A_TITLE else []
    return f"{parameter.title}: {', '.join([*ids[:_LISTED_IN_A_TITLE], *more])}"


_PAGE: Final = """<!doctype html>
<html lang="tr">
<head>
<meta charset="utf-8">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>html, body {{ margin: 0; width: 100%; height: 100%; overflow: hidden; background: transparent; }}</style>
<script>
window.SPXGCTemplateDefinition = {definition};
</script>
</head>
<body>
<script>
"use strict";
const TEMPLATE = {template};
{script}</script>
</body>
</html>
"""
"""A plain script: CasparCG and SPX-GC call the functions of `window` as soon as the file is loaded."""


_IMPORT: Final = re.compile(r"^import [^;]*;\n", re.MULTILINE)
"""What a script imports stands before it in the same file."""


def page(overlay: Overlay, *, gateway: str, sources: Sequence[str], names: Names = NO_NAMES) -> str:
    """The file. `sources` are the texts of its scripts, in the order of their use: none imports a later one."""
    form = _form_fields(overlay, gateway)
    fields = {f"f{number}": one.name for number, one in enumerate(form)}
    fields |= {one: name for name, ids in _more_fields(form, names).items() for one in ids}
    template = {
        "name": overlay.name,
        "gateway": gateway,
        "steps": {"walks": overlay.walks, "cuts": overlay.cuts},
        "names": [one.name for one in form],
        "lists": [one.name for one in form if one.kind == "list"],
        "fields": fields | {one.formerly: one.name for one in overlay.parameters if one.formerly},
    }
    script = "\n".join(_IMPORT.sub("", source).replace("\nexport ", "\n") for source in sources)
    return _PAGE.format(
        title=f"sandık · {overlay.title}",
        definition=_in_script(spx_definition(overlay, gateway=gateway, names=names)),
        template=_in_script(template),
        script=script,
    )


def spx_definition(overlay: Overlay, *, gateway: str, names: Names = NO_NAMES) -> dict[str, Any]:
    """What SPX-GC reads: its form's fields, and how it plays the graphic. All values are texts, as its own are."""
    return {
        "description": f"sandık · {overlay.title}",
        "playserver": "OVERLAY",
        "playchannel": "1",
        "playlayer": str(overlay.layer),
        "webplayout": str(overlay.layer),
        "out": "manual",
        "dataformat": "json",
        "steps": "99" if overlay.walks or overlay.cuts else "1",
        "uicolor": "2",
        "DataFields": list(_data_fields(_form_fields(overlay, gateway), names)),
    }


def _form_fields(overlay: Overlay, gateway: str) -> tuple[Parameter, ...]:
    """Return the parameters of a single file, in the order of its form's fields."""
    where = (
        Parameter(name="gateway", title="Gateway (URL)", standard=gateway),
        Parameter(name="token", title="Read token"),
    )
    return (*MANIFEST.selection, *overlay.parameters, *MANIFEST.manner, *where)


def _more_fields(form: Sequence[Parameter], names: Names) -> dict[str, list[str]]:
    """By the name of a list, the fields of its second drop-down and the others.

    They are numbered after all others: a rundown keeps its values when a package for a run replaces one for any.
    """
    more, number = {}, len(form)
    for one in form:
        if _has_drop_downs(one, names):
            more[one.name] = [f"f{number + index}" for index in range(one.most - 1)]
            number += one.most - 1
    return more


def _has_drop_downs(parameter: Parameter, names: Names) -> bool:
    return parameter.kind == "list" and parameter.name in names and parameter.most <= _MOST_DROP_DOWNS


def _data_fields(form: Sequence[Parameter], names: Names) -> Iterator[dict[str, Any]]:
    more = _more_fields(form, names)
    for number, one in enumerate(form):
        fields = (f"f{number}", *more.get(one.name, ()))
        for place, field in enumerate(fields, 1):
            described = _field(one, names)
            title = f"{described['title']} · {place}" if len(fields) > 1 else described["title"]
            yield {"field": field, **described, "title": title}


def _field(parameter: Parameter, names: Names) -> dict[str, Any]:
    """The form of one field; what is too long for drop-downs is a text."""
    field: dict[str, Any] = {"title": parameter.title, "value": str(parameter.standard)}
    match parameter.kind:
        case "whole":
            return {"ftype": "number", **field}
        case "flag":
            return {"ftype": "checkbox", **field, "value": "1" if parameter.standard else "0"}
        case "choice":
            return {"ftype": "dropdown", **field, "items": [{"text": word, "value": word} for word in parameter.words]}
        case _ if parameter.name in names and (parameter.kind == "text" or _has_drop_downs(parameter, names)):
            items = [{"text": text, "value": value} for value, text in (("", "–"), *names[parameter.name])]
            return {"ftype": "dropdown", **field, "items": items}
        case _:
            return {"ftype": "textfield", **field, "title": _title(parameter, names)}


def _in_script(value: object) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(value, ensure_ascii=False, indent=1).replace("<", "\\u003c")
