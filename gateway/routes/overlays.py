"""/overlays/NAME: the page of every overlay, and whether its address can be shown; /overlays/program is a channel's.

An address with a fault has the status of one, and the page all the same: what is on air stays empty and shows no error,
and the page fills itself where an amendment brings the unit. Who asks for the status, such as a check before the night,
reads in the page's title what is wrong.
"""

import re
from collections.abc import Mapping
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.admission.handshake import Refusal
from gateway.clients.session import Catalogue, Unknown
from gateway.gateway import Gateway
from gateway.pages.manifest import MANIFEST, OVERLAY_NAMES, Overlay, Parameter
from gateway.routes.files import PageFiles
from gateway.routes.middleware import credentials_of

_PAGE: Final = "overlays/overlay.html"
_FLAGS: Final = frozenset({"", "0", "1", "false", "true"})
_WHOLE: Final = re.compile(r"[0-9]{1,9}")
_OVERLAYS: Final = {overlay.name: overlay for overlay in MANIFEST.overlays}
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
        overlay = _OVERLAYS.get(name)
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


def no_overlay(name: str) -> str:
    """Say that there is no such overlay, and which there are."""
    return f"There is no overlay {name!r}. There are: {', '.join(OVERLAY_NAMES)}."


def graphic_fault(name: str, parameters: Mapping[str, str]) -> str | None:
    """Say what of a graphic no page of this gateway can show. What only an address says is no parameter of one."""
    overlay = _OVERLAYS.get(name)
    if overlay is None:
        return no_overlay(name)
    known = [one.name for one in (*MANIFEST.selection, *overlay.parameters, *MANIFEST.manner)]
    for given in parameters:
        if given not in known:
            return f"{name} has no parameter {given!r}. There are: {', '.join(known)}."
    return option_fault(parameters, overlay)


def option_fault(query: Mapping[str, str], overlay: Overlay) -> str | None:
    """Say which option of the address cannot be read. Names that are nobody's are left alone: tools add their own."""
    for parameter in (*MANIFEST.manner, *MANIFEST.address, *overlay.parameters):
        text = query.get(parameter.name, query.get(parameter.formerly) if parameter.formerly else None)
        if text is not None and not _is_readable(text, parameter):
            return f"{parameter.name}={text} cannot be read. {_what_is_right(parameter)}"
    return None


def _is_readable(text: str, parameter: Parameter) -> bool:
    match parameter.kind:
        case "whole":
            return bool(_WHOLE.fullmatch(text)) and parameter.least <= int(text) <= parameter.most
        case "flag":
            return text in _FLAGS
        case "choice":
            return text in parameter.words
        case "list":
            return len([name for name in text.split(",") if name.strip()]) <= parameter.most
        case "text":
            return True


def _what_is_right(parameter: Parameter) -> str:
    match parameter.kind:
        case "whole":
            return f"Give a whole number from {parameter.least} to {parameter.most}."
        case "list":
            return f"Give {parameter.most} names at most, with commas between them."
        case _:
            return f"Give one of: {', '.join(parameter.words or ('0', '1'))}."


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
