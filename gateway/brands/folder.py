"""The files of a brand, checked and held in memory: nothing is looked up on disk by a name that somebody sends."""

import re
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from hashlib import blake2s
from pathlib import Path
from types import MappingProxyType
from typing import Final

from gateway.brands.brand import Brand, is_slug, listing, parse_brand, style_sheet
from schemas.errors import UsageError

SHIPPED: Final = Path(__file__).parent
BRAND_FILE: Final = "brand.toml"
STANDARD_BRAND: Final = "studio"

MAX_IMAGE_BYTES: Final = 512 * 1024
"""A photo of 800 × 1000 as WebP takes 100 KB; a graphics machine loads a ballot of them at once."""

MAX_FONT_BYTES: Final = 2 * 1024 * 1024
MAX_FILES: Final = 2_000
"""Candidates of a whole country's councils have no photos; of its mayors there are some thousand."""

MAX_BRAND_BYTES: Final = 128 * 1024 * 1024
"""What all files take in the gateway's memory, at most."""

_DIGEST_BYTES: Final = 8
_ACTIVE: Final = re.compile(
    rb"<script|<foreignobject|<iframe|<!entity|\bon[a-z]+\s*=|javascript:|(?:href|src)\s*=\s*[\"'](?!#|data:image/)",
    re.IGNORECASE,
)
"""What makes an SVG more than a drawing: it runs something, or fetches something from elsewhere."""

_KINDS: Final[Mapping[str, tuple[str, Callable[[bytes], bool]]]] = {
    ".png": ("image/png", lambda body: body.startswith(b"\x89PNG\r\n\x1a\n")),
    ".jpg": ("image/jpeg", lambda body: body.startswith(b"\xff\xd8\xff")),
    ".jpeg": ("image/jpeg", lambda body: body.startswith(b"\xff\xd8\xff")),
    ".webp": ("image/webp", lambda body: body[:4] == b"RIFF" and body[8:12] == b"WEBP"),
    ".svg": ("image/svg+xml", lambda body: b"<svg" in body[:1024] and not _ACTIVE.search(body)),
    ".woff2": ("font/woff2", lambda body: body.startswith(b"wOF2")),
}
_FONTS: Final = frozenset({".woff2"})
_FOLDERS: Final = {"photos": _KINDS.keys() - _FONTS, "logos": _KINDS.keys() - _FONTS, "fonts": _FONTS}
"""What may lie in which folder; beside them only brand.toml and the logo."""


@dataclass(frozen=True, slots=True)
class BrandFile:
    """A file as it is served."""

    body: bytes
    media_type: str

    @property
    def etag(self) -> str:
        """What tells it from another of the same name."""
        return f'"{blake2s(self.body, digest_size=_DIGEST_BYTES).hexdigest()}"'


@dataclass(frozen=True, slots=True)
class BrandFolder:
    """A brand with its files by their names below `/static/brand/`: brand.css and brand.json among them."""

    brand: Brand
    files: Mapping[str, BrandFile]


def shipped_brands() -> tuple[str, ...]:
    """The names of the brands that come with sandık."""
    return tuple(sorted(path.parent.name for path in SHIPPED.glob(f"*/{BRAND_FILE}")))


@cache
def standard_brand() -> BrandFolder:
    """The brand that pages have where nobody says otherwise."""
    return open_brand(STANDARD_BRAND)


def open_brand(given: str) -> BrandFolder:
    """The brand of this name, if it is one that is shipped, or in this folder. Raises `UsageError`."""
    folder = SHIPPED / given if given in shipped_brands() else Path(given)
    if not (folder / BRAND_FILE).is_file():
        raise UsageError(
            f"There is no {folder / BRAND_FILE}. Give --brand a folder that has one, or a shipped brand: "
            f"{', '.join(shipped_brands())}."
        )
    return read_folder(folder)


def read_folder(folder: Path) -> BrandFolder:
    """The brand in a folder. Raises `UsageError` that names the file that is wrong."""
    try:
        brand = parse_brand((folder / BRAND_FILE).read_text(encoding="utf-8"), str(folder / BRAND_FILE))
        found = dict(_files(folder, brand))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The brand in {folder} cannot be read: {error}.") from error
    total = sum(len(one.body) for one in found.values())
    if len(found) > MAX_FILES or total > MAX_BRAND_BYTES:
        raise UsageError(
            f"{folder} has {len(found)} files of {total:,} bytes; at most {MAX_FILES:,} of {MAX_BRAND_BYTES:,} "
            "can be used. Leave out photos, or make them smaller."
        )
    wanted = [*(f"fonts/{font.file}" for font in brand.type.fonts), *([brand.logo.file] if brand.logo else [])]
    for name in wanted:
        if name not in found:
            raise UsageError(f"{folder / BRAND_FILE} names {name}, which is not in {folder}. Put it there.")
    css = BrandFile(style_sheet(brand).encode(), "text/css; charset=utf-8")
    about = BrandFile(listing(brand, found), "application/json")
    return BrandFolder(brand, MappingProxyType({**found, "brand.css": css, "brand.json": about}))


def _files(folder: Path, brand: Brand) -> Iterator[tuple[str, BrandFile]]:
    if brand.logo is not None and (folder / brand.logo.file).exists():
        yield brand.logo.file, _checked(folder / brand.logo.file, folder, _KINDS.keys() - _FONTS)
    for name, kinds in _FOLDERS.items():
        for path in sorted((folder / name).glob("*")):
            if not path.name.startswith("."):
                yield f"{name}/{path.name}", _checked(path, folder, kinds)


def _checked(path: Path, folder: Path, kinds: AbstractSet[str]) -> BrandFile:
    inside = path.relative_to(folder)
    if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
        raise UsageError(f"{inside} leads out of {folder}, or is no file. Copy the file itself there.")
    if path.suffix not in kinds or not is_slug(path.stem):
        raise UsageError(
            f"{inside} cannot be used. Name it as the id that it is of, in lower case without spaces, "
            f"and let it be one of: {', '.join(sorted(kinds))}."
        )
    most = MAX_FONT_BYTES if path.suffix in _FONTS else MAX_IMAGE_BYTES
    if path.stat().st_size > most:
        raise UsageError(f"{inside} has {path.stat().st_size:,} bytes; at most {most:,} can be used. Make it smaller.")
    body = path.read_bytes()
    media_type, is_one = _KINDS[path.suffix]
    if not is_one(body):
        what = "a drawing without scripts and links" if path.suffix == ".svg" else f"what {path.suffix} promises"
        raise UsageError(f"{inside} is not {what}. Export it anew.")
    return BrandFile(body, media_type)
