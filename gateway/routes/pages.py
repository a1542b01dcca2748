"""Pages: their files, the overlays' addresses that a graphics tool opens, and the boundaries that their map may draw.

Files are never stale, and allowed to do no more than a page of ours does.
"""

from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from gateway.pages.manifest import OVERLAY_NAMES
from gateway.routes.answers import NO_CACHE, holds, unless_held
from gateway.routes.boundaries import Boundaries

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src {}; base-uri 'none'; form-action 'none'"
)
"""Scripts, styles and fonts are the gateway's own, and nothing is written into a page that could be one."""

_OFFLINE: Final = "graphics/offline.html"
"""Draws a timeline that lies wherever the graphics tool says; it knows no token."""

_CONTROL_ROOM: Final = "control/"
"""Who could frame it, could have an operator click what they do not see."""


class PageFiles(StaticFiles):
    """The files of a folder. Browsers ask each time, and are told where nothing changed."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, with its policy where it is a page (Content Security Policy Level 3). Raises `HTTPException`."""
        if path.endswith(".py"):  # what makes the folder a package is nobody's page
            raise HTTPException(404)
        response = await super().get_response(path, scope)
        response.headers.update(NO_CACHE)
        if path.endswith(".html"):
            response.headers["content-security-policy"] = _policy(path)
        return response

    def is_not_modified(self, response_headers: Headers, request_headers: Headers) -> bool:
        """Whether the browser has it already."""
        if "if-none-match" in request_headers:
            return holds(request_headers, response_headers["etag"])
        return super().is_not_modified(response_headers, request_headers)


def _policy(path: str) -> str:
    policy = _POLICY.format("*" if path == _OFFLINE else "'self'")
    return f"{policy}; frame-ancestors 'none'" if path.startswith(_CONTROL_ROOM) else policy


_PAGE: Final = "overlays/overlay.html"


class OverlayEndpoint:
    """/overlays/NAME: the same page for all, since its script reads the name off the address."""

    def __init__(self, files: StaticFiles) -> None:
        self._files = files

    async def answer(self, request: Request) -> Response:
        """The page; 404 with the names that there are."""
        name = request.path_params["name"]
        if name not in OVERLAY_NAMES:
            raise HTTPException(404, f"There is no overlay {name!r}. There are: {', '.join(OVERLAY_NAMES)}.")
        return await self._files.get_response(_PAGE, request.scope)


class BoundariesEndpoint:
    """/v1/boundaries: the GeoJSON that the gateway was given, or 204 where it was given none."""

    def __init__(self, boundaries: Boundaries | None) -> None:
        self._boundaries = boundaries

    async def answer(self, request: Request) -> Response:
        """The boundaries, with an ETag: they do not change while the gateway runs."""
        if self._boundaries is None:
            return Response(status_code=204, headers=NO_CACHE)
        return unless_held(request, self._boundaries.body, self._boundaries.etag)
