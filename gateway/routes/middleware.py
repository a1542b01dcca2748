"""Admission to HTTP: every request is asked what it brings before a route sees it, and every answer keeps its secrets.

Plain ASGI around the routes, so that a route that is added later is behind it as well. Who may come in at all is
decided in `handshake`; an embargo is kept here. What else a route shows to whom, it decides by the grant it finds.
"""

import re
from datetime import datetime
from typing import Final

import orjson
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.admission.access import PUBLIC, Grant
from gateway.admission.handshake import ORDERS_PATH, STREAM_PATH, Credentials, Refusal
from gateway.connections.http import cut_off
from gateway.gateway import Gateway

_GRANT: Final = "sandik.grant"
_OPEN_PATHS: Final = frozenset({"/", "/control", "/overlays", "/healthz", "/readyz"})
_OPEN_FOLDERS: Final = ("/static/", "/overlays/")
"""The pages hold no figures but those that the board asks about itself; a balancer asks for health without a token."""

_WITHOUT_NUMBERS: Final = frozenset(
    {"/v1/definition", "/v1/definition/versions", "/v1/boundaries", "/metrics", STREAM_PATH}
)
"""Routes that an embargo leaves alone; the stream and the metrics keep it by themselves.

All others are closed, so that one which is added later cannot be forgotten.
"""

_METHODS: Final = "GET, HEAD, OPTIONS"
_NO_GZIP: Final = re.compile(rb"\bgzip\s*;\s*q=0(?:\.0*)?\s*(?:,|$)", re.IGNORECASE)
"""A weight of 0 is "not acceptable" (RFC 9110 section 12.4.2)."""

_PREFLIGHT_S: Final = "600"
"""How long a browser may keep what it was told about an origin: after ten minutes a change is known."""


class AdmissionMiddleware:
    """Admits requests, refuses those that bring something wrong, and says who may read the answers."""

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self._app = app
        self._gateway = gateway
        self._handshake = gateway.handshake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["headers"] = [header for header in scope["headers"] if not _refuses_gzip(*header)]
        brought = credentials_of(scope)
        answer = self._answering(send, brought)
        if scope["method"] == "OPTIONS":
            await self._preflight(brought)(scope, receive, answer)
            return
        refused = self._refuse_method(scope["method"], scope["path"], brought)
        if refused is not None:
            await refused(scope, receive, answer)
            return
        decision = PUBLIC if is_open(scope["path"]) else self._handshake.admit(brought, self._gateway.clock.now())
        if isinstance(decision, Refusal):
            await refusal_response(decision)(scope, receive, answer)
            return
        scope[_GRANT] = decision
        if _is_free_of_numbers(scope["path"]):
            await self._app(scope, receive, answer)
            return
        kept = self._kept_from(decision)
        if kept is not None:
            await kept(scope, receive, answer)
            return
        await self._app(scope, receive, self._asking_again(scope, receive, answer, decision))

    def _refuse_method(self, method: str, path: str, brought: Credentials) -> Response | None:
        """Orders are given, everything else is asked for; and no page of somebody else's gives any."""
        if path == ORDERS_PATH:
            if method != "POST":
                return _answer(405, b'{"error":"Orders are given, not asked for. Use POST."}', {"allow": "POST"})
            refusal = self._handshake.refuse_origin(brought)
            return refusal_response(refusal) if refusal is not None else None
        if method not in {"GET", "HEAD"}:
            return _answer(405, b'{"error":"Nothing here can be changed. Use GET."}', {"allow": _METHODS})
        return None

    def _kept_from(self, grant: Grant) -> Response | None:
        """Why the bearer of this grant is told no numbers now. Before the orders are read, there may be an embargo."""
        gateway = self._gateway
        if not gateway.may_see_numbers(grant):
            return embargoed(gateway.embargo.until)
        if gateway.run_state is None or gateway.ready or grant.allows("control_room"):
            return None
        return _answer(503, orjson.dumps({"error": gateway.reason, "code": "not_ready"}), {"retry-after": "1"})

    def _asking_again(self, scope: Scope, receive: Receive, answer: Send, grant: Grant) -> Send:
        """An answer that is given only if it may still be when it is ready: working it out may have taken a while.

        Asked here for every endpoint, so that one which is added later, and waits, cannot forget it. One that is given
        in blocks is cut off: what is left of it is kept back.
        """
        is_kept = False

        async def send(message: Message) -> None:
            nonlocal is_kept
            if message["type"] == "http.response.start":
                kept = self._kept_by_now(scope, grant)
                if kept is not None:
                    is_kept = True
                    await kept(scope, receive, answer)
            elif not is_kept and self._kept_by_now(scope, grant) is not None:
                is_kept = True
                cut_off(scope)
            if not is_kept:
                await answer(message)

        return send

    def _kept_by_now(self, scope: Scope, grant: Grant) -> Response | None:
        """Why whoever was let in with this grant is not answered any more.

        Whether an order was given is said even so: its endpoint has asked by itself before anything was written.
        """
        now = self._gateway.clock.now()
        if scope["path"] == ORDERS_PATH:
            return None
        if grant.has_expired(now):
            decision = self._handshake.admit(credentials_of(scope), now)
            return refusal_response(decision) if isinstance(decision, Refusal) else None
        return self._kept_from(grant)

    def _answering(self, send: Send, brought: Credentials) -> Send:
        origin = self._handshake.allowed_origin(brought)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["referrer-policy"] = "no-referrer"
                headers["x-content-type-options"] = "nosniff"
                headers.add_vary_header("origin")
                headers.add_vary_header("authorization")
                if origin is not None:
                    headers["access-control-allow-origin"] = origin
                    headers["access-control-expose-headers"] = "etag, retry-after"
                if _has_token(brought):
                    headers["cache-control"] = f"private, {headers.get('cache-control', 'no-cache')}"
            await send(message)

        return answer

    def _preflight(self, brought: Credentials) -> Response:
        """What a browser asks before it sends a header of a page's own (Fetch, section 3.2.2)."""
        refusal = self._handshake.refuse_origin(brought)
        if refusal is not None:
            return refusal_response(refusal)
        headers = {
            "allow": _METHODS,
            "access-control-allow-methods": _METHODS,
            "access-control-allow-headers": "authorization, if-none-match",
            "access-control-max-age": _PREFLIGHT_S,
        }
        return Response(status_code=204, headers=headers)


def _refuses_gzip(name: bytes, value: bytes) -> bool:
    """Whether this header accepts codings, and says that gzip is none: who compresses looks for its name alone."""
    return name == b"accept-encoding" and _NO_GZIP.search(value) is not None


def credentials_of(scope: Scope) -> Credentials:
    """What a request brings, as ASGI has it."""
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    client = scope.get("client")
    return Credentials(scope["query_string"].decode("latin-1"), headers, client[0] if client else None)


def is_open(path: str) -> bool:
    """Whether nobody needs a token here."""
    return path in _OPEN_PATHS or path.startswith(_OPEN_FOLDERS)


def _is_free_of_numbers(path: str) -> bool:
    return is_open(path) or path in _WITHOUT_NUMBERS


def grant_of(request: Request) -> Grant:
    """What whoever asks may do; the least, where nobody has said."""
    grant = request.scope.get(_GRANT, PUBLIC)
    return grant if isinstance(grant, Grant) else PUBLIC


def refusal_response(refusal: Refusal) -> Response:
    """A refusal as an answer."""
    return _answer(refusal.status, refusal.body, {"cache-control": "no-store", **dict(refusal.headers)})


def embargoed(until: datetime | None) -> Response:
    """Why there are no numbers, in the words of RFC 7725: unavailable for legal reasons."""
    when = f"at {until.isoformat(timespec='seconds')}" if until else "when an operator lifts it"
    message = f"There is an embargo: numbers are for the control room only. It ends {when}; ask again then."
    body = orjson.dumps({"error": message, "code": "embargo", "until": until})
    return _answer(451, body, {"cache-control": "no-store"})


def _has_token(brought: Credentials) -> bool:
    try:
        return bool(brought.tokens)
    except ValueError:
        return True


def _answer(status: int, body: bytes, headers: dict[str, str]) -> Response:
    return Response(body, status_code=status, headers=headers, media_type="application/json")
