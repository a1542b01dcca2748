from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from gateway.admission.handshake import AccessSettings
from gateway.pages.manifest import OVERLAY_NAMES
from gateway.routes.boundaries import read_boundaries
from tests.gateway.gateways import FAST, get, is_ready, night, running
from tests.gateway.routes.test_boundaries import collection, feature
from tests.gateway.tokens import HS256


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
