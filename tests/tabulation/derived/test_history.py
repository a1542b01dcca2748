from collections.abc import Iterable
from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.control import FigureOverridden, Held, Order, OverrideWithdrawn, Released, Taken
from schemas.tally import Counted, Withdrawn
from schemas.totals import Cell, Totals
from tabulation.counting.tally_fold import TallyFold
from tabulation.derived.history import Given, History, as_given
from tests.builders import DISTRICTS, NIGHT, counted, small_election, value_of
from tests.consumers.nights import arrivals, tallies
from tests.consumers.oracle import sums
from tests.gateway.nights import Written

ELECTION = small_election()
FIGURES = ("boxes_opened", "registered", "cast", "valid", "invalid", "unattributed", "votes")
Said = tuple[int, Counted | Withdrawn]
Seen = dict[Cell, dict[str, Any]]


def partition_of(key: bytes) -> int:
    """Two partitions, so that districts move apart in time."""
    return DISTRICTS.index(key.decode()) % 2


def order(kind: type[Order], number: int, **fields: Any) -> Order:
    """An order of the mayor's race."""
    told = {"run": "r", "epoch": "e1e1", "id": f"order-{number:04}", "by": "A", "at": NIGHT, "reason": "why"}
    return kind(**{**told, "contest": "mayor", **fields})


@st.composite
def orders(draw: st.DrawFn) -> list[Given]:
    """Holds, takes, releases and figures set by hand, in the order in which they were appended."""
    times = sorted(draw(st.lists(st.integers(0, 100), max_size=6)))
    return [Given(offset, at, draw(_any_order(offset))) for offset, at in enumerate(times)]


def _any_order(number: int) -> st.SearchStrategy[Order]:
    units = st.sampled_from([None, "tr", "tr/34", *DISTRICTS[:2]])
    holds = st.builds(
        lambda kind, unit: order(kind, number, unit=unit), st.sampled_from([Held, Held, Taken, Released]), units
    )
    by_hand = st.builds(
        lambda district, figures: order(FigureOverridden, number, source="aa", unit=district, figures=figures),
        st.sampled_from(DISTRICTS[:2]),
        st.dictionaries(st.sampled_from(["valid", "votes.kurum"]), st.integers(0, 9), min_size=1),
    )
    withdrawn = st.builds(
        lambda district: order(OverrideWithdrawn, number, source="aa", unit=district), st.sampled_from(DISTRICTS[:2])
    )
    return st.one_of(holds, holds, by_hand, withdrawn)


def reported_by(said: Iterable[Said], given: list[Given], at: int) -> Seen:
    """What sources had said by then, with what was set by hand: every event looked at."""
    seen: Seen = {
        Cell(*cell): {name: figures[name] for name in FIGURES}
        for cell, figures in sums(tally for appended, tally in said if appended <= at).items()
    }
    for one in given:
        if not isinstance(one.order, FigureOverridden | OverrideWithdrawn):
            continue
        cell = Cell("mayor", "aa", one.order.unit)
        seen.setdefault(cell, dict.fromkeys(FIGURES, 0) | {"votes": {}})
    for cell in list(seen):
        hand: dict[str, int] = {}
        for one in given:
            if isinstance(one.order, FigureOverridden) and cell == ("mayor", "aa", one.order.unit):
                hand |= one.order.figures
            if isinstance(one.order, OverrideWithdrawn) and cell == ("mayor", "aa", one.order.unit):
                hand = {}
        votes = dict(seen[cell]["votes"])
        if "votes.kurum" in hand:
            votes["kurum"] = hand["votes.kurum"]
        seen[cell] |= {"votes": {name: number for name, number in votes.items() if number}}
        seen[cell] |= {"valid": hand["valid"]} if "valid" in hand else {}
    return seen


def on_air(said: list[Said], given: list[Given], moment: int) -> Seen:
    """What was shown, district by district: all there was when it was last frozen, or there is now."""
    given = [one for one in given if one.appended_ms <= moment]
    shown: Seen = {}
    for district in DISTRICTS:
        frozen: tuple[int, list[Given]] | None = None
        for number, one in enumerate(given):
            if not isinstance(one.order, Held | Released | Taken):
                continue
            covers = one.order.unit is None or f"{district}/".startswith(f"{one.order.unit}/")
            if not covers:
                continue
            if isinstance(one.order, Released):
                frozen = None
            elif isinstance(one.order, Taken) == (frozen is not None):
                frozen = (one.appended_ms, given[:number])
        at, orders_by_then = frozen or (moment, given)
        known = reported_by(said, orders_by_then, at)
        shown |= {cell: figures for cell, figures in known.items() if cell.district == district}
    return shown


def figures_of(shown: list[Totals]) -> Seen:
    """The figures that the fold shows, as the oracle writes them."""
    seen = {totals.cell: {name: getattr(totals, name) for name in FIGURES} for totals in shown}
    for figures in seen.values():
        figures["votes"] = {name: number for name, number in figures["votes"].items() if number}
    return seen


@settings(deadline=None)  # a busy machine is no fault
@given(st.data())
def test_what_was_shown_at_any_moment_is_what_was_there_by_then(data: st.DataObject) -> None:
    arrived = data.draw(arrivals(data.draw(tallies())))
    times = sorted(data.draw(st.lists(st.integers(0, 100), min_size=len(arrived), max_size=len(arrived))))
    said = list(zip(times, arrived, strict=True))
    given_orders = data.draw(orders())
    moment = data.draw(st.integers(0, 100))
    history = History(ELECTION, TallyFold(ELECTION, "tallies", partition_of), as_given(ELECTION, given_orders), moment)
    offsets = {partition: count() for partition in (0, 1)}
    records: dict[int, list[Written]] = {0: [], 1: []}
    for appended, tally in said:
        key = tally.district.encode()
        partition = partition_of(key)
        records[partition].append(Written(next(offsets[partition]), value_of(tally), appended, key))
    for partition in data.draw(st.permutations([0, 1])):
        cut = data.draw(st.integers(0, len(records[partition])))
        for batch in (records[partition][:cut], records[partition][cut:]):
            history.fold(partition, batch)
    history.settle()

    by_then = [one for one in given_orders if one.appended_ms <= moment]
    assert on_air(said, given_orders, moment) == figures_of(history.on_air())
    assert reported_by(said, by_then, moment) == figures_of(history.control_room())


def test_what_is_held_shows_what_stood_when_it_was_held_and_is_named() -> None:
    held = Given(0, 5, order(Held, 1, unit="tr/34/uskudar"))
    elsewhere = Given(1, 5, order(Held, 3, unit="tr/34/adalar"))
    later = Given(2, 9, order(Released, 2))
    key = b"tr/34/uskudar"
    records = [
        Written(0, value_of(counted({"kurum": 1})), 5, key),
        Written(1, value_of(counted({"kurum": 2}, box=1002)), 6, key),
    ]
    shown = {}
    for moment in (4, 5, 8, 9):
        history = History(
            ELECTION, TallyFold(ELECTION, "tallies", partition_of), as_given(ELECTION, [held, elsewhere, later]), moment
        )
        history.fold(partition_of(key), records)
        history.settle()
        votes = {
            name: [totals.votes["kurum"] for totals in found]
            for name, found in (("air", history.on_air()), ("room", history.control_room()))
        }
        shown[moment] = (votes["air"], votes["room"], history.public.held)

    where = frozenset({("mayor", "tr/34/uskudar"), ("mayor", "tr/34/adalar")})
    assert {4: ([], [], frozenset()), 5: ([1], [1], where), 8: ([1], [3], where), 9: ([3], [3], frozenset())} == shown
