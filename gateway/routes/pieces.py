"""Answers about many units, made a few units at a time: nothing else is served while one is made at a stretch.

What comes in meanwhile makes pieces untrue, never an answer: that is put together at once, at the newest seq.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from gateway.gateway import Gateway
from gateway.routes.answers import Answers, Asked, Whole
from gateway.routes.middleware import embargoed, grant_of
from tabulation.view.figures import UnitFigures

UNITS_AT_ONCE: Final = 8
"""Units whose pieces are made before others have a turn: 1 ms of facts with 49 candidates, less of totals."""

LOOKS_OF_ONE_MADE: Final = 32
"""How many pieces are looked at, and found true, in the time in which one is made."""

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


async def answer_in_pieces(
    gateway: Gateway,
    request: Request,
    answers: Answers,
    ask: Callable[[], tuple[Asked, About]],
    pieces: Pieces,
    whole: Callable[[Asked, list[bytes]], Whole],
) -> Response:
    """Answer what `ask` gives, as it is put once the pieces are made; `whole` says what goes around them."""
    for _ in range(_MAX_ROUNDS):
        question, about = ask()
        if answers.has(request, question, about):
            break
        made = 0
        for so_far in pieces.make(question, about):
            made = so_far
            await asyncio.sleep(0)
        if made == 0:
            break
    question, about = ask()
    if not gateway.may_see_numbers(grant_of(request)):  # an embargo began in somebody else's turn
        return embargoed(gateway.embargo.until)
    return answers.answer(request, question, lambda: whole(question, pieces.all(question, about)), about=about)
