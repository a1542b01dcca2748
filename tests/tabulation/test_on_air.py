from collections.abc import Sequence
from typing import Any

import pytest

from schemas.asides import GATE_PREFIX, Gate, Override, parse_gate
from schemas.figures import COUNTS
from schemas.totals import Cell, Totals
from tabulation.on_air import HeldUnits, OnAir, Relays
from tests.builders import NIGHT, small_election
from tests.gateway.nights import DISTRICTS, election
from tests.shapes import deep

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


def override(number: int, version: int | None = None, **figures: int) -> Override:
    return Override(**HELD, override=number, at=NIGHT, figures=figures, version=version)


def fold(*records: Gate | Override | Totals) -> Relays:
    relays = Relays(small_election())
    for one in records:
        relays.fold(one.cell.key() if isinstance(one, Totals) else one.key, one.encode())
    return relays


def records(relays: Relays) -> list[Gate | Override]:
    return [relay.record for relay in relays.orders(CELL)]


def test_what_every_order_came_to_is_kept_in_their_order() -> None:
    held, released = gate(7, held=True, program=totals(3, 1)), gate(9, held=False)
    relays = fold(totals(3, 1), override(8, 3, valid=5), held, released)

    assert [held, override(8, 3, valid=5), released] == records(relays)
    assert {CELL} == relays.cells
    assert held == relays.gate(CELL, 7)
    assert relays.gate(CELL, 8) is None


def test_a_gate_stands_as_its_readers_settled_it_until_it_is_said_again() -> None:
    behind = gate(7, held=True, program=totals(3, 1))
    exact = behind.model_copy(update={"again": 1})

    assert [gate(7, held=True, program=totals(4, 2))] == records(fold(totals(4, 2), behind, behind))
    assert [exact] == records(fold(totals(4, 2), behind, exact))


def test_an_older_gate_that_is_said_again_is_exact_beside_the_newer_one() -> None:
    again = gate(7, held=True, program=totals(3, 1)).model_copy(update={"again": 1})
    newer = gate(9, held=True, program=totals(4, 2))

    assert [again, newer] == records(fold(totals(4, 2), newer, again))


def test_of_an_override_that_was_relayed_twice_the_first_that_names_a_version_stands() -> None:
    nameless, first, second = (override(7, version, valid=5) for version in (None, 3, 4))

    assert [first] == records(fold(nameless, first, second, nameless))


def test_an_order_tells_up_to_which_version_its_cell_was_published_if_it_was_written_down() -> None:
    release = gate(9, held=False)
    dated = release.model_copy(update={"version": 5})
    held = gate(7, held=True, program=totals(3, 1)), gate(7, held=True)
    orders: list[Gate | Override] = [*held, override(8, 3), override(8), release, dated]

    assert [3, -1, 3, None, None, 5] == [order.published for order in orders]
    assert dated == parse_gate(dated.encode())


def test_a_record_that_cannot_be_used_relays_nothing() -> None:
    relays = Relays(small_election())
    unknown: dict[str, Any] = HELD | {"district": "tr/34"}

    for key, value in (
        (GATE_PREFIX, b"{}"),
        (b"override:", None),
        (CELL.key(), b"{}"),
        (GATE_PREFIX, Gate(**unknown, gate=1, held=True).encode()),
        (b"override:", Override(**unknown, override=1, at=NIGHT, figures={}).encode()),
    ):
        assert relays.fold(key, value) is None
    assert not relays.cells


def test_an_order_took_effect_when_it_was_first_relayed_or_at_the_latest_when_the_next_one_was() -> None:
    relays = Relays(small_election())
    first, second, third = gate(7, held=True), gate(8, held=False), gate(9, held=True)
    for at_ms, one in ((30, second), (40, first), (50, second), (60, third)):
        relays.fold(one.key, one.encode(), at_ms)

    assert [(30, 7), (30, 8), (60, 9)] == [(relay.since_ms, relay.record.number) for relay in relays.orders(CELL)]


def test_an_older_log_may_have_lost_what_it_kept_under_one_key() -> None:
    relays = Relays(small_election())
    for key, one in ((GATE_PREFIX + CELL.key(), gate(7, held=True)), (gate(9, held=True).key, gate(9, held=True))):
        relays.fold(key, one.encode())

    lost = [number for number in (6, 7, 8, 9) if relays.has_lost(gate(number, held=False))]
    assert ([6], False) == (lost, relays.has_lost(override(6)))


def test_it_knows_when_the_newest_totals_of_a_cell_were_published() -> None:
    relays = Relays(small_election())
    assert relays.reported_ms(CELL) is None
    for version, appended_ms in ((3, 100), (2, 200)):
        relays.fold(CELL.key(), totals(version, 1).encode(), appended_ms)
    assert relays.reported_ms(CELL) == 100, "an older version that comes later is no newer"


def test_a_unit_of_another_tree_is_held_in_part_where_boxes_of_it_are() -> None:
    units = HeldUnits(deep())

    assert ("m", "m/n/c/1", "m/n/c/2") == units.above(["m/n/p"])
    assert ("m", "m/n/c/1", "m/n/q") == units.above(["m/n/q/prison"])
    assert () == units.above(["m"])
