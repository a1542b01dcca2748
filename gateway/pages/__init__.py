"""The pages that the gateway serves, as they are (no build step), and the list of the overlays among them. Pure.

`PAGES` is their folder. Which overlays there are, and what each can be told, is read from overlays/manifest.js, as the
pages read it. The pages, their routes, the packages for graphics tools (`sandik.graphics`), the table in
docs/overlays.md and tests all go by this one list. To add an overlay, add it to the manifest, and a module of its name
beside it.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

PAGES: Final = Path(__file__).parent

Kind = Literal["text", "whole", "choice", "flag", "list"]

_SOURCE: Final = PAGES / "overlays" / "manifest.js"
_BEGINS: Final = "export const MANIFEST = "


class _Described(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Parameter(_Described):
    """Something that an overlay can be told. `least` and `most` bound a number, `words` are what a choice may be.

    `formerly` is a name that an address, or what a playout system says, may still have for it.
    """

    name: str
    title: str
    kind: Kind = "text"
    standard: str | int | bool = ""
    least: int = 0
    most: int = 0
    words: Annotated[tuple[str, ...], Field(strict=False)] = ()
    formerly: str = ""


class Overlay(_Described):
    """An overlay: `name` is the last part of its page's address.

    `layer` is where SPX-GC puts it, 1 to 5: what may stand together on a screen has different ones. `walks` says that
    it has a next step as often as one likes, `cuts` that what it shows can be cut short.
    """

    name: str
    title: str
    description: str
    layer: int
    parameters: Annotated[tuple[Parameter, ...], Field(strict=False)] = ()
    walks: bool = False
    cuts: bool = False


class Manifest(_Described):
    """What stands in manifest.js, and what each part of it is."""

    selection: Annotated[tuple[Parameter, ...], Field(strict=False)]
    manner: Annotated[tuple[Parameter, ...], Field(strict=False)]
    address: Annotated[tuple[Parameter, ...], Field(strict=False)]
    overlays: Annotated[tuple[Overlay, ...], Field(strict=False)]


def read_manifest(script: str) -> Manifest:
    """The manifest in a script's text: the JSON between `export const MANIFEST =` and the last semicolon.

    Raises `ValueError` where it is not there, or is not of this form.
    """
    _, begins, body = script.partition(_BEGINS)
    if not begins:
        raise ValueError(f"{_SOURCE.name} has no line that begins with {_BEGINS!r}.")
    found: Any = orjson.loads(body.rstrip().removesuffix(";"))
    return Manifest.model_validate(found)


MANIFEST: Final = read_manifest(_SOURCE.read_text(encoding="utf-8"))

OVERLAY_NAMES: Final = tuple(overlay.name for overlay in MANIFEST.overlays)
"""Every overlay, in the order in which they are listed."""

OVERLAYS: Final = {overlay.name: overlay for overlay in MANIFEST.overlays}

_FLAGS: Final = frozenset({"", "0", "1", "false", "true"})
_WHOLE: Final = re.compile(r"[0-9]{1,9}")


def no_overlay(name: str) -> str:
    """Say that there is no such overlay, and which there are."""
    return f"There is no overlay {name!r}. There are: {', '.join(OVERLAY_NAMES)}."


def graphic_fault(name: str, parameters: Mapping[str, str]) -> str | None:
    """Say what of a graphic no page of this gateway can show. What only an address says is no parameter of one."""
    overlay = OVERLAYS.get(name)
    if overlay is None:
        return no_overlay(name)
    known = [one.name for one in (*MANIFEST.selection, *overlay.parameters, *MANIFEST.manner)]
    for given in parameters:
        if given not in known:
            return f"{name} has no parameter {given!r}. There are: {', '.join(known)}."
    return option_fault(parameters, overlay)


def option_fault(query: Mapping[str, str], overlay: Overlay) -> str | None:
    """Say which option of the address cannot be read. Names that are nobody's are left alone: tools add their own."""
    for parameter in (*MANIFEST.manner, *MANIFEST.address, *overlay.parameters):
        text = query.get(parameter.name, query.get(parameter.formerly) if parameter.formerly else None)
        if text is not None and not _is_readable(text, parameter):
            return f"{parameter.name}={text} cannot be read. {_what_is_right(parameter)}"
    return None


def _is_readable(text: str, parameter: Parameter) -> bool:
    match parameter.kind:
        case "whole":
            return bool(_WHOLE.fullmatch(text)) and parameter.least <= int(text) <= parameter.most
        case "flag":
            return text in _FLAGS
        case "choice":
            return text in parameter.words
        case "list":
            return len([name for name in text.split(",") if name.strip()]) <= parameter.most
        case _:  # a text is whatever it is
            return True


def _what_is_right(parameter: Parameter) -> str:
    match parameter.kind:
        case "whole":
            return f"Give a whole number from {parameter.least} to {parameter.most}."
        case "list":
            return f"Give {parameter.most} names at most, with commas between them."
        case _:
            return f"Give one of: {', '.join(parameter.words or ('0', '1'))}."
