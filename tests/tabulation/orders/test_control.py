from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlog.run import MAX_QUARANTINE_BYTES, Run, RunTopics
from schemas.control import Called, CallWithdrawn, EmbargoLifted, EmbargoSet, EpochBegun, Held
from schemas.graphics import (
    Graphic,
    GraphicCleared,
    GraphicCued,
    GraphicListed,
    GraphicTaken,
    GraphicUnlisted,
    RundownOrder,
)
from schemas.progress import PartitionProgress
from schemas.quarantine import Quarantined, set_aside_in
from schemas.trust import OrderVerifier
from tabulation.orders.control import (
    MAX_CHANNELS,
    MAX_ITEMS,
    MAX_KEPT_BYTES,
    MAX_RUNDOWN_AUDIT,
    Control,
    Rundown,
    broken_control,
)
from tabulation.orders.effects import NO_EMBARGO, Embargo
from tests.gateway.nights import START, Written, election
from tests.schemas.orders import Kind, new_signer, order, written
from tests.simulation.test_broken_control import SOUND, broken
from tests.tabulation.test_replay_clock import moved

RUN = Run(RunTopics("night"), "live", "e1e1", election())
LIFT = START + timedelta(hours=2)
SIGNER = new_signer()


def apply_order(control: Control, kind: Kind, **fields: object) -> None:
    value = written(kind, SIGNER, **fields)
    control.fold(Written(control.position, value))


def test_the_embargo_is_what_the_last_order_says() -> None:
    control = Control(RUN, [SIGNER.public])
    assert control.embargo == NO_EMBARGO
    apply_order(control, EmbargoSet, until=LIFT)
    assert control.embargo == Embargo(LIFT)
    apply_order(control, EmbargoLifted)
    assert control.embargo == Embargo(LIFT, lifted=True)
    assert not control.embargo.is_in_force(START)
    apply_order(control, EmbargoSet)
    assert control.embargo == Embargo()
    assert control.embargo.is_in_force(LIFT)


def test_a_definition_may_begin_with_an_embargo() -> None:
    definition = election().model_copy(update={"embargo_until": LIFT})
    control = Control(replace(RUN, definition=definition), [SIGNER.public])
    assert control.embargo == Embargo(LIFT)
    apply_order(control, EmbargoLifted)
    assert not control.embargo.is_in_force(START)


def test_calls_stand_until_they_are_replaced_or_withdrawn() -> None:
    control = Control(RUN, [SIGNER.public])
    apply_order(control, Called, contest="mayor", unit="tr/34", candidate="kurum")
    apply_order(control, Called, contest="mayor", unit="tr/06", candidate="kurum")
    apply_order(control, Called, contest="mayor", unit="tr/34", candidate="imamoglu")
    assert [(call.unit, call.candidate) for call in control.calls] == [("tr/06", "kurum"), ("tr/34", "imamoglu")]
    apply_order(control, CallWithdrawn, contest="mayor", unit="tr/34")
    apply_order(control, CallWithdrawn, contest="mayor", unit="tr/34")
    assert [call.unit for call in control.calls] == ["tr/06"]


def test_a_restriction_that_cannot_be_verified_is_kept_until_a_trusted_operator_says_otherwise() -> None:
    """Whichever keys a gateway is started with, it keeps back what an operator has kept back."""
    for keys in ([SIGNER.public], []):
        control = Control(RUN, keys)
        control.fold(Written(control.position, written(EmbargoSet, new_signer())))
        control.fold(Written(control.position, written(EmbargoLifted, new_signer())))
        assert (control.kept, control.refused, control.embargo) == (1, 1, Embargo())
        assert [verdict.offset for verdict in control.unverified(START)] == [0]
        apply_order(control, EmbargoLifted)
        assert control.embargo.is_in_force(START) == (not keys)


def test_a_call_that_somebody_unknown_took_back_is_not_shown() -> None:
    control = Control(RUN, [SIGNER.public])
    apply_order(control, Called, contest="mayor", unit="tr/34", candidate="kurum")
    control.fold(Written(control.position, written(CallWithdrawn, new_signer(), contest="mayor", unit="tr/34")))
    assert ((), 1) == (control.calls, len(control.unverified(START)))


def test_what_does_not_count_is_counted_and_changes_nothing() -> None:
    control = Control(RUN, [SIGNER.public])
    for value in (written(EmbargoSet), written(EmbargoLifted, new_signer()), b"junk", None):
        verdict = control.fold(Written(control.position, value))
        assert verdict is not None
        assert not verdict.counts
    assert (control.refused, control.accepted, control.embargo) == (4, {}, NO_EMBARGO)


def test_a_record_that_creates_the_run_is_no_order_and_a_hold_is_for_others() -> None:
    control = Control(RUN, [SIGNER.public])
    assert control.fold(Written(0, b'{"type":"run_created"}')) is None
    apply_order(control, Held, contest="mayor")
    assert (control.accepted, control.position) == ({"held": 1}, 2)


def test_what_would_become_of_an_order_is_known_before_it_is_given() -> None:
    control = Control(RUN, [SIGNER.public])
    value = written(EmbargoLifted, SIGNER)
    considered = control.consider(value, 0)

    assert (0, {}) == (control.position, control.accepted)
    assert considered == control.fold(Written(0, value))
    again = control.consider(value, 0)
    assert again is not None
    assert not again.counts


def test_a_replay_is_followed_and_its_take_ends_with_the_next() -> None:
    replay = Control(replace(RUN, mode="replay"), [SIGNER.public])
    live = Control(RUN, [SIGNER.public])
    take: dict[str, Any] = {"run": RUN.name, "epoch": "e2e2", "at": START}
    for offset, (value, ended) in enumerate(
        [
            (EpochBegun(**take, take=1).encode(), False),
            (b'{"type":"run_created","epoch":"e1e1"}', False),
            (moved(run=RUN.name).encode(), False),
            (EpochBegun(**take, take=2).encode(), False),
            (EpochBegun(**take | {"run": "other"}, take=1).encode(), False),
            (EpochBegun(**take, take=1).encode(), True),
        ]
    ):
        assert replay.fold(Written(offset, value)) is None
        assert live.fold(Written(offset, value)) is None
        assert (ended, False) == (replay.take_ended, live.take_ended)
    for clock in (replay.clock, live.clock):
        for partition in range(RUN.topics.partitions):
            clock.receive_progress(PartitionProgress(partition=partition, mark=2))
    assert (True, False) == (replay.clock.at(START) is not None, live.clock.at(START) is not None)


def test_a_record_that_was_folded_is_a_no_op() -> None:
    control = Control(RUN, [SIGNER.public])
    lifted = Written(0, written(EmbargoLifted, SIGNER))
    control.fold(lifted)
    assert control.fold(lifted) is None
    assert (control.refused, control.accepted) == (0, {"embargo_lifted": 1})


TOPIC = "sandik.night.control"


def set_aside(value: bytes | None) -> Quarantined | None:
    record = Written(3, value or b"", key=b"order")
    verdict = OrderVerifier("night", "e1e1", "test", election(), []).verify(3, value, 0)
    return broken_control(TOPIC, record, verdict)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"NaN",
        b'"\\ud800"',
        b"[" * 100_000,
        b'{"type": 5}',
        b'{"type": null}',
        b'{"type": ["held"]}',
        b'{"type": "held", "v": 1}',
        b'{"type": "epoch_begun", "epoch": []}',
        b'{"type": "epoch_begun", "epoch": "e2e2"}',
        b'{"type": "replay_moved", "clock": 1e999}',
        b'{"type": "run_restored", "incarnation": "../.."}',
        b'{"type": "run_created", "epoch": {}}',
        b'{"type": "held", "type": 7}',
        b'{"type": "released", "contest": ' + b"9" * 5_000 + b"}",
    ],
)
def test_what_cannot_be_read_is_set_aside_with_its_bytes_and_position(value: bytes) -> None:
    found = set_aside(value)

    assert found is not None
    assert (b"sandik.night.control/0/3", value[:MAX_KEPT_BYTES]) == (found.position, found.original)


@pytest.mark.parametrize("value", [orjson.dumps(record) for record in SOUND[:2]] + [written(EmbargoSet)])
def test_what_can_be_read_is_not(value: bytes) -> None:
    assert set_aside(value) is None


@pytest.mark.parametrize("value", [b'{"type": "of a later release"}', b'{"v": 2, "type": "held"}'])
def test_what_another_release_wrote_is_not(value: bytes) -> None:
    assert set_aside(value) is None


def test_an_order_that_nobody_trusted_has_signed_is_the_audits_matter() -> None:
    verdict = OrderVerifier("night", "e1e1", "live", election(), []).verify(0, written(EmbargoSet), 0)

    assert verdict is not None
    assert not verdict.counts
    assert broken_control(TOPIC, Written(0, written(EmbargoSet)), verdict) is None


@pytest.mark.parametrize("padding", [b"", b'{"type": "held", "reason": "'])
def test_of_the_largest_record_as_much_is_kept_as_fits(padding: bytes) -> None:
    value = padding + b"x" * 8_000_000
    found = set_aside(value)

    assert found is not None
    assert value[:MAX_KEPT_BYTES] == found.original
    assert f"of {len(value)} bytes the first {MAX_KEPT_BYTES} are here" in found.detail
    assert len(found.encode()) < MAX_QUARANTINE_BYTES


@given(st.none() | broken())
def test_whatever_it_is_it_can_be_written_and_is_no_statement_of_a_source(value: bytes | None) -> None:
    found = set_aside(value)
    if found is not None:
        assert found == Quarantined.model_validate_json(found.encode())
        assert set_aside_in(found) is None


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
