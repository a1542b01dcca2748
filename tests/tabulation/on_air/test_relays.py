from typing import Any

from schemas.gate import GATE_PREFIX, Gate, parse_gate
from schemas.override import Override
from schemas.totals import Totals
from tabulation.on_air.relays import Relays
from tests.builders import NIGHT, small_election
from tests.tabulation.on_air.test_cells import CELL, HELD, gate, totals


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
