import logging
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from eventlog.clock import Manual
from eventlog.run import Run, RunTopics
from gateway.admission.handshake import AccessSettings, origins
from gateway.gateway import Gateway
from gateway.routes.application import application
from gateway.settings import GatewaySettings
from tests.gateway.gateways import FAST, Running, Viewer, connect, http_client, night, running
from tests.gateway.nights import START, election
from tests.gateway.tokens import HS256, claims, forged, token

CLOSED = AccessSettings(keys=(HS256,), public="token", origins=origins(["https://tv.example"]))
GOOD = token(now=START)


def gateway(access: AccessSettings = CLOSED) -> Gateway:
    made = Gateway("night", clock=Manual(START), settings=GatewaySettings(access=access))
    made.begin(Run(RunTopics("night"), "live", "9f2c", election()))
    made.caught_up()
    return made


async def ask(made: Gateway, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=application(made))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await client.request(method, path, headers=named)


@pytest.mark.parametrize("path", ["/v1/totals", "/v1/definition", "/v1/nothing", "/metrics"])
async def test_what_shows_something_needs_a_token_where_the_public_needs_one(path: str) -> None:
    refused = await ask(gateway(), path)
    assert (refused.status_code, refused.json()["code"]) == (401, "missing_token")
    assert refused.headers["www-authenticate"] == 'Bearer realm="sandik"'
    assert (await ask(gateway(), path, authorization=f"Bearer {GOOD}")).status_code in {200, 404}
    joint = "&" if "?" in path else "?"
    assert (await ask(gateway(), f"{path}{joint}token={GOOD}")).status_code in {200, 404}


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/healthz", "/readyz"])
async def test_pages_and_health_need_none(path: str) -> None:
    assert (await ask(gateway(), path)).status_code == 200


@pytest.mark.parametrize("path", ["/", "/v1/totals", "/v1/definition", "/v1/nothing", "/healthz"])
async def test_a_token_in_the_url_does_not_leak(path: str) -> None:
    answer = await ask(gateway(), f"{path}?token={GOOD}")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"].startswith("private")
    assert GOOD not in f"{answer.headers!r}{answer.text}"
    assert "private" not in (await ask(gateway(), path)).headers.get("cache-control", "")


@pytest.mark.parametrize("text", [forged(claims(exp=1)), forged(claims(), secret=b"x" * 32), "a.b.c", GOOD + "x"])
async def test_a_refused_token_is_not_repeated(text: str) -> None:
    for answer in (
        await ask(gateway(), f"/v1/totals?token={text}"),
        await ask(gateway(), "/v1/totals", authorization=f"Bearer {text}"),
    ):
        assert answer.status_code == 401
        assert text not in f"{answer.headers!r}{answer.text}"


async def test_pages_of_an_allowed_origin_may_read_the_answers() -> None:
    answer = await ask(gateway(), f"/v1/totals?token={GOOD}", origin="https://tv.example")
    assert answer.headers["access-control-allow-origin"] == "https://tv.example"
    assert "etag" in answer.headers["access-control-expose-headers"]
    assert "origin" in answer.headers["vary"].lower()


async def test_pages_of_another_origin_may_not() -> None:
    answer = await ask(gateway(), f"/v1/totals?token={GOOD}", origin="https://evil.example")
    assert "access-control-allow-origin" not in answer.headers
    assert "origin" in answer.headers["vary"].lower()


async def test_a_browser_that_asks_first_is_told() -> None:
    asked = {"origin": "https://tv.example", "access_control_request_headers": "authorization"}
    answer = await ask(gateway(), "/v1/totals", "OPTIONS", **asked)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, "https://tv.example")
    assert "authorization" in answer.headers["access-control-allow-headers"]
    refused = await ask(gateway(), "/v1/totals", "OPTIONS", origin="https://evil.example")
    assert (refused.status_code, refused.json()["code"]) == (403, "wrong_origin")
    assert "access-control-allow-origin" not in refused.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE"])
async def test_nothing_can_be_changed(method: str) -> None:
    answer = await ask(gateway(), f"/v1/totals?token={GOOD}", method)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


async def refusal(server: Running, query: str = "", **headers: str) -> tuple[int, str]:
    """How the stream refuses."""
    with pytest.raises(InvalidStatus) as caught:
        async with connect(server.ws + query, additional_headers=headers, compression=None):
            pass
    response = caught.value.response
    assert response.headers["Content-Type"] == "application/json"
    return response.status_code, (response.body or b"").decode()


async def test_the_stream_says_before_it_opens_why_it_does_not(tmp_path: Path) -> None:
    settings = replace(FAST, access=CLOSED)
    async with night(tmp_path) as log, running(log, settings=settings) as server:
        for query, headers, status, code in (
            ("", {}, 401, "missing_token"),
            ("?token=x.y.z", {}, 401, "malformed"),
            (f"?token={forged(claims(exp=1))}", {}, 401, "expired"),
            (f"?token={token(runs=('other',))}", {}, 403, "wrong_run"),
            (f"?token={token()}", {"Origin": "https://evil.example"}, 403, "wrong_origin"),
            (f"?token={token()}", {"Authorization": f"Bearer {token()}"}, 400, "two_tokens"),
        ):
            got, body = await refusal(server, query, **headers)
            assert (got, f'"code":"{code}"' in body) == (status, True)


async def test_the_stream_opens_for_a_token_and_says_what_it_may_show(tmp_path: Path) -> None:
    settings = replace(FAST, access=CLOSED)
    async with night(tmp_path) as log, running(log, settings=settings) as server:
        for scope in ("public", "control_room", "operator"):
            text = token(scope)
            async with connect(f"{server.ws}?token={text}", origin="https://tv.example") as socket:  # type: ignore[arg-type]  # a NewType of str
                assert (await Viewer(socket).next("hello"))["scope"] == scope
            async with connect(server.ws, additional_headers={"Authorization": f"Bearer {text}"}) as socket:
                assert (await Viewer(socket).next("hello"))["scope"] == scope


async def test_tokens_are_never_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Not even where somebody wants to know everything."""
    settings = replace(FAST, access=CLOSED)
    text, bad = token(), forged(claims(exp=1))
    caplog.set_level(logging.DEBUG, "uvicorn")
    caplog.set_level(logging.DEBUG, "gateway")
    async with night(tmp_path) as log, running(log, settings=settings) as server:
        async with connect(f"{server.ws}?token={text}", logger=logging.getLogger("nobody")) as socket:
            await Viewer(socket).next("hello")
        await refusal(server, f"?token={bad}")
        async with http_client(server) as client:
            await client.get(f"/v1/totals?token={text}")
            await client.get(f"/v1/totals?token={bad}")
    ours = [line.getMessage() for line in caplog.records if line.name.split(".")[0] in {"gateway", "uvicorn", "sandik"}]
    assert not [line for line in ours if text in line or bad in line]
