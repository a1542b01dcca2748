import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import orjson
import pytest

from gateway.brand import (
    BLACK,
    MAX_FONT_BYTES,
    MAX_IMAGE_BYTES,
    SHIPPED,
    WHITE,
    channels,
    contrast,
    is_slug,
    open_brand,
    over,
    parse_brand,
    read_folder,
    shipped_brands,
    style_sheet,
)
from gateway.pages import PAGES
from schemas.errors import UsageError

STUDIO: Final = (SHIPPED / "studio/brand.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", shipped_brands())
def test_a_shipped_brand_is_whole_and_can_be_read(name: str) -> None:
    path = Path(SHIPPED / name / "brand.toml")
    assert name.capitalize() == parse_brand(path.read_text(encoding="utf-8"), str(path)).name


def test_our_own_brand_is_what_the_pages_have_without_one() -> None:
    """tokens.css holds the same colours, for a page whose brand does not come."""
    tokens = (PAGES / "tokens.css").read_text(encoding="utf-8")
    blocks = {"dark": tokens.partition("color-scheme: dark;")[2], "light": tokens.partition('[data-theme="light"]')[2]}
    brand = parse_brand(STUDIO, "studio")
    for theme, colors in brand.themes.items():
        said = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", blocks[theme].partition("}")[0]))
        assert said == {name.replace("_", "-"): color for name, color in colors.model_dump().items()}


@pytest.mark.parametrize(
    ("before", "after", "hint"),
    [
        ('soft = "#aab6c4"\n', "", "These are missing: dark.soft"),
        ("[light]", "[lite]", "These are missing: light."),
        ('ink = "#eef2f6"', 'ink = "white"', "dark.ink"),
        ('soft = "#aab6c4"', 'soft = "#556070"', "dark.soft #556070 on dark.panel #1b222c has a contrast of"),
        ('wrong_ink = "#1b1305"', 'wrong_ink = "#ffffff"', "dark.wrong_ink #ffffff on dark.wrong #ffb454"),
        ("opacity = 0.96", "opacity = 0.2", "shape.opacity"),
        ("opacity = 0.42", "opacity = 0.01", "watermark.opacity"),
        ("ms = 400", "ms = 4000", "motion.ms"),
        ('family = "Inter"', 'family = "Inter\\"; } * { color: red"', "type.family"),
        ("radius_px = 8", "radius_px = eight", "is not TOML"),
        ("[motion]", '[logo]\nfile = "../../etc/passwd"\n[motion]', "logo.file"),
    ],
)
def test_what_is_wrong_with_a_brand_is_named(before: str, after: str, hint: str) -> None:
    assert before in STUDIO
    with pytest.raises(UsageError) as refused:
        parse_brand(STUDIO.replace(before, after, 1), "brand.toml")
    assert hint in str(refused.value)


def test_a_panel_that_lets_much_through_must_be_readable_over_white() -> None:
    with pytest.raises(UsageError, match=r"dark\.soft .* on dark\.panel"):
        parse_brand(STUDIO.replace("opacity = 0.96", "opacity = 0.8", 1), "brand.toml")


@pytest.mark.parametrize(("name", "fits"), [("imamoglu", True), ("ak_parti", True), ("..", False), ("A B", False)])
def test_files_are_named_as_ids_are(name: str, fits: bool) -> None:
    assert fits == is_slug(name)


@pytest.mark.parametrize(
    ("one", "other", "ratio"), [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48), ("#112233", "#112233", 1.0)]
)
def test_the_ratio_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert pytest.approx(ratio, abs=0.01) == contrast(channels(one), channels(other))
    assert contrast(channels(one), channels(other)) == contrast(channels(other), channels(one))


def test_what_lets_something_through_takes_on_its_colour() -> None:
    assert WHITE == over(BLACK, 0, WHITE)
    assert (127.5, 127.5, 127.5) == over(BLACK, 0.5, WHITE)


def test_a_brand_is_custom_properties_of_both_themes() -> None:
    css = open_brand("arena").files["brand.css"].body.decode()
    assert "--radius: 0px;" in css
    assert "--heading-case: uppercase;" in css
    assert "--glass: rgba(11, 16, 48, 1);" in css
    assert ':root[data-theme="light"] { --ground: #eceefb;' in css
    assert 'url("logo.svg")' in css


def test_fonts_of_a_brand_are_its_own_files() -> None:
    text = (SHIPPED / "studio/brand.toml").read_text(encoding="utf-8")
    text = text.replace("[shape]", '[[type.fonts]]\nfile = "own.woff2"\nweight = "100 900"\n[shape]', 1)
    css = style_sheet(parse_brand(text, "brand.toml"))
    assert 'src: url("fonts/own.woff2") format("woff2");' in css
    assert "font-weight: 100 900;" in css


def test_a_name_cannot_leave_its_comment() -> None:
    text = (SHIPPED / "studio/brand.toml").read_text(encoding="utf-8").replace('"Studio"', '"*/ body {}"', 1)
    assert 1 == style_sheet(parse_brand(text, "brand.toml")).count("*/")


PNG: Final = b"\x89PNG\r\n\x1a\n" + bytes(64)
SVG: Final = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0h1v1z"/></svg>'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A brand with a photo of a candidate and a party's logo."""
    (tmp_path / "brand.toml").write_text(STUDIO, encoding="utf-8")
    for name in ("photos", "logos", "fonts"):
        (tmp_path / name).mkdir()
    (tmp_path / "photos/imamoglu.png").write_bytes(PNG)
    (tmp_path / "photos/.DS_Store").write_bytes(b"")
    (tmp_path / "logos/chp.svg").write_bytes(SVG)
    return tmp_path


def test_a_folder_is_read_whole(folder: Path) -> None:
    brand = open_brand(str(folder))
    assert {"photos/imamoglu.png", "logos/chp.svg", "brand.css", "brand.json"} == set(brand.files)
    assert ("image/png", PNG) == (
        brand.files["photos/imamoglu.png"].media_type,
        brand.files["photos/imamoglu.png"].body,
    )
    said = orjson.loads(brand.files["brand.json"].body)
    assert {"imamoglu": "photos/imamoglu.png"} == said["photos"]
    assert {"chp": "logos/chp.svg"} == said["logos"]
    assert brand.files["logos/chp.svg"].etag != brand.files["photos/imamoglu.png"].etag


def _put(name: str, body: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(body)


def _linked(folder: Path) -> None:
    (folder / "photos/kurum.png").symlink_to(Path(__file__))


def _named(text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "brand.toml").write_text(STUDIO.replace("[motion]", text + "\n[motion]", 1))


@pytest.mark.parametrize(
    ("spoil", "hint"),
    [
        (_put("photos/kurum.png", b"GIF89a"), "photos/kurum.png is not what .png promises"),
        (_put("photos/kurum.gif", b"GIF89a"), "photos/kurum.gif cannot be used"),
        (_put("photos/Murat Kurum.png", PNG), "Name it as the id"),
        (_put("photos/kurum.png", PNG + bytes(MAX_IMAGE_BYTES)), "at most 524,288 can be used"),
        (_put("fonts/own.woff2", b"wOF2" + bytes(MAX_FONT_BYTES)), "at most 2,097,152 can be used"),
        (_put("logos/iyi.svg", SVG.replace(b"<path", b"<script>alert(1)</script><path")), "without scripts and links"),
        (_put("logos/iyi.svg", SVG.replace(b"<path", b'<path onload="x()"')), "without scripts and links"),
        (_put("logos/iyi.svg", SVG.replace(b"<path", b'<image href="http://a.example/b.png"/><path')), "scripts and"),
        (_linked, "photos/kurum.png leads out of"),
        (_named('[logo]\nfile = "logo.svg"'), "names logo.svg, which is not in"),
        (_put("brand.toml", b"\xff\xfe"), "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(folder: Path, spoil: Callable[[Path], object], hint: str) -> None:
    spoil(folder)
    with pytest.raises(UsageError) as refused:
        read_folder(folder)
    assert hint in str(refused.value)


def test_a_brand_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(UsageError, match="arena, daylight, studio"):
        open_brand("neon")
    assert ("arena", "daylight", "studio") == shipped_brands()
