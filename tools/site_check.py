"""Checks a built documentation site: `python -m tools.site_check FOLDER`, which `make docs` runs.

Each link leads to a file of the site, and to an anchor that is there. Nothing that a browser loads with a page comes
from another host. No list was left as a paragraph, as Markdown does with one that has no empty line before it.
"""

import re
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

LOADED: Final = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "img": ("src", "srcset"),
    "link": ("href",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
}
"""Elements whose attribute names something that a browser fetches unasked."""
NAMING_LINKS: Final = {"alternate", "author", "canonical", "license", "next", "prev"}
"""What a `<link>` may be for which nothing is fetched."""
ADDRESS_IN_STYLE: Final = re.compile(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)""")
LOST_LIST: Final = re.compile(r"(?:^|\n)(?:[-*]|\d+\.) ")


@dataclass(slots=True)
class Page:
    """What one page of the site names."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    lost_lists: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self._paragraph: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.page.anchors.update(values[name] for name in ("id", "name") if name in values)
        if tag == "p":
            self._paragraph = ""
        if tag == "a" and "href" in values:
            self.page.links.append(values["href"])
        if tag == "link" and set(values.get("rel", "").split()) & NAMING_LINKS:
            return
        for name in LOADED.get(tag, ()):
            written = values.get(name, "").strip()
            parts = written.split(",") if name == "srcset" else [written]
            self.page.loaded.extend(part.split()[0] for part in parts if part.split())

    def handle_data(self, data: str) -> None:
        if self._paragraph is not None:
            self._paragraph += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "p" and self._paragraph is not None:
            if LOST_LIST.search(self._paragraph):
                self.page.lost_lists.append(self._paragraph.strip())
            self._paragraph = None


def read_page(html: str) -> Page:
    """Collect the anchors, the links and the files to load of one page."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.page


def faults(site: Path) -> list[str]:
    """What is wrong with the site in this folder, a line each, with the file in which it stands."""
    pages = {path.resolve(): read_page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    found = [] if pages else [f"There is no page in {site}: build the site first, with `make docs`."]
    for path, page in pages.items():
        name = path.relative_to(site.resolve()).as_posix()
        found += [f"{name}: loads {address} from elsewhere" for address in page.loaded if _is_elsewhere(address)]
        found += [f"{name}: {wrong}" for link in (*page.links, *page.loaded) if (wrong := _broken(link, path, pages))]
        found += [f"{name}: a list without an empty line before it: {text[:60]!r}" for text in page.lost_lists]
    for path in sorted(site.rglob("*.css")):
        addresses = ADDRESS_IN_STYLE.findall(path.read_text(encoding="utf-8"))
        found += [f"{path.relative_to(site).as_posix()}: loads {address} from elsewhere" for address in addresses]
    return found


def _is_elsewhere(address: str) -> bool:
    return bool(urlsplit(address).netloc)


def _broken(link: str, page: Path, pages: dict[Path, Page]) -> str | None:
    """What is wrong with a link that leads into the site; None where nothing is, or where it leads elsewhere."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc or page.name == "404.html":  # the server shows that page at any address
        return None
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return f"links to {link}, which is no file of the site"
    if parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
        return f"links to {link}, but there is no such anchor"
    return None


def main() -> int:
    """Print what is wrong with the site in the folder that is named; exit with 1 where something is."""
    site = Path(sys.argv[1])
    wrong = faults(site)
    for line in wrong:
        print(line)
    print(f"{site}: {sum(1 for _ in site.rglob('*.html'))} pages, {len(wrong)} faults")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
