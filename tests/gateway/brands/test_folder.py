from collections.abc import Callable
from pathlib import Path
from typing import Final

import orjson
import pytest

from gateway.brands.folder import MAX_FONT_BYTES, MAX_IMAGE_BYTES, SHIPPED, open_brand, read_folder, shipped_brands
from schemas.errors import UsageError

PNG: Final = b"\x89PNG\r\n\x1a\n" + bytes(64)
SVG: Final = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0h1v1z"/></svg>'
STUDIO: Final = (SHIPPED / "studio/brand.toml").read_text(encoding="utf-8")


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
