"""A brand: how a channel's pictures look, without a fork: a folder with a `brand.toml`, fonts, photos and logos.

What a brand.toml says is checked: every colour is there, and can be read where it stands. How well one colour can be
read on another is WCAG 2.2's contrast ratio (1.4.3), the same as in pages/hue.js. The pages take a brand as custom
properties of CSS, and a list of its files.

The files are checked and held in memory: nothing is looked up on disk by a name that somebody sends. The brands that
are shipped are the folders in `brands/`.
"""

import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from hashlib import blake2s
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final, Literal, NamedTuple

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from schemas.errors import UsageError
from schemas.fields import first_fault

_LINEAR_BELOW: Final = 0.03928
"""Below it a channel of sRGB is linear (WCAG 2.2, "relative luminance")."""


class Channels(NamedTuple):
    """Red, green and blue, 0 to 255."""

    red: float
    green: float
    blue: float


BLACK: Final = Channels(0, 0, 0)
WHITE: Final = Channels(255, 255, 255)


def channels(color: str) -> Channels:
    """The channels of a colour such as `#1b222c`."""
    return Channels(*(int(color[at : at + 2], 16) for at in (1, 3, 5)))


def over(color: Channels, opacity: float, behind: Channels) -> Channels:
    """What is seen of a colour that lets something through."""
    pairs = zip(color, behind, strict=True)
    return Channels(*(one * opacity + other * (1 - opacity) for one, other in pairs))


def contrast(one: Channels, other: Channels) -> float:
    """The ratio, 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: Channels) -> float:
    red, green, blue = (_linear(channel / 255) for channel in color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return float(part / 12.92 if part <= _LINEAR_BELOW else ((part + 0.055) / 1.055) ** 2.4)


LEAST_TEXT_CONTRAST: Final = 4.5
"""WCAG 2.2, 1.4.3, for text of every size: a picture is also seen small."""

LEAST_BAR_CONTRAST: Final = 3.0
"""WCAG 2.2, 1.4.11, for what is no text."""

Color = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}\.[a-z0-9]{2,5}$")]
Family = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _-]{0,47}$")]
"""Goes into a style sheet as it is: nothing that could end the declaration."""


class _Described(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Font(_Described):
    """A font's file in the folder `fonts`, and which weights it has."""

    file: FileName
    weight: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{2}( [1-9][0-9]{2})?$")] = "400"
    style: Literal["normal", "italic"] = "normal"


class Type(_Described):
    """The letters."""

    family: Family = "Inter"
    fonts: tuple[Font, ...] = ()
    heading_weight: Annotated[int, Field(ge=400, le=900)] = 700
    capitals: bool = False


class Shape(_Described):
    """The panels. Less opacity than this lets a bright programme through the figures."""

    radius_px: Annotated[int, Field(ge=0, le=24)] = 8
    opacity: Annotated[float, Field(ge=0.8, le=1)] = 0.96
    density: Annotated[float, Field(ge=0.8, le=1)] = 1.0


class Motion(_Described):
    """How long something takes to come, to go or to move; 0 is a cut. A stage waits no longer than 400 ms."""

    ms: Annotated[int, Field(ge=0, le=400)] = 400


class Watermark(_Described):
    """The mark of a rehearsal: it may be weaker, and never so weak that a picture passes for a live one."""

    opacity: Annotated[float, Field(ge=0.3, le=0.8)] = 0.42


class Logo(_Described):
    """The channel's own mark, in the folder itself; shown beside the source on overlays, and in the board's head."""

    file: FileName
    height_px: Annotated[int, Field(ge=16, le=64)] = 36


class Colors(_Described):
    """The colours of a theme. `fresh` is the one accent for what is new, `wrong` the one for what is not well."""

    ground: Color
    panel: Color
    raised: Color
    line: Color
    track: Color
    ink: Color
    soft: Color
    fresh: Color
    wrong: Color
    wrong_ink: Color


class Brand(_Described):
    """A brand.toml."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    theme: Literal["dark", "light"] = "dark"
    type: Type = Type()
    shape: Shape = Shape()
    motion: Motion = Motion()
    watermark: Watermark = Watermark()
    logo: Logo | None = None
    dark: Colors
    light: Colors

    @property
    def themes(self) -> dict[str, Colors]:
        """Both themes by their names."""
        return {"dark": self.dark, "light": self.light}


def parse_brand(text: str, where: str) -> Brand:
    """The brand that a brand.toml describes. Raises `UsageError` that names what is missing, wrong or illegible."""
    try:
        brand = Brand.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{where} is not TOML ({error}).") from error
    except ValidationError as error:
        raise UsageError(f"{where}: {_sentence(error)}") from error
    faults = [fault for theme, colors in brand.themes.items() for fault in _illegible(theme, colors, brand.shape)]
    if faults:
        raise UsageError(f"{where}: {' '.join(faults)}")
    return brand


def _sentence(error: ValidationError) -> str:
    missing = [".".join(map(str, one["loc"])) for one in error.errors() if one["type"] == "missing"]
    if missing:
        return f"These are missing: {', '.join(missing)}. docs/brand.md lists every name; a shipped brand is a start."
    return f"{first_fault(error)} See docs/brand.md."


def _illegible(theme: str, colors: Colors, shape: Shape) -> Iterator[str]:
    """Say which colours cannot be read where they stand: a panel of overlays also lets black and white through."""
    panel = channels(colors.panel)
    grounds = {
        "ground": (channels(colors.ground),),
        "panel": (panel, *(over(panel, shape.opacity, behind) for behind in (BLACK, WHITE))),
        "raised": (channels(colors.raised),),
    }
    texts = ("ink", "soft", "fresh", "wrong")
    for name in texts:
        for ground, seen in grounds.items():
            yield from _weak(theme, colors, name, ground, seen, LEAST_TEXT_CONTRAST)
    yield from _weak(theme, colors, "wrong_ink", "wrong", (channels(colors.wrong),), LEAST_TEXT_CONTRAST)
    for name in ("ink", "soft"):
        yield from _weak(theme, colors, name, "track", (channels(colors.track),), LEAST_BAR_CONTRAST)


def _weak(
    theme: str, colors: Colors, name: str, ground: str, seen: tuple[Channels, ...], least: float
) -> Iterator[str]:
    ratio = min(contrast(channels(getattr(colors, name)), one) for one in seen)
    if ratio < least:
        color, under = getattr(colors, name), getattr(colors, ground)
        yield (
            f"{theme}.{name} {color} on {theme}.{ground} {under} has a contrast of {ratio:.2f}; "
            f"make it {least} or more."
        )


_SLUG: Final = re.compile(r"^[a-z0-9][a-z0-9_-]{0,63}$")


def is_slug(name: str) -> bool:
    """Whether a file may be named so: as ids of candidates and parties are."""
    return _SLUG.fullmatch(name) is not None


def style_sheet(brand: Brand) -> str:
    """The text of brand.css. It is linked after the pages' own style sheets, whose names it sets anew."""
    return "\n".join([f"/* {_in_comment(brand.name)}: written from a brand.toml. */", *_rules(brand), ""])


def listing(brand: Brand, files: Collection[str]) -> bytes:
    """The text of brand.json: which photos and logos there are, by the ids that they are of."""
    return orjson.dumps(
        {
            "name": brand.name,
            "theme": brand.theme,
            "family": brand.type.family,
            "logo": brand.logo.file if brand.logo else None,
            "photos": _by_id(files, "photos/"),
            "logos": _by_id(files, "logos/"),
        }
    )


def _by_id(files: Collection[str], folder: str) -> dict[str, str]:
    return {name.removeprefix(folder).partition(".")[0]: name for name in files if name.startswith(folder)}


def _rules(brand: Brand) -> Iterator[str]:
    for font in brand.type.fonts:
        yield (
            f'@font-face {{ font-family: "{brand.type.family}"; font-weight: {font.weight}; font-style: {font.style}; '
            f'font-display: swap; src: url("fonts/{font.file}") format("woff2"); }}'
        )
    yield f":root {{ {_manner(brand)} }}"
    yield f":root {{ {_colors(brand.dark, brand.shape.opacity)} }}"
    light = _colors(brand.light, brand.shape.opacity)
    yield f':root[data-theme="light"] {{ {light} }}'
    if brand.logo:  # a rule and no property: a url in a property is taken from the sheet that uses it
        height = brand.logo.height_px
        yield f'.brandlogo {{ display: block; height: {height}px; background-image: url("{brand.logo.file}"); }}'
    yield f"@media (prefers-color-scheme: light) {{ :root:not([data-theme]) {{ {light} }} }}"


def _manner(brand: Brand) -> str:
    values = {
        "--font": f'"{brand.type.family}"',
        "--heading-weight": str(brand.type.heading_weight),
        "--heading-case": "uppercase" if brand.type.capitals else "none",
        "--radius": f"{brand.shape.radius_px}px",
        "--density": f"{brand.shape.density:g}",
        "--motion": f"{brand.motion.ms}ms",
        "--watermark": f"{brand.watermark.opacity:g}",
    }
    return _declared(values)


def _colors(colors: Colors, opacity: float) -> str:
    red, green, blue = channels(colors.panel)
    values = {f"--{name.replace('_', '-')}": color for name, color in colors.model_dump().items()}
    return _declared(values | {"--glass": f"rgba({red:g}, {green:g}, {blue:g}, {opacity:g})"})


def _declared(values: dict[str, str]) -> str:
    return " ".join(f"{name}: {value};" for name, value in values.items())


def _in_comment(text: str) -> str:
    return text.replace("*/", "")


SHIPPED: Final = Path(__file__).with_name("brands")
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
