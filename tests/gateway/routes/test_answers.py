"""An answer that is made in pieces is of one position, whatever comes in while others have turns."""

from collections.abc import Callable

import orjson
import pytest

from eventlog.run import Run, RunTopics
from gateway.routes.answers import BLOCK_BYTES, Asked, Encoder, Filters, Pieces, Place, Whole
from gateway.run_state import RunState
from tabulation.figures import UnitFigures
from tests.gateway.nights import DISTRICTS, Written, election, totals


def _text(size: int) -> bytes:
    """A piece that is one text, so many characters long."""
    return b'"' + b"x" * size + b'"'


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


def read(bodies: list[bytes]) -> dict[str, dict[str, int]]:
    return dict(map(orjson.loads, bodies))


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
    votes = {unit: counts["imamoglu"] for unit, counts in read(pieces.all(asked, ())).items()}
    assert ["tr", "tr/34", "tr/34/adalar"] == encoded
    assert {"tr": 19, "tr/06": 5, "tr/06/cankaya": 5, "tr/34": 14, "tr/34/adalar": 9, "tr/34/uskudar": 5} == votes


def test_what_else_an_answer_depends_on_makes_every_piece_anew() -> None:
    asked, encoded = question(), list[str]()
    pieces = Pieces(found, counting(encoded))
    pieces.all(asked, [1])
    encoded.clear()
    pieces.all(asked, [1])
    assert encoded == []
    pieces.all(asked, [2])
    assert len(found(asked)) == len(encoded)


@pytest.mark.parametrize("pieces", [[], [b"1"], [b"1", b"[2]"], [_text(5_000)] * 40, [_text(BLOCK_BYTES + 1)] * 3])
@pytest.mark.parametrize("rest", [{}, {"more": None, "most": [1]}])
def test_the_blocks_of_an_answer_are_its_json_and_as_long_as_is_said(
    pieces: list[bytes], rest: dict[str, object]
) -> None:
    whole = Whole.of({"run": "night"}, "units", pieces, rest)
    text = b"".join(whole.blocks())
    assert {"run": "night", "units": [orjson.loads(piece) for piece in pieces], **rest} == orjson.loads(text)
    assert len(text) == whole.size_bytes


def test_no_block_is_larger_than_its_limit_and_one_piece() -> None:
    whole = Whole.of({"run": "night"}, "units", [_text(5_000)] * 40, {})
    sizes = [len(block) for block in whole.blocks()]
    assert len(sizes) > 2
    assert max(sizes) < BLOCK_BYTES + 5_010


@pytest.mark.parametrize("pieces", [[], [b"1"], [b"1;", b"2;"]])
def test_the_length_of_an_answer_counts_what_is_between_its_pieces(pieces: list[bytes]) -> None:
    for between in (b"", b", "):
        whole = Whole(b"[", pieces, b"]", between)
        assert b"".join(whole.blocks()) == b"[%b]" % between.join(pieces)
        assert len(b"".join(whole.blocks())) == whole.size_bytes
