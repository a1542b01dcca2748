"""The overlays' addresses: what a graphics tool opens, and the boundaries that their map may draw."""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from gateway.pages.manifest import OVERLAY_NAMES
from gateway.routes.answers import NO_CACHE, unless_held
from gateway.routes.boundaries import Boundaries

_PAGE: Final = "overlays/overlay.html"


class OverlayDoor:
    """/overlays/NAME: the same page for all, since its script reads the name off the address."""

    def __init__(self, files: StaticFiles) -> None:
        self._files = files

    async def answer(self, request: Request) -> Response:
        """The page; 404 with the names that there are."""
        name = request.path_params["name"]
        if name not in OVERLAY_NAMES:
            raise HTTPException(404, f"There is no overlay {name!r}. There are: {', '.join(OVERLAY_NAMES)}.")
        return await self._files.get_response(_PAGE, request.scope)


class BoundariesDoor:
    """/v1/boundaries: the GeoJSON that the gateway was given, or 204 where it was given none."""

    def __init__(self, boundaries: Boundaries | None) -> None:
        self._boundaries = boundaries

    async def answer(self, request: Request) -> Response:
        """The boundaries, with an ETag: they do not change while the gateway runs."""
        if self._boundaries is None:
            return Response(status_code=204, headers=NO_CACHE)
        return unless_held(request, self._boundaries.body, self._boundaries.etag)
