"""/v1/rows.json, /v1/rows.csv and /v1/flat.json: figures for graphics tools that poll and bind fields to keys."""

import csv
import io
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.derived.columns import Columns, Row, SameKey, Shape
from gateway.derived.format import Language
from gateway.doors.answers import Answers, Asked, asked
from gateway.gateway import Gateway
from gateway.world import World
from schemas.definition import Unit
from schemas.wire import FeedState

DEFAULT_SLOTS: Final = 5
MAX_SLOTS: Final = 60
"""Rank slots: İstanbul's ballot has 49 names."""

MAX_VALUES: Final = 60_000
"""Values in one answer: İstanbul's 40 units with 49 candidates and 49 slots are 49,600 and take 72 ms."""

_JSON: Final = "application/json; charset=utf-8"
_CSV: Final = "text/csv; charset=utf-8; header=present"
_BOM: Final = b"\xef\xbb\xbf"
"""What tells a spreadsheet that a file is UTF-8."""


class _Ask(NamedTuple):
    """A question, and the form of its answer."""

    question: Asked
    slots: int
    language: Language
    bom: bool
    feeds: dict[str, FeedState]


class RowsDoor:
    """The routes of one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._answers = Answers()
        self._columns: tuple[World, Columns] | None = None

    async def json(self, request: Request) -> Response:
        """An array of flat objects, one for each contest, source and unit."""
        ask = self._ask(request)
        return self._answer(request, ask, "json", _JSON, lambda: orjson.dumps(self._rows(ask)))

    async def csv(self, request: Request) -> Response:
        """The same as CSV (RFC 4180), with a header."""
        ask = self._ask(request, bom=True)
        return self._answer(request, ask, "csv", _CSV, lambda: _csv(self._rows(ask), bom=ask.bom))

    async def flat(self, request: Request) -> Response:
        """One object with the keys of every unit, of one contest and source."""
        ask = self._ask(request)
        _only("contest", ask.question.filters.contests(ask.question.world))
        _only("source", ask.question.filters.sources(ask.question.world))
        return self._answer(request, ask, "flat", _JSON, lambda: orjson.dumps(self._flat(ask)))

    def _ask(self, request: Request, *, bom: bool = False) -> _Ask:
        question = asked(self._gateway, request, ("slots", "lang", "bom") if bom else ("slots", "lang"))
        query = request.query_params
        slots, language = query.get("slots", str(DEFAULT_SLOTS)), query.get("lang", "tr")
        if not (slots.isascii() and slots.isdigit() and len(slots) <= len(str(MAX_SLOTS)) and int(slots) <= MAX_SLOTS):
            raise HTTPException(400, f"slots={slots!r} cannot be had. Ask for 0 to {MAX_SLOTS} rank slots.")
        if language not in {"tr", "en"}:
            raise HTTPException(400, f"There is no language {language!r}. Use lang=tr or lang=en.")
        if query.get("bom", "0") not in {"0", "1"}:
            raise HTTPException(400, "Use bom=1 for a file that a spreadsheet opens, or bom=0.")
        feeds = {source: feed.state for source, feed in self._gateway.reading().feeds.items()}
        return _Ask(question, int(slots), "tr" if language == "tr" else "en", query.get("bom") == "1", feeds)

    def _answer(self, request: Request, ask: _Ask, form: str, media_type: str, body: Callable[[], bytes]) -> Response:
        question = ask.question
        about = [form, ask.slots, ask.language, ask.bom, sorted(ask.feeds.items())]
        headers = {
            "content-type": media_type,
            "sandik-epoch": question.world.epoch,
            "sandik-seq": str(question.view.seq),
        }
        try:
            return self._answers.answer(request, question, body, about=about, headers=headers)
        except SameKey as error:
            raise HTTPException(409, str(error)) from error

    def _rows(self, ask: _Ask) -> list[Row]:
        world, filters = ask.question.world, ask.question.filters
        contests, sources = filters.contests(world), filters.sources(world)
        columns = self._columns_of(world)
        units = columns.sorted_units(filters.units)
        shape = Shape(ask.slots, ask.language, columns.candidates(contests, [unit.id for unit in units]))
        held = frozenset(world.program.hold)
        rows: list[Row] = []
        for contest in contests:
            for source in sources:
                for unit in units:
                    figures = ask.question.view.figures(contest, source, unit.id)
                    is_held = _is_held(world, held, contest, unit)
                    said: Row = {"feed": ask.feeds[source], "held": int(is_held)}
                    head = {**_head(ask.question), "contest": contest, "source": source}
                    rows.append(head | columns.row(contest, unit, figures, shape) | said)
                    if len(rows) == 1:
                        _refuse_too_many(len(rows[0]) * len(units) * len(contests) * len(sources))
        return rows

    def _flat(self, ask: _Ask) -> Row:
        columns = self._columns_of(ask.question.world)
        rows = self._rows(ask)
        shared = {name: rows[0][name] for name in (*_head(ask.question), "contest", "source", "feed")}
        own = ({name: value for name, value in row.items() if name not in shared} for row in rows)
        return shared | columns.flat(own)

    def _columns_of(self, world: World) -> Columns:
        if self._columns is None or self._columns[0] is not world:
            self._columns = world, Columns(world.run.definition)
        return self._columns[1]


def _head(question: Asked) -> Row:
    """What is the same in every row: of which run and position it is, and whether it is a live night."""
    world = question.world
    return {"run": world.run.name, "mode": world.run.mode, "epoch": world.epoch, "seq": question.view.seq}


def _is_held(world: World, held: frozenset[str], contest: str, unit: Unit) -> bool:
    above = (unit.id, *world.run.definition.ancestors[unit.id])
    return contest in held or any(f"{contest}/{one}" in held for one in above)


def _only(name: str, found: Sequence[str]) -> None:
    if len(found) > 1:
        raise HTTPException(400, f"flat.json is about one {name}. Give {name}= one of: {', '.join(found)}.")


def _refuse_too_many(values: int) -> None:
    if values > MAX_VALUES:
        raise HTTPException(
            400,
            f"That is {values} values, and an answer has {MAX_VALUES} at most. "
            "Narrow it with contest= and source= (one of each), with unit= (it may be repeated; unit=tr/34/* is a "
            f"province's districts), or with slots= (0 to {MAX_SLOTS} rank slots; {DEFAULT_SLOTS} without it).",
        )


def _csv(rows: Sequence[Row], *, bom: bool) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))  # a definition has a contest, a source and a unit
    writer.writeheader()
    writer.writerows(rows)
    return (_BOM if bom else b"") + text.getvalue().encode()
