"""GET /v1/stream: the stream as server-sent events, for tools that cannot speak WebSocket.

The same path takes the WebSocket's upgrade, which never comes here. One request is one subscription; who comes back
with `Last-Event-ID` resumes there.
"""

import re
from typing import Final

import orjson
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.admission.access import Grant
from gateway.admission.handshake import Refusal
from gateway.clients.session import Unknown
from gateway.connections.http import EventStream, connection_of
from gateway.gateway import Gateway
from gateway.routes.answers import NOT_ASKED
from gateway.routes.middleware import credentials_of, grant_of, refusal_response
from schemas.wire import Subscribe

SUBSCRIPTION_ID: Final = "s1"
"""What the one subscription of a stream of events is called: the same for all, so that all share the bytes."""

RETRY_MS: Final = 2_000
"""After how long an EventSource comes back when the connection breaks: as long as WebSocket clients wait at most."""

_MEDIA_TYPE: Final = "text/event-stream"
_ACCEPTED: Final = (_MEDIA_TYPE, "text/*", "*/*")
_FIELDS: Final = ("contest", "source", "unit", "since", "max_rate_hz")
_HEADERS: Final = (
    (b"content-type", _MEDIA_TYPE.encode()),  # always UTF-8: HTML, section 9.2.4
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would collect some kilobytes first
    (b"connection", b"close"),
)
_SEQ: Final = re.compile(r"[0-9]{1,15}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_FIRST: Final = b"retry: %d\n\n" % RETRY_MS


class StreamEndpoint:
    """The route of one gateway, as an ASGI application."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Admit, begin, and stay until the client or the gateway has had enough."""
        request = Request(scope)
        ask = self._asked(request)
        if request.method == "HEAD":
            await Response(headers={"content-type": _MEDIA_TYPE})(scope, receive, send)
            return
        if self._gateway.retiring:
            await _later()(scope, receive, send)
            return
        stream = self._opened(scope)
        if isinstance(stream, Refusal):
            await refusal_response(stream)(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
        await send({"type": "http.response.body", "body": _FIRST, "more_body": True})
        if stream.is_over:
            return
        grant = grant_of(request)
        if not grant.has_expired(self._gateway.clock.now()):
            await self._follow(stream, grant, ask)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _follow(self, stream: EventStream, grant: Grant, ask: str) -> None:
        try:
            self._gateway.broadcaster.connect(stream, grant)
            self._gateway.broadcaster.receive(stream, ask)
            await stream.ended()
        finally:
            self._gateway.broadcaster.leave(stream)

    def _opened(self, scope: Scope) -> EventStream | Refusal:
        brought = credentials_of(scope)
        handshake = self._gateway.handshake
        refusal = handshake.refuse_origin(brought)
        return refusal or connection_of(scope).open_stream(handshake.counted_address(brought))

    def _asked(self, request: Request) -> str:
        """The request as the message that a WebSocket would bring. Raises `HTTPException` for what cannot be had."""
        if not _accepts_events(request):
            raise HTTPException(406, f"This is a stream of events. Accept {_MEDIA_TYPE}, or upgrade to a WebSocket.")
        message = {
            "type": "subscribe",
            "id": SUBSCRIPTION_ID,
            "units": request.query_params.getlist("unit"),
            "since": _since(request),
            **_fields(request),
        }
        try:
            subscribe = Subscribe.model_validate_json(orjson.dumps(message))
            if self._gateway.ready and self._gateway.run_state is not None:
                self._gateway.run_state.catalogue.subscription(subscribe)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            name = str(first["loc"][0]).replace("units", "unit")
            raise HTTPException(400, f"{name}: {first['msg']}. Ask with contest=, source= and unit=.") from error
        except Unknown as error:
            raise HTTPException(404, str(error)) from error
        return orjson.dumps(message).decode()


def _fields(request: Request) -> dict[str, object]:
    query = request.query_params
    unknown = sorted(set(query) - {*_FIELDS, *NOT_ASKED})
    if unknown:
        raise HTTPException(400, f"There is no field {unknown[0]!r}. Use {', '.join(_FIELDS)} (unit may be repeated).")
    found: dict[str, object] = {}
    for name in ("contest", "source", "max_rate_hz"):
        values = query.getlist(name)
        if len(values) > 1:
            raise HTTPException(400, f"Give one {name}. Open another stream for another one.")
        if values:
            found[name] = values[0]
    if "max_rate_hz" in found:
        found["max_rate_hz"] = _number(str(found["max_rate_hz"]))
    return found


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):  # float() would take nan, inf and 1_0 as well
        raise HTTPException(400, f"max_rate_hz: {text!r} is no number.")
    return float(text)


def _since(request: Request) -> dict[str, object] | None:
    """The cursor that the client was at: what its EventSource says, else what is in the URL; `None` if it is none."""
    text = request.headers.get("last-event-id") or request.query_params.get("since") or ""
    epoch, _, seq = text.rpartition(".")
    return {"epoch": epoch, "seq": int(seq)} if epoch and _SEQ.fullmatch(seq) else None


def _accepts_events(request: Request) -> bool:
    ranges = [part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "*/*").split(",")]
    return any(one in _ACCEPTED for one in ranges)


def _later() -> Response:
    """What who comes while the gateway ends is told. An EventSource would take a 503 for the last word."""
    return Response(
        _FIRST + b":\n\n", headers={"cache-control": "no-store", "connection": "close"}, media_type=_MEDIA_TYPE
    )
