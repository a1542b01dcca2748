"""The HTTP routes: pages, health, and the totals for whoever would rather ask than listen."""

from collections.abc import Callable, Sequence
from hashlib import blake2s
from pathlib import Path
from typing import Final, cast

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from gateway.catalogue import Unknown
from gateway.doors import Doors, grant_of
from gateway.gateway import Gateway, World
from gateway.handshake import TOKEN_FIELD
from gateway.metrics import CONTENT_TYPE
from gateway.view import View

PAGES: Final = Path(__file__).parent / "pages"

MAX_ANSWERS_KEPT: Final = 32
"""Encoded answers of /v1/totals kept at one seq: a graphics tool asks the same thing every second. 32 MB at most."""

_FILTERS: Final = frozenset({"contest", "source", "unit"})
_QUERY_DIGEST_BYTES: Final = 8
_RETRY_AFTER_S: Final = "1"
_NO_CACHE: Final = {"cache-control": "no-cache"}
"""Keep it, but ask every time whether it still holds: the ETag makes that cheap."""


def application(gateway: Gateway, pages: Path = PAGES) -> Starlette:
    """The routes of one gateway."""
    files = _Pages(directory=pages)
    totals = _TotalsRoute(gateway)

    async def index(request: Request) -> Response:
        return await files.get_response("index.html", request.scope)

    async def readiness(_: Request) -> Response:
        return _readiness(gateway)

    async def metrics(_: Request) -> Response:
        return Response(gateway.metrics.expose(), headers={"content-type": CONTENT_TYPE})

    async def definition(request: Request) -> Response:
        return _definition(gateway, request)

    return Starlette(
        routes=[
            Route("/", index),
            Mount("/static", files),
            Route("/healthz", _health),
            Route("/readyz", readiness),
            Route("/metrics", metrics),
            Route("/v1/totals", totals.answer),
            Route("/v1/definition", definition),
        ],
        middleware=[Middleware(Doors, gateway=gateway)],
        exception_handlers={HTTPException: _refuse},
    )


class _Pages(StaticFiles):
    """The files of the pages, never stale: browsers ask each time, and are told that nothing changed."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        if path.endswith(".py"):  # what makes the folder a package is nobody's page
            raise HTTPException(404)
        response = await super().get_response(path, scope)
        response.headers.update(_NO_CACHE)
        return response


class _TotalsRoute:
    """/v1/totals: what the view holds, filtered by contest, source and unit."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._answers: dict[str, bytes] = {}

    async def answer(self, request: Request) -> Response:
        world = _world(self._gateway)
        contest, source, units = _query(request, world)
        scope = grant_of(request).scope
        view = world.view_for(scope)
        query = orjson.dumps([contest, source, sorted(units) if units is not None else None, scope])
        digest = blake2s(query, digest_size=_QUERY_DIGEST_BYTES).hexdigest()
        etag = f'"{world.epoch}-{view.seq}-{digest}"'
        if _holds(request, etag):
            return Response(status_code=304, headers={"etag": etag, **_NO_CACHE})
        return _json(self._body(etag, world, view, contest, source, units), headers={"etag": etag, **_NO_CACHE})

    def _body(
        self, etag: str, world: World, view: View, contest: str | None, source: str | None, units: frozenset[str] | None
    ) -> bytes:
        body = self._answers.get(etag)
        if body is None:
            if len(self._answers) >= MAX_ANSWERS_KEPT:
                self._answers.clear()
            body = self._answers[etag] = _totals(world, view, contest, source, units)
        return body


def _totals(world: World, view: View, contest: str | None, source: str | None, units: frozenset[str] | None) -> bytes:
    contests = [contest] if contest else world.run.definition.contest_by_id
    sources = [source] if source else world.run.definition.source_ids
    moments = [moment for one in contests for other in sources if (moment := view.as_of(one, other))]
    return orjson.dumps(
        {
            "run": world.run.name,
            "mode": world.run.mode,
            "epoch": world.epoch,
            "seq": view.seq,
            "as_of": max(moments, default=None),
            "totals": [row._asdict() for row in view.rows(contest=contest, source=source, units=units)],
        }
    )


def _query(request: Request, world: World) -> tuple[str | None, str | None, frozenset[str] | None]:
    query = request.query_params
    unknown = sorted(set(query) - _FILTERS - {TOKEN_FIELD})
    if unknown:
        raise HTTPException(400, f"There is no filter {unknown[0]!r}. Use contest, source, unit (it may be repeated).")
    try:
        contest = _one(query.getlist("contest"), "contest", world.catalogue.contest)
        source = _one(query.getlist("source"), "source", world.catalogue.source)
        patterns = query.getlist("unit")
        units = world.catalogue.units(patterns) if patterns else None
    except Unknown as error:
        raise HTTPException(404, str(error)) from error
    return contest, source, units


def _one(values: Sequence[str], name: str, check: Callable[[str], str]) -> str | None:
    if len(values) > 1:
        raise HTTPException(400, f"Give one {name}, or none for all of them.")
    return check(values[0]) if values else None


def _definition(gateway: Gateway, request: Request) -> Response:
    world = _world(gateway)
    headers = {"etag": f'"{world.run.epoch}"', **_NO_CACHE}
    if _holds(request, headers["etag"]):
        return Response(status_code=304, headers=headers)
    return _json(world.definition_json, headers=headers)


def _world(gateway: Gateway) -> World:
    if gateway.world is None or not gateway.ready:
        raise HTTPException(503, gateway.reason, headers={"retry-after": _RETRY_AFTER_S})
    return gateway.world


async def _health(_: Request) -> Response:
    return _json(orjson.dumps({"alive": True}))


def _readiness(gateway: Gateway) -> Response:
    ready = gateway.ready and not gateway.retiring
    headers = {} if ready else {"retry-after": _RETRY_AFTER_S}
    body = orjson.dumps({"ready": ready, "reason": gateway.reason})
    return _json(body, status=200 if ready else 503, headers=headers)


async def _refuse(request: Request, error: Exception) -> Response:
    error = cast("HTTPException", error)  # it is registered for nothing else
    message = error.detail
    if error.status_code == 404 and message == "Not Found":  # noqa: PLR2004  HTTP's own number
        message = f"There is nothing at {request.url.path}. Try /, /v1/totals, /v1/definition, /healthz or /readyz."
    return _json(orjson.dumps({"error": message}), status=error.status_code, headers=dict(error.headers or {}))


def _json(body: bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status_code=status, headers=headers, media_type="application/json")


def _holds(request: Request, etag: str) -> bool:
    """Whether the client has this already (RFC 9110 section 13.1.2: If-None-Match compares weakly)."""
    tags = request.headers.get("if-none-match", "")
    return tags.strip() == "*" or etag in [tag.strip().removeprefix("W/") for tag in tags.split(",")]
