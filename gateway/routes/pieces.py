"""Answers about many units, made a few units at a time: nothing else is served while one is made at a stretch.

What comes in meanwhile makes pieces untrue, never an answer: that is put together at once, at the newest seq.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import orjson
from starlette.requests import Request
from starlette.responses import Response

from gateway.gateway import Gateway
from gateway.routes.answers import Answers, Asked
from gateway.routes.middleware import embargoed, grant_of
from tabulation.view.figures import UnitFigures

UNITS_AT_ONCE: Final = 16
"""Units whose pieces are made before others have a turn: 2 ms of facts with 49 candidates, less of totals."""

_MAX_ROUNDS: Final = 3
"""How often what changed in others' turns is made again with turns in between; then what is left is made at once."""

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

    def make(self, question: Asked, about: About) -> Iterator[None]:
        """Make the pieces that are missing or no longer true; stops wherever others should have a turn."""
        encode = self._encoder(question)
        made = 0
        for contest, source, figures in self._find(question):
            place = contest, source, figures.unit.id
            known = self._pieces.get(place)
            if known and known.figures is figures and (known.changes, known.about) == (figures.changes, about):
                continue
            self._pieces[place] = _Piece(figures, figures.changes, about, encode(contest, source, figures))
            made += 1
            if made % self._at_once == 0:
                yield

    def array(self, question: Asked, about: About) -> orjson.Fragment:
        """All of them as they are now, of one position, as a JSON array."""
        for _ in self.make(question, about):
            """Whoever asks for the answer has no turns left to give."""
        found = self._find(question)
        bodies = [self._pieces[contest, source, figures.unit.id].body for contest, source, figures in found]
        return orjson.Fragment(b"[" + b",".join(bodies) + b"]")


async def answer_in_pieces(
    gateway: Gateway,
    request: Request,
    answers: Answers,
    ask: Callable[[], tuple[Asked, About]],
    pieces: Pieces,
    body: Callable[[Asked, orjson.Fragment], bytes],
) -> Response:
    """Answer what `ask` gives, as it is put once the pieces are made; `body` puts them into the whole."""
    for _ in range(_MAX_ROUNDS):
        question, about = ask()
        others_had_turns = False
        if not answers.has(request, question, about):
            for _ in pieces.make(question, about):
                others_had_turns = True
                await asyncio.sleep(0)
        if not others_had_turns:
            break
    else:
        question, about = ask()
    if not gateway.may_see_numbers(grant_of(request)):  # an embargo began in somebody else's turn
        return embargoed(gateway.embargo.until)
    return answers.answer(request, question, lambda: body(question, pieces.array(question, about)), about=about)
