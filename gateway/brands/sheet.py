"""A brand as the pages take it: custom properties of CSS, and a list of its files."""

from collections.abc import Collection, Iterator

import orjson

from gateway.brands.brand import Brand, Colors
from gateway.brands.contrast import channels


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
