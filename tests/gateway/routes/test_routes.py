from pathlib import Path

import pytest

from gateway.routes.answers import MAX_ANSWERS_KEPT
from schemas.definition import Election
from tests.gateway.gateways import RUN, get, http_client, is_ready, is_refused, night, publish, running, viewer
from tests.gateway.nights import election, totals


async def test_totals_are_the_view_with_its_seq(tmp_path: Path) -> None:
    async with night(tmp_path) as log:
        await publish(log, totals(votes={"imamoglu": 5}, minute=3), totals(votes={"kurum": 1}, source="anka"))
        async with running(log) as gateway:
            await is_ready(gateway)
            answer = (await get(gateway, "/v1/totals")).json()
            assert {key: answer[key] for key in ("run", "mode", "epoch", "seq", "as_of")} == {
                "run": RUN,
                "mode": "test",
                "epoch": "9f2c",
                "seq": 2,
                "as_of": "2024-03-31T17:03:00+00:00",
            }
            assert [(row["source"], row["unit"]) for row in answer["totals"]] == [
                (source, unit) for source in ("aa", "anka") for unit in ("tr", "tr/34", "tr/34/uskudar")
            ]
            assert answer["totals"][0]["boxes_total"] == 17
            assert answer["totals"][0]["votes"] == {"imamoglu": 5, "kurum": 0}


async def test_totals_can_be_filtered(tmp_path: Path) -> None:
    async with night(tmp_path) as log:
        await publish(
            log, totals(), totals("tr/06/cankaya"), totals(source="anka"), totals(votes={}, contest="council")
        )
        async with running(log) as gateway:
            await is_ready(gateway)
            rows = (await get(gateway, "/v1/totals?contest=mayor&source=aa&unit=tr/*&unit=tr")).json()["totals"]
            assert [(row["contest"], row["source"], row["unit"]) for row in rows] == [
                ("mayor", "aa", unit) for unit in ("tr", "tr/06", "tr/34")
            ]


async def test_who_has_the_newest_already_is_told_so(tmp_path: Path) -> None:
    """An ETag is good for one query at one seq."""
    async with night(tmp_path) as log, running(log) as gateway, viewer(gateway) as client:
        await client.subscribe("tr")
        await client.next("snapshot")
        first = await get(gateway, "/v1/totals?unit=tr")
        tag = first.headers["etag"]
        assert not tag.startswith("W/")
        assert first.headers["cache-control"] == "no-cache"
        marked = [f'"{tag.strip(chr(34))}{coding}"' for coding in ("-gzip", "--gzip", "-br", ";zstd")]
        for known in (tag, f'"x", W/{tag}', "*", *marked, f"W/{marked[0]}"):
            again = await get(gateway, "/v1/totals?unit=tr", if_none_match=known)
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert (await get(gateway, "/v1/totals", if_none_match=tag)).status_code == 200
        assert (await get(gateway, "/v1/totals?unit=tr")).content == first.content
        await publish(log, totals())
        await client.next("delta")
        assert (await get(gateway, "/v1/totals?unit=tr", if_none_match=tag)).status_code == 200


async def test_what_the_client_has_may_be_named_in_several_lines(tmp_path: Path) -> None:
    """Of a door to the figures as of a page."""
    async with night(tmp_path) as log, running(log) as gateway:
        await is_ready(gateway)
        async with http_client(gateway) as client:
            for path in ("/v1/totals?unit=tr", "/v1/definition", "/static/main.js"):
                tag = (await client.get(path)).headers["etag"]
                for lines in (['"x"', tag], [tag, '"x"'], ['"x"', f'{tag[:-1]}-gzip"']):
                    again = await client.get(path, headers=[("if-none-match", line) for line in lines])
                    assert again.status_code == 304
                other = await client.get(path, headers=[("if-none-match", '"x"'), ("if-none-match", '"y-gzip"')])
                assert other.status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/control", "/overlays", "/overlays/duel", "/static/index.html", "/static/graphics/offline.html"]
)
async def test_every_page_runs_no_scripts_but_the_gateways_own(tmp_path: Path, path: str) -> None:
    async with night(tmp_path) as log, running(log) as gateway:
        answer = await get(gateway, path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self';" in policy
        assert "unsafe" not in policy
        assert ("frame-ancestors 'none'" in policy) == (path == "/control")
        assert (await get(gateway, "/healthz")).headers.get("content-security-policy") is None


async def test_a_gateway_below_a_path_says_that_it_cannot_be(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway:
        await is_refused(gateway, "/sandik/", 404, "a proxy cannot put it below a path")


async def test_answers_kept_for_the_next_to_ask_are_bounded(tmp_path: Path) -> None:
    """Whoever asks for many things gets them all the same."""
    async with night(tmp_path) as log, running(log) as gateway, viewer(gateway) as client:
        await client.subscribe("tr")
        await client.next("snapshot")
        for number in range(MAX_ANSWERS_KEPT + 2):
            await publish(log, totals(votes={"kurum": number}, version=number))
            await client.next("delta")
            assert (await get(gateway, "/v1/totals?unit=tr")).json()["seq"] == number + 1


@pytest.mark.parametrize(
    ("path", "status", "hint"),
    [
        ("/v1/totals?contest=president", 404, "mayor, council"),
        ("/v1/totals?source=reuters", 404, "aa, anka"),
        ("/v1/totals?unit=tr/35", 404, "tr/35"),
        ("/v1/totals?country=tr", 400, "contest, source, unit"),
        ("/v1/totals?contest=mayor&contest=council", 400, "Give one contest"),
        ("/v1/nothing", 404, "/v1/definition"),
        ("/static/nothing.js", 404, "/v1/totals"),
        ("/static/__init__.py", 404, "/v1/totals"),
        ("/static/..%2fgateway.py", 404, ""),
        ("/static/%2e%2e/gateway.py", 404, ""),
        ("/static//etc/passwd", 404, ""),
        ("/static/%00", 404, ""),
    ],
)
async def test_what_is_not_there_is_a_json_error_that_helps(tmp_path: Path, path: str, status: int, hint: str) -> None:
    async with night(tmp_path) as log, running(log) as gateway:
        await is_refused(gateway, path, status, hint)


async def test_the_definition_is_the_runs(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway:
        await is_ready(gateway)
        answer = await get(gateway, "/v1/definition")
        assert Election.model_validate_json(answer.content) == election()
        known = await get(gateway, "/v1/definition", if_none_match=answer.headers["etag"])
        assert known.status_code == 304


async def test_pages_are_asked_about_every_time(tmp_path: Path) -> None:
    """A browser keeps them, but shows none that is out of date."""
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "index.html").write_text("<h1>Board</h1>")
    (pages / "board.js").write_text("0")
    async with night(tmp_path) as log, running(log, pages=pages) as gateway:
        for path in ("/", "/static/board.js"):
            answer = await get(gateway, path)
            assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
            known = await get(gateway, path, if_none_match=answer.headers["etag"])
            assert known.status_code == 304


async def test_metrics_say_what_was_sent_and_how_far_the_view_is(tmp_path: Path) -> None:
    async with night(tmp_path) as log, running(log) as gateway, viewer(gateway) as client:
        await client.subscribe("tr")
        await client.next("snapshot")
        await publish(log, totals())
        await client.next("event")  # a snapshot, a delta, and that one in a hundred boxes is open
        answer = await get(gateway, "/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=")
    for line in (
        'sandik_gateway_ready{run="night",worker="1"} 1.0',
        'sandik_gateway_connections{run="night",worker="1"} 1.0',
        'sandik_gateway_groups{run="night",worker="1"} 1.0',
        'sandik_gateway_seq{run="night",worker="1"} 1.0',
        'sandik_gateway_frames_total{run="night",worker="1"} 3.0',
        'sandik_gateway_folded_records_total{run="night",worker="1"} 1.0',
        'sandik_feed_state{run="night",source="aa",state="live",worker="1"} 1.0',
    ):
        assert line in answer.text
