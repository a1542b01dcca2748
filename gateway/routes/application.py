"""The HTTP routes: pages and health here, each endpoint for figures in a file of its own."""

from pathlib import Path
from typing import cast

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from gateway.admission.access import PUBLIC
from gateway.admission.handshake import ORDERS_PATH, STREAM_PATH
from gateway.gateway import Gateway
from gateway.metrics import CONTENT_TYPE, told_age_s
from gateway.pages import PAGES
from gateway.routes.answers import NO_STORE, RETRY_AFTER_S, Coded, json_answer, run_state_of, unless_held
from gateway.routes.boundaries import Boundaries
from gateway.routes.compare import CompareEndpoint
from gateway.routes.control import ControlEndpoint, OrderLog, OrdersEndpoint
from gateway.routes.facts import FactsEndpoint
from gateway.routes.middleware import AdmissionMiddleware, grant_of
from gateway.routes.moments import Moments
from gateway.routes.pages import BoundariesEndpoint, OverlayEndpoint, PageFiles
from gateway.routes.rows import RowsEndpoint
from gateway.routes.seats import SeatsEndpoint
from gateway.routes.stream import StreamEndpoint
from gateway.routes.totals import TotalsEndpoint
from gateway.siblings import Siblings


def application(
    gateway: Gateway,
    pages: Path = PAGES,
    moments: Moments | None = None,
    boundaries: Boundaries | None = None,
    log: OrderLog | None = None,
    siblings: Siblings | None = None,
) -> Starlette:
    """The routes of one gateway; with a log to write them to it takes orders, with siblings it tells their metrics."""
    files = PageFiles(directory=pages)
    rows = RowsEndpoint(gateway)

    async def index(request: Request) -> Response:
        return await files.get_response("index.html", request.scope)

    async def control_room(request: Request) -> Response:
        return await files.get_response("control/index.html", request.scope)

    async def readiness(_: Request) -> Response:
        return _readiness(gateway)

    async def metrics(request: Request) -> Response:
        grant = grant_of(request)
        body = await siblings.scrape(grant) if siblings is not None else gateway.exposed_to(grant)
        return Response(body, headers={"content-type": CONTENT_TYPE} | NO_STORE)

    async def definition(request: Request) -> Response:
        return _definition(gateway, request)

    app = Starlette(
        routes=[
            Route("/", index),
            Route("/control", control_room),
            Route("/overlays/{name}", OverlayEndpoint(files).answer),
            Mount("/static", files),
            Route("/healthz", _health),
            Route("/readyz", readiness),
            Route("/metrics", metrics),
            Route("/v1/totals", TotalsEndpoint(gateway, moments).answer),
            Route(STREAM_PATH, StreamEndpoint(gateway)),
            Route("/v1/facts", FactsEndpoint(gateway).answer),
            Route("/v1/seats", SeatsEndpoint(gateway).answer),
            Route("/v1/compare", CompareEndpoint(gateway).answer),
            Route("/v1/control", ControlEndpoint(gateway).answer),
            *([Route(ORDERS_PATH, OrdersEndpoint(gateway, log).answer, methods=["POST"])] if log is not None else []),
            Route("/v1/rows.json", rows.json),
            Route("/v1/rows.csv", rows.csv),
            Route("/v1/flat.json", rows.flat),
            Route("/v1/definition", definition),
            Route("/v1/boundaries", BoundariesEndpoint(boundaries).answer),
        ],
        middleware=[Middleware(AdmissionMiddleware, gateway=gateway)],
        exception_handlers={HTTPException: _refuse},
    )
    app.router.redirect_slashes = (
        False  # a redirect repeats the query, token and all, to whatever host the client names
    )
    return app


def _definition(gateway: Gateway, request: Request) -> Response:
    run_state = run_state_of(gateway)
    return unless_held(request, run_state.definition_json, f'"{run_state.run.epoch}"')


async def _health(_: Request) -> Response:
    return json_answer(orjson.dumps({"alive": True}))


def _readiness(gateway: Gateway) -> Response:
    reasons = [reason.sentence for reason in gateway.unready()]
    headers = {"retry-after": RETRY_AFTER_S} if reasons else {}
    answer = {
        "ready": not reasons,
        "reason": " ".join(reasons) or gateway.reason,
        "reasons": reasons,
        "log_age_s": round(told_age_s(gateway.log_age_s, numbers=gateway.may_be_counted_by(PUBLIC)), 1),
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
