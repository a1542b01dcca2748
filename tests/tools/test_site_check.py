from pathlib import Path

import pytest

from tools.site_check import faults


def site(folder: Path, **pages: str) -> Path:
    """A folder with these pages, named without their suffix."""
    for name, html in pages.items():
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
    return folder


def test_links_to_pages_files_folders_and_anchors_of_the_site_are_no_fault(tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(b"")
    index = '<h1 id="top">A</h1><a href="other.html#here"><a href="#top"><a href="."><img src="picture.png">'

    assert [] == faults(site(tmp_path, index=index, other='<a name="here"></a><a href="https://example.org">'))


@pytest.mark.parametrize("link", ["gone.html", "other.html#gone", "#gone", "../outside.html"])
def test_a_link_that_leads_nowhere_is_named_with_its_page(tmp_path: Path, link: str) -> None:
    (found,) = faults(site(tmp_path, index=f'<a href="{link}">', other="<p>"))

    assert found.startswith(f"index.html: links to {link}")


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="//fonts.example/x.css">',
        '<link rel="preconnect" href="https://fonts.example">',
        '<img srcset="https://cdn.example/x.png 2x">',
        '<iframe src="http://cdn.example/x">',
    ],
)
def test_what_a_page_loads_from_another_host_is_a_fault(tmp_path: Path, html: str) -> None:
    (found,) = faults(site(tmp_path, index=html))

    assert "from elsewhere" in found


def test_a_link_that_only_names_an_address_loads_nothing(tmp_path: Path) -> None:
    assert [] == faults(site(tmp_path, index='<link rel="canonical" href="https://docs.example/">'))


@pytest.mark.parametrize("style", ['@import "https://fonts.example/x.css";', "a{background:url(//cdn.example/x.png)}"])
def test_what_a_style_loads_from_another_host_is_a_fault(tmp_path: Path, style: str) -> None:
    (tmp_path / "x.css").write_text(style, encoding="utf-8")

    assert 1 == len(faults(site(tmp_path, index="<p>")))


def test_a_list_that_became_a_paragraph_is_a_fault(tmp_path: Path) -> None:
    (found,) = faults(site(tmp_path, index="<p>There are:\n- one\n- two</p><p>2 - 1</p>"))

    assert "without an empty line before it" in found


def test_a_folder_without_a_page_is_a_fault(tmp_path: Path) -> None:
    (found,) = faults(tmp_path)

    assert "make docs" in found


def test_the_page_for_what_is_not_there_may_be_served_anywhere(tmp_path: Path) -> None:
    (tmp_path / "404.html").write_text('<a href="/somewhere/index.html">', encoding="utf-8")

    assert [] == faults(tmp_path)
