from collections.abc import Sequence
from typing import Any

import pytest

from schemas.figures import COUNTS
from schemas.gate import Gate
from schemas.override import Override
from schemas.totals import Cell, Totals
from tabulation.on_air.cells import HeldUnits, OnAir
from tests.builders import NIGHT, small_election
from tests.gateway.nights import DISTRICTS, election

CELL = Cell("mayor", "aa", "tr/34/uskudar")
HELD: dict[str, Any] = {"contest": "mayor", "source": "aa", "district": "tr/34/uskudar"}


def totals(version: int, opened: int, cell: Cell = CELL) -> Totals:
    counts: dict[str, Any] = dict.fromkeys(COUNTS, 0) | {"boxes_opened": opened, "valid": 10 * opened}
    return Totals(**cell._asdict(), version=version, as_of=NIGHT, votes={"imamoglu": 10 * opened}, **counts)


def gate(number: int, *, held: bool, program: Totals | None = None) -> Gate:
    return Gate(**HELD, gate=number, held=held, program=program)


def test_what_is_not_held_is_shown_as_it_is() -> None:
    fold = OnAir(small_election())
    reported = totals(3, 1)

    assert fold.fold(CELL.key(), reported.encode()) == CELL

    assert fold.shown(CELL) == fold.truth(CELL) == fold.reported(CELL) == reported
    assert not fold.is_held("mayor", "tr")


def test_an_older_record_changes_nothing() -> None:
    fold = OnAir(small_election())
    fold.fold_totals(totals(3, 2))

    assert fold.fold(CELL.key(), totals(3, 1).encode()) is None
    assert fold.shown(CELL) == totals(3, 2)


def test_a_held_cell_shows_what_its_gate_says_and_its_release_the_newest() -> None:
    fold = OnAir(small_election())
    fold.fold_totals(totals(3, 1))
    held = gate(7, held=True, program=totals(3, 1))
    fold.fold(held.key, held.encode())
    fold.fold_totals(totals(4, 2))

    assert fold.shown(CELL) == totals(3, 1)
    assert fold.truth(CELL) == totals(4, 2)
    assert fold.held == {("mayor", "tr/34/uskudar")}

    fold.fold_gate(gate(8, held=False))

    assert fold.shown(CELL) == totals(4, 2)
    assert fold.held == frozenset()


def test_a_unit_is_held_where_any_district_in_it_is() -> None:
    fold = OnAir(small_election())
    fold.fold_gate(gate(7, held=True))

    held = {
        (contest, unit)
        for contest in ("mayor", "district_mayor")
        for unit in small_election().unit_by_id
        if fold.is_held(contest, unit)
    }

    assert fold.held_units == held == {("mayor", "tr/34/uskudar"), ("mayor", "tr/34"), ("mayor", "tr")}


def test_figures_by_hand_show_marked_and_also_where_the_source_is_silent() -> None:
    fold = OnAir(small_election())
    override = Override(**HELD, override=9, at=NIGHT, figures={"boxes_opened": 5, "votes.imamoglu": 70})

    assert fold.fold(override.key, override.encode()) == CELL

    shown = fold.shown(CELL)
    assert shown is not None
    assert (shown.boxes_opened, shown.votes["imamoglu"], shown.overridden) == (
        5,
        70,
        ("boxes_opened", "votes.imamoglu"),
    )
    assert fold.reported(CELL) is None
    assert fold.cells == [CELL]


def test_what_cannot_be_read_or_is_not_in_the_definition_changes_nothing() -> None:
    fold = OnAir(small_election())
    unknown = totals(1, 1, Cell("mayor", "aa", "tr/34"))

    assert fold.fold(CELL.key(), b"{}") is None
    assert fold.fold(b"mark:3", b"anything") is None
    assert fold.fold(unknown.cell.key(), unknown.encode()) is None
    assert fold.fold_override(Override(**HELD, override=9, at=NIGHT, figures={"votes.nobody": 1})) is False
    assert fold.fold_gate(gate(7, held=True, program=totals(1, 1).model_copy(update={"votes": {"nobody": 1}}))) is None
    assert fold.cells == []


def test_of_orders_on_one_cell_the_newest_stands() -> None:
    fold = OnAir(small_election())
    fold.fold_override(Override(**HELD, override=9, at=NIGHT, figures={"valid": 5}))
    fold.fold_gate(gate(7, held=True))

    assert fold.fold_override(Override(**HELD, override=8, at=NIGHT, figures={"valid": 6})) is False
    assert fold.fold_gate(gate(6, held=False)) is None

    assert fold.gate(CELL) == gate(7, held=True, program=fold.truth(CELL))
    assert (fold.override(CELL) or fail()).figures == {"valid": 5}


def fail() -> Override:
    raise AssertionError


def by_hand(number: int, version: int | None = -1, **figures: int) -> Override:
    return Override(**HELD, override=number, at=NIGHT, figures=figures, version=version)


def test_taking_back_what_nobody_has_set_makes_no_figures() -> None:
    """Nothing was reported, so there is nothing to show: no zeros, and no event time of the order's."""
    fold = OnAir(small_election())

    assert fold.fold_override(by_hand(3))
    assert (None, None) == (fold.truth(CELL), fold.shown(CELL))

    fold.fold_totals(totals(3, 1))

    assert totals(3, 1) == fold.shown(CELL)


def test_what_was_set_by_hand_and_taken_back_leaves_zeros_where_nothing_is_reported() -> None:
    """Who was shown the figures has to be told that they are gone; in any order of the records, and in older logs."""
    nights = [[by_hand(1, valid=9), by_hand(3)], [by_hand(3), by_hand(1, valid=9)], [by_hand(3, version=None)]]
    for night in nights:
        fold = OnAir(small_election())
        for override in night:
            fold.fold_override(override)
        shown = fold.shown(CELL)
        assert shown is not None
        assert (0, ()) == (shown.valid, shown.overridden)


ISTANBUL = [district for district in DISTRICTS if district.startswith("tr/34/")]


@pytest.mark.parametrize(
    ("districts", "names"),
    [
        ([], ()),
        (["tr/34/uskudar"], ("mayor/tr/34/uskudar",)),
        (ISTANBUL, ("mayor/tr/34",)),
        (["tr/34/uskudar", "tr/06/cankaya"], ("mayor/tr/06", "mayor/tr/34/uskudar")),
        (DISTRICTS, ("mayor",)),
    ],
)
def test_what_is_held_is_named_by_the_largest_units_that_are_held_whole(
    districts: Sequence[str], names: tuple[str, ...]
) -> None:
    assert names == HeldUnits(election()).named({("mayor", district) for district in districts})


def test_the_units_above_what_is_held_are_named_alike() -> None:
    units = HeldUnits(election())

    assert ("mayor", "mayor/tr/34") == units.above(["mayor/tr/34/uskudar"])
    assert () == units.above(["mayor"])
