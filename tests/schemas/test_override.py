import pytest
from pydantic import ValidationError

from schemas.override import MAX_FIGURES, Override, is_override, overridden, parse_override, unreported
from schemas.totals import Cell
from tests.builders import NIGHT
from tests.gateway.nights import totals

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


def test_none_set_is_the_source_as_it_was() -> None:
    assert overridden(totals(), {}) == totals()
    assert b"overridden" not in totals().encode()


def test_where_nothing_was_reported_what_is_set_stands_on_zeros() -> None:
    shown = overridden(unreported(CELL, NIGHT), an_override(votes__kurum=7).figures)

    assert ({"kurum": 7}, 0, -1, NIGHT) == (shown.votes, shown.boxes_opened, shown.version, shown.as_of)
    assert parse_override(an_override().encode()).candidates == ()
