"""Totals: what the view holds, for whoever would rather ask than listen.

/v1/totals has them as the stream does; with `at=…`, the totals of then. Whoever asks about the past must be let in now,
as for the present. They are then given what they were shown then: the public what was on air, the control room all
there was.

/v1/rows.json, /v1/rows.csv and /v1/flat.json are for graphics tools that poll and bind fields to keys.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import PurePosixPath
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.brand import BrandFolder
from gateway.gateway import Gateway
from gateway.recall import Busy, Moments, Past
from gateway.routes.answers import (
    Answers,
    Asked,
    Pieces,
    Place,
    Whole,
    answer_in_pieces,
    asked,
    digest_of,
    made_in_turns,
    refuse_more,
    unless_held,
)
from gateway.routes.middleware import embargoed, grant_of
from gateway.run_state import RunState
from schemas.errors import LogError, UsageError
from schemas.moments import epoch_ms, parse_moment
from schemas.totals import Row
from schemas.wire import FeedState, Scope
from tabulation.derived.columns import Columns, Language, Pictures, SameKey, Shape, Value
from tabulation.derived.row_forms import (
    CONTEXT_COLUMNS,
    CsvRows,
    FlatObject,
    Form,
    JsonRows,
    RowContext,
    RowKey,
    Table,
    UnknownField,
)
from tabulation.figures import UnitFigures
from tabulation.on_air import HeldUnits


class TotalsEndpoint:
    """The route of one gateway; with `at`, its past."""

    def __init__(self, gateway: Gateway, moments: Moments | None = None) -> None:
        self._gateway = gateway
        self._moments = moments
        self._answers = Answers()

    async def answer(self, request: Request) -> Response:
        """The units of which anything was ever reported."""
        question = asked(self._gateway, request, (AT,))
        if AT in request.query_params:
            return await answer_of_then(self._gateway, self._moments, request, question)

        def ask() -> tuple[Asked, tuple[()]]:
            return asked(self._gateway, request, (AT,)), ()

        pieces = Pieces(_found, lambda _: _encoded)
        return await answer_in_pieces(self._gateway, request, self._answers, ask, pieces, _totals)


def _totals(question: Asked, rows: list[bytes]) -> Whole:
    return Whole.of(question.head(), "totals", rows, {})


def _encoded(contest: str, source: str, figures: UnitFigures) -> bytes:
    return orjson.dumps(figures.row(contest, source).fields())


def _found(question: Asked) -> list[Place]:
    contest, source, units = question.filters
    return question.view.reported(contest=contest, source=source, units=units)


AT: Final = "at"
"""The field of the query that asks for the past."""

_RETRY_AFTER_S: Final = "5"


async def answer_of_then(gateway: Gateway, moments: Moments | None, request: Request, question: Asked) -> Response:
    """The totals at the moment that the request names."""
    if moments is None:
        raise HTTPException(404, "This gateway knows the present only. Ask one that was started by sandik gateway.")
    given = request.query_params.getlist(AT)
    if len(given) != 1:
        raise HTTPException(400, "Give one moment, such as at=22:14.")
    zone = ZoneInfo(question.run_state.run.definition.timezone)
    try:
        moment = parse_moment(given[0], zone, gateway.clock.now())
        past = await moments.at(moment, question.run_state.epoch)
    except UsageError as error:
        raise HTTPException(400, str(error)) from error
    except (Busy, LogError) as error:
        raise HTTPException(503, str(error), headers={"retry-after": _RETRY_AFTER_S}) from error
    if not gateway.may_see_numbers(grant_of(request)):  # an embargo began while it was worked out
        return embargoed(gateway.embargo.until)
    body = _body(question, past)
    etag = f'"{question.run_state.epoch}-{epoch_ms(past.at)}-{digest_of(body)}"'
    return unless_held(request, body, etag)


def _body(question: Asked, past: Past) -> bytes:
    is_public = question.scope == "public"
    rows = past.on_air if is_public else past.control_room
    run, hold = question.run_state.run, () if is_public and past.embargoed else past.hold
    return orjson.dumps(
        {
            "run": run.name,
            "mode": run.mode,
            "epoch": question.run_state.epoch,
            "at": past.at,
            "take": past.take,
            "told": question.told,
            "embargoed": past.embargoed,
            "hold": hold,
            "held_in_part": HeldUnits(run.definition).above(hold),
            "graphics": {channel: graphic.model_dump() for channel, graphic in past.graphics.items()},
            "totals": [row.fields() for row in rows if _is_asked(question, row)],
        }
    )


def _is_asked(question: Asked, row: Row) -> bool:
    contest, source, units = question.filters
    return contest in {None, row.contest} and source in {None, row.source} and (units is None or row.unit in units)


DEFAULT_SLOTS: Final = 5
MAX_SLOTS: Final = 60
"""Rank slots: İstanbul's ballot has 49 names."""

MAX_VALUES: Final = 60_000
"""Values in one answer: İstanbul's 40 units with 49 candidates and 49 slots are 49,600."""

MAX_TABLES_KEPT: Final = 16
"""Questions whose finished pieces are kept, the last ones asked: at 30 bytes a value, 30 MB at most."""

_NARROWER: Final = (
    "Narrow it with contest= and source= (one of each), with unit= (it may be repeated; unit=tr/34/* is a "
    f"province's districts), or with slots= (0 to {MAX_SLOTS} rank slots; {DEFAULT_SLOTS} without it)."
)

_ORIGIN: Final = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]{1,200}/?")

_JSON: Final = "application/json; charset=utf-8"
_CSV: Final = "text/csv; charset=utf-8; header=present"
_BOM: Final = b"\xef\xbb\xbf"
"""What tells a spreadsheet that a file is UTF-8."""

_FORMS: Final[dict[str, Form]] = {
    "json": JsonRows(),
    "csv": CsvRows(),
    "csv;": CsvRows(";"),
    "flat": FlatObject(),
}


class _Ask(NamedTuple):
    """A question, and the form of its answer."""

    question: Asked
    form: str
    slots: int
    language: Language
    bom: bool
    has_candidates: bool
    fields: tuple[str, ...]
    feeds: dict[str, FeedState]
    origin: str

    def about(self) -> list[object]:
        """What the answer depends on besides the question and the position."""
        told = [self.form, self.slots, self.language, self.bom, self.has_candidates, self.fields, self.origin]
        return [*told, *self.feeds.items()]


class _Key(NamedTuple):
    """Which table it is: of the same for two scopes, as one may see what is held and the other not, there are two."""

    form: str
    contests: tuple[str, ...]
    sources: tuple[str, ...]
    units: frozenset[str] | None
    slots: int
    language: Language
    has_candidates: bool
    fields: tuple[str, ...]
    origin: str
    scope: Scope


class _Tables:
    """The tables of one state of the run, the last ones asked for; they go with it."""

    def __init__(self, run_state: RunState, pictures: Pictures) -> None:
        self.run_state: Final = run_state
        self._columns = Columns(run_state.run.definition, pictures)
        self._kept: dict[_Key, Table] = {}

    def table(self, key: _Key) -> Table:
        """The table of these rows, with the pieces that are finished already. Raises `SameKey` and `HTTPException`."""
        table = self._kept.pop(key, None) or self._new(key)
        while len(self._kept) >= MAX_TABLES_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = table
        return table

    def prepare(self, key: _Key) -> Iterator[None]:
        """Work out what a first table needs, which is then kept; stops wherever others should have a turn."""
        if key not in self._kept:
            units = self._columns.sorted_units(key.units)
            yield
            self._columns.candidates(key.contests, [unit.id for unit in units])
            yield

    def _new(self, key: _Key) -> Table:
        columns = self._columns
        units = columns.sorted_units(key.units)
        named = columns.candidates(key.contests, [unit.id for unit in units]) if key.has_candidates else ()
        shape = Shape(key.slots, key.language, named, key.origin)
        pairs = [(contest, source) for contest in key.contests for source in key.sources]
        table = Table(columns, pairs, units, shape, _FORMS[key.form], key.fields)
        width = len(_head(self.run_state, 0)) + 2 + len(table.names) + len(CONTEXT_COLUMNS)
        refuse_more(width * len(pairs) * len(units), MAX_VALUES, "values", _NARROWER)
        if key.form == "flat":
            columns.check_apart(units, (*table.names, *CONTEXT_COLUMNS))
        return table


class RowsEndpoint:
    """The routes of one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._answers = Answers()
        self._pictures = _pictures_of(gateway.settings.brand)
        self._tables: _Tables | None = None

    async def json(self, request: Request) -> Response:
        """An array of flat objects, one for each contest, source and unit."""
        return await self._answer(request, "json", _JSON)

    async def csv(self, request: Request) -> Response:
        """The same as CSV (RFC 4180), with a header."""
        return await self._answer(request, "csv", _CSV)

    async def flat(self, request: Request) -> Response:
        """One object with the keys of every unit, of one contest and source."""
        question = self._ask(request, "flat").question
        _only("contest", question.filters.contests(question.run_state))
        _only("source", question.filters.sources(question.run_state))
        return await self._answer(request, "flat", _JSON)

    def _ask(self, request: Request, form: str) -> _Ask:
        options = ("slots", "lang", "columns", "fields", "pictures", *(("bom", "sep") if form == "csv" else ()))
        question = asked(self._gateway, request, options)
        query = request.query_params
        slots, language = query.get("slots", str(DEFAULT_SLOTS)), query.get("lang", "tr")
        if not (slots.isascii() and slots.isdigit() and len(slots) <= len(str(MAX_SLOTS)) and int(slots) <= MAX_SLOTS):
            raise HTTPException(400, f"slots={slots!r} cannot be had. Ask for 0 to {MAX_SLOTS} rank slots.")
        if language not in {"tr", "en"}:
            raise HTTPException(400, f"There is no language {language!r}. Use lang=tr or lang=en.")
        if query.get("columns", "all") not in {"all", "slots"}:
            raise HTTPException(
                400, "Use columns=slots for rank slots without each candidate's columns, or columns=all."
            )
        if query.get("bom", "0") not in {"0", "1"}:
            raise HTTPException(400, "Use bom=1 for a file that a spreadsheet opens, or bom=0.")
        if query.get("sep", ",") not in {",", ";"}:
            raise HTTPException(400, "Use sep=; for a spreadsheet that writes decimal commas, or sep=,.")
        form = "csv;" if query.get("sep") == ";" else form
        feeds = {source: feed.state for source, feed in self._gateway.reading().feeds.items()}
        return _Ask(
            question,
            form,
            int(slots),
            "tr" if language == "tr" else "en",
            bom=query.get("bom") == "1",
            has_candidates=query.get("columns") != "slots",
            fields=_fields(query.get("fields", "")),
            feeds=feeds,
            origin=_origin(query.get("pictures", "")),
        )

    async def _answer(self, request: Request, form: str, media_type: str) -> Response:
        try:
            ask = await made_in_turns(
                lambda: self._ask(request, form),
                lambda ask: self._answers.has(request, ask.question, ask.about()),
                self._make,
            )
            if not self._gateway.may_see_numbers(grant_of(request)):  # an embargo began in somebody else's turn
                return embargoed(self._gateway.embargo.until)
            headers = {
                "content-type": media_type,
                "sandik-epoch": ask.question.run_state.epoch,
                "sandik-seq": str(ask.question.view.seq),
            }
            return self._answers.answer(
                request, ask.question, lambda: self._body(ask), about=ask.about(), headers=headers
            )
        except SameKey as error:
            raise HTTPException(409, str(error)) from error
        except UnknownField as error:
            raise HTTPException(400, str(error)) from error

    def _make(self, ask: _Ask) -> Iterator[bool]:
        """Finish the pieces of an answer; yields wherever others should have a turn."""
        for _ in self._tables_of(ask.question.run_state).prepare(_key(ask)):
            yield True
        for _ in self._table(ask).make(ask.question.view.figures):
            yield True

    def _body(self, ask: _Ask) -> Whole:
        run_state, view = ask.question.run_state, ask.question.view
        program, head = run_state.program, _head(run_state, view.seq)

        @cache
        def edge(contest: str, source: str, *, is_held: bool) -> RowContext:
            return RowContext({**head, "contest": contest, "source": source}, ask.feeds[source], is_held)

        def around(place: RowKey) -> RowContext:
            return edge(place.contest, place.source, is_held=program.is_held(place.contest, place.unit.id))

        frame, lines = self._table(ask).lines(view.figures, around)
        return Whole(_BOM + frame.before if ask.bom else frame.before, lines, frame.after, frame.between)

    def _table(self, ask: _Ask) -> Table:
        return self._tables_of(ask.question.run_state).table(_key(ask))

    def _tables_of(self, run_state: RunState) -> _Tables:
        if self._tables is None or self._tables.run_state is not run_state:
            self._tables = _Tables(run_state, self._pictures)
        return self._tables


def _key(ask: _Ask) -> _Key:
    """Return which table the answer is put together from."""
    run_state, filters, scope = ask.question
    return _Key(
        ask.form,
        tuple(filters.contests(run_state)),
        tuple(filters.sources(run_state)),
        filters.units,
        ask.slots,
        ask.language,
        has_candidates=ask.has_candidates,
        fields=ask.fields,
        origin=ask.origin,
        scope=scope,
    )


def _head(run_state: RunState, seq: int) -> dict[str, Value]:
    """What is the same in every row: of which run and position it is, and whether it is a live night."""
    return {"run": run_state.run.name, "mode": run_state.run.mode, "epoch": run_state.epoch, "seq": seq}


def _pictures_of(brand: BrandFolder) -> Pictures:
    """Where this gateway has candidates' photos and parties' logos, without its host."""

    def within(folder: str) -> dict[str, str]:
        return {PurePosixPath(name).stem: f"/static/brand/{name}" for name in brand.files if name.startswith(folder)}

    return Pictures(within("photos/"), within("logos/"))


def _origin(text: str) -> str:
    """What is put before the addresses of pictures: a gateway's own, as tools reach it. Raises `HTTPException`."""
    if text and not _ORIGIN.fullmatch(text):
        raise HTTPException(
            400,
            f"pictures={text[:40]!r} is no address. Give the gateway's, such as pictures=http://graphics-server:8765.",
        )
    return text.rstrip("/")


def _fields(text: str) -> tuple[str, ...]:
    """The columns that are asked for, each once, in the order of the question."""
    return tuple(dict.fromkeys(name for one in text.split(",") if (name := one.strip())))


def _only(name: str, found: Sequence[str]) -> None:
    if len(found) > 1:
        raise HTTPException(400, f"flat.json is about one {name}. Give {name}= one of: {', '.join(found)}.")
