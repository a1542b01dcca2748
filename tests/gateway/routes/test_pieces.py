"""An answer that is made in pieces is of one position, whatever comes in while others have turns."""

from collections.abc import Callable

import orjson

from eventlog.run import Run
from eventlog.topics import RunTopics
from gateway.routes.answers import Asked, Filters
from gateway.routes.pieces import Encoder, Pieces, Place
from gateway.run_state import RunState
from tabulation.view.figures import UnitFigures
from tests.gateway.nights import DISTRICTS, Written, election, totals


def question() -> Asked:
    state = RunState(Run(RunTopics("night"), "live", "9f2c", election()), "9f2c")
    for offset, district in enumerate(DISTRICTS):
        state.fold(Written(offset, totals(district, votes={"imamoglu": 5}).encode()))
    return Asked(state, Filters(contest="mayor", source="aa"), "control_room")


def counting(encoded: list[str]) -> Callable[[Asked], Encoder]:
    """An encoder that notes of which units it was asked."""

    def encode(_contest: str, _source: str, figures: UnitFigures) -> bytes:
        encoded.append(figures.unit.id)
        return orjson.dumps([figures.unit.id, figures.votes])

    return lambda _: encode


def found(asked: Asked) -> list[Place]:
    return asked.view.reported(contest="mayor", source="aa")


def read(array: orjson.Fragment) -> dict[str, dict[str, int]]:
    return dict(orjson.loads(orjson.dumps(array)))


def test_others_have_a_turn_after_so_many_units() -> None:
    asked, encoded = question(), list[str]()
    turns = [len(encoded) for _ in Pieces(found, counting(encoded), at_once=2).make(asked, ())]
    assert [2, 4, 6] == turns


def test_what_changes_in_a_turn_is_made_again_and_nothing_else_is() -> None:
    asked, encoded = question(), list[str]()
    pieces = Pieces(found, counting(encoded), at_once=1)
    for turn, _ in enumerate(pieces.make(asked, ())):
        if turn == 5:
            asked.run_state.fold(Written(3, totals("tr/34/adalar", votes={"imamoglu": 9}, version=1).encode()))
    encoded.clear()
    votes = {unit: counts["imamoglu"] for unit, counts in read(pieces.array(asked, ())).items()}
    assert ["tr", "tr/34", "tr/34/adalar"] == encoded
    assert {"tr": 19, "tr/06": 5, "tr/06/cankaya": 5, "tr/34": 14, "tr/34/adalar": 9, "tr/34/uskudar": 5} == votes


def test_what_else_an_answer_depends_on_makes_every_piece_anew() -> None:
    asked, encoded = question(), list[str]()
    pieces = Pieces(found, counting(encoded))
    pieces.array(asked, [1])
    encoded.clear()
    pieces.array(asked, [1])
    assert encoded == []
    pieces.array(asked, [2])
    assert len(found(asked)) == len(encoded)
