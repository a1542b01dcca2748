import pytest
from pydantic import ValidationError

from schemas.gate import Gate, is_gate, parse_gate
from schemas.totals import parse_totals
from tests.gateway.nights import totals


def gate(number: int = 3, again: int = 0, **fields: object) -> Gate:
    said = {
        "contest": "mayor",
        "source": "aa",
        "district": "tr/34/uskudar",
        "gate": number,
        "again": again,
        "held": True,
    }
    return Gate.model_validate(said | fields)


def test_a_gate_survives_the_way_through_the_log() -> None:
    for one in (gate(program=totals(votes={"kurum": 3})), gate(), gate(held=False)):
        assert parse_gate(one.encode()) == one


def test_a_gate_is_told_from_totals_by_its_key() -> None:
    assert is_gate(gate().key)
    assert not is_gate(gate().cell.key())
    assert not is_gate(None)
    with pytest.raises(ValidationError):
        parse_totals(gate(program=totals()).encode())


def test_a_gate_shows_no_other_cells_totals() -> None:
    with pytest.raises(ValidationError, match="cannot show"):
        gate(program=totals("tr/34/adalar"))


def test_the_newer_order_stands_and_of_the_same_the_first_unless_it_is_said_again() -> None:
    assert gate().supersedes(None)
    assert gate(4).supersedes(gate(3, again=9))
    assert gate(3, again=1).supersedes(gate(3))
    assert not gate(3).supersedes(gate(3))
    assert not gate(2, again=9).supersedes(gate(3))


def test_a_hold_never_shows_less_than_its_reader_knew() -> None:
    behind, known, ahead = totals(version=1), totals(version=2), totals(version=3)
    assert gate(program=behind).settled(known).program == known
    assert gate().settled(known).program == known
    assert gate(program=ahead).settled(known).program == ahead
    assert gate().settled(None).program is None


def test_what_is_said_again_is_exact() -> None:
    assert gate(again=1, program=totals(version=1)).settled(totals(version=2)).program == totals(version=1)
    assert gate(held=False).settled(totals()).program is None
