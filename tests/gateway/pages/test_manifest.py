"""The manifest of the overlays, and modules joined into one file, read as text: what they do is the board's to test."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.pages import (
    MANIFEST,
    OVERLAY_NAMES,
    OVERLAYS,
    Parameter,
    UnreadableModule,
    closure,
    fetched_later,
    graphic_fault,
    joined,
    no_overlay,
    option_fault,
    read_manifest,
)

SPX_LAYERS = range(1, 6)
"""SPX-GC 1.3 takes any other for 5."""

DOCUMENTED = Path(__file__).parents[3] / "docs" / "overlays.md"


def test_every_overlay_has_a_name_a_place_and_parameters_of_its_own() -> None:
    assert len(MANIFEST.overlays) == len(set(OVERLAY_NAMES))
    for overlay in MANIFEST.overlays:
        shared = (*MANIFEST.selection, *MANIFEST.manner, *MANIFEST.address)
        names = [one.name for one in (*shared, *overlay.parameters)]
        assert len(names) == len(set(names))
        assert overlay.layer in SPX_LAYERS
        assert overlay.title
        assert overlay.description.endswith(".")


def test_standards_are_among_what_may_be_given() -> None:
    for overlay in MANIFEST.overlays:
        for one in (*overlay.parameters, *MANIFEST.manner):
            if one.kind == "whole":
                assert isinstance(one.standard, int)
                assert one.least <= one.standard <= one.most
            if one.kind == "choice":
                assert one.standard in one.words


def test_the_documentation_lists_every_overlay_with_its_parameters() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| [^|]+ \| ([^|]+) \|$", DOCUMENTED.read_text(encoding="utf-8"), re.MULTILINE)
    told = {name: re.findall(r"`([a-z_]+)`", parameters) for name, parameters in rows if name in OVERLAY_NAMES}
    assert list(OVERLAY_NAMES) == list(told)
    for overlay in MANIFEST.overlays:
        assert {one.name for one in overlay.parameters} == set(told[overlay.name])


@pytest.mark.parametrize("script", ["", "export const MANIFEST = none;", 'export const MANIFEST = {"overlays": []};'])
def test_a_script_without_a_manifest_is_refused(script: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  three ways of being none
        read_manifest(script)


def test_a_manifest_says_nothing_that_nobody_reads() -> None:
    parts = '"selection": [], "manner": [], "address": [], "overlays": []'
    assert () == read_manifest(f"export const MANIFEST = {{{parts}}};").overlays
    with pytest.raises(ValidationError):
        read_manifest(f'export const MANIFEST = {{{parts}, "more": 1}};')


@pytest.mark.parametrize(
    ("overlay", "query"),
    [
        ("lead-board", {}),
        ("lead-board", {"rows": "8", "size": "bug", "motion": "0", "unit": "tr/34", "somebodys": "own"}),
        ("duel", {"candidates": "a, b,", "play": ""}),
        ("ticker", {"speed": "400"}),
    ],
)
def test_an_address_that_can_be_read_has_no_fault(overlay: str, query: dict[str, str]) -> None:
    assert option_fault(query, OVERLAYS[overlay]) is None


@pytest.mark.parametrize(
    ("overlay", "query", "says"),
    [
        ("lead-board", {"rows": "9"}, "rows=9 cannot be read. Give a whole number from 1 to 8."),
        ("lead-board", {"rows": "many"}, "rows=many cannot be read."),
        ("lead-board", {"motion": "maybe"}, "motion=maybe cannot be read. Give one of: 0, 1."),
        ("lead-board", {"size": "huge"}, "Give one of: panel, bug, full, tall."),
        ("duel", {"candidates": "a,b,c"}, "candidates=a,b,c cannot be read. Give 2 names at most"),
        ("ticker", {"speed": "1"}, "px_per_s=1 cannot be read."),
    ],
)
def test_an_option_that_cannot_be_read_is_said_with_what_is_right(
    overlay: str, query: dict[str, str], says: str
) -> None:
    assert says in (option_fault(query, OVERLAYS[overlay]) or "")


def test_a_graphic_is_of_an_overlay_that_there_is_and_says_only_what_it_takes() -> None:
    assert graphic_fault("duel", {"unit": "tr/34", "candidates": "a,b", "lang": "en"}) is None
    assert no_overlay("dual") == graphic_fault("dual", {})
    assert "duel has no parameter 'rows'. There are: contest, unit" in (graphic_fault("duel", {"rows": "3"}) or "")
    assert "size=huge cannot be read." in (graphic_fault("duel", {"size": "huge"}) or "")


def test_a_text_is_whatever_it_is() -> None:
    overlay = OVERLAYS["duel"].model_copy(update={"parameters": (Parameter(name="note", title="Note"),)})
    assert option_fault({"note": "anything, at all"}, overlay) is None


MODULES = {
    "main.js": (
        'import { draw as show, PARTS } from "./sub/draw.js";\n'
        'import * as words from "./words.js";\n'
        'import "./words.js";\n\n'
        'const later = () => import("./later.js");\n'
        "show(PARTS, words, later);\n"
    ),
    "sub/draw.js": (
        "/** What this module is. */\n"
        'import { one } from "../words.js";\n'
        'export { two as second, one } from "../words.js";\n'
        "/**\n * In several\n * lines.\n */\n"
        "export const PARTS = 3;\n"
        "export function draw() {\n  return one; // kept\n}\n"
        "export async function wait() {}\n"
        "export class Pane {}\n"
    ),
    "words.js": "export const one = 1;\nexport const two = 2;\n",
    "later.js": (
        'import {\n  one,\n  two,\n} from "./words.js";\n'
        'import { own } from "./own.js";\n'
        "export const sum = one + two + own;\n"
    ),
    "own.js": "export const own = 4;\n",
}


def test_a_module_comes_after_what_it_imports_and_each_once() -> None:
    assert ["words.js", "sub/draw.js", "main.js"] == closure("main.js", MODULES)


def test_each_module_is_a_function_that_returns_what_it_exports() -> None:
    text = joined("main.js", MODULES)
    assert "import " not in text.replace('import("./later.js")', "")
    assert "return { one: one, two: two };" in text
    assert "const { one } = module0;" in text
    assert "return { second: module0.two, one: module0.one, PARTS: PARTS, draw: draw, wait: wait, Pane: Pane };" in text
    assert "const { draw: show, PARTS } = module1;\nconst words = module0;\n\n" in text
    assert text.endswith("export const shared = [module0, module1, module2];\n")


def test_documentation_is_left_out_and_what_stands_beside_code_is_not() -> None:
    text = joined("main.js", MODULES)
    assert "What this module is" not in text
    assert "In several" not in text
    assert "// kept" in text


def test_what_is_fetched_later_takes_from_the_first_what_that_has() -> None:
    assert ["later.js"] == fetched_later(closure("main.js", MODULES), MODULES)
    text = joined("later.js", MODULES, "main.js")
    assert text.startswith('import { shared as before } from "./main.js";\n')
    assert "const { one, two } = before[0];" in text
    assert "const { own } = module0;" in text
    assert text.endswith("export const sum = module1.sum;\n")
    assert "shared =" not in text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("export default 3;\n", "export default 3;"),
        ('export * from "./words.js";\n', "export * from"),
        ("export let count = 3;\n", "export let count"),
        ('import words from "./words.js";\n', "import words"),
        ("const here = import.meta.url;\n", "import.meta"),
        ('import { one } from "./none.js";\n', "main.js imports it, and there is no such file"),
        ('import { one } from "./main.js";\n', "it imports itself by way of main.js"),
    ],
)
def test_what_cannot_be_joined_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(UnreadableModule, match=r"cannot be joined") as refused:
        joined("main.js", MODULES | {"main.js": text})
    assert reason in str(refused.value)


def test_a_page_that_names_no_module_is_told() -> None:
    with pytest.raises(UnreadableModule, match=r"a page imports it"):
        closure("none.js", MODULES)
