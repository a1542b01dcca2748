"""What the routes share: the filters in a URL, the run they are about, and answers that say what they hold.

An answer about many units is made a few units at a time: nothing else is served while one is made at a stretch. What
comes in meanwhile makes pieces untrue, never an answer: that is put together at once, at the newest seq.
"""

import asyncio
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2s
from typing import Final, NamedTuple, TypeVar

import orjson
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Send
from starlette.types import Scope as Asgi

from gateway.admission.handshake import TOKEN_FIELD, VIEW_FIELD
from gateway.clients.session import Unknown
from gateway.gateway import Gateway
from gateway.routes.middleware import embargoed, grant_of
from gateway.run_state import RunState
from schemas.totals import Told
from schemas.wire import Scope
from tabulation.figures import UnitFigures
from tabulation.view import View

RETRY_AFTER_S: Final = "1"

NO_CACHE: Final = {"cache-control": "no-cache"}
"""A cache may keep the answer, but asks every time whether it still holds: the ETag makes that cheap."""

NO_STORE: Final = {"cache-control": "no-store"}

MAX_ANSWERS_KEPT: Final = 32
"""Encoded answers of an endpoint kept at one seq: a graphics tool asks the same thing every second. 32 MB at most."""

CACHE_BUSTER: Final = "_"
"""What jQuery, vMix and others add to an address with a number that is new each time: it asks for nothing."""

NOT_ASKED: Final = frozenset({TOKEN_FIELD, VIEW_FIELD, CACHE_BUSTER})
"""Fields of an address that are no part of the question: who asks, and as whom, is settled at the door."""

BLOCK_BYTES: Final = 64 * 1024
"""How much of a large answer is put together, compressed and sent before others have a turn: half a millisecond."""

_FILTERS: Final = ("contest", "source", "unit")
_DIGEST_BYTES: Final = 8

_CODING: Final = re.compile(r'(?:--?|;)(?:gzip|br|zstd|deflate)"$')
"""What proxies put at the end of a tag when they compress: Apache's `"x-gzip"`, Jetty's `"x--gzip"`, `"x;br"`."""


class Coded(HTTPException):
    """A refusal with a code, by which a page says it in its own language; `detail` says it in English.

    `values` are the code's parameters: they go into the answer beside it.
    """

    def __init__(
        self, status: int, code: str, message: str, *, headers: dict[str, str] | None = None, **values: str | None
    ) -> None:
        super().__init__(status, message, headers)
        self.fields = {"code": code, **values}


class Filters(NamedTuple):
    """What of the night is asked for; `None` for all of it."""

    contest: str | None = None
    source: str | None = None
    units: frozenset[str] | None = None

    def contests(self, run_state: RunState) -> list[str]:
        """The contests that are asked for, in the definition's order."""
        return [self.contest] if self.contest else list(run_state.run.definition.contest_by_id)

    def sources(self, run_state: RunState) -> list[str]:
        """The sources that are asked for, in the definition's order."""
        return [self.source] if self.source else [source.id for source in run_state.run.definition.sources]


class Asked(NamedTuple):
    """A question to an endpoint: about which state of the run, filtered how, and what whoever asks may see of it."""

    run_state: RunState
    filters: Filters
    scope: Scope

    @property
    def view(self) -> View:
        """The view that answers it."""
        return self.run_state.view_for(self.scope)

    @property
    def told(self) -> Told:
        """Which totals answer it: those on air, or for the control room all there are."""
        return Told.ON_AIR if self.scope == "public" else Told.CONTROL_ROOM

    def head(self) -> dict[str, object]:
        """What every answer in JSON begins with: the run, the position, which totals, and the newest event time."""
        run_state, view = self.run_state, self.view
        pairs = [(one, other) for one in self.filters.contests(run_state) for other in self.filters.sources(run_state)]
        moments = [moment for pair in pairs if (moment := view.as_of(*pair))]
        return {
            "run": run_state.run.name,
            "mode": run_state.run.mode,
            "epoch": run_state.epoch,
            "seq": view.seq,
            "told": self.told,
            "as_of": max(moments, default=None),
        }


def asked(gateway: Gateway, request: Request, options: Collection[str] = ()) -> Asked:
    """What a request asks for; `options`: what else is taken. Raises `HTTPException` for what is not there."""
    run_state = run_state_of(gateway)
    query = request.query_params
    known = (*_FILTERS, *options)
    unknown = sorted(set(query) - {*known, *NOT_ASKED})
    if unknown:
        raise HTTPException(400, f"There is no filter {unknown[0]!r}. Use {', '.join(known)} (unit may be repeated).")
    try:
        contest = _one(query.getlist("contest"), "contest", run_state.catalogue.contest)
        source = _one(query.getlist("source"), "source", run_state.catalogue.source)
        patterns = query.getlist("unit")
        units = run_state.catalogue.units(patterns) if patterns else None
    except Unknown as error:
        raise HTTPException(404, str(error)) from error
    return Asked(run_state, Filters(contest, source, units), grant_of(request).watches)


class Whole(NamedTuple):
    """An answer of pieces that are encoded already, and what is before, between and after them.

    It is not put together as long as it is kept: megabytes take milliseconds to copy.
    """

    before: bytes
    pieces: Sequence[bytes]
    after: bytes
    between: bytes = b","

    @classmethod
    def of(cls, head: Mapping[str, object], name: str, pieces: Sequence[bytes], rest: Mapping[str, object]) -> "Whole":
        """A JSON object: the fields of `head`, of which there must be some, the array by this name, and the `rest`."""
        after = b"," + orjson.dumps(rest)[1:] if rest else b"}"
        return cls(orjson.dumps(head)[:-1] + b',"%b":[' % name.encode(), pieces, b"]" + after)

    @property
    def size_bytes(self) -> int:
        """The length of all of it."""
        between = max(0, len(self.pieces) - 1) * len(self.between)
        return len(self.before) + sum(map(len, self.pieces)) + between + len(self.after)

    def blocks(self) -> Iterator[bytes]:
        """All of it, in blocks of `BLOCK_BYTES` and a piece more at the most."""
        block, size = [self.before], len(self.before)
        for number, piece in enumerate(self.pieces):
            block += (self.between, piece) if number else (piece,)
            size += len(piece)
            if size >= BLOCK_BYTES:
                yield b"".join(block)
                block, size = [], 0
        yield b"".join([*block, self.after])


class _InBlocks(Response):
    """An answer that is put together on its way, with turns for others between its blocks."""

    def __init__(self, whole: Whole, headers: Mapping[str, str]) -> None:
        super().__init__(headers={**headers, "content-length": str(whole.size_bytes)})
        self._whole = whole

    async def __call__(self, scope: Asgi, receive: Receive, send: Send) -> None:  # noqa: ARG002  ASGI's own
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for block in self._whole.blocks():
            await send({"type": "http.response.body", "body": block, "more_body": True})
            await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class Answers:
    """The answers of one endpoint, each encoded once for all who ask the same at the same seq."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes | Whole] = {}

    def has(self, request: Request, question: Asked, about: Iterable[object] = ()) -> bool:
        """Whether the answer costs nothing: the client holds it, or it is encoded."""
        etag = _etag(question, about)
        return etag in self._kept or holds(request.headers, etag)

    def answer(
        self,
        request: Request,
        question: Asked,
        body: Callable[[], bytes | Whole],
        *,
        about: Iterable[object] = (),
        headers: dict[str, str] | None = None,
    ) -> Response:
        """What `body` makes of the question, unless the client holds it already.

        `about` is whatever else the answer depends on; `headers` are sent with it, among them the media type where it
        is not JSON.
        """
        etag = _etag(question, about)
        sent = {**NO_CACHE, "content-type": "application/json", **(headers or {}), "etag": etag}
        if holds(request.headers, etag):
            del sent["content-type"]
            return Response(status_code=304, headers=sent)
        found = self._kept.get(etag)
        if found is None:
            if len(self._kept) >= MAX_ANSWERS_KEPT:
                self._kept.clear()
            found = self._kept[etag] = body()
        return _InBlocks(found, sent) if isinstance(found, Whole) else Response(found, headers=sent)


def _etag(question: Asked, about: Iterable[object]) -> str:
    contest, source, units = question.filters
    query = orjson.dumps([contest, source, sorted(units) if units is not None else None, question.scope, *about])
    return f'"{question.run_state.epoch}-{question.view.seq}-{digest_of(query)}"'


def digest_of(body: bytes) -> str:
    """What tells one answer from another: the part of an ETag that a position alone does not say."""
    return blake2s(body, digest_size=_DIGEST_BYTES).hexdigest()


def run_state_of(gateway: Gateway) -> RunState:
    """The run that can be asked about. Raises `HTTPException` while there is none."""
    if gateway.run_state is None or not gateway.ready:
        raise Coded(503, "not_ready", gateway.reason, headers={"retry-after": RETRY_AFTER_S})
    return gateway.run_state


def unless_held(request: Request, body: bytes, etag: str) -> Response:
    """JSON that is encoded already, or only that it is still the same where the client holds it already."""
    headers = {"etag": etag, **NO_CACHE}
    return (
        Response(status_code=304, headers=headers)
        if holds(request.headers, etag)
        else json_answer(body, headers=headers)
    )


def json_answer(body: bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON that is encoded already, as an answer."""
    return Response(body, status_code=status, headers=headers, media_type="application/json")


def refuse_more(found: int, most: int, what: str, remedy: str) -> None:
    """Refuse a question whose answer is too large. Raises `HTTPException` for more of `what` than one answer has."""
    if found > most:
        raise HTTPException(400, f"That is {found} {what}, and an answer has {most} at most. {remedy}")


def holds(headers: Headers, etag: str) -> bool:
    """Whether the client has this already (RFC 9110 section 13.1.2: If-None-Match compares weakly).

    The header may come in several lines (section 5.2), and a proxy that compresses may have marked the tag with how.
    """
    tags = [tag.strip() for line in headers.getlist("if-none-match") for tag in line.split(",")]
    return tags == ["*"] or etag in [_CODING.sub('"', tag.removeprefix("W/")) for tag in tags]


def _one(values: Sequence[str], name: str, check: Callable[[str], str]) -> str | None:
    if len(values) > 1:
        raise HTTPException(400, f"Give one {name}, or none for all of them.")
    return check(values[0]) if values else None


UNITS_AT_ONCE: Final = 8
"""Units whose pieces are made before others have a turn: 1 ms of facts with 49 candidates, less of totals."""

LOOKS_OF_ONE_MADE: Final = 32
"""How many pieces are looked at, and found true, in the time in which one is made."""

_MAX_ROUNDS: Final = 4
"""Rounds of making pieces with turns for others between.

A round takes less than a tenth of a second, and in that a count in full flood changes a part of the units; what is
still left after the last is made without a turn.
"""

PutT = TypeVar("PutT")
"""A question as it is put at a moment."""

Place = tuple[str, str, UnitFigures]
"""A contest, a source, and the figures of one unit."""

About = Sequence[object]
"""What else than figures and position an answer depends on."""

Encoder = Callable[[str, str, UnitFigures], bytes]
"""Makes the piece of a unit in a contest, by a source."""


class _Piece(NamedTuple):
    """An encoded piece, and of which state of which figures it is. They are held, so nothing else takes their id."""

    figures: UnitFigures
    changes: int
    about: About
    body: bytes


class Pieces:
    """The units of one answer as JSON, each encoded by itself, in the order in which `find` has them."""

    def __init__(
        self,
        find: Callable[[Asked], list[Place]],
        encoder: Callable[[Asked], Encoder],
        at_once: int = UNITS_AT_ONCE,
    ) -> None:
        self._find = find
        self._encoder = encoder
        self._at_once = at_once
        self._pieces: dict[tuple[str, str, str], _Piece] = {}

    def make(self, question: Asked, about: About) -> Iterator[int]:
        """Make the pieces that are missing or no longer true.

        Wherever others should have a turn it says how many it has made so far.
        """
        encode = self._encoder(question)
        made = spent = 0
        for place in self._find(question):
            spent += 1
            if self._known(place, about) is None:
                self._make(place, about, encode)
                made += 1
                spent += LOOKS_OF_ONE_MADE
            if spent >= self._at_once * LOOKS_OF_ONE_MADE:
                spent = 0
                yield made

    def all(self, question: Asked, about: About) -> list[bytes]:
        """All of them as they are now, of one position: whoever asks for the answer has no turns left to give."""
        encode = self._encoder(question)
        return [self._known(place, about) or self._make(place, about, encode) for place in self._find(question)]

    def _known(self, place: Place, about: About) -> bytes | None:
        """Return the piece of a place; `None` where it is missing or no longer true."""
        contest, source, figures = place
        known = self._pieces.get((contest, source, figures.unit.id))
        if known and known.figures is figures and (known.changes, known.about) == (figures.changes, about):
            return known.body
        return None

    def _make(self, place: Place, about: About, encode: Encoder) -> bytes:
        contest, source, figures = place
        body = encode(contest, source, figures)
        self._pieces[contest, source, figures.unit.id] = _Piece(figures, figures.changes, about, body)
        return body


async def made_in_turns(
    ask: Callable[[], PutT], is_there: Callable[[PutT], bool], make: Callable[[PutT], Iterable[object]]
) -> PutT:
    """Make the pieces of an answer, a few at a time, unless it is there; gives the question as it is put after that.

    `make` yields wherever others should have a turn, and as its last something false where nothing had to be made.
    """
    for _ in range(_MAX_ROUNDS):
        question = ask()
        made: object = None
        if not is_there(question):
            for so_far in make(question):
                made = so_far
                await asyncio.sleep(0)
        if made is None:  # nobody else had a turn
            return question
        if not made:
            break
    return ask()


async def answer_in_pieces(
    gateway: Gateway,
    request: Request,
    answers: Answers,
    ask: Callable[[], tuple[Asked, About]],
    pieces: Pieces,
    whole: Callable[[Asked, list[bytes]], Whole],
) -> Response:
    """Answer what `ask` gives, as it is put once the pieces are made; `whole` says what goes around them."""
    question, about = await made_in_turns(ask, lambda put: answers.has(request, *put), lambda put: pieces.make(*put))
    if not gateway.may_see_numbers(grant_of(request)):  # an embargo began in somebody else's turn
        return embargoed(gateway.embargo.until)
    return answers.answer(request, question, lambda: whole(question, pieces.all(question, about)), about=about)
