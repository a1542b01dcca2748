"""docs/board.md: its table has every module of the board, and no other."""

import re
from pathlib import Path

from gateway.pages import PAGES, closure, fetched_later

PAGE = (Path(__file__).parents[3] / "docs" / "board.md").read_text(encoding="utf-8")


def test_the_table_of_modules_has_what_the_board_imports() -> None:
    sources = {path.relative_to(PAGES).as_posix(): path.read_text(encoding="utf-8") for path in PAGES.rglob("*.js")}
    first = closure("main.js", sources)
    later = [one for entry in fetched_later(first, sources) for one in closure(entry, sources)]
    modules = {name.removesuffix(".js").partition("/")[0] for name in (*first, *later)}
    table = PAGE.split("| module | what it is |\n|---|---|\n")[1].split("\n\n")[0]
    listed = [name for row in table.splitlines() for name in re.findall(r"`([a-z-]+)`", row.split("|")[1])]

    assert sorted(modules) == sorted(listed)
