"""The past as the totals topic says that it was published; see `test_history` for tallies and orders alone."""

from collections.abc import Sequence
from typing import NamedTuple

from schemas.asides import GATE_PREFIX, Gate, Override
from schemas.control import FigureOverridden, Held, Released
from schemas.totals import Cell, Totals
from tabulation.counting.tally_fold import TallyFold
from tabulation.derived.history import Given, History, as_given, as_relayed
from tabulation.on_air import Relays
from tests.builders import NIGHT, counted, small_election, value_of
from tests.gateway.nights import Written
from tests.tabulation.derived.test_history import order

ELECTION = small_election()
CELL = Cell("mayor", "aa", "tr/34/uskudar")
HELD = CELL._asdict()
TALLIES = [
    Written(index, value_of(counted({"kurum": votes}, revision=index + 1, type=kind)), at_ms, CELL.district.encode())
    for index, (at_ms, votes, kind) in enumerate([(10, 1, "counted"), (20, 2, "corrected"), (30, 3, "corrected")])
]
"""Kurum has 1, 2 and 3 votes, at 10, 20 and 30 ms, by versions 0, 1 and 2."""


class Said(NamedTuple):
    """A record of the totals topic, and when it was appended."""

    at_ms: int
    record: Totals | Gate | Override
    key: bytes | None = None


def published(version: int) -> Totals:
    history = History(ELECTION, TallyFold(ELECTION, "tallies", lambda _: 0), [], 100)
    history.fold(0, TALLIES[: version + 1])
    (totals,) = history.on_air()
    return totals


def gate(number: int, *, held: bool, program: Totals | None = None, version: int | None = None) -> Gate:
    return Gate(**HELD, gate=number, held=held, program=program, version=version)


def override(number: int, version: int | None, **figures: int) -> Override:
    return Override(**HELD, override=number, at=NIGHT, figures=figures, version=version)


def on_air(
    moment_ms: int, topic: Sequence[Said], orders: Sequence[Given] = (), late: dict[int, int] | None = None
) -> tuple[int | None, bool]:
    """Kurum's votes on air at a moment, and whether they were held."""
    relays = Relays(ELECTION)
    for said in topic:
        key = CELL.key() if isinstance(said.record, Totals) else said.record.key
        relays.fold(said.key or key, said.record.encode(), said.at_ms)
    changes = as_relayed(as_given(ELECTION, orders), relays)
    history = History(ELECTION, TallyFold(ELECTION, "tallies", lambda _: 0), changes, moment_ms, relays, late)
    history.fold(0, TALLIES[:2])
    history.fold(0, TALLIES[2:])
    history.settle()
    shown = next((totals.votes["kurum"] for totals in history.on_air() if totals.cell == CELL), None)
    assert shown == (totals.votes["kurum"] if (totals := history.shown(CELL)) else None)
    return shown, bool(history.public.held)


def test_nothing_is_newer_than_what_the_topic_has_now() -> None:
    assert [(None, False), (1, False), (2, False), (3, False)] == [
        on_air(35, [Said(10, published(version)) for version in range(count)]) for count in range(4)
    ]


def test_a_hold_shows_what_its_gate_shows_from_when_it_was_relayed() -> None:
    topic = [
        Said(10, published(0)),
        Said(25, gate(1, held=True, program=published(0))),
        Said(25, published(1)),
        Said(32, gate(2, held=False, version=1)),
        Said(33, published(2)),
    ]

    assert {15: (1, False), 22: (1, False), 25: (1, True), 31: (1, True), 32: (3, False)} == {
        moment_ms: on_air(moment_ms, topic) for moment_ms in (15, 22, 25, 31, 32)
    }


def test_before_an_order_nothing_was_newer_than_what_it_came_after() -> None:
    topic = [Said(10, published(0)), Said(40, override(1, 0, valid=7)), Said(40, published(2))]

    assert [(1, False), (1, False), (3, False)] == [on_air(moment_ms, topic) for moment_ms in (20, 39, 40)]


def test_what_was_late_was_not_on_air_also_where_an_order_came_after_it() -> None:
    topic = [Said(10, published(0)), Said(50, published(2)), Said(60, gate(1, held=True, program=published(2)))]

    assert [(1, False), (3, False), (3, True)] == [
        on_air(45, topic, late={0: 1}),
        on_air(55, topic),
        on_air(60, topic),
    ]
    assert (None, False) == on_air(45, topic, late={0: 0})


def test_an_order_that_was_not_relayed_has_no_effect() -> None:
    orders = [Given(1, 15, order(Held, 1)), Given(2, 18, order(Released, 2)), Given(3, 25, order(Held, 3))]

    assert (3, False) == on_air(35, [Said(35, published(2))], orders)
    assert (2, True) == on_air(35, [Said(21, gate(3, held=True, program=published(1)))], orders)


def test_what_an_older_log_has_lost_counts_from_when_it_was_ordered() -> None:
    """It kept of all gates of a cell the newest, and likewise of overrides."""
    by_hand = order(FigureOverridden, 4, source="aa", unit=CELL.district, figures={"votes.kurum": 70})
    orders = [Given(1, 15, order(Held, 1)), Given(2, 22, order(Released, 2)), Given(4, 25, by_hand)]
    topic = [
        Said(10, published(0)),
        Said(33, published(2)),
        Said(34, gate(5, held=True, program=published(2)), GATE_PREFIX + CELL.key()),
        Said(35, override(6, None), b"override:" + CELL.key()),
    ]

    assert {14: (1, False), 18: (1, True), 21: (1, True), 22: (2, False), 26: (70, False), 34: (3, True)} == {
        moment_ms: on_air(moment_ms, topic, orders) for moment_ms in (14, 18, 21, 22, 26, 34)
    }
