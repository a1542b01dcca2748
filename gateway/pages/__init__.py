"""The pages that the gateway serves, as they are (no build step), and the list of the overlays among them. Pure.

`PAGES` is their folder. Which overlays there are, and what each can be told, is read from overlays/manifest.js, as the
pages read it. The pages, their routes, the packages for graphics tools (`sandik.graphics`), the table in
docs/overlays.md and tests all go by this one list. To add an overlay, add it to the manifest, and a module of its name
beside it.

Their modules can be had joined into one file, so that a page costs one request for its script and not one for each
module. The sources are written one after the other, each in a function of its own that returns what it exports. What a
file fetches later, by `import("./details.js")`, becomes a file of its own: it takes the modules that the first file has
from there, so that each exists once. Lines that are documentation alone are left out. What joins them reads the forms
of import and export that the formatter writes at the beginning of a line, and refuses others: no module is joined
wrongly in silence. Modules may not import one another in a circle.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
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


_DOCUMENTATION: Final = re.compile(r"^[ \t]*/\*\*(?:[^*]|\*(?!/))*\*/[ \t]*\n", re.MULTILINE)
_IMPORT: Final = re.compile(r'^import (?:(?:\{([^}]*)\}|\* as (\w+)) from )?"(\.[^"]+)";$', re.MULTILINE)
_REEXPORT: Final = re.compile(r'^export \{([^}]*)\} from "(\.[^"]+)";$', re.MULTILINE)
_DECLARED: Final = re.compile(r"^export ((?:async )?function\*? |class |const )(\w+)", re.MULTILINE)
_LATER: Final = re.compile(r'\bimport\("(\.[^"]+)"\)')
_UNREAD: Final = re.compile(r"^(?:import|export)\b.*|.*\bimport\.meta\b.*", re.MULTILINE)
"""What no form above has taken: another one."""

_SHARED: Final = "shared"
"""The name under which a file exports its modules to those that are fetched later."""


class UnreadableModule(ValueError):
    """A module says `import` or `export` in a form that is not read here."""

    def __init__(self, module: str, reason: str) -> None:
        super().__init__(f"{module} cannot be joined: {reason}")
        self.module = module


def joined(entry: str, sources: Mapping[str, str], first: str | None = None) -> str:
    """A module with all that it imports, as the text of one module; names are paths below one folder.

    With `first`, the module whose joined file has fetched this one, in the same folder: what that file holds is taken
    from it. Raises `UnreadableModule`.
    """
    given = closure(first, sources) if first is not None else []
    own = [name for name in closure(entry, sources) if name not in given]
    parts = [f'import {{ {_SHARED} as before }} from "./{PurePosixPath(first).name}";\n'] if first is not None else []
    number = {name: f"before[{index}]" for index, name in enumerate(given)}
    for index, name in enumerate(own):
        text, exports = _enclosed(name, sources[name], number)
        number[name] = f"module{index}"
        returned = ", ".join(f"{outer}: {inner}" for outer, inner in exports.items())
        parts.append(f"const module{index} = (() => {{\n{text}return {{ {returned} }};\n}})();\n")
        if name == entry:
            parts += [f"export const {outer} = module{index}.{outer};\n" for outer in exports]
    if first is None:
        parts.append(f"export const {_SHARED} = [{', '.join(number[name] for name in own)}];\n")
    return "".join(parts)


def closure(entry: str, sources: Mapping[str, str]) -> list[str]:
    """A module and all that it imports at any remove, each after what it imports. Raises `UnreadableModule`."""
    order: list[str] = []
    _visit(entry, sources, order, ())
    return order


def fetched_later(modules: Collection[str], sources: Mapping[str, str]) -> list[str]:
    """The modules that these name in `import("…")`, which the page fetches once it wants them."""
    return [resolved(name, path) for name in modules for path in _LATER.findall(sources[name])]


def resolved(module: str, path: str) -> str:
    """The name of what a module imports by a relative path."""
    parts: list[str] = []
    for part in (PurePosixPath(module).parent / path).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def _visit(name: str, sources: Mapping[str, str], order: list[str], above: tuple[str, ...]) -> None:
    if name in above:
        raise UnreadableModule(name, f"it imports itself by way of {above[-1]}.")
    if name in order:
        return
    if name not in sources:
        raise UnreadableModule(name, f"{above[-1] if above else 'a page'} imports it, and there is no such file.")
    text = sources[name]
    paths = [found[3] for found in _IMPORT.finditer(text)] + [found[2] for found in _REEXPORT.finditer(text)]
    for path in paths:
        _visit(resolved(name, path), sources, order, (*above, name))
    order.append(name)


def _enclosed(name: str, source: str, number: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """A module's text as the body of a function, and what it exports: outer name → expression."""
    exports: dict[str, str] = {}

    def imported(found: re.Match[str]) -> str:
        names, whole, path = found.groups()
        taken = number[resolved(name, path)]
        if whole is not None:
            return f"const {whole} = {taken};"
        pairs = ", ".join(one if one == other else f"{one}: {other}" for one, other in _pairs(names or ""))
        return f"const {{ {pairs} }} = {taken};" if pairs else ""

    def passed_on(found: re.Match[str]) -> str:
        taken = number[resolved(name, found[2])]
        exports.update((outer, f"{taken}.{inner}") for inner, outer in _pairs(found[1]))
        return ""

    def declared(found: re.Match[str]) -> str:
        exports[found[2]] = found[2]
        return f"{found[1]}{found[2]}"

    text = _DOCUMENTATION.sub("", source)
    text = _DECLARED.sub(declared, _REEXPORT.sub(passed_on, _IMPORT.sub(imported, text)))
    unread = _UNREAD.search(text)
    if unread is not None:
        raise UnreadableModule(name, f"{unread[0].strip()!r} is a form that is not read.")
    return text, exports


def _pairs(names: str) -> list[tuple[str, str]]:
    """The names between the braces of an import or export: each as it is there, and as it is here."""
    pairs = []
    for one in filter(None, (each.strip() for each in names.split(","))):
        there, _, here = one.partition(" as ")
        pairs.append((there, here or there))
    return pairs
