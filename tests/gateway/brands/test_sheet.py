from gateway.brands.brand import parse_brand
from gateway.brands.folder import SHIPPED, open_brand
from gateway.brands.sheet import style_sheet


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
