from datetime import timedelta
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from schemas.asides import (
    MAX_FIGURES,
    Gate,
    Notice,
    NoticeKind,
    Override,
    is_aside,
    is_gate,
    is_notice,
    is_override,
    names_order,
    overridden,
    parse_gate,
    parse_notice,
    parse_override,
    unreported,
)
from schemas.totals import Cell, parse_totals
from tests.builders import NIGHT
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


CELL = Cell("mayor", "aa", "tr/34/uskudar")


def an_override(**figures: int) -> Override:
    named = {name.replace("__", "."): value for name, value in figures.items()}
    return Override(**CELL._asdict(), override=7, at=NIGHT, figures=named)


def test_what_is_written_is_read_again_and_equal_overrides_are_equal_bytes() -> None:
    one, other = an_override(valid=5, votes__kurum=3), an_override(votes__kurum=3, valid=5)

    assert one == parse_override(one.encode())
    assert one.encode() == other.encode()
    assert (b"override:mayor/aa/tr/34/uskudar@7", CELL) == (one.key, one.cell)
    assert is_override(one.key)
    assert not is_override(CELL.key())
    assert not is_override(None)


def test_what_is_said_again_later_has_a_key_of_its_own_so_that_compaction_keeps_the_first() -> None:
    first, again = (an_override(valid=5).key_at(NIGHT + timedelta(milliseconds=ms)) for ms in (0, 1))
    assert first != again
    assert all(is_override(key) and names_order(key) for key in (first, again))


def test_what_the_source_had_said_goes_with_it_and_older_records_say_nothing_of_it() -> None:
    """The bytes of an override without it are those of before there was such a field."""
    older = an_override(valid=5)
    assert b"instead_of" not in older.encode()
    newer = older.model_copy(update={"instead_of": {"votes.kurum": 1, "valid": 4}})
    assert newer.encode().endswith(b'"instead_of":{"valid":4,"votes.kurum":1}}')
    assert newer == parse_override(newer.encode())


def test_the_orders_of_a_cell_may_set_more_figures_than_one_order_can() -> None:
    named = {f"votes.candidate-{number}": number for number in range(MAX_FIGURES + 1)}
    assert named == Override(**CELL._asdict(), override=7, at=NIGHT, figures=named).figures


def test_only_what_a_source_reports_can_be_set() -> None:
    for name in ("flagged", "annulled", "nonsense"):
        with pytest.raises(ValidationError, match="cannot be set by hand"):
            an_override(**{name: 1})


def test_figures_set_by_hand_take_the_place_of_the_sources_own_and_are_named() -> None:
    shown = overridden(totals(votes={"kurum": 1, "imamoglu": 2}), an_override(valid=9, votes__kurum=7).figures)

    assert ({"kurum": 7, "imamoglu": 2}, 9, 3) == (shown.votes, shown.valid, shown.cast)
    assert ("valid", "votes.kurum") == shown.overridden
    assert b'"overridden":["valid","votes.kurum"]' in shown.encode()


@pytest.mark.parametrize(
    ("figures", "excess"),
    [
        ({"votes__kurum": 320}, 0),
        ({"valid": 81_950}, 0),
        ({"votes__imamoglu": 12}, 80_500),
        ({"boxes_opened": 90_000}, 80_500),
        ({"votes__kurum": 320, "votes__imamoglu": 2}, 0),
    ],
    ids=["the votes", "the valid votes by a tenth", "another figure, a little", "boxes", "the votes, and another"],
)
def test_what_is_in_doubt_of_single_boxes_is_so_until_a_figure_is_corrected_by_hand(
    figures: dict[str, int], excess: int
) -> None:
    doubtful = totals(votes={"kurum": 80_000, "imamoglu": 2}).model_copy(update={"valid": 90_000, "excess": 80_500})
    shown = overridden(doubtful, an_override(**figures).figures)
    assert excess == shown.excess


def test_boxes_that_are_set_by_hand_have_no_closed_ones_among_them() -> None:
    told = totals().model_copy(update={"closed": 2})

    assert 2 == overridden(told, an_override(valid=9).figures).closed
    assert 0 == overridden(told, an_override(boxes_opened=9).figures).closed


def test_none_set_is_the_source_as_it_was() -> None:
    assert overridden(totals(), {}) == totals()
    assert b"overridden" not in totals().encode()


def test_where_nothing_was_reported_what_is_set_stands_on_zeros() -> None:
    shown = overridden(unreported(CELL, NIGHT), an_override(votes__kurum=7).figures)

    assert ({"kurum": 7}, 0, -1, NIGHT) == (shown.votes, shown.boxes_opened, shown.version, shown.as_of)
    assert parse_override(an_override().encode()).candidates == ()


def notice(**changes: Any) -> Notice:
    """Two statements of box 1001 in Üsküdar below revision 7, with any field changed."""
    where: dict[str, Any] = {"contest": "mayor", "source": "aa", "district": "tr/34/uskudar"}
    said = {"kind": "restarted", "offset": 12, "count": 2, "revision": 1, "stands": 7, "at": NIGHT, "box": 1001}
    return Notice(**(where | said | changes))


@pytest.mark.parametrize("kind", get_args(NoticeKind))
def test_a_notice_has_a_key_of_its_own_beside_its_cells_totals(kind: str) -> None:
    one = notice(kind=kind)

    assert f"notice:{kind}:mayor/aa/tr/34/uskudar".encode() == one.key
    assert is_notice(one.key)
    assert is_aside(one.key)
    assert not any(map(is_notice, (Cell("mayor", "aa", "tr/34/uskudar").key(), b"gate:mayor/aa/tr/34/uskudar", None)))


def test_a_notice_is_read_as_it_was_written() -> None:
    for one in (notice(), notice(box=None, kind="ahead"), notice(kind="impossible", count=0)):
        assert one == parse_notice(one.encode())


def test_a_notice_says_in_a_line_what_it_is_about() -> None:
    assert "restarted: aa's revision 1 of box 1001 of tr/34/uskudar in mayor" == notice().described()
    assert "ahead: aa's revision 1 of tr/34/uskudar in mayor" == notice(kind="ahead", box=None).described()


def test_only_a_later_statement_makes_a_notice_newer() -> None:
    assert notice().supersedes(None)
    assert notice(offset=13).supersedes(notice())
    assert not notice(count=9).supersedes(notice())
    assert not notice(offset=11, count=9).supersedes(notice())


@pytest.mark.parametrize(
    "changes", [{"v": 2}, {"kind": "other"}, {"type": "gate"}, {"count": 0}, {"offset": -1}, {"at": "20240331"}]
)
def test_what_is_no_notice_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        notice(**changes)
