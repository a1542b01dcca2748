import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.admission.handshake import AccessSettings
from gateway.brands.folder import open_brand
from tests.gateway.gateways import FAST, get, is_ready, night, running
from tests.gateway.tokens import HS256, token
from tests.patience import LIMIT_S


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("lead-board", 200, "sandık overlay"),
        ("lead-board?contest=&unit=&source=", 200, "sandık overlay"),
        ("lead-board?unit=tr/34&rows=8&theme=light&safe&_=17&layer=4", 200, "sandık overlay"),
        ("ticker?speed=60", 200, "sandık overlay"),
        ("duel?candidates=a,%20b", 200, "sandık overlay"),
        ("lead-board?theme=neon", 400, "theme=neon cannot be read. Give one of: dark, light."),
        ("lead-board?rows=9", 400, "rows=9 cannot be read. Give a whole number from 1 to 8."),
        ("ticker?speed=9999", 400, "px_per_s=9999 cannot be read."),
        ("lead-board?play=yes", 400, "play=yes cannot be read. Give one of: 0, 1."),
        ("duel?candidates=a,b,c", 400, "Give 2 names at most, with commas between them."),
        ("lead-board?unit=tr/99", 404, "There is no unit &#x27;tr/99&#x27;."),
        ("lead-board?contest=%3Cb%3E", 404, "There is no contest &#x27;&lt;b&gt;&#x27;."),
        ("lead-board?source=bbc", 404, "There is no source &#x27;bbc&#x27;."),
    ],
)
async def test_an_address_with_a_fault_says_so_and_is_the_page_all_the_same(
    address: str, status: int, words: str, tmp_path: Path
) -> None:
    """On air it stays an empty picture; whoever asks for the status reads what is wrong in the title."""
    async with night(tmp_path) as log, running(log) as gateway:
        await is_ready(gateway)
        answer = await get(gateway, f"/overlays/{address}")
        title = answer.text.partition("<title>")[2].partition("</title>")[0]
        assert (status, True) == (answer.status_code, words in title)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "/overlays/start.js" in answer.text


async def test_who_may_not_read_the_names_of_the_election_is_told_none(tmp_path: Path) -> None:
    closed = replace(FAST, access=AccessSettings(keys=(HS256,), public="token"))
    address = "/overlays/duel?contest=nobodys"
    async with night(tmp_path) as log, running(log, settings=closed) as gateway, asyncio.timeout(LIMIT_S):
        while 404 != (await get(gateway, f"{address}&token={token('public')}")).status_code:
            pass  # it does not know the election yet
        assert 200 == (await get(gateway, address)).status_code


async def test_a_gateway_serves_its_brand_and_nothing_beside_it(tmp_path: Path) -> None:
    settings = replace(FAST, brand=open_brand("arena"))
    async with night(tmp_path) as log, running(log, settings=settings) as gateway:
        css = await get(gateway, "/static/brand/brand.css")
        assert (200, "text/css; charset=utf-8") == (css.status_code, css.headers["content-type"])
        assert 304 == (await get(gateway, "/static/brand/brand.css", if_none_match=css.headers["etag"])).status_code
        logo = await get(gateway, "/static/brand/logo.svg")
        assert ("image/svg+xml; charset=utf-8", True) == (
            logo.headers["content-type"],
            "sandbox" in logo.headers["content-security-policy"],
        )
        for path in ("brand.toml", "photos/nobody.png", "%2e%2e/%2e%2e/brand.py"):
            assert 404 == (await get(gateway, f"/static/brand/{path}")).status_code
