"""The house's rules that no linter knows."""

import ast
import importlib
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("schemas", "tabulation", "eventlog", "producers", "consumers", "gateway", "sandik")
MAPPED = sorted(
    path.parent.relative_to(ROOT).as_posix() for top in PACKAGES for path in (ROOT / top).rglob("__init__.py")
)
MAX_FUNCTION_LINES = 70
MAX_FILE_LINES = 500
MAX_COLUMNS = 120


def tracked(*patterns: str) -> list[Path]:
    """The files in the repository that match."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--", *patterns], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout, so there is no list of files")
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_resolves_inside_the_project(package: str) -> None:
    """Plain names that others use too: an installed package of that name must not get in the way."""
    found = importlib.import_module(package).__file__

    assert found is not None
    assert ROOT in Path(found).parents


@pytest.mark.parametrize("package", MAPPED)
def test_the_map_of_a_package_has_its_modules(package: str) -> None:
    """The docstring of `__init__.py` is how a newcomer finds the way: put a new module's name where it belongs.

    A module stands there as `name`, a package inside as `name/`.
    """
    modules = {path.stem for path in tracked(f":(glob){package}/*.py")} - {"__init__", "__main__"}
    inside = {f"{path.parent.name}/" for path in tracked(f":(glob){package}/*/__init__.py")}
    docstring = ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8")))

    assert modules | inside == set(re.findall(r"`([a-z_]+/?)`", docstring or ""))


def test_no_file_holds_more_than_one_idea() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked("*.py", "*.js")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MAX_FILE_LINES
    }

    assert {} == long


def test_no_line_of_javascript_is_longer_than_one_of_python() -> None:
    """The formatter leaves comments and texts as they are."""
    long = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked("*.js", "*.mjs", "*.ts")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > MAX_COLUMNS
    ]

    assert [] == long


def test_no_function_is_longer_than_a_reader_can_hold() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in tracked("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= MAX_FUNCTION_LINES
    ]

    assert [] == long


def test_pins_are_names_and_versions_and_no_address() -> None:
    for path in tracked("constraints/*.txt"):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert line.startswith("#") or re.fullmatch(r"[A-Za-z0-9_.\-]+==[A-Za-z0-9_.+!]+", line), line


def test_no_lock_of_npm_says_where_a_package_came_from() -> None:
    """With the registry's address in it, an install elsewhere would not ask the registry that is configured there."""
    locks = tracked("*package-lock.json")

    assert [] != locks
    assert [] == [str(lock) for lock in locks if '"resolved"' in lock.read_text(encoding="utf-8")]


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")

    assert [] == [page.name for page in folder.glob("*.md") if page.name != "README.md" and page.name not in index]


def test_links_between_our_pages_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in tracked("*.md")
        for target in re.findall(r"\]\((?!https?://|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]

    assert [] == broken


def test_every_file_that_a_page_names_is_there() -> None:
    """A path of the repository in code, such as `schemas/wire.py`; one with a capital letter or `…` is an example."""
    tops = "|".join((*PACKAGES, "benchmarks", "constraints", "deploy", "docs", "examples", "tests", "tools"))
    named = re.compile(rf"`((?:{tops})/(?:[a-z0-9_./-]*(?:/|\.(?:py|js|ts|json|toml|md|yml|txt)))?)`")
    gone = [
        f"{page.relative_to(ROOT)}: {path}"
        for page in tracked("*.md")
        for path in named.findall(page.read_text(encoding="utf-8"))
        if not (ROOT / path).exists()
    ]

    assert [] == gone


def test_every_script_that_a_page_names_by_its_name_alone_is_there() -> None:
    """Such as `manifest.js`. In a how-to it may be one that its reader is about to write."""
    names = {path.name for path in tracked()}
    gone = [
        f"{page.relative_to(ROOT)}: {name}"
        for page in tracked("*.md")
        for name in re.findall(r"`([a-z0-9_.-]+\.(?:js|mjs|py|ts|css))`", page.read_text(encoding="utf-8"))
        if name not in names and page.parent.name != "how-to"
    ]

    assert [] == gone


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    """Put a new page into `zensical.toml`, under its readers. Decisions are reached by their index."""
    navigation = (ROOT / "zensical.toml").read_text(encoding="utf-8")
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in tracked("docs/*.md", "docs/how-to/*.md")]

    assert [] == [page for page in pages if f'"{page}"' not in navigation and not page.startswith("decisions/")]


def test_pages_of_the_site_link_to_nothing_outside_of_it() -> None:
    """Name a file of the repository in code instead: `schemas/wire.py`."""
    docs = ROOT / "docs"
    outside = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in tracked("docs/*.md")
        for target in re.findall(r"\]\((?!https?://|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).resolve().is_relative_to(docs)
    ]

    assert [] == outside
