"""Modules joined into one file, read as text; what they do in a browser is the board's own tests' to say."""

import pytest

from gateway.routes.joined import UnreadableModule, closure, fetched_later, joined

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
