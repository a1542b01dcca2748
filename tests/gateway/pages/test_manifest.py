import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.pages import (
    MANIFEST,
    OVERLAY_NAMES,
    OVERLAYS,
    Parameter,
    graphic_fault,
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
