"""The changes that the how-tos show can be made to the tree as it is: each has one place, where the page says it is."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs/how-to").glob("*.md"))


class Change(NamedTuple):
    """A change that a page shows. `behind` is how a line before it begins, where the page says so: `@@ class Said`."""

    file: str
    behind: str
    before: str
    after: str


def changes(page: str) -> Iterator[Change]:
    """The changes in the blocks of a page, in their order."""
    for block in re.findall(r"^```diff\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        for file, hunks in re.findall(r"^# (\S+)\n((?:(?!# ).*\n)+)", block, re.MULTILINE):
            for behind, lines in re.findall(r"^@@ ?(.*)\n((?:[ +-].*\n|\n)+)", hunks, re.MULTILINE):
                before = re.sub(r"^\+.*\n", "", lines, flags=re.MULTILINE)
                after = re.sub(r"^-.*\n", "", lines, flags=re.MULTILINE)
                yield Change(
                    file, behind, *(re.sub(r"^[ +-]", "", text, flags=re.MULTILINE) for text in (before, after))
                )


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_change_that_a_how_to_shows_has_one_place_in_its_file(page: Path) -> None:
    """Nobody has to guess: its lines stand once only, or the page says behind what. It may have been made already."""
    unclear = []
    for change in changes(page.read_text(encoding="utf-8")):
        text = "\n" + (ROOT / change.file).read_text(encoding="utf-8")
        _, _, rest = text.partition(f"\n{change.behind}") if change.behind else ("", "", text)
        times = rest.count("\n" + change.before)
        is_made = "\n" + change.after in rest
        if times != 1 and not is_made and not (times and change.behind):
            unclear.append((times, change))

    assert [] == unclear
