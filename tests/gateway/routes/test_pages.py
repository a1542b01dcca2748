import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path

import httpx
import orjson
import pytest

from eventlog.clock import Manual
from eventlog.run import Run, RunTopics
from gateway.admission.handshake import AccessSettings
from gateway.brand import open_brand, standard_brand
from gateway.gateway import Gateway
from gateway.pages import OVERLAY_NAMES, PAGES
from gateway.routes.application import application
from gateway.routes.boundaries import read_boundaries
from gateway.routes.pages import IMMUTABLE, PageFiles, home, selected
from gateway.settings import GatewaySettings
from schemas.definition import Election, Unit
from tabulation.orders.effects import NO_EMBARGO, Embargo
from tests.gateway.gateways import FAST, RUN, get, http_client, is_ready, night, running
from tests.gateway.nights import START, Written, election, totals
from tests.gateway.routes.test_boundaries import collection, feature
from tests.gateway.tokens import HS256, token
from tests.patience import LIMIT_S


@pytest.mark.parametrize("name", OVERLAY_NAMES)
async def test_every_overlay_has_an_address_and_needs_no_token_for_the_page(name: str, tmp_path: Path) -> None:
    """The page holds no figures; its connection brings the token."""
    closed = replace(FAST, access=AccessSettings(keys=(HS256,), public="token"))
    async with night(tmp_path) as log, running(log, settings=closed) as gateway:
        answer = await get(gateway, f"/overlays/{name}?contest=mayor")
        assert (200, "text/html; charset=utf-8") == (answer.status_code, answer.headers["content-type"])
        assert b"/overlays/start.js" in answer.content


async def test_an_overlay_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway:
        answer = await get(gateway, "/overlays/leadboard")
        assert 404 == answer.status_code
        assert "lead-board, duel" in answer.json()["error"]


async def test_boundaries_are_served_with_an_etag_or_there_are_none(tmp_path: Path) -> None:
    given = read_boundaries(collection(feature()))
    async with night(tmp_path) as log:
        async with running(log, boundaries=given) as gateway:
            await is_ready(gateway)
            answer = await get(gateway, "/v1/boundaries")
            assert (200, orjson.loads(given.body)) == (answer.status_code, answer.json())
            assert 304 == (await get(gateway, "/v1/boundaries", if_none_match=given.etag)).status_code
        async with running(log) as gateway:
            await is_ready(gateway)
            assert 204 == (await get(gateway, "/v1/boundaries")).status_code


def with_units(*units: Unit) -> Election:
    """An election of one contest with these units."""
    return Election.model_validate(election().model_dump() | {"units": units, "contests": (election().contests[0],)})


@pytest.mark.parametrize(
    ("asked", "unit", "contest", "source"),
    [
        ({}, "tr", "mayor", "aa"),
        ({"contest": "council", "source": "anka", "unit": "tr/34"}, "tr/34", "council", "anka"),
        ({"contest": "none", "source": "none", "unit": "none"}, "tr", "mayor", "aa"),
    ],
)
def test_what_the_election_does_not_know_is_its_first(
    asked: dict[str, str], unit: str, contest: str, source: str
) -> None:
    assert {"contest": contest, "source": source, "unit": unit} == selected(election(), asked)


def test_a_screen_starts_at_the_highest_unit_with_several_below_it() -> None:
    country = Unit(id="tr", level="country", name="Türkiye")
    province = Unit(id="tr/34", level="province", name="İstanbul", parent="tr")
    districts = [
        Unit(id=f"tr/34/{name}", level="district", name=name, parent="tr/34", boxes=((1, 2),)) for name in ("a", "b")
    ]
    assert "tr/34" == home(with_units(country, province, *districts))
    assert "tr/34" == home(with_units(country, province, districts[0]))
    assert "tr" == home(election())


def fetched(page: str) -> list[str]:
    """The addresses that a page asks for before its script does."""
    return [unescape(one) for one in re.findall(r'<link rel="preload" as="fetch" href="([^"]+)"', page)]


def serving(settings: GatewaySettings = FAST) -> Gateway:
    """A gateway with a night of one district."""
    made = Gateway(RUN, clock=Manual(START + timedelta(minutes=10)), settings=settings)
    made.begin(Run(RunTopics(RUN), "live", "9f2c", election()))
    made.set_embargo(NO_EMBARGO)
    made.fold([Written(0, totals(votes={"imamoglu": 5}).encode())])
    made.caught_up()
    return made


async def page_of(gateway: Gateway, path: str) -> str:
    """A page of the gateway's."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(application(gateway)), base_url="http://gateway"
    ) as client:
        return (await client.get(path)).text


async def test_the_page_names_what_its_first_number_needs() -> None:
    gateway = serving()
    definition, figures = fetched(await page_of(gateway, "/?unit=tr/34&lang=en"))
    assert ("/v1/definition", "/v1/totals?contest=mayor&source=aa&unit=tr%2F34") == (definition, figures)
    (row,) = orjson.loads(await page_of(gateway, figures))["totals"]
    assert ("tr/34", 5) == (row["unit"], row["votes"]["imamoglu"])


async def test_where_a_token_is_asked_for_the_page_names_nothing_and_repeats_none() -> None:
    gateway = serving(replace(FAST, access=AccessSettings(keys=(HS256,), public="token")))
    mine = token(runs=(RUN,), now=START)
    for path in ("/", f"/?token={mine}"):
        assert [] == fetched(await page_of(gateway, path))


async def test_during_an_embargo_and_before_there_is_a_run_no_figures_are_asked_for() -> None:
    gateway = serving()
    gateway.set_embargo(Embargo())
    assert ["/v1/definition"] == fetched(await page_of(gateway, "/"))
    assert [] == fetched(await page_of(Gateway(RUN, clock=Manual(START), settings=FAST), "/"))


def shared(page: str) -> dict[str, str]:
    """What a page says of itself to whoever shows a link to it."""
    return {name: unescape(text) for name, text in re.findall(r'<meta property="og:(\w+)" content="([^"]+)"', page)}


async def test_a_link_says_the_publics_figures_and_has_a_picture_that_is_there() -> None:
    gateway = serving()
    found = shared(await page_of(gateway, "/?unit=tr/34"))
    assert "İstanbul · Mayor" == found["title"]
    assert found["description"].startswith("AA · 31.03.2024 20:00: Imamoglu %100,00 · açılan sandık 1 / 12")
    assert "http://gateway/static/share.png" == found["image"]
    assert (PAGES / "share.png").read_bytes().startswith(b"\x89PNG")


async def test_a_link_says_no_figure_during_an_embargo_even_to_the_control_room() -> None:
    gateway = serving(replace(FAST, access=AccessSettings(keys=(HS256,))))
    mine = token(runs=(RUN,), now=START)
    gateway.set_embargo(Embargo())
    for path in ("/", f"/?token={mine}"):
        assert "Canlı seçim sonuçları · A small election" == shared(await page_of(gateway, path))["description"]


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
                for refusing in ("identity", "br, gzip;q=0", "gzip; q=0.00, br"):
                    plain = await client.get(path, headers={"accept-encoding": refusing})
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
