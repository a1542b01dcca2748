"""The rundown by any orders: whatever is given twice comes to the same, and the last take stands."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlog.run import Run, RunTopics
from schemas.graphics import (
    Graphic,
    GraphicCleared,
    GraphicCued,
    GraphicListed,
    GraphicTaken,
    GraphicUnlisted,
    RundownOrder,
)
from tabulation.orders.control import MAX_RUNDOWN_AUDIT, Control
from tabulation.orders.rundown import MAX_CHANNELS, MAX_ITEMS, Rundown
from tests.gateway.nights import Written, election
from tests.schemas.orders import Kind, new_signer, order, written


def said(kind: Kind, **fields: Any) -> Any:
    return order(kind, **fields)


def listed(item: str, place: int, overlay: str = "duel") -> Any:
    return said(GraphicListed, item=item, place=place, overlay=overlay)


def taken(item: str | None, overlay: str = "duel", channel: str = "a", **fields: Any) -> Any:
    return said(GraphicTaken, item=item, overlay=overlay, channel=channel, **fields)


def folded(*orders: RundownOrder) -> Rundown:
    rundown = Rundown()
    for one in orders:
        rundown.fold(one)
    return rundown


def state(rundown: Rundown) -> object:
    return rundown.items, rundown.cued, rundown.on_air


_ITEMS = st.sampled_from("pqrs")
_CHANNELS = st.sampled_from("ab")
_ORDERS = st.one_of(
    st.builds(listed, _ITEMS, st.integers(0, 3), st.sampled_from(["duel", "ticker"])),
    st.builds(lambda item: said(GraphicUnlisted, item=item), _ITEMS),
    st.builds(lambda channel, item: said(GraphicCued, channel=channel, item=item), _CHANNELS, _ITEMS),
    st.builds(taken, st.none() | _ITEMS, st.sampled_from(["duel", "ticker"]), _CHANNELS),
    st.builds(lambda channel: said(GraphicCleared, channel=channel), _CHANNELS),
)


@given(st.lists(_ORDERS, max_size=20))
def test_what_is_given_twice_comes_to_the_same(orders: list[Any]) -> None:
    twice = [one for each in orders for one in (each, each)]
    assert state(folded(*orders)) == state(folded(*twice))


@given(st.lists(_ORDERS, max_size=20))
def test_the_last_take_or_clear_of_a_channel_stands(orders: list[Any]) -> None:
    expected: dict[str, Graphic] = {}
    for one in orders:
        if isinstance(one, GraphicTaken):
            expected[one.channel] = one.graphic
        elif isinstance(one, GraphicCleared):
            expected.pop(one.channel, None)
    assert expected == {channel: shown.graphic for channel, shown in folded(*orders).on_air.items()}


@given(st.lists(_ORDERS, max_size=20))
def test_what_is_cued_is_listed_and_the_list_is_in_order(orders: list[Any]) -> None:
    rundown = folded(*orders)
    names = [one.item for one in rundown.items]
    assert set(rundown.cued.values()) <= set(names)
    assert sorted(rundown.items, key=lambda one: (one.place, one.item)) == list(rundown.items)
    assert len(names) == len(set(names))


def test_a_take_cues_the_one_after_it_and_after_the_last_none() -> None:
    list_of_two = (listed("p", 1), listed("q", 2))
    assert {"a": "q"} == folded(*list_of_two, taken("p")).cued
    assert {} == folded(*list_of_two, taken("p"), taken("q")).cued
    cued = said(GraphicCued, channel="a", item="p")
    assert {"a": "p"} == folded(*list_of_two, cued, taken(None)).cued == folded(*list_of_two, cued, taken("gone")).cued


def test_who_took_it_first_is_told_where_two_took_the_same() -> None:
    rundown = folded(taken("p", by="Ayşe"), taken("p", by="Ali"))
    assert "Ayşe" == rundown.on_air["a"].by
    rundown.fold(taken("p", by="Ali", step=1))
    assert ("Ali", 1) == (rundown.on_air["a"].by, rundown.on_air["a"].graphic.step)


def test_what_is_taken_stays_as_it_was_whatever_becomes_of_the_list() -> None:
    rundown = folded(listed("p", 1), taken("p"), listed("p", 1, "ticker"), said(GraphicUnlisted, item="p"))
    assert ("duel", ()) == (rundown.on_air["a"].graphic.overlay, rundown.items)


def test_a_full_rundown_takes_no_more_and_says_so() -> None:
    rundown = folded(*(listed(f"i{number}", number) for number in range(MAX_ITEMS)))
    more = listed("more", 1)
    assert "holds no more" in (rundown.why_not(more) or "")
    assert rundown.why_not(listed("i0", 7)) is None
    rundown.fold(more)
    assert MAX_ITEMS == len(rundown.items)


def test_there_are_so_many_channels_and_no_more() -> None:
    rundown = folded(*(taken(None, channel=f"c{number}") for number in range(MAX_CHANNELS)))
    assert "channels in use" in (rundown.why_not(taken(None)) or "")
    rundown.fold(taken(None))
    assert "a" not in rundown.on_air
    assert rundown.why_not(taken(None, channel="c0")) is None
    rundown.fold(said(GraphicCleared, channel="c0"))
    assert rundown.why_not(taken(None)) is None


def test_a_graphic_that_somebody_took_out_cannot_be_cued() -> None:
    assert "no graphic 'p'" in (Rundown().why_not(said(GraphicCued, channel="a", item="p")) or "")


@pytest.mark.parametrize("signed", [True, False])
def test_the_control_topics_fold_takes_what_counts_and_keeps_its_audit_apart(signed: bool) -> None:
    signer = new_signer()
    control = Control(Run(RunTopics("night"), "live", "e1e1", election()), [signer.public])
    for number in range(MAX_RUNDOWN_AUDIT + 1):
        value = written(GraphicTaken, signer if signed else None, channel="a", overlay="duel", step=number)
        control.fold(Written(number, value))
    assert (MAX_RUNDOWN_AUDIT, 0) == (len(control.rundown_audit), len(control.audit))
    on_air = [shown.graphic.step for shown in control.rundown.on_air.values()]
    assert on_air == ([MAX_RUNDOWN_AUDIT] if signed else [])
