import re
from pathlib import Path

from gateway.brand import standard_brand
from gateway.routes.files import IMMUTABLE, PageFiles
from tests.gateway.gateways import get, http_client, is_ready, night, running


async def test_what_a_page_names_is_kept_for_good_and_there(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway:
        for page in ("/", "/control", "/overlays", "/overlays/duel"):
            answer = await get(gateway, page)
            assert "no-cache" == answer.headers["cache-control"]
            named = re.findall(r'(?:src|href)="(/[^"]+)"', answer.text)
            assert len(named) == len(set(named)) > 2
            for path in named:
                file = await get(gateway, path)
                assert (200, IMMUTABLE["cache-control"]) == (file.status_code, file.headers["cache-control"]), path


async def test_a_page_names_all_modules_that_its_script_imports(tmp_path: Path) -> None:
    """So that they come side by side; of an overlay its own as well, which is imported by name."""
    async with night(tmp_path) as log, running(log) as gateway:
        room = (await get(gateway, "/control")).text
        assert 'rel="modulepreload" href="/static/~' in room
        assert all(f"/{name}" in room for name in ("control/room.js", "client/night.js"))
        assert "/overlays/duel.js" in (await get(gateway, "/overlays/duel")).text


async def test_the_boards_script_is_one_file_and_what_it_fetches_later_another(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway:
        (script,) = re.findall(r'<script type="module" src="([^"]+)"', (await get(gateway, "/")).text)
        first = await get(gateway, script)
        later = await get(gateway, script.replace("/main.js", "/details.js"))
        assert [200, 200] == [first.status_code, later.status_code]
        assert ("class Board" in first.text, "class TileMap" in first.text) == (True, False)
        assert ("class Night" in later.text, "class TileMap" in later.text) == (False, True)
        for name in ("joined/board.js", "joined/joined/main.js", "joined/none.js", "joined/board.css"):
            assert 404 == (await get(gateway, f"/static/{name}")).status_code, name


async def test_an_older_version_is_the_newer_file_and_not_kept(tmp_path: Path) -> None:
    """A page that was open while the gateway was updated still finds what it asks for."""
    async with night(tmp_path) as log, running(log) as gateway:
        old = await get(gateway, "/static/~0000/main.js")
        assert (200, "no-cache") == (old.status_code, old.headers["cache-control"])
        for path in ("~0000", "~", "~/", "~0000/../main.py", "__init__.py", "manifest.py", "types.d.ts"):
            assert 404 == (await get(gateway, f"/static/{path}")).status_code, path


async def test_texts_come_compressed_to_whoever_can_read_them_so(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway:
        await is_ready(gateway)
        async with http_client(gateway) as client:
            for path in ("/static/main.js", "/", "/v1/definition"):
                packed = await client.get(path)
                plain = await client.get(path, headers={"accept-encoding": "identity"})
                assert ("gzip", None) == (packed.headers["content-encoding"], plain.headers.get("content-encoding"))
                assert packed.content == plain.content
                assert "accept-encoding" in packed.headers["vary"].lower()
                assert int(packed.headers["content-length"]) < len(plain.content) / 1.5
            font = await client.get("/static/fonts/inter-latin-wght-normal.woff2")
            assert (None, "font/woff2") == (font.headers.get("content-encoding"), font.headers["content-type"])


def test_the_version_is_another_where_any_file_is(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text('<script type="module" src="/static/a.js"></script>')
    (tmp_path / "a.js").write_text('import { b } from "./sub/b.js";\nexport * from "./sub/../c.js";\n')
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/b.js").write_text('import "../a.js";\nimport {\n  c,\n} from "../c.js";\n')
    (tmp_path / "c.js").write_text("0;")
    first = PageFiles(tmp_path, standard_brand())
    page = bytes(first.get_response("index.html", {"type": "http", "headers": []}).body).decode()
    assert [f"~{first.version}/sub/b.js", f"~{first.version}/c.js", f"~{first.version}/a.js"] == re.findall(
        r'"/static/([^"]+)"', page
    )
    (tmp_path / "c.js").write_text("1;")
    assert first.version != PageFiles(tmp_path, standard_brand()).version
