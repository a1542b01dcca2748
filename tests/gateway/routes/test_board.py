import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import httpx
import orjson
import pytest

from eventlog.clock import Manual
from eventlog.run import Run, RunTopics
from gateway.admission.handshake import AccessSettings
from gateway.gateway import Gateway
from gateway.pages import PAGES
from gateway.routes.application import application
from gateway.routes.board import home, selected
from gateway.settings import GatewaySettings
from schemas.definition import Election, Unit
from tabulation.orders.restrictions import NO_EMBARGO, Embargo
from tests.gateway.gateways import FAST, RUN
from tests.gateway.nights import START, Written, election, totals
from tests.gateway.tokens import HS256, token


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
