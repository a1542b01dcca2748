"""The pages: the board's at /, and one for every overlay at /overlays/NAME; /overlays/program is a channel's.

The board's page names what its first number needs, and what a link to it says where it is shared. A browser asks for
the definition and for the figures of the unit that the address selects beside the script. Where numbers are kept back
the page does not name them, and it names nothing to who brings a token: no answer repeats one. A link's sentence has
the figures that the public sees, never more, whoever asks for the page.

An overlay's page says whether its address can be shown. An address with a fault has the status of one, and the page all
the same: what is on air stays empty and shows no error, and the page fills itself where an amendment brings the unit.
Who asks for the status, such as a check before the night, reads in the page's title what is wrong.
"""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Final
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.admission.access import PUBLIC
from gateway.admission.handshake import TOKEN_FIELD, Refusal
from gateway.clients.session import Catalogue, Unknown
from gateway.gateway import Gateway
from gateway.pages import OVERLAYS, no_overlay, option_fault
from gateway.routes.files import PageFiles
from gateway.routes.link_preview import PICTURE, PICTURE_PX, link_preview
from gateway.routes.middleware import credentials_of
from gateway.run_state import RunState
from schemas.definition import Election
from tabulation.derived.columns import Language

_BOARD_PAGE: Final = "index.html"


class BoardEndpoint:
    """The board's page, for whatever its address selects."""

    def __init__(self, gateway: Gateway, files: PageFiles) -> None:
        self._gateway = gateway
        self._files = files

    async def answer(self, request: Request) -> Response:
        """The page; it is the same for all, except for its head."""
        gateway = self._gateway
        run_state = gateway.run_state if gateway.ready else None
        grant = gateway.handshake.admit(credentials_of(request.scope), gateway.clock.now())
        if run_state is None or isinstance(grant, Refusal):
            return self._files.page(_BOARD_PAGE, request.scope)
        fetched = self._fetched(request, run_state)
        return self._files.page(_BOARD_PAGE, request.scope, head="".join([*fetched, *self._shared(request, run_state)]))

    def _fetched(self, request: Request, run_state: RunState) -> Iterator[str]:
        if TOKEN_FIELD in request.query_params:
            return
        yield _preload("/v1/definition", {})
        if self._gateway.may_see_numbers(PUBLIC):
            yield _preload("/v1/totals", selected(run_state.run.definition, request.query_params))

    def _shared(self, request: Request, run_state: RunState) -> Iterator[str]:
        definition, asked = run_state.run.definition, request.query_params
        shown = selected(definition, asked)
        figures = (
            run_state.view_for(PUBLIC.scope).figures(shown["contest"], shown["source"], shown["unit"])
            if self._gateway.may_see_numbers(PUBLIC)
            else None
        )
        language: Language = "en" if asked.get("lang") == "en" else "tr"
        found = link_preview(definition, run_state.run.mode, shown, figures, language)
        width, height = PICTURE_PX
        for name, content in (
            ("og:type", "website"),
            ("og:title", found.title),
            ("og:description", found.description),
            ("og:image", f"{request.base_url}static/{PICTURE}"),
            ("og:image:width", width),
            ("og:image:height", height),
        ):
            yield f'<meta property="{name}" content="{escape(str(content))}">\n'
        yield '<meta name="twitter:card" content="summary_large_image">\n'


def selected(definition: Election, asked: Mapping[str, str]) -> dict[str, str]:
    """The contest, source and unit that an address asks for; what the election does not know is its first."""
    sources = {source.id: source for source in definition.sources}
    contest, source, unit = (asked.get(name, "") for name in ("contest", "source", "unit"))
    return {
        "contest": contest if contest in definition.contest_by_id else next(iter(definition.contest_by_id)),
        "source": source if source in sources else next(iter(sources)),
        "unit": unit if unit in definition.unit_by_id else home(definition),
    }


def home(definition: Election) -> str:
    """Where a screen starts: the highest unit that has more than one below it."""
    counting = {district.id for district in definition.districts}
    one = definition.country
    while not definition.trees:
        below = [unit.id for unit in definition.units if unit.parent == one]
        if len(below) != 1 or below[0] in counting:
            break
        one = below[0]
    return one


def _preload(path: str, query: Mapping[str, str]) -> str:
    address = f"{path}?{urlencode(query)}" if query else path
    return f'<link rel="preload" as="fetch" href="{escape(address)}" crossorigin>\n'


_OVERLAY_PAGE: Final = "overlays/overlay.html"
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
            return self._files.page(_OVERLAY_PAGE, request.scope, status=400, title=unreadable)
        catalogue = self._catalogue(request)
        unknown = selection_fault(request.query_params, catalogue) if catalogue is not None else None
        if unknown is not None:
            return self._files.page(_OVERLAY_PAGE, request.scope, status=404, title=unknown)
        return self._files.page(_OVERLAY_PAGE, request.scope, also=f"overlays/{name}.js")

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
