"""/: the board's page. It names what its first number needs, so that a browser asks for it beside the script.

That is the definition, and the figures of the unit that the address selects. Both are asked for with the page's own
credentials; where those do not let the reader in, or numbers are kept back, the page names nothing.
"""

from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from gateway.admission.handshake import TOKEN_FIELD, Refusal
from gateway.gateway import Gateway
from gateway.routes.files import PageFiles
from gateway.routes.middleware import credentials_of
from schemas.definition import Election

_PAGE = "index.html"


class BoardEndpoint:
    """The board's page, for whatever its address selects."""

    def __init__(self, gateway: Gateway, files: PageFiles) -> None:
        self._gateway = gateway
        self._files = files

    async def answer(self, request: Request) -> Response:
        """The page; it is the same for all, except for the addresses that it names."""
        return self._files.page(_PAGE, request.scope, fetched=tuple(self._fetched(request)))

    def _fetched(self, request: Request) -> Iterator[str]:
        gateway = self._gateway
        if gateway.run_state is None or not gateway.ready:
            return
        grant = gateway.handshake.admit(credentials_of(request.scope), gateway.clock.now())
        if isinstance(grant, Refusal):
            return
        token = request.query_params.get(TOKEN_FIELD)
        brought = {TOKEN_FIELD: token} if token else {}
        yield _address("/v1/definition", brought)
        if gateway.may_see_numbers(grant):
            yield _address("/v1/totals", brought | selected(gateway.run_state.run.definition, request.query_params))


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


def _address(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path
