import json
import re
from pathlib import Path

import pytest

from gateway.pages.manifest import OVERLAY_NAMES
from sandik.graphics.package import checked_gateway, write_graphics
from schemas.errors import UsageError
from tests.sandik.conftest import Sandik

IMPORTED = re.compile(r"""(?:from|import\()\s*["'](\.[^"'`$]+)["']|url\(([^)]+)\)|(?:href|src)="([^"]+)\"""")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
"""Comments name types, which only a type checker reads."""


def test_the_command_says_what_it_wrote(sandik: Sandik, tmp_path: Path) -> None:
    code, _, err = sandik("graphics", "--out", tmp_path, "--gateway", "https://graphics.example/")
    assert 0 == code
    assert "ograf/sandik for OGraf, templates/sandik for CasparCG and SPX-GC" in err
    for name in OVERLAY_NAMES:
        manifest = json.loads((tmp_path / f"ograf/sandik/{name}.ograf.json").read_text())
        assert (tmp_path / "ograf/sandik" / manifest["main"]).is_file()
        assert "https://graphics.example" == manifest["schema"]["properties"]["gateway"]["default"]
        assert '"gateway": "https://graphics.example"' in (tmp_path / f"templates/sandik/{name}.html").read_text()


def test_the_package_is_whole(tmp_path: Path) -> None:
    """Whatever a file of it names is in it."""
    for path in write_graphics(tmp_path, gateway="http://gateway:8765", version="1"):
        if path.suffix not in {".js", ".mjs", ".css", ".html"} or "templates" in path.parts:
            continue
        for groups in IMPORTED.findall(COMMENT.sub("", path.read_text())):
            named = next(filter(None, groups)).strip('"')
            if not named.startswith(("data:", "http", "/", "#")):
                assert (path.parent / named).is_file(), f"{path} names {named}"


def test_writing_again_comes_to_the_same(tmp_path: Path) -> None:
    first = write_graphics(tmp_path, gateway="http://gateway:8765", version="1")
    before = {path: path.read_bytes() for path in first}
    assert first == write_graphics(tmp_path, gateway="http://gateway:8765/", version="1")
    assert before == {path: path.read_bytes() for path in first}


@pytest.mark.parametrize("text", ["gateway:8765", "ws://gateway", "http://", "http://gateway/?token=1"])
def test_what_is_no_gateways_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"gateway's address|has more than an address"):
        checked_gateway(text)


def test_a_folder_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "templates").write_text("a file is in the way")
    with pytest.raises(UsageError, match="Choose another --out"):
        write_graphics(tmp_path, gateway="http://gateway", version="1")
