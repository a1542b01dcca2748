"""The HTTP routes: pages and health here, each endpoint for figures in a file of its own.

What is large is compressed for whoever can read it so; an event stream is not, since it would be held back.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, cast

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from gateway.admission.access import PUBLIC, Grant
from gateway.admission.handshake import ORDERS_PATH, STREAM_PATH
from gateway.gateway import Gateway
from gateway.health import CONTENT_TYPE, shown_age_s
from gateway.pages import PAGES
from gateway.recall import Moments
from gateway.routes.answers import (
    NO_CACHE,
    NO_STORE,
    RETRY_AFTER_S,
    Coded,
    json_answer,
    run_state_of,
    unless_held,
)
from gateway.routes.boundaries import Boundaries
from gateway.routes.compare import CompareEndpoint
from gateway.routes.control import ControlEndpoint, OrderLog, OrdersEndpoint, QuarantineEndpoint
from gateway.routes.facts import FactsEndpoint, LeadOverTimeEndpoint, SeatsEndpoint
from gateway.routes.middleware import AdmissionMiddleware, grant_of
from gateway.routes.pages import BoardEndpoint, OverlayEndpoint, PageFiles
from gateway.routes.stream import StreamEndpoint
from gateway.routes.totals import RowsEndpoint, TotalsEndpoint
from schemas.amendments import FIRST_VERSION

_VERSION_DIGITS: Final = 6
"""More than the version of any definition has."""
_SHOWN_CHARS: Final = 20

LEAST_COMPRESSED_BYTES: Final = 1_024
"""What fits into one packet is there as soon as a smaller one."""

COMPRESSION: Final = 4
"""gzip's level: figures shrink to a fifth at a quarter of the time that its standard, 9, takes."""


def application(
    gateway: Gateway,
    pages: Path = PAGES,
    moments: Moments | None = None,
    boundaries: Boundaries | None = None,
    log: OrderLog | None = None,
    scrape: Callable[[Grant], Awaitable[bytes]] | None = None,
) -> Starlette:
    """The routes of one gateway; with a log it takes orders, with `scrape` it serves all workers' metrics."""
    files = PageFiles(pages, gateway.settings.brand)
    rows = RowsEndpoint(gateway)

    async def control_room(request: Request) -> Response:
        return files.get_response("control/index.html", request.scope)

    async def gallery(request: Request) -> Response:
        return files.get_response("gallery/index.html", request.scope)

    async def readiness(_: Request) -> Response:
        return _readiness(gateway)

    async def metrics(request: Request) -> Response:
        grant = grant_of(request)
        body = await scrape(grant) if scrape is not None else gateway.exposed_to(grant)
        return Response(body, headers={"content-type": CONTENT_TYPE} | NO_STORE)

    async def definition(request: Request) -> Response:
        return _definition(gateway, request)

    async def versions(_: Request) -> Response:
        return _versions(gateway)

    app = Starlette(
        routes=[
            Route("/", BoardEndpoint(gateway, files).answer),
            Route("/control", control_room),
            Route("/overlays", gallery),
            Route("/overlays/{name}", OverlayEndpoint(gateway, files).answer),
            Mount("/static", files),
            Route("/healthz", _health),
            Route("/readyz", readiness),
            Route("/metrics", metrics),
            Route("/v1/totals", TotalsEndpoint(gateway, moments).answer),
            Route(STREAM_PATH, StreamEndpoint(gateway)),
            Route("/v1/facts", FactsEndpoint(gateway).answer),
            Route("/v1/lead-over-time", LeadOverTimeEndpoint(gateway).answer),
            Route("/v1/seats", SeatsEndpoint(gateway).answer),
            Route("/v1/compare", CompareEndpoint(gateway).answer),
            Route("/v1/control", ControlEndpoint(gateway).answer),
            Route("/v1/quarantine", QuarantineEndpoint(gateway).answer),
            *([Route(ORDERS_PATH, OrdersEndpoint(gateway, log).answer, methods=["POST"])] if log is not None else []),
            Route("/v1/rows.json", rows.json),
            Route("/v1/rows.csv", rows.csv),
            Route("/v1/flat.json", rows.flat),
            Route("/v1/definition", definition),
            Route("/v1/definition/versions", versions),
            Route("/v1/boundaries", BoundariesEndpoint(boundaries).answer),
        ],
        middleware=[
            Middleware(AdmissionMiddleware, gateway=gateway),
            Middleware(GZipMiddleware, minimum_size=LEAST_COMPRESSED_BYTES, compresslevel=COMPRESSION),
        ],
        exception_handlers={HTTPException: _refuse},
    )
    app.router.redirect_slashes = (
        False  # a redirect repeats the query, token and all, to whatever host the client names
    )
    return app


def _definition(gateway: Gateway, request: Request) -> Response:
    """The definition in force, or the version that is asked for."""
    run_state = run_state_of(gateway)
    run = run_state.run
    asked = request.query_params.get("version", str(run.version))
    version = int(asked) if asked.isdecimal() and len(asked) <= _VERSION_DIGITS else 0
    if not FIRST_VERSION <= version <= run.version:
        message = f"There is no version {asked[:_SHOWN_CHARS]!r} of the definition: {run.version} is in force."
        raise HTTPException(404, message)
    etag = f'"{run.epoch}"' if version == FIRST_VERSION else f'"{run.epoch}.{version}"'
    return unless_held(request, run_state.definition_json(version), etag)


def _versions(gateway: Gateway) -> Response:
    """Every version that the definition has had: its digest, and what has made it."""
    run = run_state_of(gateway).run
    versions = [{"version": FIRST_VERSION, "digest": run.base.digest, "order": None, "changes": []}]
    versions += [
        {
            "version": one.version,
            "digest": one.yields,
            "order": one.order,
            "changes": [change.model_dump(mode="json") for change in one.changes],
        }
        for one in run.amendments
    ]
    return json_answer(orjson.dumps(versions), headers=NO_CACHE)


async def _health(_: Request) -> Response:
    return json_answer(orjson.dumps({"alive": True}))


def _readiness(gateway: Gateway) -> Response:
    reasons = [reason.sentence for reason in gateway.unready()]
    headers = {"retry-after": RETRY_AFTER_S} if reasons else {}
    answer = {
        "ready": not reasons,
        "reason": " ".join(reasons) or gateway.reason,
        "reasons": reasons,
        "log_age_s": round(shown_age_s(gateway.log_age_s, numbers=gateway.may_be_counted_by(PUBLIC)), 1),
    }
    return json_answer(orjson.dumps(answer), status=503 if reasons else 200, headers=headers)


async def _refuse(request: Request, error: Exception) -> Response:
    error = cast("HTTPException", error)  # it is registered for nothing else
    message = error.detail
    if error.status_code == 404 and message == "Not Found":  # noqa: PLR2004  HTTP's own number
        message = (
            f"There is nothing at {request.url.path}. "
            "Try /, /overlays/lead-board, /v1/totals, /v1/definition, /healthz or /readyz. "
            "The gateway needs a host name or port of its own: a proxy cannot put it below a path."
        )
    body = {"error": message} | (error.fields if isinstance(error, Coded) else {})
    return json_answer(orjson.dumps(body), status=error.status_code, headers=dict(error.headers or {}))


class BoundariesEndpoint:
    """/v1/boundaries: the GeoJSON that the gateway was given, or 204 where it was given none."""

    def __init__(self, boundaries: Boundaries | None) -> None:
        self._boundaries = boundaries

    async def answer(self, request: Request) -> Response:
        """The boundaries, with an ETag: they do not change while the gateway runs."""
        if self._boundaries is None:
            return Response(status_code=204, headers=NO_CACHE)
        return unless_held(request, self._boundaries.body, self._boundaries.etag)
