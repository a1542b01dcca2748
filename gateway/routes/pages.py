"""The pages, and the files that they are made of: the board's page at /, one for every overlay at /overlays/NAME.

/overlays/program is a channel's. Files and the brand are below /static/: read once, compressed when first asked for,
kept by browsers.

A page names its files below `/static/~VERSION/`, where the version is a digest of all of them: what lies there never
changes, so a browser asks for it once. Another version is another address, and the page itself is asked about every
time. Modules import one another by relative addresses, so they are all of one version. Below `/static/` without a
version they are as well, and are asked about each time: for whoever writes an address by hand. A page that names
`joined/NAME` gets that module with all that it imports as one file; see `gateway.pages`.

The board's page names what its first number needs, and what a link to it says where it is shared. A browser asks for
the definition and for the figures of the unit that the address selects beside the script. Where numbers are kept back
the page does not name them, and it names nothing to who brings a token: no answer repeats one. A link's sentence has
the figures that the public sees, never more, whoever asks for the page.

An overlay's page says whether its address can be shown. An address with a fault has the status of one, and the page all
the same: what is on air stays empty and shows no error, and the page fills itself where an amendment brings the unit.
Who asks for the status, such as a check before the night, reads in the page's title what is wrong.
"""

import gzip
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from hashlib import blake2s
from html import escape
from mimetypes import guess_type
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple
from urllib.parse import urlencode

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.admission.access import PUBLIC
from gateway.admission.handshake import TOKEN_FIELD, Refusal
from gateway.brand import BrandFolder
from gateway.clients.session import Catalogue, Unknown
from gateway.gateway import Gateway
from gateway.pages import OVERLAYS, closure, fetched_later, joined, no_overlay, option_fault, resolved
from gateway.routes.answers import NO_CACHE, digest_of, holds
from gateway.routes.link_preview import PICTURE, PICTURE_PX, link_preview
from gateway.routes.middleware import credentials_of
from gateway.run_state import RunState
from schemas.definition import Election
from tabulation.derived.columns import Language

IMMUTABLE: Final = {"cache-control": "public, max-age=31536000, immutable"}
"""A year: what browsers take for ever to be (RFC 9111 has no longer word; RFC 8246 says immutable)."""

_STATIC: Final = "/static/"
_JOINED: Final = "joined/"
_BRAND: Final = "brand/"
_HIDDEN: Final = frozenset({".py", ".pyc", ".md", ".ts"})
"""What makes the folder a package, or is for those who change it."""

_TEXTS: Final = frozenset({".js", ".css", ".html", ".json", ".svg", ".txt"})
_LEAST_COMPRESSED_BYTES: Final = 512
"""Below it the frame around a compressed file takes what is saved."""

_TITLE: Final = re.compile(r"<title>[^<]*</title>")
_SCRIPT: Final = re.compile(r'<script type="module" src="/static/([^"]+)"></script>')
_IMPORT: Final = re.compile(r'^(?:import|export)\s(?:[^;"]*?\sfrom\s)?"(\.[^"]+)";', re.MULTILINE)
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src {}; base-uri 'none'; form-action 'none'"
)
"""Scripts, styles and fonts are the gateway's own, and nothing is written into a page that could be one."""

_OFFLINE: Final = "graphics/offline.html"
"""Draws a timeline that lies wherever the graphics tool says; it knows no token."""

_CONTROL_ROOM: Final = "control/"
"""Who could frame it, could have an operator click what they do not see."""

_FRAMING: Final = ("gallery/", _CONTROL_ROOM, "overlays/program.html")
"""Show overlays in frames."""

_DRAWING_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""A drawing that is opened by itself is a page: it runs nothing and fetches nothing."""


class _File(NamedTuple):
    body: bytes
    media_type: str
    etag: str
    policy: str | None
    compressed: bytes | None


class PageFiles:
    """The files of a folder, and of a brand below `brand/`, as an ASGI application."""

    def __init__(self, pages: Path, brand: BrandFolder) -> None:
        raw = {name: (pages / name).read_bytes() for name in sorted(_names(pages))}
        raw |= {f"{_BRAND}{name}": file.body for name, file in brand.files.items()}
        self.version: Final = digest_of(b"".join(f"{name}:{digest_of(body)};".encode() for name, body in raw.items()))
        self._raw = raw
        self._files: dict[str, _File] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer for a path below `/static/`."""
        path = scope["path"].removeprefix(scope.get("root_path", "")).removeprefix("/")
        await self.get_response(path, scope)(scope, receive, send)

    def get_response(self, path: str, scope: Scope) -> Response:
        """The file, with its policy where it is a page (Content Security Policy Level 3). Raises `HTTPException`."""
        version, name = _split(path)
        if name not in self._raw and name.removeprefix(_JOINED) not in self._first_of:
            raise HTTPException(404)
        file = self._files.get(name)
        if file is None:
            file = self._files[name] = self._made(name)
        keeps = version == self.version and not name.endswith(".html")
        return _answered(file, Headers(scope=scope), IMMUTABLE if keeps else NO_CACHE)

    def page(
        self,
        name: str,
        scope: Scope,
        *,
        status: int = 200,
        title: str | None = None,
        also: str = "",
        head: str = "",
    ) -> Response:
        """A page with another title or status, one more module that it is to load at once, or more HTML in its head."""
        text = self._page_text(name, also=(also,) if also else ())
        text = text.replace("<title>", f"{head}<title>", 1)
        if title is not None:
            text = _TITLE.sub(lambda _: f"<title>{escape(title)}</title>", text, count=1)
        file = _file(name, text.encode())
        return _answered(file, Headers(scope=scope), NO_CACHE, status=status)

    @cached_property
    def _first_of(self) -> dict[str, str | None]:
        """The modules that are given joined; for one that is fetched later the first, which holds what both import."""
        firsts: dict[str, str | None] = {}
        for name in self._raw:
            scripts = _SCRIPT.findall(self._raw[name].decode()) if name.endswith(".html") else ()
            for entry in (one.removeprefix(_JOINED) for one in scripts if one.startswith(_JOINED)):
                later = fetched_later(closure(entry, self._modules), self._modules)
                firsts |= {entry: None} | dict.fromkeys(later, entry)
        return firsts

    @cached_property
    def _modules(self) -> dict[str, str]:
        return {name: body.decode() for name, body in self._raw.items() if name.endswith(".js")}

    def _made(self, name: str) -> _File:
        entry = name.removeprefix(_JOINED)
        if name not in self._raw:
            return _file(name, joined(entry, self._modules, self._first_of[entry]).encode())
        return _file(name, self._page_text(name).encode() if name.endswith(".html") else self._raw[name])

    def _page_text(self, name: str, also: Iterable[str] = ()) -> str:
        """A page whose files are all of this version, and which names its modules, so that they come side by side."""
        text = self._raw[name].decode()
        scripts = [*_SCRIPT.findall(text), *also]
        modules = [module for module in self._imported(scripts) if module not in scripts[:1]]
        links = "".join(f'<link rel="modulepreload" href="{_STATIC}{module}">\n' for module in modules)
        text = _SCRIPT.sub(lambda found: f"{links}{found[0]}", text, count=1)
        return text.replace(f'"{_STATIC}', f'"{_STATIC}~{self.version}/')

    def _imported(self, scripts: Iterable[str]) -> list[str]:
        """All modules that these import, at any remove, each once and in the order in which they are met."""
        found: dict[str, None] = {}
        waiting = list(scripts)
        while waiting:
            name = waiting.pop(0)
            if name in found or name not in self._raw:
                continue
            found[name] = None
            waiting += [resolved(name, one) for one in _IMPORT.findall(self._raw[name].decode())]
        return list(found)


def _names(pages: Path) -> Iterator[str]:
    for path in pages.rglob("*"):
        inside = path.relative_to(pages).as_posix()
        if path.is_file() and path.suffix not in _HIDDEN and "__pycache__" not in inside:
            yield inside


def _split(path: str) -> tuple[str | None, str]:
    """The version and the name in a path such as `~9f2c/main.js`."""
    if not path.startswith("~"):
        return None, path
    version, _, name = path.removeprefix("~").partition("/")
    return version, name


def _file(name: str, body: bytes) -> _File:
    suffix = PurePosixPath(name).suffix
    media_type = "font/woff2" if suffix == ".woff2" else guess_type(name)[0] or "application/octet-stream"
    is_text = suffix in _TEXTS
    packed = gzip.compress(body, mtime=0) if is_text and len(body) >= _LEAST_COMPRESSED_BYTES else None
    etag = f'"{blake2s(body, digest_size=8).hexdigest()}"'
    return _File(body, f"{media_type}; charset=utf-8" if is_text else media_type, etag, _policy(name), packed)


def _policy(name: str) -> str | None:
    if name.startswith(_BRAND):
        return _DRAWING_POLICY
    if not name.endswith(".html"):
        return None
    policy = _POLICY.format("*" if name == _OFFLINE else "'self'")
    if name.startswith(_FRAMING):
        policy = f"{policy}; frame-src 'self'"
    return f"{policy}; frame-ancestors 'none'" if name.startswith(_CONTROL_ROOM) else policy


def _answered(file: _File, headers: Headers, kept: dict[str, str], *, status: int = 200) -> Response:
    sent = {**kept, "etag": file.etag, "vary": "accept-encoding"}
    if file.policy is not None:
        sent["content-security-policy"] = file.policy
    if status == 200 and holds(headers, file.etag):  # noqa: PLR2004  HTTP's own number
        return Response(status_code=304, headers=sent)
    sent["content-type"] = file.media_type
    if file.compressed is not None and "gzip" in headers.get("accept-encoding", ""):
        return Response(file.compressed, status_code=status, headers=sent | {"content-encoding": "gzip"})
    return Response(file.body, status_code=status, headers=sent)


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
