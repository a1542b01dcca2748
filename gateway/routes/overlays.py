"""/overlays/NAME: the page of every overlay, and whether its address can be shown; /overlays/program is a channel's.

An address with a fault has the status of one, and the page all the same: what is on air stays empty and shows no error,
and the page fills itself where an amendment brings the unit. Who asks for the status, such as a check before the night,
reads in the page's title what is wrong.
"""

from collections.abc import Mapping
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.admission.handshake import Refusal
from gateway.clients.session import Catalogue, Unknown
from gateway.gateway import Gateway
from gateway.pages.manifest import OVERLAYS, no_overlay, option_fault
from gateway.routes.files import PageFiles
from gateway.routes.middleware import credentials_of

_PAGE: Final = "overlays/overlay.html"
_PROGRAM: Final = "program"
_PROGRAM_PAGE: Final = "overlays/program.html"


class OverlayEndpoint:
    """/overlays/NAME: the same page for all, since its script reads the name off the address."""

    def __init__(self, gateway: Gateway, files: PageFiles) -> None:
        self._gateway = gateway
        self._files = files

    async def answer(self, request: Request) -> Response:
        """The page; 404 with the names that there are. Raises `HTTPException`."""
        name = request.path_params["name"]
        if name == _PROGRAM:
            return self._files.page(_PROGRAM_PAGE, request.scope)
        overlay = OVERLAYS.get(name)
        if overlay is None:
            raise HTTPException(404, no_overlay(name))
        unreadable = option_fault(request.query_params, overlay)
        if unreadable is not None:
            return self._files.page(_PAGE, request.scope, status=400, title=unreadable)
        catalogue = self._catalogue(request)
        unknown = selection_fault(request.query_params, catalogue) if catalogue is not None else None
        if unknown is not None:
            return self._files.page(_PAGE, request.scope, status=404, title=unknown)
        return self._files.page(_PAGE, request.scope, also=f"overlays/{name}.js")

    def _catalogue(self, request: Request) -> Catalogue | None:
        """The names of the election, for whoever may read them; before there is a run every name may be right."""
        gateway = self._gateway
        if gateway.run_state is None or not gateway.ready:
            return None
        decision = gateway.handshake.admit(credentials_of(request.scope), gateway.clock.now())
        return None if isinstance(decision, Refusal) else gateway.run_state.catalogue


def selection_fault(query: Mapping[str, str], catalogue: Catalogue) -> str | None:
    """Say which name of the selection the election does not have. An empty one is the first."""
    checks = {"contest": catalogue.contest, "unit": catalogue.unit, "source": catalogue.source}
    for name, check in checks.items():
        try:
            if given := query.get(name):
                check(given)
        except Unknown as error:
            return str(error)
    return None
