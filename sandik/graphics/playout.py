"""A graphic as a single file for CasparCG and SPX-GC. Pure.

SPX-GC runs the file's scripts once without a screen and reads `window.SPXGCTemplateDefinition` (SPX-GC 1.3). Chromium
lets a page from a folder import nothing, so what the file needs is in it.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from gateway.pages.manifest import MANIFEST, Overlay, Parameter

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


def page(overlay: Overlay, *, gateway: str, sources: Sequence[str]) -> str:
    """The file. `sources` are the texts of playout-data.js, frame.js and playout.js, in the order of their use."""
    fields = {f"f{number}": one.name for number, one in enumerate(_told(overlay, gateway))}
    template = {"name": overlay.name, "gateway": gateway, "fields": fields}
    script = "\n".join(source.replace("\nexport ", "\n") for source in sources)
    return _PAGE.format(
        title=f"sandık · {overlay.title}",
        definition=_in_script(spx_definition(overlay, gateway=gateway)),
        template=_in_script(template),
        script=script,
    )


def spx_definition(overlay: Overlay, *, gateway: str) -> dict[str, Any]:
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
        "DataFields": [{"field": f"f{number}", **_field(one)} for number, one in enumerate(_told(overlay, gateway))],
    }


def _told(overlay: Overlay, gateway: str) -> tuple[Parameter, ...]:
    """What the file can be told, in the order of its form."""
    where = (
        Parameter(name="gateway", title="Gateway (URL)", standard=gateway),
        Parameter(name="token", title="Read token"),
    )
    return (*MANIFEST.selection, *overlay.parameters, *MANIFEST.manner, *where)


def _field(parameter: Parameter) -> dict[str, Any]:
    said: dict[str, Any] = {"title": parameter.title, "value": str(parameter.standard)}
    match parameter.kind:
        case "whole":
            return {"ftype": "number", **said}
        case "flag":
            return {"ftype": "checkbox", **said, "value": "1" if parameter.standard else "0"}
        case "choice":
            return {"ftype": "dropdown", **said, "items": [{"text": word, "value": word} for word in parameter.words]}
        case _:  # a text, or a list as one
            return {"ftype": "textfield", **said}


def _in_script(value: object) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(value, ensure_ascii=False, indent=1).replace("<", "\\u003c")
